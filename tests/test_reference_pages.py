"""The pages of the operations: one for each method, and their examples run."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegen.command import GENERATED
from codegen.contract import Contract
from codegen.reference import EXCEPTIONS, reference
from codegen.revisions import APIS
from codegen.tree import committed
from wren_async import CNaughtClient, WrenClient
from wren_async._generated.commands import COMMANDS
from wren_async.cli import main
from wren_async.errors import api_error_class
from wren_async.sandbox import Sandbox

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "reference"
PAGES = sorted(FOLDER.glob("*/*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


def name_of(page: Path) -> str:
    return page.relative_to(FOLDER).as_posix()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Sandbox, dict[str, str]]]:
    with Sandbox() as sandbox:
        yield sandbox, asyncio.run(furnished(sandbox))


async def furnished(sandbox: Sandbox) -> dict[str, str]:
    """What the pages' environment holds: tokens, addresses, and ids of things that are there."""
    at, by = sandbox.wren, sandbox.cnaught
    async with (
        WrenClient(at.live_token, base_url=at.base_url) as wren,
        CNaughtClient(by.api_key, base_url=by.base_url) as cnaught,
    ):
        group = await wren.offset_orders.create(tons=1, payment_method="credits")
        session = await cnaught.checkout_sessions.create(
            amount_kg=100, success_url="https://a.example", cancel_url="https://a.example"
        )
        return {
            "WREN_API_TOKEN": at.live_token,
            "WREN_BASE_URL": at.base_url,
            "CNAUGHT_API_KEY": by.api_key,
            "CNAUGHT_BASE_URL": by.base_url,
            "GROUP_ID": str(group.id),
            "ORDER_ID": (await cnaught.orders.create(amount_kg=10)).id,
            "SUBACCOUNT_ID": (await cnaught.subaccounts.create(name="Marketing")).id,
            "SESSION_ID": session.id,
        }


@pytest.fixture
def environment(
    server: tuple[Sandbox, dict[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    for name, value in server[1].items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logo.png").write_bytes(PNG)
    with warnings.catch_warnings():
        yield


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_examples_of_a_page_run(
    page: Path, environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = [found for found in BLOCK.findall(page.read_text()) if found[0] in ("python", "sh")]
    assert [language for language, _ in blocks] == ["python", "sh"]
    exec(compile(blocks[0][1], str(page), "exec"), {"__name__": "__main__"})
    if name_of(page).startswith("wren/"):
        monkeypatch.setenv("ORDER_ID", os.environ["GROUP_ID"])
    if name_of(page) == "cnaught/orders-cancel.md":
        fresh = asyncio.run(_new_order())
        monkeypatch.setenv("ORDER_ID", fresh)
    if name_of(page) == "cnaught/subaccounts-delete.md":
        monkeypatch.setenv("SUBACCOUNT_ID", asyncio.run(_new_subaccount()))
    words = shlex.split(os.path.expandvars(blocks[1][1]))
    assert words[0] == "wren-async"
    assert main(words[1:]) == 0, capsys.readouterr().err


async def _new_order() -> str:
    async with CNaughtClient() as cnaught:
        return (await cnaught.orders.create(amount_kg=10)).id


async def _new_subaccount() -> str:
    async with CNaughtClient() as cnaught:
        return (await cnaught.subaccounts.create(name="Sales")).id


def test_each_method_has_its_page_and_no_page_is_left_over() -> None:
    methods = {f"{each['api']}/{re.sub('[._]', '-', each['method'])}.md" for each in COMMANDS}
    assert {name_of(page) for page in PAGES} == methods


def test_the_pages_are_what_contract_and_facade_give() -> None:
    contracts = [Contract.load(ROOT / "openapi" / f"{api}.yaml") for api in APIS]
    for path, text in reference(ROOT, contracts, committed(ROOT / GENERATED)).items():
        assert (ROOT / path).read_text() == text, "run `make generate`"


def test_an_example_comes_from_the_contract_where_nobody_wrote_one() -> None:
    page = (FOLDER / "cnaught" / "quotes-air-freight.md").read_text()
    assert "cnaught.quotes.air_freight(freight_mass_kg=10, distance_km=100)" in page
    assert "wren-async cnaught quotes air-freight --freight-mass-kg 10 --distance-km 100" in page


def test_the_index_lists_each_page() -> None:
    linked = re.findall(r"\]\((\w+/[\w-]+\.md)\)", (FOLDER / "index.md").read_text())
    assert sorted(linked) == sorted(map(name_of, PAGES))


def test_the_pages_name_the_exceptions_that_the_library_raises() -> None:
    assert {status: api_error_class(int(status), None).__name__ for status in EXCEPTIONS} == EXCEPTIONS


def test_a_page_tells_bounds_units_and_what_a_repeat_does() -> None:
    page = (FOLDER / "cnaught" / "orders-create.md").read_text()
    assert "- **`amount_kg`** (`Decimal | int`, required, above 0): Mass to offset, in kilograms of CO2e" in page
    assert "(`str | None`, optional, at most 512 characters)" in page
    assert "Every attempt carries the same idempotency key" in page
    assert "it **spends money**" in page
    once = (FOLDER / "wren" / "offset-orders-create.md").read_text()
    assert "do not send it again before" in once
    assert "With `dry_run=True` it keeps nothing" in once


def test_lists_that_are_one_answer_say_that_they_are_awaited_or_iterated_over() -> None:
    whole = [page.read_text() for page in PAGES if "WholeList[" in page.read_text()]
    assert len(whole) == 7
    for text in whole:
        assert "async def" not in text.partition("```pyi")[2].partition("```")[0], "the method itself waits for nothing"
        assert "iterate over it (`async for`)" in text


def test_no_page_tells_what_is_private() -> None:
    assert not [page.name for page in PAGES if "- `_" in page.read_text()]
