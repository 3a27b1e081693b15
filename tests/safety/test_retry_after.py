"""How long to wait before another attempt: never sooner than told, never past the deadline."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loop_time import loop_time, outlast, pass_time, turns
from tests.raw_server import RawServer, answer, refused, silent
from wren_async import (
    AttemptTimedOut,
    InvalidConfiguration,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    RetryPolicy,
    ServerError,
    Timing,
)
from wren_async.core.policy import LONGEST_PAUSE, retry_after

from .clients import Clock, cnaught, wren

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
SERVERS = datetime(2026, 7, 1, 9, 30, 0, tzinfo=UTC)
"""The server's clock goes wrong by hours."""


def imf(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


HEADERS: dict[str, float | None] = {
    "0": 0,
    "1": 1,
    "30": 30,
    " 30 ": 30,
    "007": 7,
    "1.5": 1.5,
    "0.25": 0.25,
    "2.": 2,
    ".5": 0.5,
    "3, 9": 9,
    "9,3": 9,
    "3,soon": None,
    imf(SERVERS + timedelta(seconds=45)): 45,
    "Wednesday, 01-Jul-26 09:30:45 GMT": 45,
    "Wed Jul  1 09:30:45 2026": 45,
    "Wed, 01 Jul 2026 11:30:45 +0200": 45,
    imf(SERVERS): 0,
    imf(SERVERS - timedelta(days=1)): 0,
    "-5": None,
    "-0": None,
    "+5": None,
    "1e3": None,
    "inf": None,
    "Infinity": None,
    "nan": None,
    "0x10": None,
    "1_000": None,
    "٣": None,
    "1.2.3": None,
    ".": None,
    "": None,
    "soon": None,
    "30 seconds": None,
    "Wed, 99 Jul 2026 09:30:45 GMT": None,
}


@pytest.mark.parametrize("value", HEADERS, ids=repr)
def test_the_header_means_seconds_or_a_date_that_counts_from_the_servers_own(value: str) -> None:
    assert retry_after(value, imf(SERVERS), NOW) == HEADERS[value]


def test_without_the_servers_date_a_date_counts_from_this_machines_clock() -> None:
    for date in (None, "yesterday", ""):
        assert retry_after(imf(NOW + timedelta(seconds=20)), date, NOW) == 20


def test_no_header_asks_for_nothing() -> None:
    assert retry_after(None, imf(SERVERS), NOW) is None


@pytest.mark.parametrize("value", ["9" * 20, "9" * 400, "1" + "0" * 400 + ".5"], ids=["20", "400", "fraction"])
def test_a_number_beyond_all_measure_is_still_a_long_time(value: str) -> None:
    assert retry_after(value, None, NOW) == LONGEST_PAUSE


ALMOST_DATES = st.from_regex(r"[A-Za-z]{3}, \d{1,9} (Jan|Jul|X) \d{1,9} \d+:\d+:\d+ [-+A-Z0-9]{0,9}", fullmatch=True)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | ALMOST_DATES, st.text(max_size=20) | ALMOST_DATES)
def test_no_header_whatever_breaks_the_call(value: str, date: str) -> None:
    told = retry_after(value, date, NOW)
    assert told is None or told >= 0


# --- over the wire --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "7.5"}, 7.5),
        ({"Retry-After": imf(SERVERS + timedelta(seconds=45)), "Date": imf(SERVERS)}, 45),
        ({"Retry-After": "0"}, 0.5),
        ({"Retry-After": imf(SERVERS - timedelta(seconds=45)), "Date": imf(SERVERS)}, 0.5),
        ({"Retry-After": "soon"}, 0.5),
        ({}, 0.5),
    ],
    ids=str,
)
@pytest.mark.parametrize("status", [429, 503])
async def test_the_next_attempt_comes_no_sooner_than_told(status: int, headers: dict[str, str], wait: float) -> None:
    async with RawServer(answer(status, {}, headers), answer()) as server:
        clock = Clock()
        async with cnaught(server, clock) as client:
            await client.orders.create(amount_kg=10)
        assert clock.waits == [wait]


async def test_of_two_headers_the_longer_pause_is_kept() -> None:
    headers = [("Retry-After", "3"), ("Retry-After", "9")]
    async with RawServer(answer(429, {}, headers), answer()) as server:
        clock = Clock()
        async with cnaught(server, clock) as client:
            await client.quotes.create(amount_kg=10)
        assert clock.waits == [9]


@pytest.mark.parametrize("told", ["121", "86400", "9" * 400, imf(SERVERS + timedelta(days=2))], ids=lambda v: v[:20])
async def test_a_pause_longer_than_the_policy_allows_ends_the_call_with_the_figure(told: str) -> None:
    script = answer(429, {}, {"Retry-After": told, "Date": imf(SERVERS)})
    for make, place in (
        (cnaught, lambda client: client.orders.create(amount_kg=10)),
        (wren, lambda client: client.credits.balance()),
        (wren, lambda client: client.offset_orders.create(tons=1, payment_method="credits")),
    ):
        clock = Clock()
        async with RawServer(script, answer()) as server, make(server, clock) as client:
            with pytest.raises(RateLimited) as caught:
                await place(client)
            assert caught.value.retry_after == retry_after(told, imf(SERVERS), NOW)
            assert len(server.requests) == 1
            assert clock.waits == []


async def test_the_longest_pause_is_a_matter_of_policy() -> None:
    script = answer(429, {}, {"Retry-After": "600"})
    policy = RetryPolicy(longest_retry_after=900)
    async with RawServer(script, answer()) as server:
        clock = Clock()
        async with cnaught(server, clock, deadline=None) as client:
            await client.orders.create(amount_kg=10, retries=policy)
        assert clock.waits == [600]


async def test_a_rate_limited_order_tells_the_pause_it_was_told() -> None:
    async with RawServer(answer(429, {}, {"Retry-After": "7"})) as server, wren(server) as client:
        with pytest.raises(RateLimited, match="7 s") as caught:
            await client.offset_orders.create(tons=1, payment_method="credits")
        assert caught.value.retry_after == 7


async def test_a_call_that_runs_out_of_attempts_tells_the_last_pause() -> None:
    script = [answer(429, {}, {"Retry-After": str(seconds)}) for seconds in (1, 2, 3)]
    async with RawServer(*script) as server, cnaught(server, retries=2) as client:
        with pytest.raises(RateLimited) as caught:
            await client.quotes.create(amount_kg=1)
        assert caught.value.retry_after == 3
        assert caught.value.attempts == 3


# --- jitter ---------------------------------------------------------------------------------------------------------

seconds = st.just(0.0) | st.floats(0.001, 1000)


@settings(max_examples=200, deadline=None)
@given(
    first=seconds,
    longest=seconds,
    retry=st.integers(1, 10_000),
    draw=st.floats(0, 1, exclude_max=True),
    told=st.none() | seconds,
)
def test_a_wait_lies_between_half_and_the_whole_of_what_it_has_grown_to_and_is_not_sooner_than_told(
    first: float, longest: float, retry: int, draw: float, told: float | None
) -> None:
    wait = RetryPolicy(first_wait=first, longest_wait=longest).wait(retry, told, lambda: draw)
    grown = min(longest, first * 2.0 ** min(retry - 1, 60))
    assert wait >= (told or 0)
    assert max(grown / 2, told or 0) <= wait <= max(grown, told or 0)


def test_those_who_failed_together_do_not_return_together() -> None:
    policy = RetryPolicy()
    assert len({policy.wait(3) for _ in range(50)}) > 40


async def test_waits_double_up_to_their_limit() -> None:
    async with RawServer(otherwise=answer(500, {})) as server:
        clock = Clock()
        async with wren(server, clock, retries=7, deadline=None) as client:
            with pytest.raises(ServerError):
                await client.credits.balance()
        assert clock.waits == [0.5, 1, 2, 4, 8, 8, 8]


@pytest.mark.parametrize("name", ["retries", "first_wait", "longest_wait", "longest_retry_after"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_a_policy_that_makes_no_sense_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        RetryPolicy(**{name: value})


# --- the budget -----------------------------------------------------------------------------------------------------


async def test_all_tasks_and_copies_of_a_client_share_one_budget_of_repeats() -> None:
    async with RawServer(otherwise=answer(500, {})) as server, wren(server, retries=3) as client:
        clients = [client, client.with_options(timeout=90), client.with_options(headers={"X-Team": "a"})]

        async def fail(index: int) -> None:
            with pytest.raises(ServerError):
                await clients[index % 3].credits.balance()

        await asyncio.gather(*(fail(index) for index in range(200)))
        # Without a budget it would be 200 calls of 4 attempts.
        assert len(server.requests) == 200 + 100
        before = len(server.requests)
        await fail(0)
        assert len(server.requests) == before + 1


async def test_successes_fill_the_budget_again() -> None:
    async with RawServer(otherwise=answer(500, {})) as server, wren(server, retries=3) as client:
        for _ in range(40):
            with pytest.raises(ServerError):
                await client.credits.balance()
        server.script.extend([answer()] * 20)
        for _ in range(20):
            await client.credits.balance()
        before = len(server.requests)
        with pytest.raises(ServerError):
            await client.credits.balance()
        assert len(server.requests) - before > 1


async def test_a_spent_budget_does_not_clear_an_order_of_unknown_fate() -> None:
    options = {"retries": 200, "deadline": None}
    async with RawServer(otherwise=answer(500, {})) as server, cnaught(server, **options) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.orders.create(amount_kg=1)
        assert caught.value.attempts == 101
        with pytest.raises(OutcomeUnknown) as caught:
            await client.orders.create(amount_kg=1)
        assert caught.value.attempts == 1


# --- the deadline ---------------------------------------------------------------------------------------------------


async def test_no_wait_is_begun_that_would_pass_the_deadline() -> None:
    async with RawServer(otherwise=answer(429, {}, {"Retry-After": "4"})) as server:
        clock = Clock()
        async with cnaught(server, clock, retries=10) as client:
            with pytest.raises(RateLimited):
                await client.quotes.create(amount_kg=1, deadline=10)
        assert clock.waits == [4, 4]
        assert clock.now - 1000 == 8


async def test_the_deadline_covers_attempts_too() -> None:
    async with RawServer(silent(30)) as server, wren(server, timeout=100, retries=0) as client:
        with pytest.raises(AttemptTimedOut, match="20 s"):
            await client.credits.balance(deadline=20)
        assert len(server.requests) == 1


async def test_an_attempt_gets_only_what_is_left_until_the_deadline() -> None:
    async def take_time() -> None:
        clock.now += 5

    script = [answer(500, {}, after=take_time), silent(30)]
    async with RawServer(*script) as server:
        clock = Clock(server)
        async with wren(server, clock, timeout=100, retries=1) as client:
            with pytest.raises(AttemptTimedOut, match=r"14\.5 s"):  # less 5 s of the first one and 0.5 s between
                await client.credits.balance(deadline=20)
        assert len(server.requests) == 2


async def test_the_deadline_covers_the_limiter() -> None:
    options = {"timing": Timing(monotonic=loop_time), "timeout": 100}
    async with RawServer(silent()) as server, wren(server, max_in_flight=1, **options) as client:
        first = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: s.requests)
        for place in (
            lambda: client.credits.balance(deadline=10),
            lambda: client.offset_orders.create(tons=1, payment_method="credits", deadline=10),
        ):
            with pytest.raises(NotSent, match="deadline"):
                await outlast(11, place())
        assert len(server.requests) == 1
        first.cancel()
        await asyncio.wait([first])
        assert client._session.limiter.in_flight == 0


async def test_a_keyed_order_that_meets_its_deadline_at_the_limiter_after_a_lost_answer_is_unknown() -> None:
    asleep, wake = asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await wake.wait()

    async with (
        RawServer(answer(500, {}), silent()) as server,
        cnaught(server, timing=Timing(monotonic=loop_time, sleep=sleep), max_in_flight=1, timeout=100) as client,
    ):
        task = asyncio.create_task(client.orders.create(amount_kg=1, deadline=10))
        await asleep.wait()
        other = asyncio.create_task(client.portfolios.list())
        await server.until(lambda s: len(s.requests) == 2)
        wake.set()
        await turns()
        pass_time(11)
        with pytest.raises(OutcomeUnknown):
            await task
        other.cancel()
        await asyncio.wait([other])


async def test_without_limits_of_time_a_call_still_ends_with_its_attempts() -> None:
    async with RawServer(*[refused()] * 4) as server, wren(server, timeout=None, deadline=None) as client:
        with pytest.raises(NotSent):
            await client.credits.balance()


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "5"], ids=repr)
@pytest.mark.parametrize("name", ["timeout", "deadline"])
async def test_a_time_that_makes_no_sense_is_refused_before_anything_is_sent(name: str, value: Any) -> None:
    async with RawServer(answer()) as server, wren(server) as client:
        with pytest.raises(InvalidConfiguration, match=name):
            client.with_options(**{name: value})
        with pytest.raises(ValueError, match=name):
            await client.credits.balance(**{name: value})
        assert server.requests == []


@pytest.mark.parametrize("value", [-1, 1.5, "3", True], ids=repr)
async def test_a_number_of_retries_that_makes_no_sense_is_refused_before_anything_is_sent(value: Any) -> None:
    async with RawServer(answer()) as server, wren(server) as client:
        with pytest.raises(ValueError, match="retries"):
            client.with_options(retries=value)
        with pytest.raises(ValueError, match="retries"):
            await client.credits.balance(retries=value)
        assert server.requests == []
