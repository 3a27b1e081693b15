"""The concurrency limiter: at most its limit, first come first served, and no place is lost, whoever gives up when."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wren_async.core.sending.limiter import ConcurrencyLimiter


async def turns(count: int = 3) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


def full(limit: int = 1) -> ConcurrencyLimiter:
    limiter = ConcurrencyLimiter(limit)
    assert all(limiter.enter() for _ in range(limit))
    return limiter


async def test_it_lets_its_limit_through_and_no_more() -> None:
    limiter = ConcurrencyLimiter(2)
    assert [limiter.enter(), limiter.enter(), limiter.enter()] == [True, True, False]
    assert (limiter.in_flight, limiter.waiting) == (2, 0)
    limiter.leave()
    assert limiter.enter()


async def test_who_has_waited_longest_goes_first_and_nobody_slips_in_between() -> None:
    limiter = full()
    order: list[str] = []

    async def pass_through(name: str) -> None:
        assert await limiter.wait(None)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(pass_through(name))
        await turns()
        assert limiter.waiting == 3
        for left in (2, 1, 0):
            limiter.leave()
            assert not limiter.enter()
            await turns()
            assert (limiter.in_flight, limiter.waiting) == (1, left)
    assert order == ["a", "b", "c"]


async def test_a_place_does_not_come_in_time() -> None:
    limiter = full()
    assert not await limiter.wait(0.001)
    assert (limiter.in_flight, limiter.waiting) == (1, 0)
    limiter.leave()
    assert limiter.in_flight == 0


async def test_a_place_that_comes_in_the_moment_of_a_cancellation_goes_on_to_the_next() -> None:
    limiter = full()
    first, second = (asyncio.create_task(limiter.wait(None)) for _ in range(2))
    await turns()
    limiter.leave()
    first.cancel()
    assert await asyncio.wait_for(second, 5)
    assert first.cancelled()
    assert (limiter.in_flight, limiter.waiting) == (1, 0)


@pytest.mark.parametrize("give_up", ["cancel", "time"])
async def test_who_gives_up_takes_no_place_with_them(give_up: str) -> None:
    limiter = full()
    impatient = asyncio.create_task(limiter.wait(0.001 if give_up == "time" else None))
    patient = asyncio.create_task(limiter.wait(None))
    await turns()
    if give_up == "cancel":
        impatient.cancel()
    await asyncio.wait([impatient])
    assert limiter.waiting == 1
    limiter.leave()
    assert await asyncio.wait_for(patient, 5)


class Crowd:
    """Calls that come to a limiter, wait, lose patience, are cancelled, and leave."""

    def __init__(self, limit: int) -> None:
        self.limiter = ConcurrencyLimiter(limit)
        self.inside = 0
        self.waiting: list[asyncio.Task[None]] = []

    def come(self, _: int, within: float | None = None) -> None:
        waited = self.limiter.waiting
        if self.limiter.enter():
            self.inside += 1
            assert not waited
        else:
            self.waiting.append(asyncio.create_task(self._wait(within)))

    def come_impatiently(self, _: int) -> None:
        self.come(0, within=0)

    async def _wait(self, within: float | None) -> None:
        admitted = await self.limiter.wait(within)
        self.inside += admitted

    def leave(self, _: int = 0) -> None:
        if self.inside:
            self.inside -= 1
            self.limiter.leave()

    def cancel(self, which: int) -> None:
        if self.waiting:
            self.waiting[which % len(self.waiting)].cancel()

    async def all_leave(self) -> None:
        while self.inside or not all(task.done() for task in self.waiting):
            self.leave()
            await asyncio.sleep(0)


STEPS = st.lists(
    st.tuples(st.sampled_from(["come", "come", "come_impatiently", "leave", "cancel", "turn"]), st.integers(0, 5)),
    max_size=60,
)


@given(limit=st.integers(1, 3), steps=STEPS)
def test_whatever_happens_in_whatever_order_no_place_is_lost_or_made(limit: int, steps: list[tuple[str, int]]) -> None:
    async def scenario() -> None:
        crowd = Crowd(limit)
        for step, which in steps:
            if step == "turn":
                await turns(which)
            else:
                getattr(crowd, step)(which)
            assert crowd.inside <= crowd.limiter.in_flight <= limit
        async with asyncio.timeout(5):
            await crowd.all_leave()
        assert (crowd.limiter.in_flight, crowd.limiter.waiting) == (0, 0)

    asyncio.run(scenario())
