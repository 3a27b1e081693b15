"""Tokens show nowhere but on the wire; keys belong to one call."""

from __future__ import annotations

import asyncio
import base64
import copy
import inspect
import json
import logging
import pickle
import traceback
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests.raw_server import (
    RawServer,
    Step,
    answer,
    deaf,
    half,
    hang_up,
    malformed,
    raw,
    read_and_close,
    read_and_reset,
    refused,
    silent,
)
from wren_async import (
    Call,
    CallError,
    CeilingExceeded,
    CNaughtClient,
    DecodeError,
    IdempotencyKeyReused,
    InvalidConfiguration,
    OutcomeUnknown,
    RateLimited,
    Redirected,
    ReferenceReused,
    RetryPolicy,
    WrenAsyncError,
    WrenClient,
    errors,
)
from wren_async._generated.cnaught.operations.orders import CREATE_ORDER, create_order_by_amount
from wren_async.core.sending import session
from wren_async.errors import APIError, CallFacts, InvalidArgument, InvalidParameters, NotFindable
from wren_async.reconcile import CannotTell, Evidence
from wren_async.reconcile.verdict import Present

from .clients import CALLS, TOKEN, cnaught, fails, wren

FORMS = [
    TOKEN,
    TOKEN.replace("/", "\\/"),
    base64.b64encode(TOKEN.encode()).decode(),
    base64.b64encode(f"{TOKEN}:".encode()).decode(),
]


def shows(text: str | bytes) -> list[str]:
    """The forms of the token that a text holds."""
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    return [form for form in FORMS if form in text]


def everything(error: BaseException) -> str:
    """All that an error tells: itself, its attributes, its pickle, and its traceback with every local variable."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts = [repr(error), str(error), *told.format()]
    if isinstance(error, CallError):
        parts += [repr(value) for value in (error.headers, error.body, error.raw, error.facts, error.call, error.args)]
        parts += [repr(getattr(error, "problems", "")), repr(getattr(error, "detail", ""))]
        parts.append(pickle.dumps(error).decode("latin-1"))
        parts.append(repr(attrs.asdict(error.facts)))
    return "\n".join(parts)


FAILURES: dict[str, list[Step]] = {
    "refused": [refused()],
    "hung up": [hang_up()],
    "closed": [read_and_close()],
    "reset": [read_and_reset()],
    "half": [half()],
    "malformed": [malformed()],
    "timed out": [silent(30)],
    "unauthorized": [answer(401, {"message": "no"})],
    "server error": [answer(500, {})],
    "rate limited": [answer(429, {}, {"Retry-After": "9"})],
    "unreadable": [answer(200, b"thanks")],
    "redirected": [answer(302, {}, {"Location": "/login"})],
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("failure", FAILURES)
async def test_no_failing_call_shows_the_token(failure: str, call: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    options: dict[str, Any] = {"token": TOKEN, "retries": 0, "timeout": 20}
    async with RawServer(*FAILURES[failure]) as server, wren(server, **options) as client:
        error = await fails(client, CALLS[call])
    assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in server.requests)
    assert shows(everything(error)) == []
    assert shows(caplog.text) == []


async def test_a_failed_handshake_does_not_show_the_token() -> None:
    async with (
        RawServer(deaf(30), raw(b"no TLS", at="accept")) as server,
        WrenClient(TOKEN, base_url=server.secure_url, retries=0, timeout=20) as client,
    ):
        for _ in range(2):
            assert shows(everything(await fails(client, CALLS["order"]))) == []


ECHOES: dict[str, Step] = {
    f"{where}, {form[:8]}": made
    for form in FORMS[:1] + FORMS[2:]
    for where, made in {
        "message": answer(401, {"message": f"bad token {form}"}),
        "nested": answer(400, {"errors": {"token": [f"{form} is wrong", {"seen": [form]}], form: "?"}}),
        "text": answer(500, f"<p>Authorization: Bearer {form}</p>".encode()),
        "header": answer(403, {}, {"X-Seen": f"Basic {form}", "WWW-Authenticate": f"Bearer {form}"}),
        "redirect": answer(302, {}, {"Location": f"https://example.com/login?token={form}"}),
        "unreadable success": answer(200, {"tons": f"{form}", "portfolios": [form]}),
        "problem": answer(422, {"type": f"https://example.com/{form}", "title": form, "detail": form}),
        "pause": answer(429, {"error": form}),
        "escaped": answer(400, json.dumps({"message": form, form: [form]}).replace("/", "\\/").encode()),
    }.items()
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("echo", ECHOES)
async def test_an_error_repeats_no_token_that_the_server_repeats(
    echo: str, call: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "wren_async")
    async with RawServer(ECHOES[echo]) as server, wren(server, token=TOKEN, retries=0) as client:
        error = await fails(client, CALLS[call])
        parts = [repr(error), str(error), repr(error.facts), repr(attrs.asdict(error.facts)), repr(error.args)]
        parts += [repr(getattr(error, name, None)) for name in dir(error) if not name.startswith("__")]
        parts += [pickle.dumps(error).decode("latin-1"), repr(pickle.loads(pickle.dumps(error)).facts.body)]
        parts += traceback.format_exception(error)
        assert shows("\n".join(parts)) == []
        records = [record for record in caplog.records if record.name.startswith("wren_async")]
        assert shows("\n".join(record.getMessage() for record in records)) == []


async def test_a_token_in_an_answer_that_is_no_http_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wren_async")
    echo = raw(f"Bearer {TOKEN}\r\n\r\n".encode())
    async with RawServer(echo) as server, wren(server, token=TOKEN, retries=0) as client:
        error = await fails(client, CALLS["order"])
    assert shows(str(error) + repr(error) + "".join(traceback.format_exception(error))) == []
    assert shows("\n".join(r.getMessage() for r in caplog.records if r.name.startswith("wren_async"))) == []


async def test_a_client_and_its_parts_show_no_token_and_cannot_be_pickled_with_it() -> None:
    async with wren_client() as client:
        parts = [client, client.offset_orders, client.with_options(timeout=3), client._identity, client._limits]
        for part in parts:
            assert shows(repr(part) + str(part)) == []
        with pytest.raises(TypeError, match="secret"):
            pickle.dumps(client._identity.credentials)
        with pytest.raises(Exception, match=r"secret|pickle"):
            pickle.dumps(client)
        with pytest.raises(Exception, match=r"secret|pickle"):
            copy.deepcopy(client._identity)


def wren_client() -> WrenClient:
    return WrenClient(TOKEN, base_url="http://localhost:1")


async def test_the_secrets_of_a_callers_headers_are_not_shown() -> None:
    async with RawServer(answer(500, {})) as server, cnaught(server, retries=0) as client:
        secretive = client.with_options(headers={"X-Gateway": "hush-gateway"})
        with pytest.raises(OutcomeUnknown) as caught:
            await secretive.orders.create(amount_kg=1, headers={"X-Other": "hush-other"})
        assert server.requests[0].headers["x-gateway"] == "hush-gateway"
        assert server.requests[0].headers["x-other"] == "hush-other"
        assert "hush" not in repr(caught.value) + str(caught.value) + repr(secretive)


@pytest.mark.parametrize("token", ["two words", "tab\there", "new\nline", "bell\x07", "naïve", "", "  ", 7, b"bytes"])
def test_a_token_that_cannot_be_right_is_refused_without_being_shown(token: Any) -> None:
    for make in (lambda: WrenClient(token), lambda: CNaughtClient(token)):
        with pytest.raises(InvalidConfiguration) as caught:
            make()
        if str(token).strip():
            assert str(token) not in str(caught.value) + repr(caught.value)


def test_white_space_around_a_token_is_dropped() -> None:
    assert WrenClient("  abc\n")._identity.credentials.token.reveal() == "abc"


async def test_the_token_goes_to_no_other_host() -> None:
    async with RawServer(answer(200, b"%PDF")) as elsewhere:
        order = {"id": "o", "amount_kg": 1, "price_usd_cents": 2}
        order["certificate_download_public_url"] = elsewhere.url.replace("127.0.0.1", "localhost") + "/c.pdf"
        async with RawServer(answer(200, order)) as server, cnaught(server, api_key=TOKEN) as client:
            sub = client.for_subaccount("sub_1").with_options(headers={"X-Gateway": "hush"})
            document = await sub.orders.certificate("o")
            assert document.content == b"%PDF"
        (request,) = elsewhere.requests
        assert shows(request.lines) == []
        assert not {"authorization", "x-gateway", "x-subaccount-id", "cookie"} & set(request.headers)


async def test_the_public_feed_gets_no_token() -> None:
    async with RawServer(answer(200, [])) as server, wren(server, token=TOKEN) as client:
        await client.offset_orders.list_public()
        assert shows(server.request.lines) == []


# --- errors can be pickled ------------------------------------------------------------------------------------------


async def image() -> AsyncIterator[bytes]:
    yield b"pixels"


CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, WrenAsyncError)]

FACTS = CallFacts(
    method="POST",
    url="https://api.example.com/orders",
    attempts=2,
    call=Call(operation=CREATE_ORDER, body=create_order_by_amount(amount_kg=10).body, idempotency_key="k"),
    idempotency_key="k",
    reference="r",
    status=400,
    headers={"x": "y"},
    body={"title": "no", "errors": {"amount_kg": ["too small"]}},
    raw=b'{"title": "no"}',
)


def example(kind: type[WrenAsyncError]) -> WrenAsyncError:
    if issubclass(kind, DecodeError):
        return kind("odd", FACTS, ("$.id: is missing",))
    if issubclass(kind, RateLimited):
        return kind("slow down", FACTS, 7.5)
    if issubclass(kind, CallError):
        return kind("why", FACTS)
    if issubclass(kind, InvalidArgument):
        return kind("tons", "must be more than 0")
    if issubclass(kind, ReferenceReused):
        return kind("ride-1", "tons is 1 there and 5 here")
    if issubclass(kind, CeilingExceeded):
        return kind("tons", "kilograms", Decimal(2000), 1000)
    if issubclass(kind, NotFindable):
        present = Present(here=datetime(2026, 7, 21, tzinfo=UTC))
        return kind(CannotTell(evidence=Evidence(reason="the list hides it", present=present)))
    return kind("why")


def test_every_exception_is_tried() -> None:
    assert len(CLASSES) > 30


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("through", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_every_exception_survives_pickling_and_copying(
    kind: type[WrenAsyncError], through: Callable[[WrenAsyncError], WrenAsyncError]
) -> None:
    error = example(kind)
    rebuilt = through(error)
    assert type(rebuilt) is kind
    assert str(rebuilt) == str(error)
    assert rebuilt.args == error.args
    assert vars(rebuilt) == vars(error)


async def test_an_error_of_a_real_call_survives_pickling_with_its_call() -> None:
    async with RawServer(*[answer(500, {"title": "down"})] * 2, answer()) as server:
        async with cnaught(server, retries=0) as client:
            sub = client.for_subaccount("sub_1")
            error = await fails(
                sub, lambda c: c.orders.create(amount_kg=1, retries=RetryPolicy(retries=1), headers={"X-A": "b"})
            )
            rebuilt = pickle.loads(pickle.dumps(error))
            assert isinstance(rebuilt, OutcomeUnknown)
            await sub.send(rebuilt.call)
        keys = {
            (request.headers["idempotency-key"], request.headers["x-a"], request.body) for request in server.requests
        }
        assert len(keys) == 1


async def test_the_error_of_a_stream_can_be_pickled_without_the_stream() -> None:
    async with RawServer(answer(500, {})) as server, cnaught(server) as client:
        error = await fails(client, lambda c: c.subaccounts.logo.upload("s", image(), content_type="image/png"))
        assert pickle.loads(pickle.dumps(error)).call.body is None


def test_an_error_tells_what_the_answer_said() -> None:
    refusal = InvalidParameters("the server answered 400", FACTS)
    assert refusal.errors == {"amount_kg": ["too small"]}
    assert refusal.title == "no"
    assert "2 attempts" in str(refusal)
    assert Redirected("moved", attrs.evolve(FACTS, headers={"location": "/x"})).location == "/x"
    for body in (None, [], "text", {"title": 7, "errors": [1]}, {"errors": {"a": 1}}):
        odd = InvalidParameters("the server answered 400", attrs.evolve(FACTS, body=body))
        assert odd.title is None
        assert isinstance(odd.errors, dict)
        assert isinstance(odd, APIError)


# --- keys belong to one call ----------------------------------------------------------------------------------------


async def test_a_key_can_repeat_its_call_as_often_as_one_likes() -> None:
    async with RawServer(otherwise=answer()) as server, cnaught(server) as client:
        for _ in range(3):
            await client.orders.create(amount_kg=10, idempotency_key="ride-1")
        assert len({(request.lines, request.body) for request in server.requests}) == 1


@pytest.mark.parametrize(
    "other",
    [
        lambda client: client.orders.create(amount_kg=11, idempotency_key="ride-1"),
        lambda client: client.orders.create(amount_kg=10, metadata="", idempotency_key="ride-1"),
        lambda client: client.orders.create(amount_kg=10, subaccount_id="sub_2", idempotency_key="ride-1"),
        lambda client: client.for_subaccount("sub_2").orders.create(amount_kg=10, idempotency_key="ride-1"),
        lambda client: client.orders.cancel("order_1", idempotency_key="ride-1"),
        lambda client: client.orders.create_by_price(total_price_usd_cents=100, idempotency_key="ride-1"),
        lambda client: client.subaccounts.create(name="Fleet", idempotency_key="ride-1"),
        lambda client: client.with_options(timeout=5).orders.create(amount_kg=12, idempotency_key="ride-1"),
    ],
)
async def test_a_key_is_refused_for_anything_but_its_call_before_anything_is_sent(other: Callable[[Any], Any]) -> None:
    async with RawServer(answer()) as server, cnaught(server) as client:
        await client.orders.create(amount_kg=10, idempotency_key="ride-1")
        with pytest.raises(IdempotencyKeyReused, match="ride-1"):
            await other(client)
        assert len(server.requests) == 1


async def test_a_key_stays_bound_though_its_first_call_failed() -> None:
    async with RawServer(answer(400, {}), answer()) as server, cnaught(server) as client:
        with pytest.raises(errors.BadRequest):
            await client.orders.create(amount_kg=10, idempotency_key="ride-1")
        with pytest.raises(IdempotencyKeyReused):
            await client.orders.create(amount_kg=11, idempotency_key="ride-1")
        await client.orders.create(amount_kg=10, idempotency_key="ride-1")


async def test_two_tasks_cannot_use_one_key_for_two_orders() -> None:
    async with RawServer(otherwise=answer()) as server, cnaught(server) as client:
        results = await asyncio.gather(
            *(client.orders.create(amount_kg=kg, idempotency_key="ride-1") for kg in (1, 2, 3)), return_exceptions=True
        )
        assert [type(result) for result in results].count(IdempotencyKeyReused) == 2
        assert len(server.requests) == 1


async def test_the_keys_that_are_remembered_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_REMEMBERED", 20)
    async with RawServer(otherwise=answer()) as server, cnaught(server) as client:
        for index in range(60):
            await client.orders.create(amount_kg=10, idempotency_key=f"ride-{index}")
        assert len(client._session._bindings) <= 20
        with pytest.raises(IdempotencyKeyReused):
            await client.orders.create(amount_kg=11, idempotency_key="ride-59")


async def test_a_call_that_failed_is_never_told_that_nothing_was_sent_however_many_keys_are_bound_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "_REMEMBERED", 1)
    hold = asyncio.Event()
    script = RawServer(answer(500, {}, after=hold.wait), otherwise=answer())
    async with script as server, cnaught(server, retries=0) as client:
        first = asyncio.create_task(client.orders.create(amount_kg=10, idempotency_key="ride-1"))
        await server.until(lambda s: s.requests)
        await client.orders.create(amount_kg=10, idempotency_key="ride-2")
        await client.orders.create(amount_kg=11, idempotency_key="ride-1")
        hold.set()
        with pytest.raises(OutcomeUnknown):
            await first
