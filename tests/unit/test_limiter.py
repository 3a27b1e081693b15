"""The concurrency limiter: at most its limit, first come first served, and no place is lost, whoever gives up when."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wren_async.core.sending.limiter import ConcurrencyLimiter, Place


async def turns(count: int = 3) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


def full(limit: int = 1) -> tuple[ConcurrencyLimiter, list[Place]]:
    limiter = ConcurrencyLimiter(limit)
    places = [place for _ in range(limit) if (place := limiter.enter())]
    assert len(places) == limit
    return limiter, places


async def test_it_lets_its_limit_through_and_no_more() -> None:
    limiter, (first, _) = full(2)
    assert limiter.enter() is None
    assert (limiter.in_flight, limiter.waiting) == (2, 0)
    first.leave()
    assert limiter.enter()


async def test_a_place_that_is_given_back_twice_is_given_back_once() -> None:
    limiter, (place,) = full()
    waiting = [asyncio.create_task(limiter.wait(None)) for _ in range(2)]
    await turns()
    place.leave()
    place.leave()
    await turns()
    assert [task.done() for task in waiting] == [True, False]
    assert (limiter.in_flight, limiter.waiting) == (1, 1)
    waiting[1].cancel()
    if admitted := await waiting[0]:
        admitted.leave()
        place.leave()
    assert limiter.in_flight == 0


async def test_who_has_waited_longest_goes_first_and_nobody_slips_in_between() -> None:
    limiter, [held] = full()
    order: list[str] = []
    places = [held]

    async def pass_through(name: str) -> None:
        place = await limiter.wait(None)
        assert place
        places.append(place)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(pass_through(name))
        await turns()
        assert limiter.waiting == 3
        for left in (2, 1, 0):
            places[-1].leave()
            assert not limiter.enter()
            await turns()
            assert (limiter.in_flight, limiter.waiting) == (1, left)
    assert order == ["a", "b", "c"]


async def test_a_place_does_not_come_in_time() -> None:
    limiter, (place,) = full()
    assert not await limiter.wait(0.001)
    assert (limiter.in_flight, limiter.waiting) == (1, 0)
    place.leave()
    assert limiter.in_flight == 0


async def test_a_place_that_comes_in_the_moment_of_a_cancellation_goes_on_to_the_next() -> None:
    limiter, (place,) = full()
    first, second = (asyncio.create_task(limiter.wait(None)) for _ in range(2))
    await turns()
    place.leave()
    first.cancel()
    assert await asyncio.wait_for(second, 5)
    assert first.cancelled()
    assert (limiter.in_flight, limiter.waiting) == (1, 0)


@pytest.mark.parametrize("give_up", ["cancel", "time"])
async def test_who_gives_up_takes_no_place_with_them(give_up: str) -> None:
    limiter, (place,) = full()
    impatient = asyncio.create_task(limiter.wait(0.001 if give_up == "time" else None))
    patient = asyncio.create_task(limiter.wait(None))
    await turns()
    if give_up == "cancel":
        impatient.cancel()
    await asyncio.wait([impatient])
    assert limiter.waiting == 1
    place.leave()
    assert await asyncio.wait_for(patient, 5)


async def test_once_closed_it_turns_away_who_waits_and_gives_no_more_places() -> None:
    limiter, (place,) = full()
    waiting = [asyncio.create_task(limiter.wait(None)) for _ in range(3)]
    await turns()
    limiter.close()
    assert await asyncio.gather(*waiting) == [None] * 3
    assert (limiter.in_flight, limiter.waiting) == (1, 0)
    place.leave()
    assert limiter.enter() is None
    assert await limiter.wait(None) is None
    assert limiter.in_flight == 0


async def test_a_place_that_comes_in_the_moment_of_the_closing_is_not_used() -> None:
    limiter, (place,) = full()
    waiting = asyncio.create_task(limiter.wait(None))
    await turns()
    place.leave()
    limiter.close()
    assert await waiting is None
    assert limiter.in_flight == 0


class Crowd:
    """Calls that come to a limiter, wait, lose patience, are cancelled, and leave, some of them twice."""

    def __init__(self, limit: int) -> None:
        self.limiter = ConcurrencyLimiter(limit)
        self.inside: list[Place] = []
        self.left: list[Place] = []
        self.waiting: list[asyncio.Task[None]] = []

    def come(self, _: int, within: float | None = None) -> None:
        waited = self.limiter.waiting
        if place := self.limiter.enter():
            self.inside.append(place)
            assert not waited
        else:
            self.waiting.append(asyncio.create_task(self._wait(within)))

    def come_impatiently(self, _: int) -> None:
        self.come(0, within=0)

    async def _wait(self, within: float | None) -> None:
        if place := await self.limiter.wait(within):
            self.inside.append(place)

    def leave(self, which: int = 0) -> None:
        if self.inside:
            self.left.append(self.inside.pop(which % len(self.inside)))
            self.left[-1].leave()

    def leave_again(self, which: int) -> None:
        if self.left:
            self.left[which % len(self.left)].leave()

    def cancel(self, which: int) -> None:
        if self.waiting:
            self.waiting[which % len(self.waiting)].cancel()

    def close(self, which: int) -> None:
        if which == 0:
            self.limiter.close()

    async def all_leave(self) -> None:
        while self.inside or not all(task.done() for task in self.waiting):
            self.leave()
            await asyncio.sleep(0)


WAYS = ["come", "come", "come_impatiently", "leave", "leave_again", "cancel", "close", "turn"]
STEPS = st.lists(st.tuples(st.sampled_from(WAYS), st.integers(0, 5)), max_size=60)


@given(limit=st.integers(1, 3), steps=STEPS)
def test_whatever_happens_in_whatever_order_no_place_is_lost_or_made(limit: int, steps: list[tuple[str, int]]) -> None:
    async def scenario() -> None:
        crowd = Crowd(limit)
        for step, which in steps:
            if step == "turn":
                await turns(which)
            else:
                getattr(crowd, step)(which)
            assert len(crowd.inside) <= crowd.limiter.in_flight <= limit
        async with asyncio.timeout(5):
            await crowd.all_leave()
        assert (crowd.limiter.in_flight, crowd.limiter.waiting) == (0, 0)

    asyncio.run(scenario())
