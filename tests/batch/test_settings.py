"""With what batches, workers and outboxes are made: what has no meaning is refused before anything is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wren_async import CNaughtClient, InvalidArgument, WrenClient
from wren_async.batch import Batch, WorkerService
from wren_async.outbox import Outbox

MEANINGLESS = [
    ("concurrency", 0),
    ("concurrency", True),
    ("settle_time", -1),
    ("settle_time", "900"),
    ("settle_time", float("nan")),
    ("settle_time", float("inf")),
    ("patience", -1),
    ("patience", float("nan")),
]


def makers(path: Path) -> list[Any]:
    """What takes these settings."""
    return [lambda **given: Batch(path, **given), lambda **given: Outbox(path, **given)]


@pytest.mark.parametrize(("name", "value"), MEANINGLESS, ids=str)
def test_a_setting_without_a_meaning_is_refused_by_name(name: str, value: object, tmp_path: Path) -> None:
    for make in [*makers(tmp_path / "x"), lambda **given: WorkerService("postgresql://db/x", **given)]:
        with pytest.raises(InvalidArgument, match=f"^{name}: takes"):
            make(**{name: value})


@pytest.mark.parametrize("lease", [0, -1, float("nan"), float("inf"), "60", True], ids=str)
def test_a_lease_without_a_meaning_is_refused(lease: Any) -> None:
    for make in (Outbox, WorkerService):
        with pytest.raises(InvalidArgument, match=r"^lease: takes seconds"):
            make("postgresql://db/x", lease=lease)


async def test_the_client_of_the_other_api_is_refused_before_orders_are(tmp_path: Path) -> None:
    # Orders of CNaught that Wren's client was asked to price would all be refused, which is final.
    async with WrenClient("token-one", base_url="http://127.0.0.1:1") as wren:
        for make in [*makers(tmp_path / "x"), lambda **given: WorkerService("postgresql://db/x", **given)]:
            with pytest.raises(InvalidArgument, match=r"^cnaught: takes a CNaughtClient, not a WrenClient$"):
                make(cnaught=wren)


def test_a_token_in_place_of_a_client_is_not_shown(tmp_path: Path) -> None:
    for make in makers(tmp_path / "x"):
        with pytest.raises(InvalidArgument, match=r"^wren: takes a WrenClient, not a str$") as refused:
            make(wren="a-secret-token")
        assert "a-secret-token" not in str(refused.value)


def test_one_name_is_not_taken_for_many_letters() -> None:
    with pytest.raises(InvalidArgument, match=r"batches: takes several names: batches=\['rides'\]"):
        WorkerService("postgresql://db/x", batches="rides")


async def test_caps_and_a_callback_of_another_kind_are_refused(tmp_path: Path) -> None:
    given: dict[str, Any] = {"cents_per_day": 100}
    for make in makers(tmp_path / "x"):
        with pytest.raises(InvalidArgument, match=r"^caps: takes \w*Caps\(\.\.\.\)$"):
            make(caps=given)
    async with CNaughtClient("key", base_url="http://127.0.0.1:1") as cnaught:
        with pytest.raises(InvalidArgument, match=r"^on_settled: takes an async function"):
            Outbox(tmp_path / "x", cnaught=cnaught, on_settled="told")  # type: ignore[arg-type]


async def test_a_callback_that_would_never_be_called_is_refused(tmp_path: Path) -> None:
    async def on_settled(_: object) -> None: ...

    with pytest.raises(InvalidArgument, match=r"^on_settled: is called by a process that places orders"):
        Outbox(tmp_path / "x", on_settled=on_settled)
