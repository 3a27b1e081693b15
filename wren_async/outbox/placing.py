"""Placing the orders of an outbox: one worker after another of the same kind as a batch has, without an end.

While nothing is in doubt, orders flow from the submissions through their prices to the worker. An order whose answer
was lost is looked for from time to time; nothing is on the wire meanwhile, as in a batch.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self

import attrs

from wren_async.batch.events import Ending, Event, Settled
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Entry, Past, State
from wren_async.batch.journal.notes import Note, read_note
from wren_async.batch.run.budget import Caps
from wren_async.batch.run.concurrency import AdaptiveConcurrency
from wren_async.batch.run.recovery import Control, Recovery
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.batch.run.worker import Worker
from wren_async.core.client import BaseClient
from wren_async.core.timing import Timing
from wren_async.errors import WrenAsyncError
from wren_async.outbox.caps import OutboxCaps, until_tomorrow
from wren_async.outbox.planning import Planning
from wren_async.outbox.schedule import next_look
from wren_async.outbox.store import OutboxStore

HALTED: Final = "outbox halted"
"""Name of the note that says why nothing is sent until a person has looked into it; empty or not there otherwise."""
_CAPS: Final = "outbox caps"
_TAKEN_AT_ONCE: Final = 32
_POLL: Final = 0.5
"""Seconds after which a shared outbox is looked at, though nobody gave word."""
_CHECKPOINT: Final = 600.0
"""Seconds after which Wren's ledger is noted anew before anything is sent."""
_FIRST_REST: Final = 1.0
_LONGEST_REST: Final = 60.0
_FOR_A_PERSON: Final = (Ending.ALARM, Ending.OVERCHARGED)
_PLACING: Final = "placing"
_logger = logging.getLogger("wren_async.outbox")

Tell = Callable[[Entry], None]


class Feed:
    """The orders that a worker is given: reserved for, and none twice. It may be asked again after it had none."""

    def __init__(self, take: Callable[[set[int]], Awaitable[Sequence[Entry]]]) -> None:
        self._take = take
        self._given: set[int] = set()
        self._ahead: deque[Entry] = deque()
        self.is_closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry:
        if not self._ahead and not self.is_closed:
            self._ahead.extend(await self._take(self._given))
            self._given.update(entry.row.position for entry in self._ahead)
        if not self._ahead or self.is_closed:
            raise StopAsyncIteration
        return self._ahead.popleft()

    def settled(self, position: int) -> None:
        """Forget an order: it is not pending any more."""
        self._given.discard(position)


@attrs.define
class KeptCaps:
    """The caps that the outbox keeps for all processes."""

    store: OutboxStore
    now: OutboxCaps = attrs.field(factory=OutboxCaps)

    async def keep(self, caps: OutboxCaps) -> None:
        """Let these caps hold from now on."""
        await self.store.note(_CAPS, caps.to_json())
        self.now = caps

    async def read(self) -> None:
        """Take in what another process may have changed."""
        if noted := await self.store.noted(_CAPS):
            self.now = read_note(self.store, _CAPS, noted, OutboxCaps.from_json)


class Again(enum.Enum):
    """What is next after a round."""

    AT_ONCE = enum.auto()
    LATER = enum.auto()
    """Once there is word of something, or a time has come."""
    REST = enum.auto()
    """After a while, because something failed."""


@attrs.define
class Placing:
    """Plans, places and reconciles the orders of a store until it is stopped."""

    store: OutboxStore
    clients: Mapping[Api, BaseClient]
    caps: KeptCaps
    settle_time: float
    timing: Timing
    clocks: ServerClocks
    recovery: Recovery
    planning: Mapping[Api, Planning]
    concurrency: int
    tell: Tell
    """Is told of each order that was settled or became undecided."""
    patience: float
    """Seconds to wait for the answers to orders on the wire, once they are given up."""
    _problems: dict[str, str] = attrs.field(factory=dict[str, str])
    _news: asyncio.Event = attrs.field(factory=asyncio.Event)
    _submitted: dict[Api, asyncio.Event] = attrs.field(init=False)
    _recovered: asyncio.Event = attrs.field(factory=asyncio.Event)
    _resumed: asyncio.Event = attrs.field(factory=asyncio.Event)
    _stopped: asyncio.Event = attrs.field(factory=asyncio.Event)
    _worker: Worker | None = None
    _feed: Feed | None = None
    _adaptive: AdaptiveConcurrency = attrs.field(init=False)
    _is_recovered: bool = False
    _looked: datetime | None = None
    _look_at: datetime | None = None
    _failures: int = 0
    _checkpoint_at: float | None = None
    _take_over_at: float = float("-inf")
    _waits_for_caps: bool = False

    def __attrs_post_init__(self) -> None:
        self._adaptive = AdaptiveConcurrency(most=self.concurrency)
        self._submitted = {api: asyncio.Event() for api in self.planning}

    # --- from outside ---

    @property
    def problem(self) -> str | None:
        """Why not everything is priced or placed now, if that is so."""
        return "; ".join(self._problems.values()) or None

    def latest(self) -> datetime:
        """The present by the clock that is ahead, by which the last byte of an order is dated."""
        return max(map(self.clocks.latest, self.clients), default=self.clocks.now())

    def wake(self) -> None:
        """Give word: something was submitted, or may be placed."""
        for submitted in self._submitted.values():
            submitted.set()
        self._wake_worker()

    def _wake_worker(self) -> None:
        self._news.set()
        if self._worker is not None:
            self._worker.wake()

    def stop(self) -> None:
        """Begin nothing more, and finish what is on the wire."""
        self._stopped.set()
        if self._worker is not None:
            self._worker.halt(Ending.ASKED, "the outbox is being closed")

    async def leave(self) -> None:
        """Let go of what is still on the wire: it is reconciled by whoever opens the outbox next."""
        if self._worker is not None:
            await self._worker.leave(0)
            self._worker = None

    async def forever(self) -> None:
        """Place what comes, until stopped."""
        async with asyncio.TaskGroup() as group:
            for api in self.planning:
                group.create_task(self._plan_forever(api))
            group.create_task(self._place_forever())

    async def once(self) -> None:
        """Place what can be placed now. Raises what keeps it from being priced or sent."""
        while not self._stopped.is_set():
            self._news.clear()
            again = await self._round()
            if again is Again.REST:
                return
            for planning in self.planning.values():
                while await self._plan(planning):
                    again = Again.AT_ONCE
            if again is not Again.AT_ONCE and not self._news.is_set():
                return

    # --- planning ---

    async def _plan(self, planning: Planning) -> bool:
        """Plan the oldest orders of an API; whether there were any."""
        if not await planning.plan():
            return False
        if planning.has_doubted:
            planning.has_doubted = False
            await self._plan_looks()
        return True

    async def _plan_forever(self, api: Api) -> None:
        planning, submitted, failures = self.planning[api], self._submitted[api], 0
        # What may have been sent by an earlier life is known, or in doubt, before anything else is taken up.
        await self._rest(None, self._recovered)
        while not self._stopped.is_set():
            submitted.clear()
            try:
                while await self._plan(planning):
                    self._wake_worker()
            except Exception as error:
                failures += 1
                self._fail(api, f"orders of {api} cannot be priced: {error}", error)
                await self._rest(_pause(failures))
                continue
            failures = 0
            self._problems.pop(api, None)
            await self._rest(_POLL if self.store.is_shared else None, submitted)

    # --- placing ---

    async def _place_forever(self) -> None:
        while not self._stopped.is_set():
            self._news.clear()
            try:
                again = await self._round()
            except Exception as error:
                self._fail(_PLACING, f"orders cannot be placed: {error}", error)
                again = Again.REST
                await self._give_up()
            if again is Again.REST:
                self._failures += 1
                await self._rest(_pause(self._failures), self._resumed)
            elif again is Again.LATER:
                self._went_well()
                await self._rest(self._until_next(), self._news)

    async def _give_up(self) -> None:
        """Wait for what a failed worker has on the wire. Then it is as after a crash: what is not known is in doubt."""
        self._is_recovered, self._feed = False, None
        if self._worker is not None:
            await self._worker.leave(self.patience)
            self._worker = None

    def _went_well(self) -> None:
        self._failures = 0
        self._problems.pop(_PLACING, None)

    async def _round(self) -> Again:
        """Recover or reconcile what is in doubt, then place what is pending."""
        if halted := await self.halted():
            self._fail(_PLACING, f"{halted} Once a person has looked into it: `resume()`")
            self._failures = min(self._failures, 2)  # another process may be told so: look soon
            self._resumed.clear()
            return Again.REST
        if (halt := await self.store.halt_of_all()) is not None:
            if halt[0] is not Ending.PAYMENT_REQUIRED:
                self._fail(_PLACING, halt[1])
                self._failures = min(self._failures, 2)
                return Again.REST
            await self.store.lift_halt()
        if not self._is_recovered:
            await self.store.renew()
        await self.caps.read()
        worker = self._worker = self._new_worker()
        control = Control(emit=self._heard, halt=worker.halt, may_repeat=self._may_repeat, stopped=self._stopped)
        if not self._is_recovered:
            await self._note_beginning()
            await self.recovery.recover(control)
            self._is_recovered = worker.end is None
            if self._is_recovered:
                self._recovered.set()
            self._looked = self.latest()
            await self._plan_looks()
        elif self._is_look_due():
            await self.recovery.look_for_lost(control)
            self._looked = self.latest()
            await self._plan_looks()
        if worker.end is None:
            self._feed = Feed(self._take)
            await self._note_checkpoint()
            await worker.place_all(self._feed)
            self._feed = None
        return await self._after(worker)

    async def _after(self, worker: Worker) -> Again:
        self._worker = None
        if worker.end is None:
            return Again.AT_ONCE if self._is_look_due() else Again.LATER
        why, message = worker.end
        if why is Ending.ASKED:
            return Again.LATER
        if why in _FOR_A_PERSON:
            await self.store.note(HALTED, message)
        self._fail(_PLACING, message)
        return Again.REST

    async def halted(self) -> str | None:
        """Why nothing is sent until a person has looked into it."""
        if told := await self.store.noted(HALTED) or await self.store.noted(Note.ALARM):
            return told
        halt = await self.store.halt_of_all()
        return halt[1] if halt is not None and halt[0] in _FOR_A_PERSON else None

    async def resume(self) -> None:
        """Go on: a person has looked into it."""
        if await self.store.noted(Note.ALARM):
            await self.store.note(Note.DOUBT, "something else may have placed them, as an alarm told")
            await self.store.note(Note.ALARM, "")
            self._is_recovered = False
        await self.store.note(HALTED, "")
        await self.store.lift_halt()
        self._went_well()
        self._resumed.set()
        self.wake()

    def _new_worker(self) -> Worker:
        return Worker(
            self.store,
            self.clients,
            caps=Caps(failures=None),
            concurrency=self._adaptive,
            timing=self.timing,
            clocks=self.clocks,
            emit=self._heard,
        )

    async def _may_repeat(self) -> bool:
        return not self._stopped.is_set() and (self._worker is None or self._worker.end is None)

    async def _take(self, given: set[int]) -> Sequence[Entry]:
        if self._is_look_due():
            # What is on the wire is finished first; then the lost orders are looked for.
            return ()
        await self._take_over()
        now = self.clocks.now()
        caps = self.caps.now
        taken = await self.store.take(_TAKEN_AT_ONCE, given, caps, now)
        if caps.any and not taken:
            self._waits_for_caps = await self.store.waiting() > 0
        return taken

    async def _take_over(self) -> None:
        """Now and then, put in doubt what other processes were sending when they died."""
        now, lease = self.timing.monotonic(), self.store.lease
        if lease is None or now < self._take_over_at:
            return
        self._take_over_at = now + lease / 4
        await self.caps.read()
        await self.store.doubt(self.latest())
        await self._plan_looks()

    async def _note_beginning(self) -> None:
        """Note the servers and accounts, and before the first order when it all began: no order is older."""
        is_empty = self.store.past is Past.NEW and not await self.store.digests(1, 1)
        await self.recovery.note_servers()
        if is_empty and await self.store.noted(Note.PLANNED) is None:
            await self.recovery.note_planning()

    async def _note_checkpoint(self) -> None:
        now = self.timing.monotonic()
        if self._checkpoint_at is None or now - self._checkpoint_at > _CHECKPOINT:
            self._checkpoint_at = now
            await self.recovery.note_checkpoint()

    async def _heard(self, event: Event) -> None:
        if not isinstance(event, Settled):
            return
        if self._feed is not None:
            self._feed.settled(event.entry.row.position)
        result = event.entry.result
        if result.state is State.PLACED:
            self._went_well()
        elif result.state is State.UNDECIDED:
            self._plan_look(event.entry)
        self.tell(event.entry)

    # --- when ---

    async def _plan_looks(self) -> None:
        """Find out when to look for the undecided orders next, those of other processes included."""
        self._look_at = None
        async for entry in self.store.entries(State.UNDECIDED):
            self._plan_look(entry)

    def _plan_look(self, entry: Entry) -> None:
        at = next_look(entry.result, self._looked, self.settle_time) or self.latest()
        self._look_at = at if self._look_at is None else min(self._look_at, at)

    def _is_look_due(self) -> bool:
        return self._look_at is not None and self.latest() >= self._look_at

    def _until_next(self) -> float | None:
        """Seconds until there is something to do though nobody gives word."""
        now = self.clocks.now()
        times = [_POLL] if self.store.is_shared else []
        if self._look_at is not None:
            times.append(max(0.0, (self._look_at - self.latest()).total_seconds()))
        if self._waits_for_caps:
            times.append(until_tomorrow(now))
        return min(times, default=None)

    async def _rest(self, seconds: float | None, news: asyncio.Event | None = None) -> None:
        """Wait for some seconds, or until there is word, or until it is stopped."""
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._stopped.wait())]
        if seconds is not None:
            waits.append(asyncio.ensure_future(self.timing.sleep(seconds)))
        if news is not None:
            waits.append(asyncio.ensure_future(news.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _fail(self, what: str, problem: str, error: Exception | None = None) -> None:
        if problem != self._problems.get(what):
            unforeseen = error if error is not None and not isinstance(error, WrenAsyncError) else None
            _logger.warning("outbox: %s", problem, exc_info=unforeseen)
        self._problems[what] = problem


def _pause(failures: int) -> float:
    return float(min(_LONGEST_REST, _FIRST_REST * 2.0 ** min(failures - 1, 10)))
