"""What a hostile or odd answer does to a call: a typed error that is short and clean, whatever was sent."""

from __future__ import annotations

import gzip
import json
import pickle
import tracemalloc
from typing import Any

import pytest

from tests.raw_server import RawServer, answer, read_and_close
from wren_async import APIError, DecodeError, OutcomeUnknown, RateLimited
from wren_async.core.codec import LONGEST_ERROR
from wren_async.core.limits import RECEIPT_BYTES
from wren_async.core.policy import LONGEST_PAUSE
from wren_async.http.over_aiohttp import AiohttpBackend
from wren_async.reconcile import CannotTell, Placed

from .clients import cnaught, wren

BACKENDS = [lambda: None, AiohttpBackend]
over_both = pytest.mark.parametrize("backend", BACKENDS, ids=["httpx", "aiohttp"])

THRICE = gzip.compress(gzip.compress(gzip.compress(bytes(50 * 2**20))))
BOMB = gzip.compress(b'{"id": "ch_1", "tons": 1' + b" " * 50 * 2**20 + b"}")
NUMBERS = ["1E+999999999", "1E-999999999", "1e30", "1" * 5000]


@over_both
@pytest.mark.parametrize(
    ("body", "encoding"), [(THRICE, "gzip, gzip, gzip"), (BOMB, "gzip"), (b" " * (RECEIPT_BYTES + 1), "identity")]
)
async def test_an_order_whose_answer_is_too_long_was_placed_and_its_details_are_unread(
    backend: Any, body: bytes, encoding: str
) -> None:
    script = answer(200, body, {"Content-Encoding": encoding})
    async with RawServer(script) as server, wren(server, http_client=backend()) as client:
        tracemalloc.start()
        try:
            with pytest.raises(OutcomeUnknown) as caught:
                await client.offset_orders.create(tons=1, payment_method="credits")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert caught.value.accepted
        assert caught.value.status == 200
        assert len(caught.value.raw) <= 2**16
        assert len(server.requests) == 1
        assert peak < 8 * RECEIPT_BYTES


async def test_how_much_is_read_is_the_callers_to_say() -> None:
    script = [answer(200, {"data": [], "x": "y" * 1000})] * 4
    async with RawServer(*script) as server, cnaught(server) as client:
        with pytest.raises(DecodeError, match="longer than 1,000 bytes"):
            await client.orders.list(max_answer_bytes=1000)
        narrow = client.with_options(max_answer_bytes=1000)
        with pytest.raises(DecodeError, match="longer than 1,000 bytes"):
            await narrow.orders.list()
        assert len(await narrow.orders.list(max_answer_bytes=2000)) == 0
        assert len(await client.orders.list()) == 0


async def test_a_document_may_be_longer_than_a_receipt() -> None:
    content = b"%PDF" + b"x" * (2 * RECEIPT_BYTES)
    async with RawServer(answer(200, content), answer(200, content)) as server, wren(server) as client:
        assert (await client.offset_orders.certificate("ch_1")).content == content
        with pytest.raises(DecodeError, match="max_answer_bytes"):
            await client.offset_orders.certificate("ch_1", max_answer_bytes=1000)


@over_both
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
async def test_a_number_beyond_all_bounds_is_a_typed_error(backend: Any, number: str) -> None:
    body = f'{{"id": "x", "amount_kg": {number}, "price_usd_cents": 2}}'.encode()
    async with RawServer(answer(200, body)) as server, cnaught(server, http_client=backend()) as client:
        with pytest.raises(DecodeError):
            await client.orders.get("x")


async def test_a_deeply_nested_error_is_an_error_of_its_status() -> None:
    body = b'{"title": "no", "errors": ' + b'{"a":' * 900 + b"1" + b"}" * 901
    async with RawServer(answer(422, body)) as server, cnaught(server) as client:
        with pytest.raises(APIError) as caught:
            await client.orders.create(amount_kg=1)
        assert caught.value.status == 422
        assert caught.value.body is None
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        {"title": "t" * 10_000_000},
        {"title": "\x1b[2J\u202e\r\nfine", "detail": "\x00" * 1000},
        {"message": "m" * 10_000_000, "error": "\x9b31m"},
        {"title": "t", "errors": {f"field{n}\x1b": ["f" * 100] * 1000 for n in range(100)}},
    ],
    ids=["long", "control", "wren", "fields"],
)
async def test_a_message_repeats_little_of_a_server_and_nothing_that_a_terminal_obeys(body: Any) -> None:
    async with RawServer(answer(400, body)) as server, cnaught(server, max_answer_bytes=20_000_000) as client:
        with pytest.raises(APIError) as caught:
            await client.orders.get("x")
    for text in (str(caught.value), caught.value.reason, caught.value.title or "", caught.value.detail or ""):
        assert len(text) < 700
        assert text.isprintable()
    assert caught.value.raw == json.dumps(body).encode()
    assert caught.value.body == (body if len(caught.value.raw) <= LONGEST_ERROR else None)


@pytest.mark.parametrize("location", ["http://[::1", "//:1", "http://\x7f", "https://a:b:c/"])
async def test_a_document_that_is_said_to_lie_at_no_address_cannot_be_read(location: str) -> None:
    async with RawServer(answer(302, b"", {"Location": location})) as server, wren(server) as client:
        with pytest.raises(DecodeError, match="no document is fetched from there"):
            await client.offset_orders.certificate("ch_1")


async def test_the_faults_of_a_body_are_told_short_and_clean() -> None:
    rows = [{"id": "x", "amount_kg": 1, "price_usd_cents": 2, "created_on": "\x1b[2J" + "z" * 10_000}] * 1000
    async with RawServer(answer(200, {"data": rows})) as server, cnaught(server) as client:
        with pytest.raises(DecodeError) as caught:
            await client.orders.list()
    assert len(caught.value.problems) <= 101
    assert all(len(each) < 300 and each.isprintable() for each in (*caught.value.problems, str(caught.value)[:250]))


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "100000000000000"},
        {"Retry-After": "Fri, 31 Dec 2199 23:59:59 GMT", "Date": "Fri, 31 Dec 9999 23:59:59 GMT"},
    ],
)
async def test_a_pause_of_ages_is_told_as_a_week(headers: dict[str, str]) -> None:
    async with RawServer(answer(429, {}, headers)) as server, cnaught(server) as client:
        with pytest.raises(RateLimited) as caught:
            await client.orders.get("x")
    assert caught.value.retry_after == LONGEST_PAUSE


@pytest.mark.parametrize(("most", "verdict"), [(None, Placed), (2**20, CannotTell)])
async def test_a_lost_order_is_looked_for_in_a_list_that_is_longer_than_any_other_answer(
    most: int | None, verdict: type
) -> None:
    script = [read_and_close()]
    options = {} if most is None else {"max_answer_bytes": most}
    async with RawServer(*script) as server, wren(server, **options) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.offset_orders.create(tons=1, payment_method="credits", reference="r-1")
        rows = [{"id": f"row{n}", "note": "x" * 30_000, "tons": 1} for n in range(1_300)]
        rows.append({"id": "ours", "note": f"[ref:{caught.value.reference}]", "tons": 1})
        listed = answer(200, {"offsetOrders": rows}, {"Date": "Wed, 01 Jul 2026 12:00:00 GMT"})
        server.script += [listed] * 3
        found = await client.reconcile(caught.value)
        assert isinstance(found, verdict), found
