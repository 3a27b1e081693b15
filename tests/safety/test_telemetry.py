"""What a client reports of its calls and its limiter, and that reporting never gets in the way of an order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import aiohttp
import httpx
import pytest

from tests.raw_server import RawServer, answer, read_and_close, refused, silent
from wren_async import AiohttpBackend, CNaughtClient, Effect, InvalidConfiguration, NotSent, OutcomeUnknown, WrenClient
from wren_async.telemetry import (
    AttemptBegan,
    AttemptEnded,
    CallBegan,
    CallEnded,
    CallEvents,
    CallOutcome,
    PrometheusMetrics,
    Retry,
)

from .clients import KEY, LIVE, Clock, cnaught, wren


async def order(client: Any, **options: Any) -> object:
    return await client.offset_orders.create(tons=1, payment_method="credits", **options)


class Told(list[Any]):
    """Everything that a client tells, in its order."""

    def __call__(self, call: CallBegan) -> CallEvents:
        self.append(call)
        told = self

        class Events(CallEvents):
            def queued(self) -> None:
                told.append("queued")

            def attempt_began(self, attempt: AttemptBegan) -> Mapping[str, str] | None:
                told.append(attempt)
                return None

            def attempt_ended(self, attempt: AttemptEnded) -> None:
                told.append(attempt)

            def retry_follows(self, retry: Retry) -> None:
                told.append(retry)

            def ended(self, call: CallEnded) -> None:
                told.append(call)

        return Events()

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for each in self if isinstance(each, kind)]

    @property
    def names(self) -> list[str]:
        return [each if isinstance(each, str) else type(each).__name__ for each in self]


# --- what is told -----------------------------------------------------------------------------------------------------


async def test_a_call_is_told_from_its_beginning_to_its_end() -> None:
    told = Told()
    async with (
        RawServer(answer(503, {}), answer()) as server,
        cnaught(server, telemetry=told) as client,
    ):
        await client.orders.create(amount_kg=1, reference="ride-7")
        url = server.url
    assert told.names == [
        "CallBegan",
        "AttemptBegan",
        "AttemptEnded",
        "Retry",
        "AttemptBegan",
        "AttemptEnded",
        "CallEnded",
    ]
    assert told[0] == CallBegan(
        operation="createOrder",
        method="POST",
        path="/orders",
        url=f"{url}/orders",
        effect=Effect.KEYED,
        spends=True,
        reference="ride-7",
        keyed=True,
    )
    assert [each.number for each in told.of(AttemptBegan)] == [1, 2]
    assert told.of(Retry) == [Retry(number=2, wait=0.5)]
    end = told[-1]
    assert (end.operation, end.outcome, end.attempts, end.took) == ("createOrder", CallOutcome.SUCCEEDED, 2, 0.5)
    assert (end.error, end.cancelled, end.answer.price_usd_cents) == (None, False, 25)


async def test_each_attempt_is_told_with_what_it_met() -> None:
    told = Told()
    async with (
        RawServer(read_and_close(), answer(503, {}), answer()) as server,
        cnaught(server, telemetry=told) as client,
    ):
        await client.orders.create(amount_kg=1)
    attempts = told.of(AttemptEnded)
    assert [(each.operation, each.number, each.status, each.unsent, each.error_type) for each in attempts] == [
        ("createOrder", 1, None, False, "RemoteProtocolError"),
        ("createOrder", 2, 503, False, "503"),
        ("createOrder", 3, 200, False, None),
    ]
    assert attempts[0].reason
    assert attempts[1].reason == attempts[2].reason == ""


async def test_an_attempt_that_sent_nothing_says_so() -> None:
    told = Told()
    async with (
        RawServer(refused(), refused()) as server,
        wren(server, telemetry=told, retries=0) as client,
    ):
        with pytest.raises(NotSent):
            await order(client)
    (attempt,) = told.of(AttemptEnded)
    assert (attempt.unsent, attempt.error_type) == (True, "ConnectError")
    assert told[-1].outcome is CallOutcome.NOT_SENT


async def test_a_dry_run_spends_nothing_and_the_query_of_an_address_is_not_told() -> None:
    told = Told()
    page = answer(200, {"entries": [], "total": 0, "limit": 7, "offset": 0})
    async with RawServer(answer(), page) as server, wren(server, telemetry=told) as client:
        await order(client, dry_run=True)
        await client.credits.ledger(limit=7)
    dry, ledger = told.of(CallBegan)
    assert (dry.spends, dry.effect, dry.reference) == (False, Effect.COMPUTE, None)
    assert "limit=7" in server.requests[1].target
    assert ledger.url.endswith("/api/credits/ledger")


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (answer(), CallOutcome.SUCCEEDED),
        (answer(400, {}), CallOutcome.REFUSED),
        (answer(500, {}), CallOutcome.UNKNOWN),
        (answer(200, {"id": 1}), CallOutcome.UNKNOWN),
        (refused(), CallOutcome.NOT_SENT),
    ],
    ids=str,
)
async def test_the_end_tells_what_came_of_the_call(step: Any, outcome: CallOutcome) -> None:
    told = Told()
    async with RawServer(step) as server, wren(server, telemetry=told, retries=0) as client:
        (raised,) = await asyncio.gather(order(client), return_exceptions=True)
    assert told[-1].error is (raised if isinstance(raised, Exception) else None)
    assert told[-1].outcome is outcome
    assert len(told.of(CallEnded)) == 1


async def test_time_at_the_limiter_and_time_on_the_wire_are_told_apart() -> None:
    told = Told()
    clock = Clock()

    async def work() -> None:
        clock.now += 3

    async with (
        RawServer(otherwise=answer(after=work)) as server,
        wren(server, clock, max_in_flight=1, telemetry=told) as client,
    ):
        await asyncio.gather(client.credits.balance(), client.credits.balance())
    assert [(each.waited, each.took) for each in told.of(AttemptEnded)] == [(0, 3), (3, 3)]
    assert told.names.count("queued") == 1


async def test_a_call_that_gets_no_place_in_time_has_no_attempt() -> None:
    told = Told()
    async with (
        RawServer(silent()) as server,
        wren(server, max_in_flight=1, telemetry=told) as client,
    ):
        first = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: s.requests)
        with pytest.raises(NotSent):
            await client.credits.balance(deadline=0.01)
        assert told.names[2:] == ["CallBegan", "queued", "CallEnded"]
        first.cancel()
        await asyncio.wait([first])


async def test_the_limiter_shows_how_many_are_on_the_wire_and_how_many_wait() -> None:
    told = Told()
    async with (
        RawServer(silent(), otherwise=answer()) as server,
        wren(server, max_in_flight=1, telemetry=told) as client,
    ):
        first = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: s.requests)
        others = [asyncio.create_task(client.credits.balance()) for _ in range(3)]
        await asyncio.sleep(0)
        assert (client.in_flight, client.waiting) == (1, 3)
        assert (client.with_options(timeout=1).in_flight, client.with_options(timeout=1).waiting) == (1, 3)
        first.cancel()
        await asyncio.gather(first, *others, return_exceptions=True)
        assert (client.in_flight, client.waiting) == (0, 0)
    ended = [(each.error_type, each.in_flight, each.waiting) for each in told.of(AttemptEnded)]
    assert ended == [("aborted", 1, 2), (None, 1, 1), (None, 1, 0), (None, 0, 0)]


async def test_calls_are_let_through_in_the_order_in_which_they_came() -> None:
    came: list[str] = []
    async with (
        RawServer(silent(), otherwise=answer()) as server,
        wren(server, max_in_flight=1) as client,
    ):
        first = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: s.requests)
        others = [asyncio.create_task(client.credits.balance(headers={"X-Number": str(number)})) for number in range(9)]
        await asyncio.sleep(0)
        others.pop(4).cancel()
        first.cancel()
        await asyncio.gather(*others)
        came = [request.headers["x-number"] for request in server.requests[1:]]
    assert came == ["0", "1", "2", "3", "5", "6", "7", "8"]


async def test_an_order_whose_caller_went_away_ends_when_its_outcome_is_known() -> None:
    told = Told()
    hold = asyncio.Event()
    async with (
        RawServer(answer(after=hold.wait)) as server,
        wren(server, telemetry=told) as client,
    ):
        task = asyncio.create_task(order(client, reference="r1"))
        await server.until(lambda s: s.requests)
        task.cancel()
        await asyncio.wait([task])
        assert told.names == ["CallBegan", "AttemptBegan"]
        hold.set()
        await client.outcomes["r1"].reply()
    assert told.names == ["CallBegan", "AttemptBegan", "AttemptEnded", "CallEnded"]
    assert (told[-1].outcome, told[-1].cancelled) == (CallOutcome.SUCCEEDED, True)


async def test_a_cancelled_read_ends_as_cancelled() -> None:
    told = Told()
    async with RawServer(silent()) as server, wren(server, telemetry=told) as client:
        task = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: s.requests)
        task.cancel()
        await asyncio.wait([task])
    assert told.names == ["CallBegan", "AttemptBegan", "AttemptEnded", "CallEnded"]
    assert (told[-1].outcome, told[-1].cancelled) == (CallOutcome.CANCELLED, True)


@pytest.mark.parametrize("write", [False, True], ids=["a read", "an order"])
@pytest.mark.parametrize("script", [[], [refused()], [answer(500, {})]], ids=str)
async def test_whenever_a_call_is_cancelled_each_beginning_has_its_end(write: bool, script: list[Any]) -> None:
    """At every turn of the loop, also while it waits at the limiter."""
    for queued in (False, True):
        for ticks in range(200):
            told = Told()
            async with RawServer(*script, otherwise=answer()) as server:
                async with cnaught(server, telemetry=told, max_in_flight=1, retries=1) as client:
                    other = asyncio.create_task(client.portfolios.list()) if queued else None
                    await asyncio.sleep(0)
                    call = client.orders.create(amount_kg=1) if write else client.portfolios.list()
                    task = asyncio.create_task(call)
                    for _ in range(ticks):
                        await asyncio.sleep(0)
                    late = task.done()
                    task.cancel()
                    await asyncio.wait([task, *([other] if other else [])])
                assert told.names.count("CallBegan") == told.names.count("CallEnded"), ticks
                assert told.names.count("AttemptBegan") == told.names.count("AttemptEnded"), ticks
            if late:
                break
        else:
            raise AssertionError("never ended")


# --- in the caller's context, and without harm ------------------------------------------------------------------------

place: ContextVar[str] = ContextVar("place", default="nowhere")


@pytest.mark.parametrize("cancelled", [False, True])
async def test_hooks_run_in_the_context_of_the_caller(cancelled: bool) -> None:
    seen: list[tuple[str, str]] = []
    hold = asyncio.Event()

    class Events(CallEvents):
        def __init__(self, call: CallBegan) -> None:
            seen.append(("began", place.get()))

        def attempt_began(self, attempt: AttemptBegan) -> None:
            seen.append(("attempt began", place.get()))
            self.token = place.set("on the wire")

        def attempt_ended(self, attempt: AttemptEnded) -> None:
            place.reset(self.token)
            seen.append(("attempt ended", place.get()))

        def ended(self, call: CallEnded) -> None:
            seen.append(("ended", place.get()))

    async with (
        RawServer(answer(after=hold.wait), otherwise=answer()) as server,
        wren(server, telemetry=Events) as client,
    ):
        place.set("checkout")
        task = asyncio.create_task(order(client))
        place.set("elsewhere")
        await server.until(lambda s: s.requests)
        if cancelled:
            task.cancel()
            await asyncio.wait([task])
        hold.set()
        await asyncio.gather(task, *(each.reply() for each in client.outcomes.values()), return_exceptions=True)
    assert seen == [(name, "checkout") for name in ("began", "attempt began", "attempt ended", "ended")]


@pytest.mark.parametrize("backend", [lambda: None, AiohttpBackend], ids=["httpx", "aiohttp"])
async def test_headers_of_an_attempt_are_sent_with_it_and_replace_none(backend: Callable[[], Any]) -> None:
    class Numbered(CallEvents):
        def __init__(self, call: CallBegan) -> None:
            pass

        def attempt_began(self, attempt: AttemptBegan) -> Mapping[str, str]:
            return {"X-Attempt": str(attempt.number), "user-agent": "other", "X-Own": "no"}

    async with (
        RawServer(answer(500, {}), answer()) as server,
        cnaught(server, telemetry=Numbered, http_client=backend(), headers={"x-own": "yes"}) as client,
    ):
        await client.orders.create(amount_kg=1)
    assert [request.headers["x-attempt"] for request in server.requests] == ["1", "2"]
    for request in server.requests:
        assert request.headers["x-own"] == "yes"
        assert request.headers["user-agent"].startswith("wren-async/")
        assert request.names.count("x-own") == request.names.count("user-agent") == 1


@pytest.mark.parametrize(
    "header", [{"Authorization": "Bearer other"}, {"X-A": "a\r\nX-B: b"}, {"Cookie": "a"}], ids=str
)
async def test_headers_that_are_not_a_hooks_to_set_are_left_out(
    header: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    class Wrong(CallEvents):
        def __init__(self, call: CallBegan) -> None:
            pass

        def attempt_began(self, attempt: AttemptBegan) -> Mapping[str, str]:
            return header

    async with RawServer(answer()) as server, wren(server, telemetry=Wrong) as client:
        await order(client)
    assert server.requests[0].headers["authorization"] == f"Bearer {LIVE}"
    assert not {"x-a", "x-b", "cookie"} & server.requests[0].headers.keys()
    assert "telemetry" in caplog.text


METHODS = ("__init__", "queued", "attempt_began", "attempt_ended", "retry_follows", "ended")


@pytest.mark.parametrize("method", METHODS)
async def test_what_a_hook_raises_is_logged_and_changes_nothing(method: str, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(CallEvents):
        def __init__(self, call: CallBegan) -> None:
            pass

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    setattr(Broken, method, fail)
    async with (
        RawServer(refused(), answer(), read_and_close(), otherwise=answer()) as server,
        wren(server, telemetry=Broken, max_in_flight=1) as client,
    ):
        await order(client)
        with pytest.raises(OutcomeUnknown):
            await order(client)
        assert len(server.requests) == 2
        await asyncio.gather(client.credits.balance(), client.credits.balance())
        assert (client.in_flight, client.waiting) == (0, 0)
    faults = [record.levelno for record in caplog.records if "telemetry" in record.getMessage()]
    assert faults
    assert set(faults) == {logging.ERROR}


async def test_whoever_wants_to_see_only_some_calls_returns_nothing_for_the_others() -> None:
    told = Told()

    def orders(call: CallBegan) -> CallEvents | None:
        return told(call) if call.spends else None

    async with RawServer(otherwise=answer()) as server, wren(server, telemetry=orders) as client:
        await client.credits.balance()
        await order(client)
    assert [call.operation for call in told.of(CallBegan)] == ["createOffsetOrder"]


async def test_nothing_that_is_told_shows_the_token() -> None:
    told = Told()
    async with (
        RawServer(answer(500, {"error": f"no {KEY} here"}), answer()) as server,
        cnaught(server, telemetry=told) as client,
    ):
        await client.orders.create(amount_kg=1)
    assert len(told) == 7
    assert KEY not in repr(told)


@pytest.mark.parametrize("wrong", ["metrics", CallEvents(), PrometheusMetrics], ids=["text", "events", "a class"])
@pytest.mark.parametrize("client", [WrenClient, CNaughtClient])
def test_telemetry_that_cannot_watch_calls_is_refused(client: Any, wrong: Any) -> None:
    with pytest.raises(InvalidConfiguration, match="telemetry takes"):
        client(LIVE, telemetry=wrong)


def small_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50, limit_per_host=20))


@pytest.mark.parametrize(
    ("bring", "given", "at_once"),
    [
        (lambda: None, None, 128),
        (httpx.AsyncClient, None, 100),
        (AiohttpBackend, None, 512),
        (aiohttp.ClientSession, None, 100),
        (small_session, None, 20),
        (AiohttpBackend, 7, 7),
    ],
)
async def test_as_many_exchanges_go_out_at_once_as_suit_the_backend(
    bring: Callable[[], Any], given: int | None, at_once: int
) -> None:
    hold, http_client = asyncio.Event(), bring()
    async with (
        RawServer(otherwise=answer(after=hold.wait)) as server,
        wren(server, http_client=http_client, max_in_flight=given) as client,
    ):
        calls = [asyncio.create_task(client.credits.balance()) for _ in range(600)]
        await asyncio.sleep(0)
        assert (client.in_flight, client.waiting) == (at_once, 600 - at_once)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert (client.in_flight, client.waiting) == (0, 0)
    if isinstance(http_client, httpx.AsyncClient):
        await http_client.aclose()
    elif isinstance(http_client, aiohttp.ClientSession):
        await http_client.close()


async def test_no_more_exchanges_go_out_at_once_than_half_of_the_files_that_may_be_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, 4096))
    async with (
        RawServer(otherwise=silent()) as server,
        wren(server) as client,
        wren(server, max_in_flight=40) as told,
    ):
        for asked, at_once in ((client, 32), (told, 40)):
            calls = [asyncio.create_task(asked.credits.balance()) for _ in range(50)]
            await asyncio.sleep(0)
            assert asked.in_flight == at_once
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)
