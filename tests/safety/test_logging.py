"""What a call leaves in the log: a line for each retry and each doubt, with nothing in it that must not be seen."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from typing import Any

import pytest

from tests.raw_server import RawServer, answer, read_and_close, refused, silent
from wren_async import CNaughtClient, NotSent, OutcomeUnknown, RateLimited, RetryPolicy, Timing, WrenClient

from .clients import KEY, LIVE, cnaught, wren


async def order(client: WrenClient, **more: Any) -> Any:
    return await client.offset_orders.create(tons=1, payment_method="credits", **more)


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wren_async")


def lines(caplog: pytest.LogCaptureFixture, least: int = logging.INFO) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.name.startswith("wren_async") and each.levelno >= least]


async def test_the_library_has_one_handler_that_does_nothing_and_sets_no_level(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.NOTSET, "wren_async")
    async with RawServer(otherwise=answer()) as server:
        for _ in range(2):
            async with wren(server) as client:
                await client.credits.balance()
    root = logging.getLogger("wren_async")
    assert [isinstance(handler, logging.NullHandler) for handler in root.handlers] == [True]
    assert root.level == logging.NOTSET
    assert root.propagate


async def test_a_retry_is_told_with_its_cause_its_number_and_its_wait(caplog: pytest.LogCaptureFixture) -> None:
    async with RawServer(answer(503, {}), answer()) as server, cnaught(server) as client:
        await client.orders.create(amount_kg=1, reference="ride-7")
    (line,) = lines(caplog)
    assert line.levelno == logging.INFO
    assert line.name == "wren_async.core.sending.telling"
    assert line.getMessage() == (
        "createOrder: attempt 1 was answered 503; attempt 2 follows in 0.50 s (reference ride-7)"
    )
    told = {name: line.__dict__[name] for name in ("event", "operation", "attempt", "status", "wait", "reference")}
    assert told == {
        "event": "retry",
        "operation": "createOrder",
        "attempt": 1,
        "status": 503,
        "wait": 0.5,
        "reference": "ride-7",
    }


async def test_a_retry_after_a_refused_connection_says_that_nothing_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    async with RawServer(refused(), answer()) as server, wren(server) as client:
        await order(client)
    (line,) = lines(caplog)
    assert "attempt 1 got no answer: " in line.getMessage()
    assert ", nothing was sent; attempt 2 follows in 0.50 s (reference " in line.getMessage()


async def test_a_retry_tells_of_the_pause_that_the_server_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    limited = answer(429, {}, {"Retry-After": "3"})
    async with RawServer(limited, answer()) as server, wren(server) as client:
        await client.credits.balance()
    (line,) = lines(caplog)
    assert line.getMessage().endswith(
        "attempt 1 was answered 429, which asks for a pause of 3 s; attempt 2 follows in 3.00 s"
    )


async def test_each_retry_has_its_line_and_the_last_failure_has_none_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with RawServer(*[answer(500, {})] * 3) as server, wren(server, retries=2) as client:
        with pytest.raises(Exception, match="500"):
            await client.credits.balance()
    assert [line.__dict__["attempt"] for line in lines(caplog)] == [1, 2]


async def test_a_call_that_succeeds_at_once_or_is_refused_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    async with RawServer(answer(), answer(429, {})) as server, wren(server) as client:
        await order(client)
        with pytest.raises(RateLimited):
            await order(client)
    assert lines(caplog) == []


async def test_an_unknown_outcome_is_a_warning_with_the_reference_and_what_to_call_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with RawServer(read_and_close()) as server, wren(server) as client:
        with pytest.raises(OutcomeUnknown):
            await order(client, reference="ride-8")
    (line,) = lines(caplog)
    text = line.getMessage()
    assert line.levelno == logging.WARNING
    assert text.startswith("createOffsetOrder: may have been carried out, but ")
    assert "(1 attempt); no idempotency key was sent; its reference is 'ride-8', and " in text
    assert text.endswith("`await client.reconcile(error)` finds out what became of it")
    assert "create(" not in text
    assert (line.__dict__["event"], line.__dict__["reference"]) == ("outcome_unknown", "ride-8")
    assert line.__dict__["idempotency_key_sent"] is False


async def test_of_a_keyed_order_the_line_says_that_a_key_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    async with RawServer(read_and_close()) as server, cnaught(server, retries=0) as client:
        with pytest.raises(OutcomeUnknown):
            await client.orders.create(amount_kg=1)
    (line,) = lines(caplog)
    assert "; an idempotency key was sent; " in line.getMessage()
    assert line.__dict__["idempotency_key_sent"] is True


async def test_of_an_order_whose_caller_went_away_the_line_says_where_its_error_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen = asyncio.Event()

    async def work() -> None:
        await seen.wait()

    lost = answer(500, {}, after=work)
    async with RawServer(lost) as server, wren(server) as client:
        task = asyncio.create_task(order(client, reference="ride-9"))
        await server.until(lambda s: s.requests)
        task.cancel()
        await asyncio.wait([task])
        assert lines(caplog) == []
        seen.set()
        with pytest.raises(OutcomeUnknown):
            await client.outcomes["ride-9"].reply()
        (line,) = lines(caplog)
        assert line.getMessage().endswith("; the caller was cancelled, and client.outcomes['ride-9'] has the error")


async def test_the_note_of_a_cancellation_names_the_outcome_as_the_client_does() -> None:
    async with RawServer(silent()) as server, wren(server) as client:
        first, second = (asyncio.create_task(order(client, reference="twice")) for _ in range(2))
        await server.until(lambda s: len(s.requests) == 2)
        noted = []
        for task in (first, second):
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            noted += caught.value.__notes__
        for name, note in zip(client.outcomes, noted, strict=True):
            assert f"client.outcomes[{name!r}]" in note
        await client.aclose(patience=0)


async def test_an_order_torn_by_closing_is_an_error_and_not_a_warning_too(caplog: pytest.LogCaptureFixture) -> None:
    async with RawServer(silent()) as server, wren(server) as client:
        task = asyncio.create_task(order(client, reference="ride-10"))
        await server.until(lambda s: s.requests)
        await client.aclose(patience=0)
        with pytest.raises(OutcomeUnknown):
            await task
    (line,) = lines(caplog)
    assert (line.levelno, line.name) == (logging.ERROR, "wren_async.core.sending.session")
    assert line.getMessage() == (
        "createOffsetOrder 'ride-10' is undecided, and the client closed: do not order again, but look for it with "
        "reconcile()"
    )


@pytest.mark.parametrize("status", [400, 500])
async def test_no_line_holds_a_token_a_body_or_what_steers_a_terminal(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    said = f"{KEY} \x1b[2J\nWARNING forged: bearer {LIVE}"
    told = answer(status, {"title": said, "secret": "of the body", "metadata": {"email": "jane@example.com"}})
    async with RawServer(*[told] * 4) as server, cnaught(server) as client:
        with pytest.raises(Exception, match=str(status)):
            await client.orders.create(amount_kg=1, description="for Jane Smith", reference="a\x1bb")
    texts = "".join(f"{line.getMessage()}{line.__dict__}" for line in lines(caplog, logging.DEBUG))
    for secret in (KEY, "of the body", "jane@example.com", "Jane Smith"):
        assert secret not in texts
    assert all(line.getMessage().isprintable() for line in lines(caplog, logging.DEBUG))


async def test_a_wait_before_a_retry_is_told_before_it_is_made(caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []

    async def sleep(_: float) -> None:
        told.append(len(lines(caplog)))

    async with RawServer(answer(500, {}), answer()) as server:
        timing = Timing(sleep=sleep)
        async with WrenClient(LIVE, base_url=server.url, timing=timing, retries=RetryPolicy(retries=1)) as client:
            await client.credits.balance()
    assert told == [1]


async def test_a_call_of_which_nothing_was_sent_is_no_doubt(caplog: pytest.LogCaptureFixture) -> None:
    async with RawServer(refused()) as server, CNaughtClient(KEY, base_url=server.url, retries=0) as client:
        with pytest.raises(NotSent):
            await client.orders.create(amount_kg=1)
    assert lines(caplog) == []


# --- where a program has set up no logging --------------------------------------------------------------------------

LOST = """
import asyncio, logging, sys
from wren_async import OutcomeUnknown, WrenClient

async def main(close):
    timeout = None if close else 0.2
    async with WrenClient("5f0c0000-feed-4dad-beef-00000000f00d", base_url=sys.argv[1], timeout=timeout) as client:
        order = asyncio.create_task(client.offset_orders.create(tons=1, payment_method="credits", reference="ride-1"))
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        if close:
            await client.aclose(patience=0)
        await asyncio.wait([order])
        assert isinstance(order.exception(), OutcomeUnknown)

SETUP
asyncio.run(main(CLOSE))
"""


@pytest.mark.parametrize(
    ("setup", "close", "shown"),
    [
        ("", False, 0),
        ("", True, 1),
        ("logging.basicConfig()", True, 1),
        ("logging.getLogger('wren_async').addHandler(logging.StreamHandler())", True, 1),
    ],
    ids=["a doubt that an error tells", "a doubt that nobody tells", "the root has a handler", "ours has a handler"],
)
async def test_without_logging_only_what_nobody_else_tells_is_shown_and_never_twice(
    setup: str, close: bool, shown: int
) -> None:
    code = LOST.replace("SETUP", setup).replace("CLOSE", str(close))
    async with RawServer(otherwise=silent()) as server:
        command = [sys.executable, "-c", code, server.url]
        process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        await server.until(lambda s: s.requests, within=30)
        _, said = await process.communicate(b"sent\n")
    assert process.returncode == 0, said.decode()
    assert said.decode().count("ride-1") == shown
