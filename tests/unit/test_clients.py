"""What the methods of both clients put on the wire, and what they make of the answers."""

from __future__ import annotations

import gc
import inspect
import json
import os
import pydoc
import re
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import NoneType
from typing import Any

import attrs
import httpx
import pytest
import respx

from wren_async import (
    UNSET,
    Call,
    CNaughtClient,
    DecodeError,
    Effect,
    Forbidden,
    InvalidArgument,
    InvalidConfiguration,
    InvalidParameters,
    NotFound,
    Operation,
    PagingError,
    Redirected,
    StateNotReached,
    Timing,
    WrenClient,
    parse_order_notification,
)
from wren_async import cnaught as facade
from wren_async._generated.cnaught.operations import orders
from wren_async.models.cnaught import Order, OrderState

CNAUGHT = "https://api.cnaught.com/v1"
WREN = "https://www.wren.co"
KEY = "fake-cnaught-key-0000"
TOKEN = "5f0c0000-feed-4dad-beef-00000000f00d"
PDF = b"%PDF-1.7 certificate"


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
async def cnaught(wire: respx.MockRouter, timing: Timing) -> AsyncIterator[CNaughtClient]:
    async with CNaughtClient(KEY, timing=timing) as client:
        yield client


@pytest.fixture
async def wren(wire: respx.MockRouter, timing: Timing) -> AsyncIterator[WrenClient]:
    async with WrenClient(TOKEN, timing=timing) as client:
        yield client


def order(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {"id": f"o{number}", "amount_kg": 10, "price_usd_cents": 20, "state": "placed", **changes}


def subaccount(**changes: Any) -> dict[str, Any]:
    return {"id": "5nubL0NS", "name": "Marketing", "email": "a@example.com", "default_portfolio_id": "mHv", **changes}


def answers(*bodies: object) -> Callable[[httpx.Request], httpx.Response]:
    """Answers with these bodies, one after the other."""
    left = list(bodies)
    return lambda _: httpx.Response(200, json=left.pop(0))


def sent(route: respx.Route, at: int = -1) -> httpx.Request:
    request = route.calls[at].request
    assert isinstance(request, httpx.Request)
    return request


def body(route: respx.Route) -> Any:
    return json.loads(sent(route).content, parse_float=Decimal)


# --- lists ----------------------------------------------------------------------------------------------------------


async def test_orders_are_walked_by_cursor_until_an_empty_page(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    pages = [[order(5), order(4)], [order(3)], []]
    route = wire.get(f"{CNAUGHT}/orders").mock(side_effect=answers(*({"data": page} for page in pages)))
    found = [each.id async for each in cnaught.orders.list(limit=2, subaccount_id="5nubL0NS")]
    assert found == ["o5", "o4", "o3"]
    assert [dict(call.request.url.params) for call in route.calls] == [
        {"limit": "2"},
        {"limit": "2", "starting_after": "o4"},
        {"limit": "2", "starting_after": "o3"},
    ]
    assert {call.request.headers["X-Subaccount-Id"] for call in route.calls} == {"5nubL0NS"}


async def test_a_list_always_says_how_many_it_wants(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    route = wire.get(f"{CNAUGHT}/subaccounts").respond(json={"data": []})
    page = await cnaught.subaccounts.list()
    assert (len(page), page.cursor) == (0, None)
    assert dict(sent(route).url.params) == {"limit": "100"}


async def test_subaccounts_are_walked_backwards_from_a_cursor(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    pages = [[subaccount(id="s3"), subaccount(id="s2")], [subaccount(id="s4")], []]
    route = wire.get(f"{CNAUGHT}/subaccounts").mock(side_effect=answers(*({"data": page} for page in pages)))
    found = [each.id async for each in cnaught.subaccounts.list(ending_before="s1")]
    assert found == ["s2", "s3", "s4"]
    assert [call.request.url.params["ending_before"] for call in route.calls] == ["s1", "s3", "s4"]


async def test_a_cursor_that_does_not_move_is_an_error(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    wire.get(f"{CNAUGHT}/orders").respond(json={"data": [order(1)]})
    with pytest.raises(PagingError):
        _ = [each async for each in cnaught.orders.list()]


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_a_limit_outside_the_documented_range_is_refused_before_it_is_sent(limit: int) -> None:
    with pytest.raises(InvalidArgument):
        CNaughtClient(KEY).orders.list(limit=limit)
    with pytest.raises(InvalidArgument):
        CNaughtClient(KEY).subaccounts.list(limit=limit)


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 201}, {"offset": -1}])
def test_a_ledger_page_outside_the_documented_range_is_refused_before_it_is_sent(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidArgument):
        WrenClient(TOKEN).credits.ledger(**wrong)  # type: ignore[arg-type]


def entry(number: int) -> dict[str, Any]:
    return {"id": str(number), "amount_usd_cents": -number, "type": "deduction"}


async def test_the_ledger_is_walked_by_offset_without_repeats(wire: respx.MockRouter, wren: WrenClient) -> None:
    route = wire.get(f"{WREN}/api/credits/ledger").mock(
        side_effect=answers(
            {"entries": [entry(3), entry(2)], "total": 3, "limit": 2, "offset": 0},
            {"entries": [entry(2), entry(1)], "total": 4, "limit": 2, "offset": 2},
        )
    )
    assert [each.id async for each in wren.credits.ledger(limit=2)] == ["3", "2", "1"]
    assert [dict(call.request.url.params) for call in route.calls] == [
        {"limit": "2", "offset": "0"},
        {"limit": "2", "offset": "2"},
    ]


# --- subaccounts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        ({"name": "Sales"}, {"name": "Sales", "email": "a@example.com", "default_portfolio_id": "mHv"}),
        ({"email": None}, {"name": "Marketing", "email": None, "default_portfolio_id": "mHv"}),
        ({"email": UNSET}, {"name": "Marketing", "email": "a@example.com", "default_portfolio_id": "mHv"}),
        (
            {"default_portfolio_id": "new", "email": "b@example.com"},
            {"name": "Marketing", "email": "b@example.com", "default_portfolio_id": "new"},
        ),
    ],
)
async def test_modify_reads_merges_and_writes_all_of_a_subaccount(
    wire: respx.MockRouter, cnaught: CNaughtClient, changes: dict[str, Any], written: dict[str, Any]
) -> None:
    wire.get(f"{CNAUGHT}/subaccounts/5nubL0NS").respond(json=subaccount())
    put = wire.put(f"{CNAUGHT}/subaccounts/5nubL0NS").respond(json=subaccount(**written))
    found = await cnaught.subaccounts.modify("5nubL0NS", **changes)
    assert body(put) == written
    assert found.name == written["name"]


async def test_update_is_the_full_replacement_and_leaves_out_what_is_not_given(
    wire: respx.MockRouter, cnaught: CNaughtClient
) -> None:
    put = wire.put(f"{CNAUGHT}/subaccounts/5nubL0NS").respond(json=subaccount(email=None, default_portfolio_id=None))
    await cnaught.subaccounts.update("5nubL0NS", name="Marketing")
    assert body(put) == {"name": "Marketing"}


async def test_deleting_a_subaccount_gives_nothing(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    wire.delete(f"{CNAUGHT}/subaccounts/5nubL0NS").respond(204)
    assert await cnaught.subaccounts.delete("5nubL0NS") is None  # type: ignore[func-returns-value]


async def test_a_deletion_that_is_tried_again_counts_a_404_as_done(
    wire: respx.MockRouter, cnaught: CNaughtClient
) -> None:
    route = wire.delete(f"{CNAUGHT}/subaccounts/5nubL0NS")
    route.side_effect = [httpx.Response(503), httpx.Response(404, json={"title": "no such subaccount"})]
    await cnaught.subaccounts.delete("5nubL0NS")
    route.side_effect = [httpx.Response(404, json={"title": "no such subaccount"})]
    with pytest.raises(NotFound):
        await cnaught.subaccounts.delete("5nubL0NS")


# --- logos ----------------------------------------------------------------------------------------------------------


async def test_a_logo_is_uploaded_from_bytes_with_its_type(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    put = wire.put(f"{CNAUGHT}/subaccounts/5nubL0NS/logo").respond(json=subaccount())
    await cnaught.subaccounts.logo.upload("5nubL0NS", b"\x89PNG", content_type="image/png")
    assert sent(put).headers["Content-Type"] == "image/png"
    assert sent(put).content == b"\x89PNG"


@pytest.mark.parametrize(
    ("name", "medium"),
    [
        ("a.png", "image/png"),
        ("a.JPG", "image/jpeg"),
        ("a.jpeg", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.svg", "image/svg+xml"),
    ],
)
async def test_a_logo_file_tells_its_type_by_its_ending(
    wire: respx.MockRouter, cnaught: CNaughtClient, tmp_path: Path, name: str, medium: str
) -> None:
    (tmp_path / name).write_bytes(b"image")
    put = wire.put(f"{CNAUGHT}/subaccounts/5nubL0NS/logo").respond(json=subaccount())
    for path in (tmp_path / name, str(tmp_path / name)):
        await cnaught.subaccounts.logo.upload("5nubL0NS", path)
        assert sent(put).headers["Content-Type"] == medium
        assert sent(put).content == b"image"


async def test_an_image_of_unknown_kind_is_refused_before_it_is_sent(
    wire: respx.MockRouter, cnaught: CNaughtClient, tmp_path: Path
) -> None:
    (tmp_path / "logo.gif").write_bytes(b"GIF")
    with pytest.raises(InvalidArgument) as caught:
        await cnaught.subaccounts.logo.upload("5nubL0NS", tmp_path / "logo.gif")
    assert caught.value.argument == "content_type"
    with pytest.raises(InvalidArgument):
        await cnaught.subaccounts.logo.upload("5nubL0NS", b"GIF", content_type="image/gif")  # type: ignore[call-overload]
    with pytest.raises(InvalidArgument):
        await cnaught.subaccounts.logo.upload("5nubL0NS", b"GIF")  # type: ignore[call-overload]
    assert not wire.calls


async def test_a_path_that_does_not_exist_is_the_systems_own_error(cnaught: CNaughtClient, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await cnaught.subaccounts.logo.upload("5nubL0NS", tmp_path / "none.png")


async def image(chunks: list[bytes]) -> AsyncIterator[bytes]:
    while chunks:
        yield chunks.pop(0)


async def test_a_logo_streams_and_is_sent_once(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    received: list[bytes] = []

    async def read(request: httpx.Request) -> httpx.Response:
        received.append(await request.aread())
        return httpx.Response(200, json=subaccount())

    put = wire.put(f"{CNAUGHT}/subaccounts/5nubL0NS/logo").mock(side_effect=read)
    await cnaught.subaccounts.logo.upload("5nubL0NS", image([b"\x89P", b"NG"]), content_type="image/png")
    assert received == [b"\x89PNG"]
    assert sent(put).headers["Content-Type"] == "image/png"


async def test_bytes_are_tried_again_after_a_failure_and_a_stream_is_not(
    wire: respx.MockRouter, cnaught: CNaughtClient
) -> None:
    put = wire.put(f"{CNAUGHT}/subaccounts/5nubL0NS/logo")
    put.side_effect = [httpx.Response(503), httpx.Response(200, json=subaccount())]
    await cnaught.subaccounts.logo.upload("5nubL0NS", b"\x89PNG", content_type="image/png")
    assert put.call_count == 2
    put.side_effect = [httpx.Response(503), httpx.Response(200, json=subaccount())]
    with pytest.raises(Exception, match="503"):
        await cnaught.subaccounts.logo.upload("5nubL0NS", image([b"\x89PNG"]), content_type="image/png")
    assert put.call_count == 3


async def test_a_logo_is_set_from_a_url_and_removed(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    post = wire.post(f"{CNAUGHT}/subaccounts/5nubL0NS/logo").respond(json=subaccount(logo_url="https://img/l.png"))
    wire.delete(f"{CNAUGHT}/subaccounts/5nubL0NS/logo").respond(json=subaccount(logo_url=None))
    found = await cnaught.subaccounts.logo.set_from_url("5nubL0NS", logo_url="https://example.com/logo.png")
    assert body(post) == {"logo_url": "https://example.com/logo.png"}
    assert found.logo_url == "https://img/l.png"
    assert (await cnaught.subaccounts.logo.remove("5nubL0NS")).logo_url is None


# --- waiting --------------------------------------------------------------------------------------------------------


async def test_wait_until_looks_again_until_the_order_is_fulfilled(
    wire: respx.MockRouter, cnaught: CNaughtClient, clock: Any
) -> None:
    states = ["placed", "placed", "fulfilled"]
    route = wire.get(f"{CNAUGHT}/orders/o1").mock(side_effect=answers(*(order(state=state) for state in states)))
    found = await cnaught.orders.wait_until("o1", every=7, subaccount_id="5nubL0NS")
    assert found.state is OrderState.FULFILLED
    assert clock.waits == [7, 7]
    assert {call.request.headers["X-Subaccount-Id"] for call in route.calls} == {"5nubL0NS"}


async def test_wait_until_gives_up_when_its_time_is_over(
    wire: respx.MockRouter, cnaught: CNaughtClient, clock: Any
) -> None:
    wire.get(f"{CNAUGHT}/orders/o1").respond(json=order())
    with pytest.raises(StateNotReached, match=r"placed, not fulfilled, after 20 s"):
        await cnaught.orders.wait_until("o1", "fulfilled", every=6, within=20)
    assert sum(clock.waits) <= 20


@pytest.mark.parametrize(
    ("state", "wanted"), [("cancelled", "fulfilled"), ("fulfilled", "placed"), ("cancelled", "placed")]
)
async def test_wait_until_does_not_wait_for_what_can_no_longer_come(
    wire: respx.MockRouter, cnaught: CNaughtClient, clock: Any, state: str, wanted: Any
) -> None:
    wire.get(f"{CNAUGHT}/orders/o1").respond(json=order(state=state))
    with pytest.raises(StateNotReached):
        await cnaught.orders.wait_until("o1", wanted)
    assert clock.waits == []


async def test_wait_until_waits_for_a_cancellation_of_a_fulfilled_order(
    wire: respx.MockRouter, cnaught: CNaughtClient, clock: Any
) -> None:
    states = ["fulfilled", "review", "cancelled"]
    wire.get(f"{CNAUGHT}/orders/o1").mock(side_effect=answers(*(order(state=state) for state in states)))
    assert (await cnaught.orders.wait_until("o1", "cancelled")).state is OrderState.CANCELLED
    assert len(clock.waits) == 2


async def test_wait_until_takes_only_states_that_the_contract_lists(cnaught: CNaughtClient) -> None:
    with pytest.raises(InvalidArgument, match="did you mean 'fulfilled'"):
        await cnaught.orders.wait_until("o1", "fulfiled")  # type: ignore[arg-type]


# --- certificates ---------------------------------------------------------------------------------------------------

CERTIFICATE = f"{WREN}/api/offset-orders/certificate/by-group/ch_12345"
ELSEWHERE = "https://files.example/certificates/ch_12345.pdf?sig=1"


async def test_a_certificate_comes_as_bytes_with_its_type(wire: respx.MockRouter, wren: WrenClient) -> None:
    route = wire.get(CERTIFICATE).respond(content=PDF, content_type="application/pdf")
    document = await wren.offset_orders.certificate("ch_12345")
    assert (document.content, document.content_type, document.url) == (PDF, "application/pdf", CERTIFICATE)
    assert sent(route).headers["Authorization"] == f"Bearer {TOKEN}"


async def test_a_redirect_to_another_host_is_followed_without_any_credential(
    wire: respx.MockRouter, timing: Timing
) -> None:
    first = wire.get(CERTIFICATE).respond(302, headers={"Location": ELSEWHERE})
    second = wire.get(ELSEWHERE).respond(content=PDF, content_type="application/pdf")
    async with WrenClient(TOKEN, timing=timing, headers={"X-Api-Key": "another-fake-secret"}) as wren:
        document = await wren.offset_orders.certificate("ch_12345")
    assert (document.content, document.url) == (PDF, ELSEWHERE)
    assert (first.call_count, second.call_count) == (1, 1)
    shown = str(sent(second).headers.raw)
    assert "authorization" not in sent(second).headers
    assert TOKEN not in shown
    assert "another-fake-secret" not in shown


async def test_a_relative_redirect_and_several_of_them_are_followed(wire: respx.MockRouter, wren: WrenClient) -> None:
    wire.get(CERTIFICATE).respond(302, headers={"Location": "/certificates/1"})
    wire.get(f"{WREN}/certificates/1").respond(301, headers={"Location": ELSEWHERE})
    wire.get(ELSEWHERE).respond(content=PDF)
    assert (await wren.offset_orders.certificate("ch_12345")).content == PDF


async def test_a_circle_of_redirects_ends_in_an_error(wire: respx.MockRouter, wren: WrenClient) -> None:
    wire.get(CERTIFICATE).respond(302, headers={"Location": CERTIFICATE})
    with pytest.raises(Redirected):
        await wren.offset_orders.certificate("ch_12345")
    assert len(wire.calls) < 10


ELSEWHERE_BAD = {
    "http://files.example/c.pdf": "not encrypted",
    "file:///etc/passwd": "must start with https",
    "ftp://files.example/c.pdf": "must start with https",
    "https://localhost/c.pdf": "lies on this machine",
    "http://localhost/c.pdf": "not encrypted",
    "https://127.0.0.1:8443/c.pdf": "lies on this machine",
    "https://[::1]/c.pdf": "lies on this machine",
    "https://[::ffff:127.0.0.1]/c.pdf": "lies on this machine",
    "https://0.0.0.0/c.pdf": "private network",
    "https://169.254.169.254/latest/meta-data": "private network",
    "https://10.0.0.1/c.pdf": "private network",
    "https://metadata.google.internal/c.pdf": "private network",
    "https://2130706433/c.pdf": "IP address",
    "https://user:password@files.example/c.pdf": "user name",
    "https://files.example\\@localhost/c.pdf": "user name",
    "https://files.example%2F.localhost/c.pdf": "no plain host",
    "https://xn--a/c.pdf": "host name",
    "https://files.example:99999/c.pdf": "port",
    "https://[files.example/c.pdf": "no plain host",
}


@pytest.mark.parametrize("address", ELSEWHERE_BAD)
async def test_no_document_is_fetched_from_a_place_where_none_can_be(
    wire: respx.MockRouter, wren: WrenClient, cnaught: CNaughtClient, address: str
) -> None:
    wire.get(CERTIFICATE).respond(302, headers={"Location": address})
    wire.get(f"{CNAUGHT}/orders/o1").respond(json=order(certificate_download_public_url=address))
    for fetch in (wren.offset_orders.certificate("ch_12345"), cnaught.orders.certificate("o1")):
        with pytest.raises(DecodeError, match=ELSEWHERE_BAD[address]) as caught:
            await fetch
        assert "password@" not in str(caught.value)
    assert len(wire.calls) == 2


@pytest.mark.parametrize(
    "address", ["https://bücher.example/c", "https://a\ud800.example/c", "https://a.example/\ud800"]
)
async def test_a_certificates_address_in_odd_letters_is_a_decode_error(
    wire: respx.MockRouter, cnaught: CNaughtClient, address: str
) -> None:
    wire.get(f"{CNAUGHT}/orders/o1").respond(json=order(certificate_download_public_url="https://x.example"))
    found = attrs.evolve(await cnaught.orders.get("o1"), certificate_download_public_url=address)
    with pytest.raises(DecodeError, match="no document is fetched"):
        await cnaught.orders.certificate(found)


@pytest.mark.parametrize(
    ("api", "address", "allowed"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:9000/c.pdf", True),
        ("http://localhost:8000", "https://[::1]/c.pdf", True),
        ("http://localhost:8000", "https://files.example/c.pdf", True),
        ("http://localhost:8000", "http://files.example/c.pdf", False),
        ("https://10.0.0.5", "https://10.0.0.6/c.pdf", True),
        ("https://10.0.0.5", "http://10.0.0.5/c.pdf", False),
        ("https://10.0.0.5", "https://localhost/c.pdf", False),
        ("http://api.internal", "http://api.internal/c.pdf", True),
        ("http://api.internal", "http://other.internal/c.pdf", False),
    ],
)
async def test_a_document_may_lie_as_near_as_the_api(
    wire: respx.MockRouter, api: str, address: str, allowed: bool
) -> None:
    wire.get(f"{api}/orders/o1").respond(json=order(certificate_download_public_url=address))
    fetched = wire.get(address).respond(content=PDF)
    async with CNaughtClient(KEY, base_url=api, insecure_hosts=["api.internal"]) as client:
        if allowed:
            assert (await client.orders.certificate("o1")).content == PDF
        else:
            with pytest.raises(DecodeError):
                await client.orders.certificate("o1")
    assert fetched.called is allowed


async def test_a_certificate_is_saved_whole_or_not_at_all(
    wire: respx.MockRouter, wren: WrenClient, tmp_path: Path
) -> None:
    target = tmp_path / "certificate.pdf"
    target.write_bytes(b"older")
    route = wire.get(CERTIFICATE).respond(404, json={"message": "no such group"})
    with pytest.raises(NotFound):
        await wren.offset_orders.certificate("ch_12345", to=target)
    assert target.read_bytes() == b"older"
    route.respond(content=PDF)
    await wren.offset_orders.certificate("ch_12345", to=str(target))
    assert target.read_bytes() == PDF
    assert os.listdir(tmp_path) == ["certificate.pdf"]


async def test_a_certificate_that_cannot_be_saved_leaves_nothing_behind(
    wire: respx.MockRouter, wren: WrenClient, tmp_path: Path
) -> None:
    wire.get(CERTIFICATE).respond(content=PDF)
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        await wren.offset_orders.certificate("ch_12345", to=tmp_path / "taken")
    assert os.listdir(tmp_path) == ["taken"]


REGISTRY = "https://registry.cnaught.com/api/certificates/o1/pdf"


async def test_cnaughts_certificate_lies_on_another_host_which_gets_no_key(
    wire: respx.MockRouter, cnaught: CNaughtClient, tmp_path: Path
) -> None:
    wire.get(f"{CNAUGHT}/orders/o1").respond(json=order(certificate_download_public_url=REGISTRY))
    route = wire.get(REGISTRY).respond(content=PDF, content_type="application/pdf")
    scoped = cnaught.for_subaccount("5nubL0NS")
    by_id = await scoped.orders.certificate("o1", to=tmp_path / "c.pdf")
    by_order = await scoped.orders.certificate(await scoped.orders.get("o1"))
    assert by_id == by_order
    assert (tmp_path / "c.pdf").read_bytes() == PDF
    for call in route.calls:
        assert "authorization" not in call.request.headers
        assert "x-subaccount-id" not in call.request.headers
        assert KEY not in str(call.request.headers.raw)


async def test_an_order_without_a_certificate_says_so(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    wire.get(f"{CNAUGHT}/orders/o1").respond(json=order(state="cancelled", certificate_download_public_url=None))
    with pytest.raises(StateNotReached, match=r"order o1 \(cancelled\) has no certificate"):
        await cnaught.orders.certificate("o1")


# --- deprecated operations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", ["orders", "quotes"])
async def test_a_deprecated_operation_warns_at_the_callers_line(
    wire: respx.MockRouter, cnaught: CNaughtClient, resource: str
) -> None:
    wire.post(f"{CNAUGHT}/orders/ride").respond(201, json=order())
    wire.post(f"{CNAUGHT}/quotes/ride").respond(json={"amount_kg": 1, "price_usd_cents": 2})
    method = {"orders": lambda: cnaught.orders.create_ride, "quotes": lambda: cnaught.quotes.ride}[resource]()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
        await method(distance_km=Decimal("10.5"))
    assert [(each.category, each.filename, each.lineno) for each in seen] == [(DeprecationWarning, __file__, line)]
    named = re.findall(r"`([A-Z]\w+)\.(\w+)`", str(seen[0].message))
    assert ("Quotes", "ground_transport") in named
    assert all(hasattr(getattr(facade, group), method) for group, method in named)


async def test_other_operations_do_not_warn(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    wire.get(f"{CNAUGHT}/orders/o1").respond(json=order())
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        await cnaught.orders.get("o1")
    assert seen == []


# --- mistakes of the caller -------------------------------------------------------------------------------------------

MISTAKES: dict[str, tuple[Callable[[CNaughtClient, WrenClient], Any], str]] = {
    "option": (
        lambda c, _: c.orders.create(amount_kg=1, timeot=3),  # type: ignore[call-arg]
        "Orders.create takes no argument 'timeot'; did you mean 'timeout'?",
    ),
    "argument": (
        lambda c, _: c.orders.create(amountkg=1),  # type: ignore[call-arg]
        "Orders.create takes no argument 'amountkg'; did you mean 'amount_kg'?",
    ),
    "nothing near": (
        lambda c, _: c.orders.get("o1", zzz=1),  # type: ignore[call-arg]
        "Orders.get takes no argument 'zzz'",
    ),
    "missing": (
        lambda c, _: c.orders.create(),  # type: ignore[call-arg]
        "Orders.create missing 1 required keyword-only argument: 'amount_kg'",
    ),
    "positional": (
        lambda c, _: c.orders.create(5),  # type: ignore[call-arg, misc]
        "Orders.create takes 0 positional arguments but 1 was given",
    ),
    "pager": (
        lambda c, _: c.orders.list(prefech=True),  # type: ignore[call-arg]
        "Orders.list takes no argument 'prefech'; did you mean 'prefetch'?",
    ),
    "second pager": (
        lambda c, _: c.subaccounts.list(limt=1),  # type: ignore[call-arg]
        "Subaccounts.list takes no argument 'limt'; did you mean 'limit'?",
    ),
    "ledger": (
        lambda _, w: w.credits.ledger(at_onc=1),  # type: ignore[call-arg]
        "Credits.ledger takes no argument 'at_onc'; did you mean 'at_once'?",
    ),
    "certificate": (
        lambda _, w: w.offset_orders.certificate("g", header={}),  # type: ignore[call-arg]
        "OffsetOrders.certificate takes no argument 'header'; did you mean 'headers'?",
    ),
    "upload": (
        lambda c, _: c.subaccounts.logo.upload("s", b"x", content_type="image/png", retry=1),  # type: ignore[call-overload]
        "SubaccountLogo.upload takes no argument 'retry'; did you mean 'retries'?",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_wrong_argument_is_told_in_the_words_of_who_wrote_it(
    cnaught: CNaughtClient, wren: WrenClient, mistake: str
) -> None:
    call, told = MISTAKES[mistake]

    async def make() -> None:
        if inspect.iscoroutine(running := call(cnaught, wren)):
            await running

    with pytest.raises(TypeError) as caught:
        await make()
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: WrenClient(api_key="x"), "WrenClient takes token=, not api_key="),  # type: ignore[call-arg]
        (lambda: CNaughtClient(token="x"), "CNaughtClient takes api_key=, not token="),  # type: ignore[call-arg]
        (
            lambda: WrenClient("t", base_ur="x"),  # type: ignore[call-arg]
            "WrenClient takes no argument 'base_ur'; did you mean 'base_url'?",
        ),
        (
            lambda: WrenClient("t").with_options(timeot=1),  # type: ignore[call-arg]
            "WrenClient.with_options takes no argument 'timeot'; did you mean 'timeout'?",
        ),
    ],
)
def test_a_wrong_argument_of_a_client_is_told_before_a_token_is_missed(make: Callable[[], object], told: str) -> None:
    with pytest.raises(TypeError) as caught:
        make()
    assert str(caught.value) == told


@pytest.mark.parametrize(
    "given", [object(), 7, "https://x", httpx.AsyncClient, httpx.Client()], ids=lambda each: type(each).__name__
)
def test_an_http_client_that_is_none_is_named(given: Any) -> None:
    with pytest.raises(
        InvalidConfiguration,
        match=r"http_client takes an httpx\.AsyncClient.* not (object|int|str|the class AsyncClient|Client)$",
    ):
        WrenClient("t", http_client=given)


def test_a_client_derived_from_httpx_is_taken() -> None:
    class Own(httpx.AsyncClient):
        pass

    assert WrenClient("t", http_client=Own()).base_url


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
async def test_a_forgotten_await_names_the_method(cnaught: CNaughtClient, wren: WrenClient) -> None:
    running = [cnaught.orders.create(amount_kg=1), wren.credits.balance()]
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        running.clear()
        gc.collect()
    told = {str(each.message) for each in seen}
    assert told == {"coroutine 'Orders.create' was never awaited", "coroutine 'Credits.balance' was never awaited"}


@pytest.mark.parametrize("amount", [10**5000, Decimal("1e5000")], ids=["int", "Decimal"])
def test_a_giant_number_is_refused_in_a_short_message(cnaught: CNaughtClient, amount: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        cnaught.orders.list(limit=amount)
    assert len(str(caught.value)) < 200


# --- notifications --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda each: each, lambda each: {"order": each}])
def test_a_notification_is_read_wrapped_and_bare_as_text_and_as_bytes(wrap: Callable[[object], object]) -> None:
    text = json.dumps(wrap(order(state="fulfilled", amount_kg=100.5)))
    found = parse_order_notification(text)
    assert isinstance(found, Order)
    assert (found.id, found.state, found.amount_kg) == ("o1", OrderState.FULFILLED, Decimal("100.5"))
    assert parse_order_notification(text.encode()) == found


@pytest.mark.parametrize(
    "raw", ["", "null", "[]", "{}", '{"order": null}', "<html>", b"\xff", "\ud800", '{"order": {"id": 1}}']
)
def test_anything_else_is_no_notification(raw: Any) -> None:
    with pytest.raises(InvalidArgument, match="is no order notification"):
        parse_order_notification(raw)


@pytest.mark.parametrize("parsed", [{"id": "o1"}, None, 7])
def test_a_body_that_was_parsed_already_is_asked_for_as_it_came(parsed: Any) -> None:
    with pytest.raises(InvalidArgument, match="takes the body as it came, in bytes or text"):
        parse_order_notification(parsed)


@pytest.mark.parametrize("order_id", ["", " ", ".", "..", "o1 ", "o" * 100_000], ids=lambda text: repr(text[:3]))
def test_a_forged_notification_of_an_id_that_cannot_be_asked_for_is_none(order_id: str) -> None:
    with pytest.raises(InvalidArgument, match=r"is no order notification.*id") as refused:
        parse_order_notification(json.dumps(order(id=order_id)))
    assert len(str(refused.value)) < 200


# --- replies --------------------------------------------------------------------------------------------------------


async def test_an_answered_mass_that_differs_from_the_ordered_one_can_be_seen(
    wire: respx.MockRouter, cnaught: CNaughtClient
) -> None:
    wire.post(f"{CNAUGHT}/orders").respond(201, json=order(amount_kg=100, metadata="m"))
    reply = await cnaught.send_raw(orders.create_order_by_amount(amount_kg=Decimal("100.5"), metadata="m"))
    assert reply.altered == {"amount_kg": (Decimal("100.5"), Decimal(100))}


async def test_an_answer_as_ordered_shows_no_alteration(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    wire.post(f"{CNAUGHT}/orders").respond(201, json=order(amount_kg=10.0, metadata="m"))
    reply = await cnaught.send_raw(orders.create_order_by_amount(amount_kg=10, metadata="m", portfolio_id="p"))
    assert reply.altered == {}


async def test_the_reference_that_we_added_is_no_alteration(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json=order(metadata=json.loads(request.content)["metadata"]))

    wire.post(f"{CNAUGHT}/orders").mock(side_effect=echo)
    reply = await cnaught.send_raw(orders.create_order_by_amount(amount_kg=10, metadata="m", reference="r1"))
    assert reply.value.metadata == "[ref:r1] m"
    assert reply.altered == {}


async def test_a_raw_reply_tells_all_that_came_back(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    replay = {"X-Idempotent-Replay": "true", "X-Request": "7"}
    wire.post(f"{CNAUGHT}/orders").mock(
        side_effect=[httpx.Response(503), httpx.Response(201, json=order(), headers=replay)]
    )
    reply = await cnaught.send_raw(orders.create_order_by_amount(amount_kg=10, idempotency_key="k1"))
    assert (reply.status, reply.attempts, reply.replayed, reply.url) == (201, 2, True, f"{CNAUGHT}/orders")
    assert reply.headers["x-request"] == "7"
    assert json.loads(reply.body)["id"] == reply.value.id == "o1"
    assert reply.call.idempotency_key == "k1"


async def test_a_first_answer_is_no_replay(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    wire.post(f"{CNAUGHT}/orders").respond(201, json=order())
    reply = await cnaught.send_raw(orders.create_order_by_amount(amount_kg=10))
    assert (reply.replayed, reply.attempts) == (False, 1)
    assert isinstance(reply.call.idempotency_key, str)


# --- errors ---------------------------------------------------------------------------------------------------------


async def test_fields_that_did_not_validate_are_named(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    problem = {
        "type": "https://api.cnaught.com/v1/errors/invalid-parameters",
        "title": "Your request parameters didn't validate",
        "status": 400,
        "errors": {"amount_kg": ["must be positive"]},
    }
    wire.post(f"{CNAUGHT}/orders").respond(400, json=problem)
    with pytest.raises(InvalidParameters, match="amount_kg: must be positive") as caught:
        await cnaught.orders.create(amount_kg=1)
    assert caught.value.errors == {"amount_kg": ["must be positive"]}
    assert (caught.value.problem_type, caught.value.title) == (problem["type"], problem["title"])
    assert KEY not in str(caught.value) + repr(caught.value.facts)


async def test_wrens_message_is_shown(wire: respx.MockRouter, wren: WrenClient) -> None:
    wire.get(f"{WREN}/api/credits/balance").respond(403, json={"message": f"bad token {TOKEN}"})
    with pytest.raises(Forbidden, match="bad token <token>") as caught:
        await wren.credits.balance()
    assert caught.value.title == "bad token <token>"
    assert TOKEN not in str(caught.value) + repr(caught.value.facts) + str(caught.value.raw)


async def test_a_success_that_cannot_be_read_names_the_fault(wire: respx.MockRouter, wren: WrenClient) -> None:
    wire.get(f"{WREN}/api/credits/balance").respond(json={"creditBalanceUsdCents": "10000"})
    with pytest.raises(DecodeError, match=r"\$\.creditBalanceUsdCents") as caught:
        await wren.credits.balance()
    assert caught.value.problems == ("$.creditBalanceUsdCents: takes a whole number, not a string",)
    assert caught.value.raw == b'{"creditBalanceUsdCents":"10000"}'


# --- clients --------------------------------------------------------------------------------------------------------


async def test_an_undocumented_endpoint_can_be_called(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    search: Operation[dict[str, object]] = Operation(
        id="search", method="POST", path="/projects/{region}/search", answer=dict[str, object], effect=Effect.READ
    )
    route = wire.post(f"{CNAUGHT}/projects/EU%2FEast/search").respond(json={"hits": [{"id": "p", "kg": 0.1}]})
    found = await cnaught.send(
        Call(operation=search, path={"region": "EU/East"}, query={"q": "oak & elm", "deep": True}, body={"min": 1})
    )
    assert found == {"hits": [{"id": "p", "kg": Decimal("0.1")}]}
    assert sent(route).url.query == b"q=oak%20%26%20elm&deep=true"
    assert body(route) == {"min": 1}
    assert sent(route).headers["Authorization"] == f"Bearer {KEY}"


async def test_a_hand_made_operation_is_sent_once_unless_it_says_otherwise(
    wire: respx.MockRouter, cnaught: CNaughtClient
) -> None:
    ping: Operation[None] = Operation(id="ping", method="POST", path="/ping", answer=NoneType)
    route = wire.post(f"{CNAUGHT}/ping").respond(503)
    with pytest.raises(Exception, match="may have been carried out"):
        await cnaught.send(Call(operation=ping))
    assert route.call_count == 1


async def test_expanded_is_sent_only_when_wanted(wire: respx.MockRouter, wren: WrenClient) -> None:
    route = wire.get(f"{WREN}/api/portfolios").respond(json={"portfolios": []})
    await wren.portfolios.list()
    await wren.portfolios.list(expanded=False)
    await wren.portfolios.list(expanded=True)
    assert [call.request.url.query for call in route.calls] == [b"", b"", b"expanded=true"]


async def test_a_scoped_client_acts_for_its_subaccount_and_a_call_can_opt_out(
    wire: respx.MockRouter, cnaught: CNaughtClient
) -> None:
    route = wire.post(f"{CNAUGHT}/orders").respond(201, json=order())
    scoped = cnaught.for_subaccount("5nubL0NS")
    await scoped.orders.create(amount_kg=1)
    await scoped.orders.create(amount_kg=1, subaccount_id="other")
    await scoped.orders.create(amount_kg=1, subaccount_id=None)
    await scoped.with_options(timeout=3).orders.create(amount_kg=1)
    await cnaught.orders.create(amount_kg=1)
    named = [call.request.headers.get("X-Subaccount-Id") for call in route.calls]
    assert named == ["5nubL0NS", "other", None, "5nubL0NS", None]


@pytest.mark.parametrize("bad", ["", " s", None])
def test_a_subaccount_that_is_none_cannot_be_scoped_to(bad: Any) -> None:
    with pytest.raises(InvalidArgument):
        CNaughtClient(KEY).for_subaccount(bad)


async def test_headers_of_client_copy_and_call_add_up(wire: respx.MockRouter, cnaught: CNaughtClient) -> None:
    route = wire.get(f"{CNAUGHT}/orders/o1").respond(json=order())
    copy = cnaught.with_options(headers={"X-One": "1", "X-Two": "1"}).with_options(headers={"x-two": "2"})
    await copy.orders.get("o1", headers={"X-Three": "3", "User-Agent": "mine/1"})
    found = sent(route).headers
    assert [found["X-One"], found["X-Two"], found["X-Three"], found["User-Agent"]] == ["1", "2", "3", "mine/1"]


async def test_a_body_is_sent_as_compact_json_with_cents_as_ints_and_masses_as_numbers(
    wire: respx.MockRouter, wren: WrenClient
) -> None:
    receipt = {"id": "ch_1", "amountCharged": 1040, "currency": "USD", "tons": 0.45}
    route = wire.post(f"{WREN}/api/offset-orders").respond(json=receipt)
    await wren.offset_orders.create(tons=Decimal("0.45"), payment_method="credits", portfolio_id=12, reference=None)
    raw = sent(route).content
    assert json.loads(raw) == {"tons": 0.45, "portfolioId": 12, "paymentMethod": "credits"}
    assert b'"tons":0.45' in raw
    assert b'"portfolioId":12' in raw


@pytest.mark.parametrize("empty", ["", " ", httpx.URL("https://sandbox.example")])
def test_an_address_that_is_given_but_empty_does_not_fall_back_to_production(empty: Any) -> None:
    for make in (lambda: WrenClient(TOKEN, base_url=empty), lambda: CNaughtClient(KEY, base_url=empty)):
        with pytest.raises(InvalidConfiguration, match="base_url"):
            make()


def test_a_test_token_is_told_apart() -> None:
    assert WrenClient("wren_test_5f0c0000-feed-4dad-beef-00000000f00d").is_test
    assert not WrenClient(TOKEN).is_test


def test_a_client_and_its_copies_cannot_be_changed_and_show_no_token() -> None:
    for client in (WrenClient(TOKEN), CNaughtClient(KEY), CNaughtClient(KEY).for_subaccount("s")):
        with pytest.raises(AttributeError, match="with_options"):
            client.timeout = 3  # type: ignore[union-attr]
        for shown in (repr(client), repr(client._identity), str(vars(type(client)))):
            assert TOKEN not in shown
            assert KEY not in shown


# --- help -----------------------------------------------------------------------------------------------------------


def test_help_on_a_bound_method_shows_its_arguments_and_its_docstring() -> None:
    shown = pydoc.plain(pydoc.render_doc(CNaughtClient(KEY).orders.create))
    assert "amount_kg" in shown
    assert "idempotency_key" in shown
    assert "Every attempt carries the same idempotency key" in shown


def test_help_on_a_resource_shows_all_its_operations() -> None:
    shown = pydoc.plain(pydoc.render_doc(type(WrenClient(TOKEN).tree_orders)))
    for name in ("create", "preview", "list"):
        assert name in shown


def test_a_bound_method_has_the_signature_of_its_builder() -> None:
    signature = inspect.signature(WrenClient(TOKEN).tree_orders.create)
    assert signature.parameters["payment_method"].default is inspect.Parameter.empty
    assert all(each.kind is not inspect.Parameter.POSITIONAL_ONLY for each in signature.parameters.values())


def test_a_wrong_call_fails_where_it_is_made_and_not_when_it_is_awaited() -> None:
    with pytest.raises(TypeError, match="amount_kg"):
        CNaughtClient(KEY).orders.create()  # type: ignore[call-arg]
    with pytest.raises(InvalidArgument):
        CNaughtClient(KEY).orders.create(amount_kg=-1)
