"""What an outbox keeps, and what every kind of store of it promises.

The orders stand there as they were submitted, and, once they have a price, in a journal for each API.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from wren_async.batch.events import Ending
from wren_async.batch.intents import Api, Intent
from wren_async.batch.journal.contract import Entry, Journal, Result, Row, State, Totals
from wren_async.outbox.caps import OutboxCaps, Spent

Clock = Callable[[Api], datetime]
"""Tells on which day the orders of an API are counted now."""


@attrs.frozen(kw_only=True)
class Submitted:
    """An order that is written down, and will be placed once."""

    reference: str
    is_new: bool
    """Whether this submission wrote it. `False` where the same order was submitted under the reference before."""


@attrs.frozen(kw_only=True)
class Submission:
    """A submitted order with all that is known of it."""

    reference: str
    """The caller's own mark on it, which the order carries in Wren's `note` or CNaught's `metadata`."""
    intent: Intent | None
    """What was asked for. `None` once it was pruned: of its result, state, order id and cents are left then."""
    submitted: datetime
    result: Result
    """What came of it, with its ids, its cost and the reason why it was refused or is undecided."""
    number: int | None = None
    """Counts the settled orders of the outbox, from 1, in the order in which `settled()` gives them; `None` before."""

    @property
    def is_pruned(self) -> bool:
        """Whether only that is left of it by which it is known again."""
        return self.intent is None

    @property
    def state(self) -> State:
        """Where it stands. An order that waits for its price, for a cap or for its turn is pending."""
        return self.result.state

    @property
    def is_settled(self) -> bool:
        """Whether it is placed or refused, and nothing changes any more."""
        return self.state in (State.PLACED, State.REFUSED)


@attrs.frozen(kw_only=True)
class Health:
    """How an outbox stands."""

    problem: str | None
    """Why not everything is priced or placed now, if that is so. After some time it is tried again."""
    halted: str | None
    """Why nothing is sent until a person has looked into it and called `resume()`, if that is so."""
    totals: Totals
    """Sums over all orders that have a price."""
    waiting: int
    """Orders with a price that are not taken up yet: they wait for their turn, or for the caps."""
    spent: Spent
    """What is spent or reserved today and this month, in UTC."""


@attrs.frozen(kw_only=True)
class NewOrder:
    """An order as it is submitted."""

    outbox: str
    """The name of the outbox."""
    reference: str
    """The caller's own mark on it, which is another one in each outbox."""
    intent: str
    """The intent as canonical JSON."""
    digest: str
    key: str
    """Random idempotency key; made once. Only APIs with keys get it."""
    api: Api
    submitted: datetime


@attrs.frozen(kw_only=True)
class Known:
    """What the outbox has under a reference after a submission."""

    is_new: bool
    digest: str
    intent: str | None
    """As canonical JSON; `None` once it was pruned."""


@attrs.frozen(kw_only=True)
class Unplanned:
    """A submitted order that has no price yet."""

    position: int
    order: NewOrder


def together(totals: Iterable[Totals]) -> Totals:
    """The sums over several journals."""
    parts = list(totals)
    sums = {
        field.name: sum(getattr(part, field.name) for part in parts)
        for field in attrs.fields(Totals)
        if field.name != "orders"
    }
    orders = {state: sum(part.orders.get(state, 0) for part in parts) for state in State}
    return Totals(orders=orders, **sums)


class ApiJournal(Journal, Protocol):
    """The orders of one API: those that have no price yet, and the journal from which the others are placed.

    Each API has one of its own, with its own pause and its own halt, so that neither waits for the other.
    """

    @property
    def inherited(self) -> int:
        """The last position that may have been submitted, and sent, before this process was there; 0 if none may."""
        ...

    @property
    def is_behind(self) -> bool:
        """Whether it may have forgotten orders that were sent, as after a failover."""
        ...

    @property
    def lapse(self) -> str | None:
        """Why this process may send nothing for now though it has begun: its lease is lost, or over."""
        ...

    async def renew(self) -> None:
        """Hold a lease anew next time, where that of this process was lost."""
        ...

    async def retire(self) -> None:
        """Leave, with nothing on the wire: others need not wait for this process. It joins anew before it sends."""
        ...

    async def halt_of_all(self) -> tuple[Ending, str] | None:
        """Why no process sends anything, if one of them, or a person, said so."""
        ...

    async def lift_halt(self) -> None:
        """Let all processes go on: a person said so."""
        ...

    async def try_wallet_again(self) -> None:
        """Let all processes go on, where nothing but an empty wallet has stopped them."""
        ...

    async def settle_by_hand(self, position: int, result: Result) -> None:
        """Write down what a person found out about an undecided order."""
        ...

    async def unplanned(self, most: int, but: Collection[int]) -> Sequence[Unplanned]:
        """Orders that have no price yet, the oldest first, but for those at some positions."""
        ...

    async def plan(self, rows: Sequence[Row], refused: Mapping[int, str], doubted: Mapping[int, Result]) -> None:
        """Take priced orders into the journal, all at once, and settle those that are `refused` with a reason.

        Those in `doubted` may have been placed before: they become undecided, and count as spent from now on.
        """
        ...

    async def waiting(self) -> int:
        """Pending orders with a price that nothing is reserved for yet."""
        ...

    async def take(self, most: int, but: Collection[int], caps: OutboxCaps) -> Sequence[Entry]:
        """Reserve for pending orders under the caps, and give them out. `but` were given out before."""
        ...

    async def give_back(self) -> None:
        """Leave what was given out, and is pending still, to other processes. What is reserved for it stays so."""
        ...


class OutboxStore(Protocol):
    """The orders of one outbox as they were submitted, and what they count together."""

    @property
    def label(self) -> str:
        """What messages call it: where it is."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether other processes submit and place too, so that one has to look for their orders now and then."""
        ...

    @property
    def is_behind(self) -> bool:
        """Whether it is known to be older than its last run when it is opened."""
        ...

    @property
    def journals(self) -> Mapping[Api, ApiJournal]:
        """The journal of each API."""
        ...

    async def prepare(self) -> None:
        """Lay out its tables where they are not there, and open its journals."""
        ...

    def on_submitted(self, tell: Callable[[], None]) -> None:
        """Call `tell` once a submission is on disk, also where its caller was cancelled meanwhile."""
        ...

    async def submit(self, order: NewOrder, connection: object | None) -> Known:
        """Write an order down, unless its reference is known. On disk on return, or with the caller's transaction."""
        ...

    async def find(self, reference: str) -> Submission | None:
        """What is known of a reference."""
        ...

    def open_orders(self, *states: State) -> AsyncIterator[Submission]:
        """Orders in these states that are not settled."""
        ...

    async def nudge(self, references: Collection[str]) -> None:
        """Give the other processes word of these settled orders, or by an empty one of a submission."""
        ...

    async def begin_telling(self) -> bool:
        """Begin to hand settled orders to a callback, as the only one. False where another process is at it."""
        ...

    async def end_telling(self) -> None:
        """Let others hand settled orders to their callback."""
        ...

    async def totals(self) -> Totals:
        """Sums over all orders that have, or had, a price."""
        ...

    async def spent(self, now: datetime) -> Spent:
        """What is spent or reserved in the day and the month of `now`."""
        ...

    async def finish(self, now: datetime) -> int:
        """Number settled orders, and count what they really cost; how many there were. Once for each order."""
        ...

    async def finished(self, after: int, most: int) -> Sequence[Submission]:
        """Settled orders with a number above `after`, by number."""
        ...

    async def prune(self, before: datetime, told: int | None) -> int:
        """Keep of some orders that were settled before a time only what they are known by; how many there were.

        None with a number above `told` is pruned. Returns 0 once there are no more.
        """
        ...

    async def note(self, name: str, value: str) -> None:
        """Keep a fact of the whole outbox under a name. A later fact replaces it."""
        ...

    async def noted(self, name: str) -> str | None:
        """The fact that was kept under a name, if any."""
        ...

    async def aclose(self) -> None:
        """Write what is waiting and let go of the file or the database."""
        ...
