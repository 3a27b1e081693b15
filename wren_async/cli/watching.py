"""How a batch stands that workers place, and what is to be done where it stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import attrs

from wren_async.batch.events import Ended, Ending, Progress, Settled
from wren_async.batch.journal.contract import Signal, State, Totals
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.run.history import History, RunEnd
from wren_async.cli.batch_places import BatchPlace
from wren_async.cli.endings import of_run, of_totals
from wren_async.cli.exits import Exit
from wren_async.cli.messages import in_words
from wren_async.cli.progress import Display

_LOOK: Final = 1.0
"""Seconds between two looks at how far the workers are."""
_SOON: Final = 4
"""Looks without a worker, or at one that all others wait for, before that is told: it may be over in a moment."""
_NO_WORKER: Final = (
    "no worker is at it: start `wren-async worker` on each machine that is to place orders, with the tokens in its "
    "environment; where one runs, its log says why it does not go on"
)
_LOOKS: Final = (
    "worker {} looks first at what the accounts show of it, because orders may have been placed that the database does "
    "not know of; the others wait for that, which takes minutes where the lists are long"
)
_FAILURES: Final = 10
"""Orders whose failure is told in the end; the report has all."""
_QUIET: Final = (Ending.DONE, Ending.ASKED)
"""Ends of a worker's run that say nothing of the batch."""
_REMEDIES: Final = {
    Ending.CAP_REACHED: "under another cap it goes on: {another_cap}",
    Ending.TOO_MANY_FAILURES: "this tells why: {report}\nThen it goes on by: {resume}",
    Ending.PAYMENT_REQUIRED: "put money into the wallet; then it goes on by: {resume}",
    Ending.OVERCHARGED: "this compares it with the account: {books}\nThen it goes on by: {resume}",
    Ending.ALARM: "find out what else places these orders, and stop it; then it goes on by: {explained}",
}


@attrs.frozen(kw_only=True)
class Standing:
    """How a batch stands in the database."""

    name: str
    totals: Totals
    is_outbox: bool
    is_planned: bool
    is_started: bool
    ending: Ending | None
    """Why no worker sends anything, where that is so."""
    message: str
    workers: Sequence[tuple[int, str, str, float]]
    looker: str | None
    """The worker that looks first at what the accounts show, while all others wait for that."""

    @classmethod
    async def of(cls, journal: PostgresJournal) -> Standing:
        """How it stands now."""
        signal = await journal.signal()
        if signal.ending is None and (alarm := await journal.noted(Note.ALARM)):
            # Nobody goes on before it is explained, also where it was raised before anybody could be halted.
            signal = Signal(ending=Ending.ALARM, message=alarm)
        return cls(
            name=journal.name,
            totals=await journal.totals(),
            is_outbox=await journal.is_outbox(),
            is_planned=await journal.sealed(),
            is_started=await journal.started(),
            ending=None if signal.ending is None else Ending(signal.ending),
            message=signal.message,
            workers=await journal.workers(),
            looker=await journal.looker(),
        )

    @property
    def in_doubt(self) -> int:
        """Orders that may have been placed, and those on the wire."""
        return self.totals.orders[State.UNDECIDED] + self.totals.orders[State.SENDING]

    @property
    def left(self) -> int:
        """Orders that are to be sent, or on the wire."""
        return self.totals.orders[State.PENDING] + self.totals.orders[State.SENDING]

    @property
    def words(self) -> str:
        """How it stands, in some words."""
        if self.is_outbox:
            return self._stopped if self.ending else "an outbox"
        if not self.is_planned:
            return "not planned to its end"
        if not self.is_started:
            return "planned, and not started"
        if not self.left and not self.in_doubt:
            return "done"
        if self.ending is not None:
            return self._stopped
        if self.looker is not None:
            return "a worker looks at the accounts first"
        return "under way" if self.workers else "waits for a worker"

    @property
    def _stopped(self) -> str:
        return f"stopped: {in_words(self.message)}"

    @property
    def row(self) -> tuple[str, ...]:
        """The batch as a row of a table."""
        number = self.totals.orders
        numbers = (sum(number.values()), number[State.PLACED], number[State.REFUSED], self.in_doubt)
        return (self.name, *(f"{each:,}" for each in (*numbers, number[State.PENDING])), self.words)

    def advice(self, place: BatchPlace) -> str | None:
        """What is to be done where it stands still, with the command for it."""
        if self.is_outbox:
            return None
        if not self.is_planned:
            return f"its planning was broken off; plan the file again: {place.command('plan', 'FILE', *place.named)}"
        if not self.is_started:
            return f"workers leave it alone until somebody lets them begin: {place.command('resume', self.name)}"
        if not self.left and not self.in_doubt:
            return None
        if self.ending is not None:
            return remedy(self.ending, place)
        if self.looker is not None:
            return _LOOKS.format(self.looker)
        return None if self.workers else _NO_WORKER


def remedy(ending: Ending, place: BatchPlace) -> str:
    """What lets workers go on after an end that holds for all of them."""
    name = place.name
    return _REMEDIES.get(ending, "it goes on by: {resume}").format(
        resume=place.command("resume", name),
        another_cap=place.command("resume", name, "--max-usd", "AMOUNT"),
        explained=place.command("resume", name, "--alarm-is-explained"),
        report=place.command("report", name),
        books=place.command("report", name, "--books"),
    )


class Watch:
    """Shows how far the workers of a batch are, until nothing is left to send, or they are stopped."""

    def __init__(self, place: BatchPlace, journal: PostgresJournal, shown: Display) -> None:
        self._place = place
        self._journal = journal
        self._shown = shown
        self._alone = self._looked_into = 0
        self._ends: list[RunEnd] = []

    async def run(self) -> Exit:
        """Look until the end; the exit code of the batch."""
        loop = asyncio.get_running_loop()
        standing = await Standing.of(self._journal)
        began, first = loop.time(), standing.totals
        self._ends = (await History.of(self._journal)).endings
        self._shown.begin(first)
        try:
            while standing.left and standing.ending is None:
                seconds = max(1e-9, loop.time() - began)
                self._shown.show(_progress(standing.totals, _settled(standing.totals) - _settled(first), seconds))
                await self._tell_trouble(standing)
                await asyncio.sleep(_LOOK)
                standing = await Standing.of(self._journal)
            if _failed(standing.totals) > _failed(first):
                await self._tell_failures()
            return self._end(standing)
        finally:
            self._shown.end()

    def _end(self, standing: Standing) -> Exit:
        """Tell how it ended, in the words of a run."""
        if not standing.left or standing.ending is None:
            ended = Ended(ending=Ending.DONE, message="nothing is left to send", totals=standing.totals)
            self._shown.show(ended)
            return of_totals(standing.totals)
        ended = Ended(ending=standing.ending, message=standing.message, totals=standing.totals)
        self._shown.show(ended)
        self._shown.say(remedy(standing.ending, self._place))
        # That somebody else has stopped it is no Ctrl-C of this command.
        return Exit.UNFINISHED if standing.ending is Ending.ASKED else of_run(ended)

    async def _tell_failures(self) -> None:
        told = 0
        async for entry in self._journal.entries(State.REFUSED, State.UNDECIDED):
            self._shown.show(Settled(entry=entry))
            told += 1
            if told >= _FAILURES:
                return

    async def _tell_trouble(self, standing: Standing) -> None:
        """Say that no worker is there, or only one goes on, and why those that were there have ended."""
        self._alone = 0 if standing.workers else self._alone + 1
        if self._alone == _SOON:
            self._shown.say(_NO_WORKER)
        self._looked_into = 0 if standing.looker is None else self._looked_into + 1
        if self._looked_into == _SOON and standing.looker is not None:
            self._shown.say(_LOOKS.format(standing.looker))
        ends = (await History.of(self._journal)).endings
        for end in (each for each in ends if each not in self._ends and each.ending not in _QUIET):
            self._shown.say(f"a worker ended its run: {in_words(end.message)}; it tries again")
        self._ends = ends


def _progress(totals: Totals, settled: int, seconds: float) -> Progress:
    rate, sending = settled / seconds, totals.orders[State.SENDING]
    left = (totals.orders[State.PENDING] + sending) / rate if rate else None
    return Progress(totals=totals, in_flight=sending, limit=sending, seconds=seconds, rate=rate, seconds_left=left)


def _settled(totals: Totals) -> int:
    return sum(totals.orders[state] for state in (State.PLACED, State.REFUSED, State.UNDECIDED))


def _failed(totals: Totals) -> int:
    return totals.orders[State.REFUSED] + totals.orders[State.UNDECIDED]
