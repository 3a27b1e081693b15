"""A journal written by hand, without a database: what the journals of the library are compared with.

It knows nothing of their table of transitions, so that a mistake there shows. It can be copied as a whole.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP

import attrs

from wren_async.batch.journal.contract import Entry, JournalError, Past, Result, Row, State, Totals
from wren_async.batch.journal.one_process import HeldByOne
from wren_async.errors import InvalidArgument


class JournalModel(HeldByOne):
    """The contract of a journal, kept in a dictionary."""

    def __init__(self) -> None:
        self.past = Past.NEW
        self._batch_id = uuid.uuid4().hex
        self._entries: dict[int, Entry] = {}
        self._source_digest: str | None = None
        self._notes: dict[str, str] = {}
        self._closed = False

    @property
    def batch_id(self) -> str:
        """Random id of the batch."""
        return self._batch_id

    @property
    def label(self) -> str:
        """It has no place."""
        return "a model of a journal"

    async def add(self, rows: Sequence[Row]) -> None:
        """Take in orders as pending, all of them or none. Positions must be new."""
        self._check_open()
        if rows and self._source_digest is not None:
            raise JournalError("all rows of the input were taken in already")
        added = {row.position: Entry(row=row, result=Result(state=State.PENDING)) for row in rows}
        if len(added) < len(rows) or added.keys() & self._entries.keys() or any(p < 1 for p in added):
            raise JournalError("positions must be new, and count from 1")
        self._entries |= added

    async def sealed(self) -> bool:
        """Whether all rows of the input were taken in."""
        self._check_open()
        return self._source_digest is not None

    async def seal(self, source_digest: str) -> None:
        """Note that all rows were taken in. Sealing again takes the same digest; another is a `JournalError`."""
        self._check_open()
        if self._source_digest not in (None, source_digest):
            raise JournalError("the batch was sealed with another input; give the file it was made from")
        self._source_digest = source_digest

    async def digests(self, first: int, count: int) -> Sequence[tuple[int, str]]:
        """Position and digest of up to `count` rows from position `first` on."""
        self._check_open()
        positions = sorted(position for position in self._entries if position >= first)
        return [(position, self._entries[position].row.digest) for position in positions[: max(count, 0)]]

    async def mark_sending(self, positions: Iterable[int], at: datetime, *, reserve: bool = False) -> None:
        """Mark orders as about to be sent, all of them or none. Only pending ones may be."""
        self._check_open()
        _check_time(at)
        now_sending: dict[int, Entry] = {}
        for position in positions:
            self.past = Past.RUN_BEFORE
            was = now_sending.get(position) or self._known(position)
            if was.result.state is not State.PENDING:
                raise JournalError(f"order {position} is {was.result.state}")
            now_sending[position] = attrs.evolve(was, result=_marked(was.result, at))
        self._entries |= now_sending

    async def record(self, position: int, result: Result) -> None:
        """Note what came of an order. A settled order (placed, refused) is never changed again."""
        self._check_open()
        _check_result(result)
        entry = self._known(position)
        was = entry.result
        proven = result.reconciled or (was.state, result.state) != (State.UNDECIDED, State.PENDING)
        if was.state not in (State.SENDING, State.UNDECIDED) or not proven:
            raise JournalError(f"order {position} is {was.state}")
        if result.state is not State.PENDING:
            result = attrs.evolve(
                result, first_sent=result.first_sent or was.first_sent, last_sent=result.last_sent or was.last_sent
            )
        self._entries[position] = attrs.evolve(entry, result=result)

    async def entries(self, *states: State) -> AsyncIterator[Entry]:
        """All orders in these states (all states if none is named), by position."""
        self._check_open()
        for position in sorted(self._entries):
            entry = self._entries[position]
            if not states or entry.result.state in states:
                yield entry

    async def entry(self, position: int) -> Entry:
        """One order. Raises `JournalError` where there is none."""
        self._check_open()
        return self._known(position)

    async def placed_among(self, order_ids: Collection[str]) -> Collection[str]:
        """Which of these ids are those of placed orders."""
        self._check_open()
        placed = {entry.result.order_id for entry in self._entries.values() if entry.result.state is State.PLACED}
        return {order_id for order_id in order_ids if order_id in placed}

    async def pending_among(self, positions: Collection[int]) -> Collection[int]:
        """Which of these positions are those of pending orders."""
        self._check_open()
        pending = {entry.row.position for entry in self._entries.values() if entry.result.state is State.PENDING}
        return {position for position in positions if position in pending}

    async def totals(self) -> Totals:
        """Sums over the batch, counted anew each time."""
        self._check_open()
        everything = self._entries.values()
        reserved = [entry.row for entry in everything if entry.result.state in (State.SENDING, State.UNDECIDED)]
        pending = [entry.row for entry in everything if entry.result.state is State.PENDING]
        placed = [entry for entry in everything if entry.result.state is State.PLACED]
        unknown_cents = [entry.row.cents for entry in placed if entry.result.cents is None]
        return Totals(
            orders={state: sum(entry.result.state is state for entry in everything) for state in State},
            spent_cents=sum(entry.result.cents or 0 for entry in placed),
            reserved_cents=sum(row.cents for row in reserved),
            planned_cents=sum(entry.row.cents for entry in everything),
            spent_grams=sum(_grams(entry) for entry in placed),
            reserved_grams=sum(row.grams for row in reserved),
            planned_grams=sum(entry.row.grams for entry in everything),
            pending_cents=sum(row.cents for row in pending),
            pending_grams=sum(row.grams for row in pending),
            unknown_orders=len(unknown_cents),
            unknown_cents=sum(unknown_cents),
        )

    async def note(self, name: str, value: str) -> None:
        """Keep a fact of the batch under a name; a later one replaces it."""
        self._check_open()
        self._notes[name] = value

    async def noted(self, name: str) -> str | None:
        """A fact that was kept."""
        self._check_open()
        return self._notes.get(name)

    async def aclose(self) -> None:
        """Let go of everything. May be called again."""
        self._closed = True

    def _known(self, position: int) -> Entry:
        if position not in self._entries:
            raise JournalError(f"order {position}: the journal has no such order")
        return self._entries[position]

    def _check_open(self) -> None:
        if self._closed:
            raise JournalError("the journal is closed")


def _marked(was: Result, at: datetime) -> Result:
    return attrs.evolve(
        was,
        state=State.SENDING,
        replayed=False,
        reconciled=False,
        reason=None,
        first_sent=was.first_sent or at,
        last_sent=at,
    )


def _grams(entry: Entry) -> int:
    kilograms = entry.result.kilograms
    return entry.row.grams if kilograms is None else int((kilograms * 1000).to_integral_value(ROUND_HALF_UP))


def _check_result(result: Result) -> None:
    if result.state is State.SENDING:
        raise InvalidArgument("state", "is no result of sending")
    for moment in (result.first_sent, result.last_sent):
        if moment is not None:
            _check_time(moment)
    if result.kilograms is not None and not result.kilograms.is_finite():
        raise InvalidArgument("kilograms", "takes a finite number")


def _check_time(moment: datetime) -> None:
    if moment.utcoffset() is None:
        raise InvalidArgument("time", "takes a time zone")
