"""The table of money safety as data: what the attempts of a call meet, and what follows for each effect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import attrs
import pytest

from tests.raw_server import (
    RawServer,
    Step,
    answer,
    drip,
    half,
    hang_up,
    malformed,
    raw,
    read_and_close,
    read_and_reset,
    refused,
    silent,
    vanish,
)
from wren_async import (
    APIError,
    AttemptTimedOut,
    BadRequest,
    Call,
    CallError,
    CNaughtClient,
    Conflict,
    ConnectionLost,
    DecodeError,
    Effect,
    Forbidden,
    IdempotencyChangedPayload,
    IdempotencyConcurrentRequests,
    InvalidArgument,
    NotFound,
    NotSent,
    Operation,
    OutcomeUnknown,
    PaymentRequired,
    RateLimited,
    Redirected,
    RetryPolicy,
    ServerError,
    Unauthorized,
    UnprocessableContent,
    WrenClient,
)
from wren_async._generated.cnaught.operations.orders import CREATE_ORDER, create_order_by_amount
from wren_async._generated.wren.operations.offset_orders import CREATE_OFFSET_ORDER, create_offset_order

from .clients import KEY, LIVE, TEST, Clock, cnaught, wren

DONE = type(None)
"""The call returned."""

LONG = 30.0
"""Seconds, more than an attempt may take."""

MOST_BYTES = 100_000
"""Bytes that an answer may have. A busy machine reads them well within an attempt, whose time is real here."""


@attrs.frozen
class Caller:
    """A call of one effect, through a public client."""

    token: str
    call: Callable[[Any], Awaitable[object]]

    @property
    def make(self) -> Callable[..., WrenClient | CNaughtClient]:
        return cnaught if self.token == KEY else wren

    def client(self, server: RawServer, **options: Any) -> WrenClient | CNaughtClient:
        if self.make is cnaught:
            return cnaught(server, **options)
        return wren(server, token=self.token, **options)


CALLERS = {
    "read": Caller(LIVE, lambda client: client.credits.balance()),
    "compute": Caller(KEY, lambda client: client.quotes.create(amount_kg=10)),
    "dry run": Caller(LIVE, lambda client: client.offset_orders.create(tons=1, payment_method="credits", dry_run=True)),
    "repeatable": Caller(KEY, lambda client: client.subaccounts.update("sub_1", name="Fleet")),
    "keyed": Caller(KEY, lambda client: client.orders.create(amount_kg=10)),
    "once": Caller(LIVE, lambda client: client.offset_orders.create(tons=1, payment_method="credits")),
    "once, test token": Caller(TEST, lambda client: client.offset_orders.create(tons=1, payment_method="credits")),
    "once, top-up": Caller(LIVE, lambda client: client.credits.top_up(amount_in_usd_cents=100)),
}

End: TypeAlias = tuple[type, int]
"""How a call ends, and how many whole requests the server has read by then."""


def ends(calm: End, repeatable: End | None = None, keyed: End | None = None, once: End | None = None) -> dict[str, End]:
    """`calm` is read, compute and dry run, and serves for the others where they do not differ."""
    repeatable = repeatable or calm
    keyed, once = keyed or repeatable, once or calm
    return {
        **dict.fromkeys(("read", "compute", "dry run"), calm),
        "repeatable": repeatable,
        "keyed": keyed,
        **dict.fromkeys(("once", "once, test token", "once, top-up"), once),
    }


def problem(status: int, kind: str) -> Step:
    return answer(status, {"type": f"https://api.cnaught.com/v1/errors/{kind}", "title": kind, "status": status})


def again(sends: int) -> dict[str, End]:
    """Everything is sent again but a `once` write, whose fate is unknown after one sending."""
    return ends((DONE, sends), once=(OutcomeUnknown, min(1, sends)))


def spent(error: type[CallError], sends: int = 3) -> dict[str, End]:
    """The repeats are used up: an error for what changes nothing, and an unknown outcome for every write."""
    return ends((error, sends), repeatable=(OutcomeUnknown, sends), once=(OutcomeUnknown, min(1, sends)))


def refusal(error: type[APIError], sends: int = 1) -> dict[str, End]:
    return ends((error, sends))


GARBLED = answer(200, b"<html>Thank you!</html>")
BUSY = problem(409, "idempotency-concurrent-requests")
CHANGED = problem(422, "idempotency-changed-payload")

ROWS: dict[str, tuple[list[Step], dict[str, End]]] = {
    # --- one failure, then an answer ---
    "an answer": ([answer()], ends((DONE, 1))),
    "a 201": ([answer(201)], ends((DONE, 1))),
    "proof that nothing was sent": ([refused(), answer()], ends((DONE, 1))),
    "closed before anything was read": (
        [hang_up(), answer()],
        ends((DONE, 1), once=(OutcomeUnknown, 0)),
    ),
    "reset at the first byte": ([vanish(), answer()], ends((DONE, 1), once=(OutcomeUnknown, 0))),
    "closed after the request": ([read_and_close(), answer()], again(2)),
    "reset after the request": ([read_and_reset(), answer()], again(2)),
    "silence": ([silent(LONG), answer()], again(2)),
    "a slow drip": ([drip(pause=5, spent=20), answer()], again(2)),
    "half an answer": ([half(), answer()], again(2)),
    "half a refusal": ([half(400, {"error": "no such portfolio"}), answer()], again(2)),
    "no HTTP": ([malformed(), answer()], again(2)),
    "an answer cut in its head": ([raw(b"HTTP/1.1 200 OK\r\nContent-Le"), answer()], again(2)),
    "an answer that changes the protocol": (
        [raw(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), answer()],
        again(2),
    ),
    "an answer of two lengths": (
        [raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), answer()],
        again(2),
    ),
    "an answer cut in a chunk": (
        [raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a"'), answer()],
        again(2),
    ),
    **{f"a {status}": ([answer(status, {}), answer()], again(2)) for status in (500, 502, 503, 504, 520, 600, 408)},
    **{
        f"a {status}": ([answer(status, {}, {"Location": "/elsewhere"}), answer()], again(2))
        for status in (301, 302, 303, 307, 308)
    },
    "a 304": ([answer(304, b""), answer()], again(2)),
    # --- refusals ---
    "a 400": ([answer(400, {"error": "bad"})], refusal(BadRequest)),
    "a 401": ([answer(401, {})], refusal(Unauthorized)),
    "a 402": ([answer(402, {})], refusal(PaymentRequired)),
    "a 403": ([answer(403, b"no JSON")], refusal(Forbidden)),
    "a 404": ([answer(404, {})], refusal(NotFound)),
    "a 409": ([answer(409, {})], refusal(Conflict)),
    "a 418": ([answer(418, {})], refusal(APIError)),
    "a 422": ([answer(422, {})], refusal(UnprocessableContent)),
    "a key used for another body": ([CHANGED], refusal(IdempotencyChangedPayload)),
    "a refusal after proof that nothing was sent": ([refused(), answer(401, {})], refusal(Unauthorized)),
    # --- successes that cannot be read ---
    "a success without a body": (
        [answer(200, b""), answer()],
        ends((DecodeError, 1), keyed=(DONE, 2), once=(OutcomeUnknown, 1)),
    ),
    "a 204 where details were due": (
        [answer(204, b""), answer()],
        ends((DecodeError, 1), keyed=(DONE, 2), once=(OutcomeUnknown, 1)),
    ),
    "a success that is a web page": (
        [GARBLED, answer()],
        ends((DecodeError, 1), keyed=(DONE, 2), once=(OutcomeUnknown, 1)),
    ),
    "a success of the wrong shape": (
        [answer(200, [1, 2]), answer()],
        ends((DecodeError, 1), keyed=(DONE, 2), once=(OutcomeUnknown, 1)),
    ),
    "a success packed wrongly": (
        [answer(200, b"no gzip", {"Content-Encoding": "gzip"}), answer()],
        ends((DecodeError, 1), keyed=(DONE, 2), once=(OutcomeUnknown, 1)),
    ),
    "a success packed as nobody asked": (
        [answer(200, b"{}", {"Content-Encoding": "gzip, gzip"}), answer()],
        ends((DecodeError, 1), keyed=(DONE, 2), once=(OutcomeUnknown, 1)),
    ),
    "a success that is longer than any": (
        [answer(200, b" " * (MOST_BYTES + 1)), answer()],
        ends((DecodeError, 1), keyed=(DONE, 2), once=(OutcomeUnknown, 1)),
    ),
    "a success that is never readable": (
        [GARBLED] * 3,
        ends((DecodeError, 1), keyed=(OutcomeUnknown, 3), once=(OutcomeUnknown, 1)),
    ),
    "an unreadable success, then a refusal": (
        [GARBLED, answer(401, {})],
        ends((DecodeError, 1), keyed=(OutcomeUnknown, 2), once=(OutcomeUnknown, 1)),
    ),
    "a 500, then an unreadable success": (
        [answer(500, {}), GARBLED, answer()],
        ends((DecodeError, 2), keyed=(DONE, 3), once=(OutcomeUnknown, 1)),
    ),
    # --- too many requests ---
    "a 429": ([answer(429, {}), answer()], ends((DONE, 2), once=(RateLimited, 1))),
    "nothing but 429": ([answer(429, {})] * 3, ends((RateLimited, 3), once=(RateLimited, 1))),
    "a 429, then silence": ([answer(429, {}), silent(LONG), answer()], ends((DONE, 3), once=(RateLimited, 1))),
    "a refused connection, then a 429": (
        [refused(), answer(429, {}), answer()],
        ends((DONE, 2), once=(RateLimited, 1)),
    ),
    "a 429, then a refusal": ([answer(429, {}), answer(400, {})], ends((BadRequest, 2), once=(RateLimited, 1))),
    # --- the same key at work elsewhere ---
    "a key at work": (
        [BUSY, answer()],
        ends((IdempotencyConcurrentRequests, 1), keyed=(DONE, 2)),
    ),
    "a lost answer, then the key at work": (
        [read_and_close(), BUSY, answer()],
        ends(
            (IdempotencyConcurrentRequests, 2),
            repeatable=(OutcomeUnknown, 2),
            keyed=(DONE, 3),
            once=(OutcomeUnknown, 1),
        ),
    ),
    "a lost answer, and the key at work for ever": (
        [read_and_close(), BUSY, BUSY],
        ends(
            (IdempotencyConcurrentRequests, 2),
            repeatable=(OutcomeUnknown, 2),
            keyed=(OutcomeUnknown, 3),
            once=(OutcomeUnknown, 1),
        ),
    ),
    # --- the outcome of the whole call ---
    "a 500, then a refusal": ([answer(500, {}), answer(401, {})], spent(Unauthorized, 2)),
    "a 503, then too little credit": ([answer(503, {}), answer(402, {})], spent(PaymentRequired, 2)),
    "silence, then a changed payload": ([silent(LONG), CHANGED], spent(IdempotencyChangedPayload, 2)),
    "a reset, then bad input": ([read_and_reset(), answer(400, {})], spent(BadRequest, 2)),
    "a redirect, then a refusal": ([answer(302, {}), answer(403, {})], spent(Forbidden, 2)),
    "half an answer, then gone": ([half(), answer(404, {})], spent(NotFound, 2)),
    "silence, then 429 for ever": ([silent(LONG), answer(429, {}), answer(429, {})], spent(RateLimited)),
    "nothing sent, a 500, then a refusal": (
        [refused(), answer(500, {}), answer(401, {})],
        spent(Unauthorized, 2),
    ),
    "nothing sent, then silence, then an answer": ([refused(), silent(LONG), answer()], again(2)),
    "a reset, nothing sent, then an answer": (
        [read_and_reset(), refused(), answer()],
        again(2),
    ),
    # --- used up ---
    "nothing but refused connections": ([refused()] * 3, ends((NotSent, 0))),
    "nothing but silence": ([silent(LONG)] * 3, spent(AttemptTimedOut)),
    "nothing but resets": ([read_and_reset()] * 3, spent(ConnectionLost)),
    "nothing but closing": ([read_and_close()] * 3, spent(ConnectionLost)),
    "nothing but hanging up": ([hang_up()] * 3, spent(ConnectionLost, 0)),
    "nothing but 500": ([answer(500, {})] * 3, spent(ServerError)),
    "nothing but 408": ([answer(408, {})] * 3, spent(APIError)),
    "nothing but redirects": ([answer(307, {}, {"Location": "/elsewhere"})] * 3, spent(Redirected)),
}


async def outcome(caller: Caller, script: list[Step], **options: Any) -> tuple[End, CallError | None, RawServer]:
    """Play the script to the caller. What remains of the script does not matter; what was sent does."""
    options = {"retries": RetryPolicy(retries=2), "timeout": 20.0, "max_answer_bytes": MOST_BYTES, **options}
    async with RawServer(*script) as server, caller.client(server, **options) as client:
        try:
            await caller.call(client)
        except CallError as error:
            return (type(error), len(server.requests)), error, server
        return (DONE, len(server.requests)), None, server


@pytest.mark.parametrize("row", ROWS)
async def test_what_the_attempts_meet_decides_the_outcome_and_the_number_of_sends(row: str) -> None:
    script, expected = ROWS[row]
    # One after another: the time that one of them waits through would pass for all.
    results = {name: await outcome(caller, script) for name, caller in CALLERS.items()}
    assert {name: end for name, (end, _, _) in results.items()} == expected
    # Every attempt of a call is the same request, byte for byte, and that of a keyed one carries its key.
    for _, _, server in results.values():
        assert len({(request.lines, request.body) for request in server.requests}) <= 1
    _, _, server = results["keyed"]
    assert all(len(request.headers["idempotency-key"]) == 36 for request in server.requests)


async def test_each_keyed_call_has_a_key_of_its_own() -> None:
    async with RawServer(answer(), answer()) as server, cnaught(server) as client:
        await client.orders.create(amount_kg=10)
        await client.orders.create(amount_kg=10)
        first, second = server.requests
        assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


@pytest.mark.parametrize("name", ["repeatable", "keyed", "once"])
async def test_a_write_that_met_silence_is_not_called_unsent_when_its_repeats_are_refused_connections(
    name: str,
) -> None:
    end, _, _ = await outcome(CALLERS[name], [silent(LONG), refused(), refused()])
    assert end == (OutcomeUnknown, 1)


@pytest.mark.parametrize("key", ["", None, 7])
async def test_a_keyed_write_never_goes_out_without_a_key(key: Any) -> None:
    call = attrs.evolve(create_order_by_amount(amount_kg=10), idempotency_key=key)
    async with RawServer(answer(500, {}), answer()) as server, cnaught(server) as client:
        with pytest.raises(InvalidArgument, match="idempotency_key"):
            await client.send(call)
        assert server.requests == []


async def test_an_operation_that_has_no_header_for_a_key_is_never_sent_twice_as_if_it_had_one() -> None:
    unsafe = attrs.evolve(CREATE_ORDER, idempotency_header=None)
    async with RawServer(answer(500, {}), answer()) as server, cnaught(server) as client:
        with pytest.raises((InvalidArgument, OutcomeUnknown)):
            await client.send(Call(operation=unsafe, body={"amount_kg": 10}))
        assert len(server.requests) <= 1


@pytest.mark.parametrize("body", [b"tons=1", b"[1]", "tons", None], ids=str)
async def test_an_order_whose_body_cannot_carry_its_reference_is_refused_before_it_is_sent(body: Any) -> None:
    async with RawServer(answer()) as server, wren(server) as client:
        with pytest.raises(InvalidArgument, match="reference"):
            await client.send(Call(operation=CREATE_OFFSET_ORDER, body=body))
        assert server.requests == []


async def test_an_unknown_operation_is_taken_for_one_that_must_not_be_sent_twice() -> None:
    call = Call(operation=Operation(id="mystery", method="POST", path="/api/mystery", answer=type(None)))
    end, _, _ = await outcome(Caller(LIVE, lambda client: client.send(call)), [answer(500, {}), answer()])
    assert end == (OutcomeUnknown, 1)


# --- what an unknown outcome tells ----------------------------------------------------------------------------------


async def test_an_unreadable_success_of_an_order_says_placed_and_holds_the_raw_body() -> None:
    _, error, server = await outcome(CALLERS["once"], [GARBLED])
    assert isinstance(error, OutcomeUnknown)
    assert error.accepted
    assert error.raw == b"<html>Thank you!</html>"
    assert error.reference
    assert error.reference in server.requests[0].body.decode()


async def test_a_lost_answer_says_nothing_of_acceptance() -> None:
    for script in ([silent(LONG)], [answer(500, {})], [read_and_close()]):
        _, error, _ = await outcome(CALLERS["once"], script)
        assert isinstance(error, OutcomeUnknown)
        assert not error.accepted


async def test_sending_the_call_of_an_unknown_outcome_again_repeats_it_under_the_same_key() -> None:
    script = [*[answer(500, {})] * 3, answer(200, headers={"X-Idempotent-Replay": "true"})]
    async with RawServer(*script) as server, cnaught(server, retries=2) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.orders.create(amount_kg=10)
        reply = await client.send_raw(caught.value.call)
        assert reply.replayed
        assert len({(request.headers["idempotency-key"], request.body) for request in server.requests}) == 1
        assert caught.value.idempotency_key == server.requests[0].headers["idempotency-key"]


async def test_a_call_says_how_many_attempts_it_made() -> None:
    _, error, _ = await outcome(CALLERS["read"], [answer(500, {}), answer(503, {}), answer(502, {})])
    assert error is not None
    assert (error.attempts, error.status) == (3, 502)


# --- 429 of a `once` write ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([answer(429, {}), answer()], (DONE, 2)),
        ([answer(429, {})] * 3, (RateLimited, 3)),
        ([answer(429, {}), answer(500, {}), answer()], (OutcomeUnknown, 2)),
        ([answer(429, {}), answer(402, {})], (PaymentRequired, 2)),
        ([answer(500, {}), answer()], (OutcomeUnknown, 1)),
        ([answer(429, {}), refused(), answer()], (DONE, 2)),
    ],
    ids=str,
)
async def test_a_rate_limited_order_is_sent_again_only_by_the_callers_choice(script: list[Step], expected: End) -> None:
    policy = RetryPolicy(retries=2, resend_rate_limited=True)
    end, _, _ = await outcome(CALLERS["once"], script, retries=policy)
    assert end == expected


# --- deletions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([answer(204, b"")], (DONE, 1)),
        ([answer(404, {})], (NotFound, 1)),
        ([answer(500, {}), answer(404, {})], (DONE, 2)),
        ([read_and_reset(), answer(404, {})], (DONE, 2)),
        ([silent(LONG), answer(204, b"")], (DONE, 2)),
        ([read_and_close(), refused(), answer(404, {})], (DONE, 2)),
        ([refused(), answer(404, {})], (NotFound, 1)),
        ([answer(429, {}), answer(404, {})], (NotFound, 2)),
        ([answer(500, {}), answer(401, {})], (OutcomeUnknown, 2)),
        ([answer(500, {})] * 3, (OutcomeUnknown, 3)),
    ],
    ids=str,
)
async def test_a_404_to_a_repeated_deletion_means_done(script: list[Step], expected: End) -> None:
    caller = Caller(KEY, lambda client: client.subaccounts.delete("sub_1"))
    end, _, _ = await outcome(caller, script)
    assert end == expected


# --- deadlines ------------------------------------------------------------------------------------------------------


async def test_an_ambiguous_write_that_meets_its_deadline_is_unknown_and_a_read_keeps_its_error() -> None:
    late = answer(503, {}, {"Retry-After": "60"})
    for name, expected in {
        "read": (ServerError, 1),
        "repeatable": (OutcomeUnknown, 1),
        "keyed": (OutcomeUnknown, 1),
        "once": (OutcomeUnknown, 1),
    }.items():
        clock = Clock()
        end, _, _ = await outcome(CALLERS[name], [late, answer()], deadline=30, timing=clock.timing)
        assert (name, end, clock.waits) == (name, expected, [])


# --- streams --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([answer()], (DONE, 1)),
        ([refused(), answer()], (DONE, 1)),
        ([answer(500, {}), answer()], (OutcomeUnknown, 1)),
        ([silent(LONG), answer()], (OutcomeUnknown, 1)),
        ([answer(429, {}), answer()], (RateLimited, 1)),
        ([answer(200, b"garbled"), answer()], (DecodeError, 1)),
        ([answer(400, {})], (BadRequest, 1)),
    ],
    ids=str,
)
async def test_a_stream_is_sent_once_and_whole(script: list[Step], expected: End) -> None:
    async def image() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"pixels;"

    caller = Caller(KEY, lambda client: client.subaccounts.logo.upload("s", image(), content_type="image/png"))
    end, _, server = await outcome(caller, script)
    assert end == expected
    assert [request.body for request in server.requests] == [b"pixels;" * 3] * expected[1]


async def test_the_same_image_as_bytes_is_sent_again() -> None:
    caller = Caller(KEY, lambda client: client.subaccounts.logo.upload("s", b"pixels", content_type="image/png"))
    end, _, server = await outcome(caller, [answer(500, {}), silent(LONG), answer()])
    assert end == (DONE, 3)
    assert {request.body for request in server.requests} == {b"pixels"}


# --- dry runs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "is_dry"),
    [
        (b'{"tons": 1, "dryRun": true}', True),
        (b'{"dryRun"\n:\ttrue , "tons": 1}', True),
        (b'{"tons": 1, "dry\\u0052un": true}', True),
        ({"tons": 1, "dryRun": True}, True),
        (b'{"tons": 1}', False),
        (b'{"tons": 1, "dryRun": false}', False),
        (b'{"tons": 1, "dryRun": null}', False),
        (b'{"tons": 1, "dryRun": 1}', False),
        (b'{"tons": 1, "dryRun": "true"}', False),
        (b'{"tons": 1, "dryRun": [true]}', False),
        (b'{"tons": 1, "dry_run": true}', False),
        (b'{"tons": 1, "dryrun": true}', False),
        (b'{"tons": 1, "order": {"dryRun": true}}', False),
        (b'{"tons": 1, "dryRun": true, "dryRun": false}', False),
        (b'[{"dryRun": true}]', False),
        (b'{"tons": 1, "dryRun": true', False),
        (b"tons=1&dryRun=true", False),
        ({"tons": 1, "dryRun": 1}, False),
    ],
    ids=str,
)
async def test_only_a_dry_run_in_the_bytes_themselves_is_tried_again(body: Any, is_dry: bool) -> None:
    call = Call(operation=CREATE_OFFSET_ORDER, body=body, reference=None)
    end, _, server = await outcome(Caller(LIVE, lambda client: client.send(call)), [answer(500, {}), answer()])
    assert end == ((DONE, 2) if is_dry else (OutcomeUnknown, 1))
    if isinstance(body, bytes):
        assert {request.body for request in server.requests} == {body}


async def test_a_dry_run_carries_no_reference_and_an_order_does() -> None:
    async with RawServer(answer(), answer()) as server, wren(server) as client:
        await client.send(create_offset_order(tons=1, payment_method="credits", dry_run=True))
        await client.send(create_offset_order(tons=1, payment_method="credits"))
        dry, order = server.requests
        assert b"note" not in dry.body
        assert b'"note":"[ref:' in order.body


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_of_a_write_whose_answer_is_bytes_is_no_success(status: int) -> None:
    write = Operation(id="upload", method="POST", path="/x", answer=bytes, effect=Effect.ONCE)
    async with RawServer(answer(status, {}, {"Location": "/elsewhere"})) as server, cnaught(server) as client:
        with pytest.raises(OutcomeUnknown):
            await client.send(Call(operation=write, body={"a": 1}))
        assert len(server.requests) == 1
