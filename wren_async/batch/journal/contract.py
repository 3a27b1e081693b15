"""What the journal of a batch keeps, and what every kind of journal promises.

The intent of an order is on disk before its first byte is sent, and its result once that is known. Wherever the process
is killed, each order is then pending, placed, refused, or in doubt, and one in doubt is never simply sent again.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import attrs

from wren_async.errors import JournalError as JournalError


class State(enum.StrEnum):
    """Where an order of a batch stands."""

    PENDING = "pending"
    """Not sent yet, or proven not to have been sent."""
    SENDING = "sending"
    """About to be sent, or on the wire. Found after a crash, it is in doubt."""
    UNDECIDED = "undecided"
    """It may have been placed, and no answer tells. Counts as spent; never simply sent again."""
    PLACED = "placed"
    REFUSED = "refused"
    """Refused by the server, or given up by a person as not placed. Nothing was spent."""


class Past(enum.Enum):
    """What may have been sent from a journal before it was opened, as far as the journal itself can tell."""

    NEW = "new"
    """Nothing from this very journal. It may have been copied, and a copy of it may have been run elsewhere."""
    KNOWN = "known"
    """Whatever it was, others who are at it now have looked into it."""
    RUN_BEFORE = "run before"
    """A run was begun with it, or it is a copy, and may be older than the run."""
    BEHIND = "behind"
    """It is older than its last run: every order that is pending in it may have been placed."""


@attrs.frozen(kw_only=True)
class Row:
    """An order to place, as it is when the journal takes it in."""

    position: int
    """Line of the input, from 1."""
    intent: str
    """The intent as canonical JSON."""
    digest: str
    """Hash of the intent, by which a changed file is noticed on resuming."""
    reference: str
    """Random; made once, and sent with the order so that it can be found again."""
    key: str
    """Random idempotency key; made once. Only APIs with keys get it."""
    cents: int
    """What the plan expects it to cost, in USD cents."""
    grams: int
    """What the plan expects it to offset, in grams of CO2e; 0 where an order is not by mass."""


@attrs.frozen(kw_only=True)
class Result:
    """What came of an order."""

    state: State
    order_id: str | None = None
    cents: int | None = None
    """What it cost, in USD cents; `None` where the answer was not read."""
    kilograms: Decimal | None = None
    """What was answered, in kilograms of CO2e."""
    certificate: str | None = None
    attempts: int = 0
    replayed: bool = False
    reconciled: bool = False
    """Whether looking for the order, or a person, told what came of it, and not an answer to its sending."""
    reason: str | None = None
    """Why it was refused or is undecided."""
    first_sent: datetime | None = None
    last_sent: datetime | None = None


@attrs.frozen(kw_only=True)
class Entry:
    """An order of the batch with all that is known of it."""

    row: Row
    result: Result
    """Its `state` is the order's; before the first sending everything else is empty."""


@attrs.frozen(kw_only=True)
class Totals:
    """Sums over a batch."""

    orders: dict[State, int]
    """Number of orders by state."""
    spent_cents: int
    """Cents of what was placed, as far as its cost is known."""
    reserved_cents: int
    """Expected cents of orders that are being sent or undecided: they count as spent until the outcome is known."""
    planned_cents: int
    """Expected cents of all orders."""
    spent_grams: int
    reserved_grams: int
    planned_grams: int
    pending_cents: int = 0
    """Expected cents of what is still to be sent."""
    pending_grams: int = 0
    unknown_orders: int = 0
    """Placed orders whose cost is not known."""
    unknown_cents: int = 0
    """Expected cents of those. They count as spent, though the orders may have cost more."""


class CapReached(JournalError):
    """The caps of a batch, which hold over all processes that place its orders, leave no room for an order now."""


@attrs.frozen(kw_only=True)
class Bounds:
    """What a batch may not exceed, as its journal keeps it for all that place its orders. `None` is no cap."""

    cents: int | None = None
    grams: int | None = None
    failures: int | None = None


@attrs.frozen(kw_only=True)
class Signal:
    """What concerns every process that places orders of a batch."""

    pause: float = 0.0
    """Seconds for which nothing is sent, because a server asked for a pause."""
    ending: str | None = None
    """Why nothing more is sent at all, by a value of `Ending`; `None` where that is not so."""
    message: str = ""


class Replacement(enum.Enum):
    """What came of replacing the note of where an API's orders go: of its server, or of its account."""

    MADE = "made"
    OUTDATED = "outdated"
    """Not made: somebody else has changed the note meanwhile."""
    SENT = "sent"
    """Not made: orders of the API were sent, and are to be found only where the note says."""
    OTHERS_ARE_THERE = "others are there"
    """Not made: another process may be about to send orders to where the note says."""


class Journal(Protocol):
    """Keeps one batch. Every method that writes returns only when a crash can no longer undo it.

    One process may hold it, or many may share it. Then each claims the orders that it places, the caps are reserved in
    the journal, and a process sends only while it holds a lease.
    """

    @property
    def batch_id(self) -> str:
        """Random id of the batch."""
        ...

    @property
    def label(self) -> str:
        """What messages call it: where it is."""
        ...

    @property
    def past(self) -> Past:
        """What may have been sent from it before it was opened."""
        ...

    async def add(self, rows: Sequence[Row]) -> None:
        """Take in orders as pending. Positions must be new."""
        ...

    async def sealed(self) -> bool:
        """Whether all rows of the input were taken in."""
        ...

    async def seal(self, source_digest: str) -> None:
        """Note that all rows were taken in, with the digest of the whole input."""
        ...

    async def digests(self, first: int, count: int) -> Sequence[tuple[int, str]]:
        """Position and digest of up to `count` rows from position `first` on, to compare an input with."""
        ...

    async def mark_sending(self, positions: Iterable[int], at: datetime, *, reserve: bool = False) -> None:
        """Mark orders as about to be sent. Only pending ones may be; anything else is a `JournalError`.

        With `reserve`, a journal that keeps the caps reserves under them what the orders cost, and raises `CapReached`
        where there is no room.
        """
        ...

    async def record(self, position: int, result: Result) -> None:
        """Write down what came of an order. A settled order (placed, refused) is never changed again.

        One that another process is sending is not changed either.
        """
        ...

    def entries(self, *states: State) -> AsyncIterator[Entry]:
        """All orders in these states (all states if none is named), by position, without holding them all in memory."""
        ...

    async def entry(self, position: int) -> Entry:
        """One order. Raises `JournalError` where there is none."""
        ...

    async def placed_among(self, order_ids: Collection[str]) -> Collection[str]:
        """Which of these ids are those of placed orders. One walk through the batch, however many they are."""
        ...

    async def pending_among(self, positions: Collection[int]) -> Collection[int]:
        """Which of these positions are those of pending orders."""
        ...

    async def totals(self) -> Totals:
        """Sums over the batch, quick at any size."""
        ...

    async def note(self, name: str, value: str) -> None:
        """Keep a fact of the batch, such as a checkpoint of the ledger, under a name. A later fact replaces it."""
        ...

    async def noted(self, name: str) -> str | None:
        """The fact that was kept under a name, if any."""
        ...

    async def amend(self, name: str, change: Callable[[str | None], str]) -> None:
        """Change the fact under a name by a function of what it was. Nobody else changes it meanwhile."""
        ...

    async def replace(self, name: str, was: str | None, becomes: str, *, api: str, is_same: bool) -> Replacement:
        """Change the note of where the orders of an API go, from what it was found to be. The first note counts.

        It says another place only while no order of the API was sent, and no other process has joined. So whoever finds
        after `join` that the note fits may rely on it until it leaves. With `is_same` both notes are of one place.
        """
        ...

    # --- with other processes, if there are any ---

    @property
    def lease(self) -> float | None:
        """Seconds for which this process may send after each renewal; `None` where nobody else could take over."""
        ...

    def may_send(self, seconds: float) -> bool:
        """Whether bytes may be sent now whose answer is there, or given up, within so many seconds."""
        ...

    def listen(self, receiver: Callable[[Signal], None]) -> None:
        """Tell `receiver` what concerns every process, from now on."""
        ...

    async def bounds(self) -> Bounds | None:
        """The caps that the journal keeps and reserves under. `None` where whoever runs the batch does that."""
        ...

    async def set_bounds(self, bounds: Bounds) -> None:
        """Keep these caps for all processes."""
        ...

    async def join(self) -> None:
        """Begin to place orders. From now on `past` tells what may have been sent before by nobody who is there now.

        Where another process is finding that out, it waits for the end of that.
        """
        ...

    async def checked(self) -> None:
        """Say that whatever may have been sent before is found out, or in doubt: others may place orders, too."""
        ...

    async def retire(self) -> None:
        """Leave, with nothing on the wire: others need not wait for this process. It joins anew before it sends."""
        ...

    def claimed(self) -> AsyncIterator[Entry]:
        """The pending orders that this process may place, by position. Nobody else gets them meanwhile."""
        ...

    async def doubt(self, at: datetime) -> None:
        """Put in doubt what a process that is no more was sending. It has sent nothing after `at`."""
        ...

    async def begin_reconciling(self) -> bool:
        """Begin to look for the orders in doubt, as the only one. False where another process is at it."""
        ...

    async def end_reconciling(self) -> None:
        """Let others look for orders in doubt."""
        ...

    def pause(self, seconds: float) -> None:
        """Let every process send nothing for so long. It need not wait for the disk."""
        ...

    def halt(self, ending: str, message: str) -> None:
        """Let every process send nothing more, for a reason that holds for all. It need not wait for the disk."""
        ...

    async def aclose(self) -> None:
        """Write what is waiting and let go of the file."""
        ...
