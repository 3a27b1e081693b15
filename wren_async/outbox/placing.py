"""Placing the orders of one API: one worker after another of the same kind as a batch has, without an end.

While nothing is in doubt, orders flow from the submissions through their prices to the worker. An order whose answer
was lost is looked for from time to time; nothing of its API is on the wire meanwhile, as in a batch. Each API of an
outbox is placed apart, so that a pause, a halt or a refusal of one does not hold the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from wren_async.batch.events import Ending, Event, Returned, Settled
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Entry, JournalError, Past, Result, State
from wren_async.batch.journal.notes import Note
from wren_async.batch.run.budget import Caps, overcharge
from wren_async.batch.run.concurrency import AdaptiveConcurrency
from wren_async.batch.run.recovery import Control, Recovery
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.batch.run.worker import Worker
from wren_async.core.client import BaseClient
from wren_async.core.resting import rest
from wren_async.core.timing import Timing
from wren_async.errors import AccessRefused
from wren_async.outbox.caps import until_tomorrow
from wren_async.outbox.feed import Feed, KeptCaps, SetAside
from wren_async.outbox.halts import FOR_A_PERSON, halt, in_own_words, why_halted
from wren_async.outbox.planning import Planning
from wren_async.outbox.problems import Problems
from wren_async.outbox.store import ApiJournal, OutboxStore
from wren_async.outbox.undecided import Undecided

_TAKEN_AT_ONCE: Final = 32
_POLL: Final = 0.5
"""Seconds after which a shared outbox is looked at, though nobody gave word."""
_CHECKPOINT: Final = 600.0
"""Seconds after which Wren's ledger is noted anew before anything is sent."""
_CLOCK: Final = 600.0
"""Seconds after which the clock is looked at by orders that wait for the next day: it may have been set meanwhile."""
_PRICING: Final = "pricing"
_PLACING: Final = "placing"
_CAPS: Final = "caps"
_ASIDE: Final = "aside"
_CLOSING: Final = (Ending.ASKED, "the outbox is being closed")
_FIRST_REST: Final = 1.0
_LONGEST_REST: Final = 60.0
_logger = logging.getLogger("wren_async.outbox")


class Again(enum.Enum):
    """What is next after a round."""

    AT_ONCE = enum.auto()
    LATER = enum.auto()
    """Once there is word of something, or a time has come."""
    REST = enum.auto()
    """After a while, because something failed."""


@attrs.define
class Placing:
    """Plans, places and reconciles the orders of one API until it is stopped."""

    api: Api
    store: OutboxStore
    journal: ApiJournal
    client: BaseClient
    caps: KeptCaps
    timing: Timing
    clocks: ServerClocks
    recovery: Recovery
    planning: Planning
    undecided: Undecided
    concurrency: int
    tell: Callable[[Entry], None]
    """Is told of each order that was settled or became undecided."""
    patience: float
    """Seconds to wait for the answers to orders on the wire, once they are given up."""
    _problems: Problems = attrs.field(factory=Problems)
    _news: asyncio.Event = attrs.field(factory=asyncio.Event)
    _submitted: asyncio.Event = attrs.field(factory=asyncio.Event)
    _recovered: asyncio.Event = attrs.field(factory=asyncio.Event)
    _resumed: asyncio.Event = attrs.field(factory=asyncio.Event)
    _stopped: asyncio.Event = attrs.field(factory=asyncio.Event)
    _worker: Worker | None = None
    _feed: Feed | None = None
    _adaptive: AdaptiveConcurrency = attrs.field(init=False)
    _aside: SetAside = attrs.field(init=False)
    _is_recovered: bool = False
    _is_refused: bool = False
    """Whether the token was refused when prices were asked for: then this process leaves the orders to others."""
    _failures: int = 0
    _checkpoint_at: float | None = None
    _take_over_at: float = float("-inf")
    _waits_for_caps: bool = False

    def __attrs_post_init__(self) -> None:
        self._adaptive = AdaptiveConcurrency(most=self.concurrency)
        self._aside = SetAside(self.timing)

    # --- from outside ---

    @property
    def problem(self) -> str | None:
        """Why not everything is priced or placed now, if that is so."""
        return str(self._problems) or None

    def wake(self) -> None:
        """Give word: something was submitted, or may be placed."""
        self._submitted.set()
        self._wake_worker()

    def _wake_worker(self) -> None:
        self._news.set()
        if self._worker is not None:
            self._worker.wake()

    def freed(self) -> None:
        """There may be room under the caps again."""
        if self._waits_for_caps:
            self._wake_worker()

    def resumed(self) -> None:
        """A person has let it go on."""
        self._is_recovered = False
        self._aside.forget()
        self._problems.end(_ASIDE)
        self._went_well()
        self._resumed.set()
        self.wake()

    def stop(self) -> None:
        """Begin nothing more, and finish what is on the wire."""
        self._stopped.set()
        if self._worker is not None:
            self._worker.halt(*_CLOSING)

    async def leave(self) -> None:
        """Let go of what is still on the wire: it is reconciled by whoever opens the outbox next."""
        if self._worker is not None:
            await self._worker.leave(0)
            self._worker = None

    async def forever(self) -> None:
        """Place what comes, until stopped."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._plan_forever())
            group.create_task(self._place_forever())

    async def once(self) -> None:
        """Place what can be placed now. Raises what keeps it from being priced or sent."""
        while not self._stopped.is_set():
            self._news.clear()
            again = await self._round()
            if again is Again.REST:
                return
            try:
                while await self._plan():
                    again = Again.AT_ONCE
            except AccessRefused:
                await self._retire()
                raise
            if again is not Again.AT_ONCE and not self._news.is_set():
                break
        if (problem := self.planning.put_off) is not None:
            raise problem

    # --- planning ---

    async def _plan(self) -> bool:
        """Plan the oldest orders; whether there were any."""
        if not await self.planning.plan():
            return False
        if self.planning.has_doubted:
            self.planning.has_doubted = False
            await self.undecided.count()
        return True

    async def _plan_forever(self) -> None:
        failures = 0
        while True:
            if not self._is_refused:
                # What may have been sent before is known, or in doubt, before anything else is taken up.
                await rest(self.timing, None, self._stopped, self._recovered)
            if self._stopped.is_set():
                return
            self._submitted.clear()
            try:
                while await self._plan():
                    self._wake_worker()
            except Exception as error:
                failures += 1
                self._is_refused = isinstance(error, AccessRefused)
                self._wake_worker()
                self._problems.begin(_PRICING, f"orders of {self.api} cannot be priced: {error}", error)
                await rest(self.timing, _pause(failures), self._stopped)
                continue
            failures, self._is_refused = 0, False
            self._tell_put_off()
            await rest(self.timing, self._until_priced(), self._stopped, self._submitted)

    def _tell_put_off(self) -> None:
        if (problem := self.planning.problem) is None:
            self._problems.end(_PRICING)
        else:
            self._problems.begin(_PRICING, problem)

    def _until_priced(self) -> float | None:
        """Seconds until prices are asked though nothing was submitted here."""
        times = [_POLL] if self.store.is_shared else []
        if (seconds := self.planning.later) is not None:
            times.append(seconds)
        return min(times, default=None)

    # --- placing ---

    async def _place_forever(self) -> None:
        while not self._stopped.is_set():
            self._news.clear()
            try:
                again = await self._round()
            except Exception as error:
                self._fail(f"orders of {self.api} cannot be placed: {error}", error)
                again = Again.REST
                await self._give_up()
            if again is Again.REST:
                self._failures += 1
                await rest(self.timing, _pause(self._failures), self._stopped, self._resumed)
            elif again is Again.LATER:
                self._went_well()
                await rest(self.timing, self._until_next(), self._stopped, self._news)

    async def _give_up(self) -> None:
        """Wait for what a failed worker has on the wire. Then it is as after a crash: what is not known is in doubt."""
        self._is_recovered, self._feed = False, None
        if self._worker is not None:
            await self._worker.leave(self.patience)
            self._worker = None
        with contextlib.suppress(JournalError):
            await self.journal.give_back()

    def _fail(self, problem: str, error: Exception | None = None) -> None:
        self._problems.begin(_PLACING, problem, error)

    def _went_well(self) -> None:
        self._failures = 0
        self._problems.end(_PLACING)

    async def _round(self) -> Again:
        """Recover or reconcile what is in doubt, then place what is pending."""
        if await self._is_held():
            return Again.REST
        if self._is_refused:
            await self._retire()
            return Again.REST
        if not self._is_recovered:
            await self.journal.renew()
        await self.caps.read()
        worker = self._worker = self._new_worker()
        await self._find_out(worker)
        if worker.end is None:
            feed = self._feed = Feed(self._take)
            await self._note_checkpoint()
            await worker.place_all(feed)
            self._feed = None
            if feed.has_left:
                # This process could not place them. Another one may.
                await self.journal.give_back()
        return await self._after(worker)

    async def _is_held(self) -> bool:
        """Whether somebody has said that nothing is sent. What only an empty wallet has stopped is tried again."""
        told = await self.journal.halt_of_all()
        if halted := await why_halted(self.journal):
            self._fail(_for_a_person(halted))
            self._resumed.clear()
        elif told is not None and told[0] is Ending.PAYMENT_REQUIRED:
            await self.journal.try_wallet_again()
            return False
        elif told is not None:
            self._fail(told[1])
        else:
            return False
        # Another process may be told to go on: look soon, and then for whatever is in doubt by what that one noted.
        self._failures = min(self._failures, 2)
        self._is_recovered = False
        return True

    async def _find_out(self, worker: Worker) -> None:
        """Recover what an earlier life left, or look for what is undecided, where it is time."""
        control = Control(emit=self._heard, halt=worker.halt, may_repeat=self._may_repeat, stopped=self._stopped)
        # A person may have resumed it after an alarm that this process has not seen: it looks for what is pending, too.
        if not self._is_recovered or await self.journal.noted(Note.DOUBT):
            await self._note_beginning()
            await self.recovery.recover(control)
            self._is_recovered = worker.end is None
            if self._is_recovered:
                self._recovered.set()
        elif self.undecided.is_due:
            await self.recovery.look_for_lost(control)
        else:
            return
        await self.undecided.looked()

    async def _after(self, worker: Worker) -> Again:
        self._worker = None
        if worker.end is None:
            return Again.AT_ONCE if self.undecided.is_due else Again.LATER
        why, message = worker.end
        if why is Ending.ASKED:
            return Again.LATER
        message = await in_own_words(self.journal, message)
        if why in FOR_A_PERSON:
            # Whoever met it has noted it by now. A person may have resumed it meanwhile, and is not asked again.
            self._fail(_for_a_person(message))
        else:
            self._fail(f"orders of {self.api} are held back: {message}")
        if why is Ending.ACCESS_REFUSED:
            self._recovered.clear()
            await self._retire()
        return Again.REST

    async def _retire(self) -> None:
        """Leave the orders to processes whose token is taken: while this one is there, they could have none but its."""
        self._is_recovered = False
        await self.journal.retire()

    def _new_worker(self) -> Worker:
        worker = Worker(
            self.journal,
            {self.api: self.client},
            caps=Caps(failures=None),
            concurrency=self._adaptive,
            timing=self.timing,
            clocks=self.clocks,
            emit=self._heard,
        )
        if self._stopped.is_set():
            worker.halt(*_CLOSING)
        return worker

    async def _may_repeat(self) -> bool:
        return not self._stopped.is_set() and (self._worker is None or self._worker.end is None)

    async def _take(self, given: set[int]) -> Sequence[Entry]:
        if self.undecided.is_due:
            # What is on the wire is finished first; then the lost orders are looked for.
            return ()
        await self._take_over()
        if self.clocks.was_set(self.api):
            # By the server's clock an order counts on its day, whatever becomes of this machine's.
            await self.clocks.ask(self.api, self.client)
        caps, aside = self.caps.now, self._aside.now
        if not self._aside:
            self._problems.end(_ASIDE)
        while taken := await self.journal.take(_TAKEN_AT_ONCE, given | aside, caps):
            if allowed := [entry for entry in taken if not await self._is_refused_now(entry)]:
                return allowed
        self._waits_for_caps = caps.any and await self.journal.waiting() > 0
        if self._waits_for_caps:
            self._problems.begin(_CAPS, f"orders of {self.api} wait for the next day: the caps leave no room now")
        else:
            self._problems.end(_CAPS)
        return ()

    async def _is_refused_now(self, entry: Entry) -> bool:
        """Refuse an order above ceilings that are lower than when it was priced: it would hold up all the others."""
        if (reason := self.planning.above_ceilings(entry.row)) is None:
            return False
        position, refused = entry.row.position, Result(state=State.REFUSED, reason=reason)
        await self.journal.mark_sending([position], self.clocks.earliest(self.api), reserve=True)
        await self.journal.record(position, refused)
        self.tell(Entry(row=entry.row, result=refused))
        return True

    async def _take_over(self) -> None:
        """Now and then, put in doubt what other processes were sending when they died."""
        now, lease = self.timing.monotonic(), self.journal.lease
        if lease is None or now < self._take_over_at:
            return
        self._take_over_at = now + lease / 4
        await self.caps.read()
        await self.journal.doubt(self.undecided.latest)
        await self.undecided.count()

    async def _note_beginning(self) -> None:
        """Note the server and the account, and before the first order when it all began: no order is older."""
        is_empty = self.journal.past is Past.NEW and not await self.journal.digests(1, 1)
        await self.recovery.note_servers()
        if is_empty and await self.journal.noted(Note.PLANNED) is None:
            await self.recovery.note_planning()

    async def _note_checkpoint(self) -> None:
        now = self.timing.monotonic()
        if self._checkpoint_at is None or now - self._checkpoint_at > _CHECKPOINT:
            self._checkpoint_at = now
            await self.recovery.note_checkpoint()

    async def _heard(self, event: Event) -> None:
        if isinstance(event, Returned) and self._is_refused_access and self._aside.add(event.entry):
            held = f"order {event.entry.row.reference!r} is held back, and is tried again: {event.reason}"
            self._problems.begin(_ASIDE, held)
        if not isinstance(event, Settled):
            return
        self._aside.forget(event.entry.row.position)
        if self._feed is not None:
            self._feed.settled(event.entry.row.position)
        result = event.entry.result
        if problem := overcharge(event.entry.row, result):
            # Also where the worker has ended for another reason before.
            self.journal.halt(Ending.OVERCHARGED, problem)
            await halt(self.journal, await in_own_words(self.journal, problem))
        elif result.state is State.PLACED:
            self._went_well()
        elif result.state is State.UNDECIDED:
            self.undecided.add(event.entry)
        self.tell(event.entry)

    @property
    def _is_refused_access(self) -> bool:
        end = None if self._worker is None else self._worker.end
        return end is not None and end[0] is Ending.ACCESS_REFUSED

    # --- when ---

    def _until_next(self) -> float | None:
        """Seconds until there is something to do though nobody gives word."""
        times = [_POLL] if self.store.is_shared else []
        times += [each for each in (self.undecided.seconds, self._aside.seconds) if each is not None]
        if self._waits_for_caps:
            times.append(min(_CLOCK, until_tomorrow(self.clocks.there(self.api))))
        return min(times, default=None)


def _for_a_person(why: str) -> str:
    return f"{why.rstrip('.')}. Once a person has looked into it: `resume()`"


def _pause(failures: int) -> float:
    return float(min(_LONGEST_REST, _FIRST_REST * 2.0 ** min(failures - 1, 10)))
