"""Placing the orders of a journal: one run, with as many on the wire as the server bears.

For each order: reserve, mark it as being sent on disk, send it, note what came of it. The wire does not wait for the
disk: a few orders are marked ahead of their turn, and an order leaves its place on the wire before its result is noted.
The clients do not try again here, so that every repeat and every pause is the run's, and meets all orders alike.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from itertools import count
from typing import Any, Final

import attrs

from wren_async.batch.budget import Budget, Caps
from wren_async.batch.clocks import Clocks
from wren_async.batch.events import Alarm, Ended, Ending, Event, Meter, Paused, Progress, Returned, Settled
from wren_async.batch.intents import Api, Intent, parse
from wren_async.batch.journal import Entry, Journal, Result, State
from wren_async.batch.pace import Pace
from wren_async.batch.settling import Meaning, ending, meaning, pending, placed, refused, undecided
from wren_async.core.client import BaseClient
from wren_async.core.operation import Call, Effect
from wren_async.core.policy import RetryPolicy
from wren_async.core.reply import Reply
from wren_async.core.session import Timing
from wren_async.errors import CallError, NotSent, OutcomeUnknown, RateLimited, UsageError

_REPEATS: Final = 4
"""Sendings of an order with a key, within one run, while its outcome is in doubt."""
_KEY_TRUST: Final = 540.0
"""Seconds in which such repeats may happen: less than the ten minutes for which a key is trusted."""
_RETURNS: Final = 5
"""How often an order may come back unsent before it waits for the next run."""
_UNREACHABLE: Final = 10
"""Orders in a row that could not be sent before the run gives up."""
_PAUSES: Final = 20
"""Pauses in a row that the server may ask for before the run gives up."""
_LONGEST_PAUSE: Final = 900.0
_AHEAD: Final = 4
"""For so many orders that may be on the wire, one more may be marked ahead. After a crash it is in doubt as well."""
_PROGRESS: Final = 1.0

Emit = Callable[[Event], Awaitable[None]]


class Placing:
    """Places what is pending, until nothing is, or the run has to end."""

    def __init__(
        self,
        journal: Journal,
        clients: Mapping[Api, BaseClient],
        *,
        caps: Caps,
        pace: Pace,
        timing: Timing,
        clocks: Clocks,
        emit: Emit,
    ) -> None:
        self._journal = journal
        self._clients = clients
        self._caps = caps
        self._pace = pace
        self._timing = timing
        self._clocks = clocks
        self._emit = emit
        self._policy = RetryPolicy()
        self._meter = Meter(timing.monotonic())
        self._began = timing.monotonic()
        self._told = self._began
        self._budget: Budget | None = None
        self._again: deque[Entry] = deque()
        self._returns: dict[int, int] = {}
        self._unsent_in_a_row = 0
        self._in_flight = 0
        self._on_wire = 0
        self._not_yet_sent = 0
        self._ready: deque[asyncio.Future[bool]] = deque()
        self._changed = asyncio.Event()
        self._halted = asyncio.Event()
        self._end: tuple[Ending, str] | None = None
        self._torn: list[_Order] = []
        self.lost = 0
        """Orders that became undecided in this run."""

    @property
    def end(self) -> tuple[Ending, str] | None:
        """Why no more orders are taken, once that is so."""
        return self._end

    def halt(self, why: Ending, message: str) -> None:
        """Take no new orders; those on the wire are finished. The first reason counts."""
        self._end = self._end or (why, message)
        self._halted.set()
        self._release()
        self._changed.set()

    async def place_all(self) -> None:
        """Place every pending order. Returns when none is left, or after `halt`, with nothing on the wire."""
        self._budget = Budget.of(self._caps, await self._journal.totals())
        stream = aiter(self._journal.entries(State.PENDING))
        try:
            async with asyncio.TaskGroup() as group:
                while (entry := await self._next(stream)) is not None:
                    group.create_task(self._place(entry))
        except BaseExceptionGroup as errors:
            raise _single(errors) from None
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    async def ended(self) -> Ended:
        """The last event."""
        totals = await self._journal.totals()
        why, message = self._end or (Ending.DONE, "nothing is left to send")
        if self._end is None and (left := totals.orders.get(State.PENDING, 0)):
            why, message = Ending.UNREACHABLE, f"{left} orders could not be sent; run again later"
        return Ended(ending=why, message=message, totals=totals)

    # --- which order is next, and when ---

    async def _next(self, stream: AsyncIterator[Entry]) -> Entry | None:
        """The next order, reserved for and counted as in flight; `None` when there is no more for this run."""
        budget, entry = self._budget, None
        assert budget is not None  # noqa: S101 - set before the first order
        while self._end is None:
            await self._turn()
            if self._end is not None:
                break
            entry = self._again.popleft() if self._again else await anext(stream, None)
            if entry is None:
                if not self._in_flight:
                    return None
                await self._wait_for_change()
                continue
            if problem := budget.reserve(entry.row):
                if self._in_flight:
                    # One of these may come back and give its reservation free.
                    self._again.appendleft(entry)
                    await self._wait_for_change()
                    continue
                self.halt(Ending.CAP_REACHED, f"order {entry.row.position}: {problem}")
                break
            self._in_flight += 1
            self._not_yet_sent += 1
            return entry
        return None

    async def _turn(self) -> None:
        """Wait until one more may be marked, and give those that are marked their places."""
        while self._end is None:
            self._release()
            limit = self._pace.limit
            if pause := self._pace.pause(self._timing.monotonic()):
                await self._sleep_or_halt(pause)
            elif self._on_wire + self._not_yet_sent >= limit + limit // _AHEAD:
                await self._wait_for_change()
            else:
                return

    async def _may_go(self) -> bool:
        """Wait for a place on the wire. False where the run ends first: then nothing is sent."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._ready.append(turn)
        self._release()
        return await turn

    def _release(self) -> None:
        """Give marked orders their places on the wire, or send all of them back once the run is to end."""
        ended, limit = self._end is not None, self._pace.limit
        paused = self._pace.pause(self._timing.monotonic()) > 0
        while self._ready and (ended or (self._on_wire < limit and not paused)):
            turn = self._ready.popleft()
            if not turn.done():
                self._on_wire += not ended
                self._not_yet_sent -= not ended
                turn.set_result(not ended)

    async def _wait_for_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _sleep_or_halt(self, seconds: float) -> None:
        sleep = asyncio.ensure_future(self._timing.sleep(seconds))
        halted = asyncio.ensure_future(self._halted.wait())
        try:
            await asyncio.wait({sleep, halted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            halted.cancel()

    # --- one order ---

    async def _place(self, entry: Entry) -> None:
        order = _Order(entry)
        try:
            try:
                await self._journal.sending([entry.row.position], self._clocks.earliest(order.intent.api))
                result = await self._result_of_sending(order) if await self._may_go() else None
            except asyncio.CancelledError:
                self._torn.append(order)
                raise
            except UsageError:
                if order.doubt is None:
                    await self._journal.settle(entry.row.position, pending(entry.result, 0, "nothing was sent"))
                raise
            if result is None:
                await self._put_back(entry)
            else:
                await self._note(entry, result, unsent=order.unsent)
        finally:
            self._in_flight -= 1
            self._changed.set()
        await self._tell_progress()

    async def _result_of_sending(self, order: _Order) -> Result:
        try:
            return await self._result(order)
        finally:
            self._on_wire -= 1
            self._changed.set()

    async def _result(self, order: _Order) -> Result:
        """Send an order, and again with its key while its outcome is in doubt; what came of it."""
        entry, intent = order.entry, order.intent
        call = attrs.evolve(intent.call(entry.row.reference, entry.row.key), retries=0)
        began = self._timing.monotonic()
        for sending in count(1):
            answer = await self._send(order, call, intent.api)
            if isinstance(answer, Reply):
                await self._check_replay(order, answer)
                return self._explained(order, placed(answer, order.attempts, self._clocks.now()))
            if isinstance(answer, OutcomeUnknown):
                order.doubt = answer
            if order.doubt is None:
                return await self._without_doubt(order, answer)
            if self._is_final(call, answer, sending, self._timing.monotonic() - began):
                later = "" if answer is order.doubt else f"sent again with its key, {answer.reason}"
                return undecided(order.doubt, order.attempts, self._clocks.latest(intent.api), later)
            await self._wait_before_repeat(sending)
        raise AssertionError("count() does not end")

    def _explained(self, order: _Order, result: Result) -> Result:
        """With why it was sent more than once, where it was."""
        before = order.doubt.reason if order.doubt else order.entry.result.reason
        if result.attempts < 2 or not before or result.reason:
            return result
        return attrs.evolve(result, reason=f"sent again after: {before}")

    async def _send(self, order: _Order, call: Call[Any], api: Api) -> Reply[Any] | CallError:
        client = self._clients[api]
        order.answer, order.begun = None, True
        began = self._timing.monotonic()
        # In a task of its own, so that leaving the run does not tear it before its answer can tell.
        order.sending = asyncio.ensure_future(client.send_raw(call))
        order.sending.add_done_callback(_retrieve)
        try:
            answer = await asyncio.shield(order.sending)
        except CallError as error:
            order.answer = error
            order.attempts += error.attempts
            self._clocks.note(api, error.headers)
            await self._take_in(error, began)
            return error
        order.answer = answer
        order.attempts += answer.attempts
        self._pace.answered(began, self._timing.monotonic())
        self._clocks.note(api, answer.headers)
        self._unsent_in_a_row = 0
        return answer

    async def _take_in(self, error: CallError, began: float) -> None:
        """What an error says of the server."""
        now = self._timing.monotonic()
        self._unsent_in_a_row = self._unsent_in_a_row + 1 if isinstance(error, NotSent) else 0
        if isinstance(error, RateLimited):
            before, seconds = self._pace.pause(now), self._pace.rate_limited(began, now, error.retry_after)
            if seconds > _LONGEST_PAUSE or self._pace.limited > _PAUSES:
                self.halt(Ending.UNREACHABLE, f"the server asks for a pause of {seconds:g} s; run again later")
            if seconds > before:
                await self._emit(Paused(seconds=seconds))
        elif meaning(error) in (Meaning.UNDECIDED, Meaning.UNSENT):
            self._pace.failed(began, now)
        if self._unsent_in_a_row >= _UNREACHABLE:
            self.halt(Ending.UNREACHABLE, f"{self._unsent_in_a_row} times in a row {error.reason}")

    async def _without_doubt(self, order: _Order, error: CallError) -> Result:
        match meaning(error):
            case Meaning.REFUSED:
                return refused(error, order.attempts)
            case Meaning.STOPPED:
                self.halt(ending(error), f"order {order.entry.row.position}: {error.reason}")
            case Meaning.UNSENT:
                order.unsent = True
                await self._sleep_or_halt(self._policy.wait(self._unsent_in_a_row or 1, draw=self._timing.draw))
        return pending(order.entry.result, order.attempts, error.reason)

    def _is_final(self, call: Call[Any], error: CallError, sending: int, seconds: float) -> bool:
        """Whether an order in doubt is not to be sent again with its key in this run."""
        if meaning(error) is Meaning.STOPPED:
            self.halt(ending(error), error.reason)
        keyed = call.operation.effect is Effect.KEYED
        refusal = meaning(error) in (Meaning.REFUSED, Meaning.STOPPED)
        return not keyed or refusal or sending >= _REPEATS or seconds >= _KEY_TRUST

    async def _wait_before_repeat(self, sending: int) -> None:
        now = self._timing.monotonic()
        await self._timing.sleep(max(self._policy.wait(sending, draw=self._timing.draw), self._pace.pause(now)))

    async def _check_replay(self, order: _Order, reply: Reply[Any]) -> None:
        entry = order.entry
        if not reply.replayed or order.doubt is not None or entry.result.first_sent is not None:
            return
        message = (
            f"order {entry.row.position} was placed before, though this journal had never sent it: is a copy of the "
            "journal at work?"
        )
        self.halt(Ending.ALARM, message)
        await self._emit(Alarm(entry=entry, message=message))

    # --- what came of it ---

    async def _put_back(self, entry: Entry) -> None:
        """Leave an order as it was before it was marked: its turn did not come."""
        assert self._budget is not None  # noqa: S101 - set before the first order
        await self._journal.settle(entry.row.position, entry.result)
        self._budget.release(entry.row)

    async def _note(self, entry: Entry, result: Result, *, unsent: bool) -> None:
        budget, row = self._budget, entry.row
        assert budget is not None  # noqa: S101 - set before the first order
        await self._journal.settle(row.position, result)
        after = Entry(row=row, result=result)
        if result.state is State.PENDING:
            budget.release(row)
            self._take_back(after, unsent=unsent)
            await self._emit(Returned(entry=after, reason=result.reason or ""))
            return
        self._meter.settled += 1
        self.lost += result.state is State.UNDECIDED
        if problem := budget.settle(row, result):
            self.halt(*problem)
        await self._emit(Settled(entry=after))

    def _take_back(self, entry: Entry, *, unsent: bool) -> None:
        """Give an order another turn in this run; one that cannot be sent gets only so many."""
        if unsent:
            self._returns[entry.row.position] = self._returns.get(entry.row.position, 0) + 1
        if self._returns.get(entry.row.position, 0) <= _RETURNS:
            self._again.append(entry)

    async def _tell_progress(self) -> None:
        now = self._timing.monotonic()
        if now - self._told < _PROGRESS:
            return
        self._told = now
        totals = await self._journal.totals()
        rate, left = self._meter.rate(now), totals.orders.get(State.PENDING, 0) + self._in_flight
        await self._emit(
            Progress(
                totals=totals,
                in_flight=self._on_wire,
                limit=self._pace.limit,
                seconds=now - self._began,
                rate=rate,
                seconds_left=left / rate if rate else None,
            )
        )

    # --- leaving at once ---

    async def settle_torn(self, patience: float) -> None:
        """After a cancellation: note what became of the orders that were on the wire, waiting up to `patience` seconds.

        Those that are not known by then stay as being sent, and are reconciled by the next run.
        """
        torn, self._torn = self._torn, []
        ends = asyncio.get_running_loop().time() + patience
        await asyncio.gather(*(self._settle_one(order, ends) for order in torn))

    async def _settle_one(self, order: _Order, ends: float) -> None:
        position = order.entry.row.position
        if (await self._journal.entry(position)).result.state is not State.SENDING:
            return
        if not order.begun:
            result: Result | None = pending(
                order.entry.result, order.attempts, "it was not sent before the run was left"
            )
        else:
            answer = order.answer or await _last_answer(order, ends)
            result = _judge(order, answer, self._clocks.latest(order.intent.api))
        if result is not None:
            await self._journal.settle(position, result)


@attrs.define(eq=False)
class _Order:
    """An order on its way."""

    entry: Entry
    intent: Intent = attrs.field(init=False)
    attempts: int = attrs.field(init=False)
    begun: bool = False
    """Whether the client was asked to send it. From then on only an answer proves anything."""
    answer: Reply[Any] | CallError | None = None
    """The last answer, until it is sent again."""
    doubt: OutcomeUnknown | None = None
    """The last sending that may have placed it."""
    unsent: bool = False
    sending: asyncio.Task[Reply[Any]] | None = None
    """The last sending, which goes on when the run is left."""

    def __attrs_post_init__(self) -> None:
        self.intent = parse(self.entry.row.intent)
        self.attempts = self.entry.result.attempts


async def _last_answer(order: _Order, ends: float) -> Reply[Any] | CallError | None:
    """The answer to an order that was on the wire when its run was left; `None` where none came in time."""
    sending = order.sending
    if sending is None:
        return None
    try:
        async with asyncio.timeout_at(ends):
            reply = await asyncio.shield(sending)
    except (TimeoutError, asyncio.CancelledError):
        sending.cancel()
        if _is_cancelled():
            raise
        return None
    except CallError as error:
        order.attempts += error.attempts
        return error
    order.attempts += reply.attempts
    return reply


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _retrieve(sending: asyncio.Task[Reply[Any]]) -> None:
    # An answer that nobody waits for any more is no error of the loop's.
    if not sending.cancelled():
        sending.exception()


def _judge(order: _Order, answer: Reply[Any] | CallError | None, now: datetime) -> Result | None:
    """What is known of an order whose run was left; `None` where only reconciling can tell."""
    if isinstance(answer, Reply):
        return placed(answer, order.attempts, now)
    if isinstance(answer, OutcomeUnknown):
        return undecided(answer, order.attempts, now)
    if answer is None or order.doubt is not None:
        return None
    if meaning(answer) is Meaning.REFUSED:
        return refused(answer, order.attempts)
    return pending(order.entry.result, order.attempts, answer.reason)


def _single(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _single(first) if isinstance(first, BaseExceptionGroup) else first
