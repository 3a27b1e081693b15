"""Cancelling a call: at once, without a second order, and with the outcome still to be had."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import attrs
import pytest

from tests.loop_time import outlast, pass_time, turns
from tests.raw_server import RawServer, Step, answer, deaf, read_and_close, refused, silent
from wren_async import (
    ClientClosed,
    CNaughtClient,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    RetryPolicy,
    Timing,
    WrenClient,
    outcome_of,
)
from wren_async.core.sending import session
from wren_async.core.sending.session import Outcome

from .clients import LIVE, cnaught, wren


async def order(client: WrenClient, **more: Any) -> Any:
    return await client.offset_orders.create(tons=1, payment_method="credits", **more)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task and see that it ends at once."""
    task.cancel()
    await turns()
    assert task.cancelled()


def only(client: WrenClient | CNaughtClient) -> Outcome:
    (outcome,) = client.outcomes.values()
    return outcome


# --- on the wire ----------------------------------------------------------------------------------------------------


async def test_a_cancelled_order_on_the_wire_raises_at_once_and_its_reply_is_kept() -> None:
    committed = asyncio.Event()
    async with RawServer(answer(after=committed.wait)) as server, wren(server) as client:
        task = asyncio.create_task(order(client, reference="ride-7"))
        await server.until(lambda s: s.requests)
        await cancelled(task)
        outcome = client.outcomes["ride-7"]
        assert not outcome.decided
        committed.set()
        reply = await outcome.reply()
        assert reply.value.id == "order_1"
        assert outcome.decided
        assert outcome.error is None
        assert len(server.requests) == 1


async def test_without_a_reference_of_the_callers_the_order_is_kept_under_the_one_that_was_sent() -> None:
    committed = asyncio.Event()
    async with RawServer(answer(after=committed.wait)) as server, wren(server) as client:
        task = asyncio.create_task(order(client))
        await server.until(lambda s: s.requests)
        await cancelled(task)
        (reference,) = client.outcomes
        assert f"[ref:{reference}]" in server.requests[0].body.decode()
        assert client.outcomes[reference].call.reference == reference
        committed.set()
        await client.outcomes[reference].reply()


async def test_a_keyed_order_is_kept_under_its_key_and_can_be_sent_again() -> None:
    hold = asyncio.Event()
    async with RawServer(read_and_close(after=hold.wait), answer()) as server, cnaught(server) as client:
        task = asyncio.create_task(client.orders.create(amount_kg=10))
        await server.until(lambda s: s.requests)
        await cancelled(task)
        (key,) = client.outcomes
        hold.set()
        with pytest.raises(OutcomeUnknown) as caught:
            await client.outcomes[key].reply()
        await client.send(caught.value.call)
        assert [request.headers["idempotency-key"] for request in server.requests] == [key, key]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (lambda wait: answer(500, {}, after=wait), OutcomeUnknown),
        (lambda wait: answer(200, b"garbled", after=wait), OutcomeUnknown),
        (lambda wait: answer(429, {}, {"Retry-After": "1"}, after=wait), RateLimited),
    ],
)
async def test_after_a_cancellation_no_new_attempt_starts(script: Callable[..., Any], error: type[Exception]) -> None:
    hold = asyncio.Event()
    for make, place in ((wren, order), (cnaught, lambda client: client.orders.create(amount_kg=10))):
        hold.clear()
        async with RawServer(script(hold.wait), answer()) as server, make(server) as client:
            task = asyncio.create_task(place(client))
            await server.until(lambda s: s.requests)
            await cancelled(task)
            hold.set()
            with pytest.raises(error):
                await only(client).reply()
            await turns()
            assert len(server.requests) == 1


async def test_the_time_of_the_attempt_still_holds_after_a_cancellation() -> None:
    async with RawServer(silent()) as server, wren(server, timeout=20) as client:
        task = asyncio.create_task(order(client))
        await server.until(lambda s: s.requests)
        await cancelled(task)
        with pytest.raises(OutcomeUnknown, match="no answer within 20 s"):
            await outlast(21, only(client).reply())


async def test_cancelling_again_and_again_changes_nothing() -> None:
    hold = asyncio.Event()
    async with RawServer(answer(after=hold.wait)) as server, wren(server) as client:

        async def caller() -> None:
            try:
                await order(client)
            finally:
                await asyncio.sleep(0)

        task = asyncio.create_task(caller())
        await server.until(lambda s: s.requests)
        task.cancel()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        hold.set()
        assert (await only(client).reply()).value.id == "order_1"
        assert len(server.requests) == 1


async def test_a_time_limit_of_the_callers_own_is_a_cancellation_like_any_other() -> None:
    hold = asyncio.Event()

    async def at_most_ten_seconds(client: WrenClient) -> None:
        async with asyncio.timeout(10):
            await order(client)

    async with RawServer(answer(after=hold.wait)) as server, wren(server) as client:
        task = asyncio.create_task(at_most_ten_seconds(client))
        await server.until(lambda s: s.requests)
        pass_time(11)
        with pytest.raises(TimeoutError):
            await task
        hold.set()
        assert (await only(client).reply()).value.id == "order_1"


async def test_a_cancelled_read_on_the_wire_is_dropped_with_its_connection() -> None:
    async with RawServer(silent(), answer()) as server, wren(server) as client:
        task = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: s.requests)
        await cancelled(task)
        assert not client.outcomes
        await server.until(lambda s: s.open == 0)
        await client.credits.balance()


async def test_two_cancelled_orders_with_one_reference_are_both_to_be_had() -> None:
    hold = asyncio.Event()
    script = [answer(body={"error": "down"}, status=500, after=hold.wait), answer(after=hold.wait)]
    async with RawServer(*script) as server, wren(server) as client:
        tasks = []
        for sent in (1, 2):
            tasks.append(asyncio.create_task(order(client, reference="same")))
            await server.until(lambda s, sent=sent: len(s.requests) == sent)
        for task in tasks:
            await cancelled(task)
        kept = list(client.outcomes.values())
        hold.set()
        await asyncio.gather(*(outcome.reply() for outcome in kept), return_exceptions=True)
        assert sorted(str(type(outcome.error).__name__) for outcome in kept) == ["NoneType", "OutcomeUnknown"]


async def test_the_outcomes_that_are_kept_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_REMEMBERED", 5)
    hold = asyncio.Event()
    async with RawServer(otherwise=answer(after=hold.wait)) as server, wren(server) as client:
        tasks = [asyncio.create_task(order(client, reference=f"ride-{index}")) for index in range(9)]
        await server.until(lambda s: len(s.requests) == 9)
        for task in tasks:
            await cancelled(task)
        hold.set()
        assert list(client.outcomes) == ["ride-4", "ride-5", "ride-6", "ride-7", "ride-8"]


# --- before anything was sent ---------------------------------------------------------------------------------------


async def test_cancelling_at_the_limiter_sends_nothing_and_keeps_nothing() -> None:
    hold = asyncio.Event()
    async with RawServer(answer(after=hold.wait), answer()) as server, wren(server, max_in_flight=1) as client:
        first = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: s.requests)
        waiting = asyncio.create_task(order(client))
        await turns()
        assert client.waiting == 1
        await cancelled(waiting)
        hold.set()
        await first
        await order(client)
        assert not client.outcomes
        assert [request.method for request in server.requests] == ["GET", "POST"]


async def test_cancelling_in_a_wait_after_proof_that_nothing_was_sent_keeps_nothing() -> None:
    asleep = asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    async with RawServer(refused()) as server, wren(server, timing=Timing(sleep=sleep)) as client:
        task = asyncio.create_task(order(client))
        await asleep.wait()
        await cancelled(task)
        assert not client.outcomes
        assert not server.requests


async def test_cancelling_a_keyed_order_in_a_wait_after_a_lost_answer_names_it_as_undecided() -> None:
    asleep = asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    async with (
        RawServer(answer(500, {}), answer()) as server,
        cnaught(server, timing=Timing(sleep=sleep)) as client,
    ):
        task = asyncio.create_task(client.orders.create(amount_kg=10))
        await asleep.wait()
        await cancelled(task)
        with pytest.raises(OutcomeUnknown) as caught:
            await only(client).reply()
        assert caught.value.idempotency_key == server.requests[0].headers["idempotency-key"]
        assert len(server.requests) == 1


async def test_cancelling_a_keyed_order_at_the_limiter_before_its_second_attempt_names_it_as_undecided() -> None:
    hold, asleep, wake = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await wake.wait()

    async with (
        RawServer(answer(500, {}), answer(after=hold.wait)) as server,
        cnaught(server, timing=Timing(sleep=sleep), max_in_flight=1) as client,
    ):
        task = asyncio.create_task(client.orders.create(amount_kg=10))
        await asleep.wait()
        other = asyncio.create_task(client.portfolios.list())
        await server.until(lambda s: len(s.requests) == 2)
        wake.set()
        await turns()
        assert client.waiting == 1
        await cancelled(task)
        assert isinstance(only(client).error, OutcomeUnknown)
        await cancelled(other)


async def test_cancelling_while_connecting_sends_nothing_and_keeps_nothing() -> None:
    async with RawServer(deaf()) as server, WrenClient(LIVE, base_url=server.secure_url) as client:
        task = asyncio.create_task(order(client))
        await server.until(lambda s: s.connections)
        await cancelled(task)
        await server.until(lambda s: s.open == 0)
        assert not client.outcomes


# --- whose order it is ----------------------------------------------------------------------------------------------


async def test_two_cancelled_orders_with_one_reference_have_an_outcome_each() -> None:
    hold = asyncio.Event()
    async with RawServer(*[answer(after=hold.wait)] * 2) as server, cnaught(server) as client:
        for count in (1, 2):
            task = asyncio.create_task(client.orders.create(amount_kg=count, reference="ride-7"))
            await server.until(lambda s, count=count: len(s.requests) == count)
            await cancelled(task)
        assert list(client.outcomes) == ["ride-7", "ride-7#2"]
        assert len({outcome.call.idempotency_key for outcome in client.outcomes.values()}) == 2
        hold.set()


async def test_a_key_that_is_sent_again_stays_one_order_with_one_outcome() -> None:
    hold = asyncio.Event()
    async with RawServer(*[answer(after=hold.wait)] * 2) as server, cnaught(server) as client:
        for count in (1, 2):
            task = asyncio.create_task(client.orders.create(amount_kg=1, idempotency_key="k1"))
            await server.until(lambda s, count=count: len(s.requests) == count)
            await cancelled(task)
        assert list(client.outcomes) == ["k1"]
        hold.set()


async def give_up(how: str, call: Coroutine[Any, Any, Any], sent: Callable[[], Awaitable[object]]) -> None:
    async def limited() -> None:
        if how == "timeout":
            async with asyncio.timeout(10):
                await call
        else:
            await asyncio.wait_for(call, None if how == "cancel" else 10)

    task = asyncio.create_task(limited())
    await sent()
    if how == "cancel":
        task.cancel()
    else:
        pass_time(11)
    await task


@pytest.mark.parametrize("how", ["timeout", "wait_for", "cancel"])
async def test_whoever_gives_up_learns_which_order_was_his(how: str) -> None:
    hold = asyncio.Event()
    async with RawServer(*[answer(after=hold.wait)] * 2) as server, wren(server) as client:
        others = asyncio.create_task(order(client))
        await server.until(lambda s: s.requests)
        with pytest.raises((TimeoutError, asyncio.CancelledError)) as caught:
            await give_up(how, order(client), lambda: server.until(lambda s: len(s.requests) == 2))
        outcome = outcome_of(caught.value)
        assert outcome is not None
        hold.set()
        assert f"[ref:{outcome.call.reference}]" in server.requests[1].body.decode()
        assert (await outcome.reply()).value.id == "order_1"
        await others


async def test_whoever_gives_up_before_anything_was_sent_is_told_of_no_order() -> None:
    hold = asyncio.Event()
    async with RawServer(answer(after=hold.wait)) as server, wren(server, max_in_flight=1) as client:
        first = asyncio.create_task(order(client))
        await server.until(lambda s: s.requests)
        with pytest.raises(TimeoutError) as caught:
            await outlast(11, asyncio.wait_for(order(client), 10))
        assert outcome_of(caught.value) is None
        hold.set()
        await first


async def test_a_closing_that_is_cut_short_names_what_is_on_the_wire(caplog: pytest.LogCaptureFixture) -> None:
    async with RawServer(silent()) as server:
        client = wren(server)
        task = asyncio.create_task(order(client))
        await server.until(lambda s: s.requests)
        await cancelled(task)
        (reference,) = client.outcomes
        with pytest.raises(TimeoutError):
            await outlast(2, asyncio.wait_for(client.aclose(), 1))
        assert [record.levelno for record in caplog.records if reference in record.getMessage()] == [logging.ERROR]


SHUT_DOWN = """
import asyncio, sys
from wren_async import WrenClient

async def main():
    client = WrenClient("5f0c0000-feed-4dad-beef-00000000f00d", base_url=sys.argv[1])
    order = asyncio.create_task(client.offset_orders.create(tons=1, payment_method="credits"))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    order.cancel()
    await asyncio.wait([order])
    print(*client.outcomes)

asyncio.run(main())
"""


def test_an_order_that_the_shutdown_of_its_loop_tears_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen([sys.executable, "-c", SHUT_DOWN, url], **pipes) as program:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(65536).startswith(b"POST /api/offset-orders")
                reference, said = program.communicate("now\n")
    assert said.count(reference.strip()) == 1
    assert "undecided" in said


# --- closing --------------------------------------------------------------------------------------------------------


async def test_closing_waits_for_an_order_on_the_wire() -> None:
    hold = asyncio.Event()
    async with RawServer(answer(after=hold.wait)) as server, wren(server) as client:
        task = asyncio.create_task(order(client))
        await server.until(lambda s: s.requests)
        await cancelled(task)
        closing = asyncio.create_task(client.aclose())
        await turns()
        assert not closing.done()
        hold.set()
        await closing
        assert only(client).decided
        assert only(client).error is None


async def test_closing_waits_no_longer_than_its_patience_and_names_the_torn_order(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with RawServer(silent()) as server, wren(server) as client:
        task = asyncio.create_task(order(client, reference="ride-8"))
        await server.until(lambda s: s.requests)
        await cancelled(task)
        await outlast(6, client.aclose(patience=5))
        assert isinstance(client.outcomes["ride-8"].error, OutcomeUnknown)
        assert [record.levelno for record in caplog.records if "ride-8" in record.getMessage()] == [logging.ERROR]


@pytest.mark.parametrize("count", range(1, 12))
async def test_closing_can_be_cancelled_at_every_turn_of_the_loop_and_leaves_no_connection_open(count: int) -> None:
    async with RawServer(otherwise=answer()) as server:
        client = cnaught(server)
        await asyncio.gather(*(client.orders.get("order_1") for _ in range(5)))
        closing = asyncio.create_task(client.aclose())
        await turns(count)
        closing.cancel()
        await asyncio.wait([closing])
        await server.until(lambda s: s.open == 0)
        with pytest.raises(ClientClosed):
            await client.orders.get("order_1")
        assert len(server.requests) == 5


async def test_a_caller_who_still_waits_when_closing_tears_his_order_gets_an_unknown_outcome(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with RawServer(silent()) as server, wren(server) as client:
        task = asyncio.create_task(order(client, reference="ride-9"))
        await server.until(lambda s: s.requests)
        await outlast(6, client.aclose(patience=5))
        with pytest.raises(OutcomeUnknown) as caught:
            await task
        assert caught.value.reference == "ride-9"
        assert "ride-9" in caplog.text


async def test_an_order_that_waits_at_the_limiter_when_the_client_closes_is_not_sent() -> None:
    hold = asyncio.Event()
    async with RawServer(answer(after=hold.wait), answer()) as server, wren(server, max_in_flight=1) as client:
        first = asyncio.create_task(order(client))
        await server.until(lambda s: s.requests)
        second = asyncio.create_task(order(client))
        await turns()
        closing = asyncio.create_task(client.aclose())
        await turns()
        hold.set()
        await first
        with pytest.raises(NotSent):
            await second
        await closing
        assert len(server.requests) == 1


async def test_a_keyed_order_between_two_attempts_when_the_client_closes_is_undecided_or_refused_by_facts() -> None:
    asleep, wake = asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await wake.wait()

    async with RawServer(answer(500, {}), answer()) as server:
        client = cnaught(server, timing=Timing(sleep=sleep))
        task = asyncio.create_task(client.orders.create(amount_kg=10))
        await asleep.wait()
        await client.aclose()
        wake.set()
        with pytest.raises(OutcomeUnknown):
            await task
        assert len(server.requests) == 1


async def test_closing_a_client_whose_close_is_cancelled_still_lets_the_order_end() -> None:
    hold = asyncio.Event()
    async with RawServer(answer(after=hold.wait)) as server:
        client = wren(server)
        task = asyncio.create_task(order(client))
        await server.until(lambda s: s.requests)
        await cancelled(task)
        closing = asyncio.create_task(client.aclose())
        await turns()
        await cancelled(closing)
        hold.set()
        assert (await only(client).reply()).value.id == "order_1"
        await server.until(lambda s: s.open == 0)


# --- the end of the loop --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_waiting", [True, False])
def test_an_order_torn_by_the_end_of_the_loop_is_undecided_and_makes_no_noise(
    is_waiting: bool, caplog: pytest.LogCaptureFixture
) -> None:
    clients: list[WrenClient] = []
    running: list[asyncio.Task[Any]] = []

    async def main() -> None:
        server = RawServer(silent())
        await server.__aenter__()
        client = wren(server, timing=Timing())
        clients.append(client)
        task = asyncio.create_task(order(client, reference="ride-10"))
        await server.until(lambda s: s.requests)
        if not is_waiting:
            await cancelled(task)
        server.release()
        running.append(task)

    asyncio.run(main())
    gc.collect()
    assert "never retrieved" not in caplog.text
    assert "was destroyed" not in caplog.text
    outcome = clients[0].outcomes["ride-10"]
    assert outcome.decided
    assert isinstance(outcome.error, OutcomeUnknown)


# --- at every await -------------------------------------------------------------------------------------------------


@attrs.frozen
class Cut:
    """A call that was cancelled after so many turns of the loop, if that was not too late."""

    server: RawServer
    client: Any
    came_in_time: bool

    @property
    def sent(self) -> int:
        return sum(request.method == "POST" for request in self.server.requests)


async def cut(make: Callable[..., Any], place: Callable[[Any], Any], *script: Step, ticks: int, warm: bool) -> Cut:
    """Cancel a call after so many turns of the loop, and see that the client is whole."""
    async with RawServer(*script, otherwise=answer()) as server:
        async with make(server, max_in_flight=2, retries=RetryPolicy(retries=1)) as client:
            if warm:
                await client.portfolios.list(retries=0)
            before = len(server.requests)
            task = asyncio.create_task(place(client))
            await turns(ticks)
            task.cancel()
            await asyncio.wait([task])
            if task.cancelled():
                await asyncio.gather(*(kept.reply() for kept in client.outcomes.values()), return_exceptions=True)
                if len(server.requests) > before and place is not balance:
                    assert client.outcomes, f"sent, cancelled after {ticks} turns, and nobody knows"
            # The limiter lets as many through as before, and no connection is lost.
            assert await together(client, server) == 2
        await server.until(lambda s: s.open == 0)
        return Cut(server, client, task.cancelled())


async def together(client: Any, server: RawServer) -> int:
    """How many exchanges the limiter lets onto the wire at once."""
    hold, before = asyncio.Event(), len(server.requests)
    server.script[:] = [answer(after=hold.wait)] * 4
    calls = asyncio.gather(*(client.portfolios.list() for _ in range(4)))
    await server.until(lambda s: len(s.requests) - before == 2)
    await turns()
    most = len(server.requests) - before
    hold.set()
    await calls
    return most


async def every_turn(*args: Any, warm: bool = False) -> list[Cut]:
    """Cut a call after each number of turns of the loop, up to and past its end."""
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    cuts: list[Cut] = []
    # What only the garbage collector would close is lost all the same.
    gc.disable()
    try:
        while sum(not each.came_in_time for each in cuts) < 2:
            cuts.append(await cut(*args, ticks=len(cuts), warm=warm))
            assert len(cuts) < 1000
    finally:
        gc.enable()
    gc.collect()
    assert said == []
    return cuts


async def balance(client: WrenClient) -> object:
    return await client.credits.balance()


async def keyed(client: CNaughtClient) -> object:
    return await client.orders.create(amount_kg=10)


@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "kept connection"])
async def test_an_order_can_be_cancelled_at_every_turn_of_the_loop(warm: bool) -> None:
    cuts = await every_turn(wren, order, warm=warm)
    for each in cuts:
        assert each.sent <= 1
        for outcome in each.client.outcomes.values():
            assert outcome.decided
            assert outcome.error is None
    # The turns reached from before the sending to after the answer.
    assert {(each.sent, len(each.client.outcomes)) for each in cuts} == {(0, 0), (1, 1), (1, 0)}


@pytest.mark.parametrize("fault", [answer(500, {}), refused(), read_and_close()], ids=str)
async def test_a_keyed_order_can_be_cancelled_at_every_turn_of_the_loop(fault: Step) -> None:
    for each in await every_turn(cnaught, keyed, fault):
        posts = [request for request in each.server.requests if request.method == "POST"]
        assert len({request.headers["idempotency-key"] for request in posts}) <= 1
        assert len(posts) <= 2
        for outcome in each.client.outcomes.values():
            assert outcome.decided
            assert outcome.error is None or isinstance(outcome.error, OutcomeUnknown | NotSent)


@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "kept connection"])
async def test_a_read_can_be_cancelled_at_every_turn_of_the_loop_and_loses_no_connection(warm: bool) -> None:
    for each in await every_turn(wren, balance, warm=warm):
        assert not each.client.outcomes
