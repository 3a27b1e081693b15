"""The settings for vcrpy, with vcrpy itself: nothing secret is recorded, and what is recorded is played back."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import vcr
from vcr.errors import CannotOverwriteExistingCassetteException

from wren_async import CNaughtClient, OutcomeUnknown, WrenClient
from wren_async.http.over_aiohttp import AiohttpBackend
from wren_async.sandbox import CNaughtAddress, Sandbox, WrenAddress
from wren_async.testing import vcr_options


@pytest.fixture
def recorder(tmp_path: Path) -> vcr.VCR:
    return vcr.VCR(cassette_library_dir=str(tmp_path), **vcr_options)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def recorded(folder: Path) -> str:
    texts = [path.read_text() for path in folder.iterdir()]
    assert texts
    return "\n".join(texts)


async def use_cnaught(cnaught: CNaughtAddress, **options: Any) -> list[Any]:
    async with CNaughtClient(api_key=cnaught.api_key, base_url=cnaught.base_url, retries=0, **options) as client:
        first = await client.orders.create(amount_kg=10, metadata="cart 7")
        second = await client.orders.create(amount_kg=20, idempotency_key="ride-1001")
        listed = [order.id async for order in client.orders.list()]
        return [first, second, listed]


async def use_wren(wren: WrenAddress, **options: Any) -> list[Any]:
    async with WrenClient(token=wren.live_token, base_url=wren.base_url, retries=0, **options) as client:
        receipt = await client.offset_orders.create(tons=1, payment_method="credits", note="Ride 7")
        return [receipt, [entry.amount_usd_cents async for entry in client.credits.ledger()]]


@pytest.mark.parametrize("backend", ["httpx", "aiohttp"])
async def test_orders_are_recorded_without_a_token_and_played_back_without_a_server(
    recorder: vcr.VCR, tmp_path: Path, backend: str
) -> None:
    def options() -> dict[str, Any]:
        return {"http_client": AiohttpBackend()} if backend == "aiohttp" else {}

    with Sandbox() as sandbox, recorder.use_cassette("orders.yaml"):
        wren, cnaught = sandbox.wren, sandbox.cnaught
        said = [*await use_wren(wren, **options()), *await use_cnaught(cnaught, **options())]
        placed = len(sandbox.requests)
    text = recorded(tmp_path)
    for token in (wren.live_token, cnaught.api_key):
        assert token not in text
        assert b64encode(f"{token}:".encode()).decode() not in text
    assert "authorization" not in text.lower()
    assert "Ride 7" in text
    with recorder.use_cassette("orders.yaml", record_mode="none") as cassette:
        again = [*await use_wren(wren, **options()), *await use_cnaught(cnaught, **options())]
        assert cassette.all_played
        assert cassette.play_count == placed
    assert again == said


async def test_another_order_is_not_played_back_for_a_recorded_one(recorder: vcr.VCR, sandbox: Sandbox) -> None:
    async def order(**body: Any) -> None:
        address = sandbox.cnaught
        async with CNaughtClient(api_key=address.api_key, base_url=address.base_url, retries=0) as client:
            await client.orders.create(**body)

    with recorder.use_cassette("one.yaml"):
        await order(amount_kg=10, idempotency_key="ride-1001")
    for other in (
        {"amount_kg": 20, "idempotency_key": "ride-1001"},
        {"amount_kg": 10, "idempotency_key": "ride-1002"},
        {"amount_kg": 10},
    ):
        with (
            recorder.use_cassette("one.yaml", record_mode="none"),
            pytest.raises((CannotOverwriteExistingCassetteException, OutcomeUnknown)),
        ):
            await order(**other)
    assert len(sandbox.orders) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {token}"},
        {"Authorization": "{token}"},
        {"Authorization": "Basic {basic}"},
        {"Proxy-Authorization": "Basic {basic}", "X-Api-Key": "{token}", "Cookie": "session={token}"},
    ],
)
async def test_a_token_that_an_answer_repeats_is_not_recorded_either(
    recorder: vcr.VCR, tmp_path: Path, headers: dict[str, str]
) -> None:
    token = "5a4db0c5-0000-4000-8000-00000000abcd"
    basic = b64encode(f"{token}:".encode()).decode()
    sent = {name: value.format(token=token, basic=basic) for name, value in headers.items()}

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        repeated = [(b"x-repeated", token.encode()), (b"set-cookie", b"session=1234567"), (b"x-auth-info", b"1234567")]
        length = (b"content-length", b"%d" % (len(body) + len(token)))
        await send({"type": "http.response.start", "status": 200, "headers": [*repeated, length]})
        await send({"type": "http.response.body", "body": body + token.encode()})

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(echo)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=sent) as client:
            return await client.post(f"/?token={token}", content=f"my token is {token}")

    with recorder.use_cassette("echo.yaml"):
        assert (await call()).text == f"my token is {token}{token}", "what a program sees is not changed"
    text = recorded(tmp_path)
    assert token not in text
    assert basic not in text
    assert "1234567" not in text
    with recorder.use_cassette("echo.yaml", record_mode="none"):
        played = await call()
    assert played.text.startswith("my token is REDACTED****")
    assert len(played.content) == int(played.headers["content-length"])


async def test_a_token_of_the_environment_is_taken_out(
    recorder: vcr.VCR, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setenv("CNAUGHT_API_KEY", "cnaught_secret_of_the_environment")
    with recorder.use_cassette("note.yaml"):
        async with WrenClient(token=sandbox.wren.live_token, base_url=sandbox.wren.base_url) as client:
            note = "by cnaught_secret_of_the_environment"
            await client.offset_orders.create(tons=1, payment_method="credits", note=note)
    assert "cnaught_secret" not in recorded(tmp_path)
    assert sandbox.orders[0].reference is not None
    assert sandbox.orders[0].reference.endswith(note), "what is sent is not changed"
