"""From an input to a journal full of pending orders and the totals of what they will cost. Nothing is bought."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

import attrs

from wren_async.batch.chunks import CHUNK, in_chunks
from wren_async.batch.events import Planning
from wren_async.batch.input.ceilings import above
from wren_async.batch.input.faults import Fault, Faults
from wren_async.batch.input.order_types import note_order_types, note_payment_methods
from wren_async.batch.input.orders_without_client import OrdersWithoutClient
from wren_async.batch.input.origin import note_input
from wren_async.batch.input.pricing import Price, PriceList, Unpriced
from wren_async.batch.input.readers import Source, is_file, read
from wren_async.batch.input.repeated_ids import Repeated, RepeatedIds, note_repeated
from wren_async.batch.input.row_values import Line, Reading
from wren_async.batch.intents import Api, Intent, WrenOffset, WrenProject, WrenTrees, canonical, digest
from wren_async.batch.journal.contract import Journal, JournalError, Row, State, Totals
from wren_async.batch.journal.notes import Note
from wren_async.core.ceilings import Ceilings
from wren_async.core.client import __version__
from wren_async.errors import UsageError

Tell: TypeAlias = Callable[[Planning], None]


class InputChanged(UsageError, ValueError):
    """The input is not the one that the journal was made from. Nothing was placed by this call.

    Placing the changed input as a new batch would buy again what is placed already: `write_changes` makes a file of the
    rows that were changed or added.
    """

    def __init__(self, problem: str, totals: Totals) -> None:
        super().__init__(problem, totals)
        self.problem = problem
        """What changed, and where."""
        self.totals = totals
        """What became of the orders of the batch so far."""

    @property
    def was_sent(self) -> bool:
        """Whether any order of the batch was, as far as its journal knows."""
        return any(number for state, number in self.totals.orders.items() if state is not State.PENDING)

    def __str__(self) -> str:
        number = self.totals.orders.get
        orders = sum(self.totals.orders.values())
        if not self.was_sent:
            return (
                f"{self.problem}. None of the batch's {orders:,} orders was sent, as far as this journal knows. Give "
                "the same input; or, if it was never run, plan the new one under another name (--journal, or --name "
                "in a database), and leave this one alone"
            )
        doubts = number(State.SENDING, 0) + number(State.UNDECIDED, 0)
        told = f"{number(State.PLACED, 0):,} of the batch's {orders:,} orders are placed"
        told += f" and {doubts:,} more may be" if doubts else ""
        return (
            f"{self.problem}. {told}: a new batch of the whole input would buy them again. Give the same input to go "
            "on with this batch. To order what was changed or added, let `wren-async batch changes` (in Python: "
            "`write_changes`) put those rows alone into a file of their own"
        )


@attrs.frozen(kw_only=True)
class Plan:
    """What a batch will buy."""

    batch_id: str
    resumed: bool
    """Whether the journal had the whole plan before; then its prices are those of that time."""
    totals: Totals
    faults: tuple[Fault, ...] = ()
    """Bad rows that were left out on purpose; the first thousand."""
    left_out: int = 0
    """How many faults there are."""
    questions: int = 0
    """Prices that were asked for."""
    repeated: Repeated = attrs.field(factory=Repeated)
    """Rows with the `external_id` of an earlier row, as where a file was exported twice. Each is bought."""

    @property
    def orders(self) -> int:
        """Orders of the batch, whatever became of them."""
        return sum(self.totals.orders.values())

    @property
    def cents(self) -> int:
        """What all of them are expected to cost, in US cents."""
        return self.totals.planned_cents

    @property
    def kilograms(self) -> Decimal:
        """What those whose mass is known are expected to offset, in kilograms of CO2e."""
        return Decimal(self.totals.planned_grams) / 1000


class Planner:
    """Reads an input into a journal. Where the journal has the whole plan already, it compares the two."""

    def __init__(
        self,
        journal: Journal,
        prices: PriceList,
        root: str,
        tell: Tell | None = None,
        *,
        ceilings: Mapping[Api, Ceilings] | None = None,
    ) -> None:
        self._journal = journal
        self._ceilings = ceilings or {}
        self._prices = prices
        self._root = root
        self._tell = tell
        self._order_types: set[str] = set()
        self._payment_methods: set[str] = set()
        self._repeated = RepeatedIds()
        self._faults = Faults()
        self._without_client = OrdersWithoutClient(prices.apis)
        self._source = hashlib.sha256()
        self._unexpected: int | None = None

    async def plan(self, source: Source, reading: Reading, *, skip_bad_rows: bool) -> Plan:
        """Add the orders of a source, or see that the journal has them. Raises `InvalidInput`, `InputChanged`."""
        resumed = await self._journal.sealed()
        if is_file(source) and not resumed and not skip_bad_rows:
            # A file is read twice, so that all its faults are told before anybody is asked for a price.
            await self._check_all(source, reading)
        if isinstance(source, str | os.PathLike) and not resumed:
            await note_input(self._journal, source)
        if not resumed:
            await self._journal.note(Note.PLANNED_BY, __version__)
        try:
            await self._add_all(source, reading, resumed=resumed, skip_bad_rows=skip_bad_rows)
        finally:
            self._repeated.close()
        return Plan(
            batch_id=self._root,
            resumed=resumed,
            totals=await self._journal.totals(),
            faults=tuple(self._faults.kept),
            left_out=self._faults.count,
            questions=self._prices.asked,
            repeated=self._repeated.found,
        )

    async def _check_all(self, source: Source, reading: Reading) -> None:
        """See that no row is bad."""
        rows = 0
        async for chunk in in_chunks(read(source, reading)):
            for row in chunk:
                if isinstance(row, Fault):
                    self._faults.add(row)
                else:
                    self._without_client.count(row.position, row.intent.api)
            rows += len(chunk)
            self._tell_progress(rows, checking=True)
        self._faults.check()
        self._without_client.check()

    async def _add_all(self, source: Source, reading: Reading, *, resumed: bool, skip_bad_rows: bool) -> None:
        last = rows = 0
        async for chunk in in_chunks(read(source, reading)):
            lines = [row for row in chunk if isinstance(row, Line)]
            for fault in chunk:
                if isinstance(fault, Fault):
                    self._faults.add(fault)
            if lines:
                self._repeated.look_at(lines)
                await self._add(await self._new_lines(last + 1, lines), resumed=resumed)
                last = lines[-1].position
            rows += len(chunk)
            self._tell_progress(rows, checking=False)
        if not skip_bad_rows or self._faults.whole:
            self._faults.check()
        self._without_client.check()
        if await self._journal.digests(last + 1, 1):
            raise await self._changed(f"the input ends at line {last}, and the journal has orders after it")
        await self._seal(resumed=resumed)

    async def _seal(self, *, resumed: bool) -> None:
        """Note that all orders are added. On a resumed batch, see that the rows left out now were left out then."""
        if not resumed:
            # Before the seal: without the types, nobody would see that a cap on mass cannot hold orders by price.
            await note_order_types(self._journal, self._order_types)
            await note_payment_methods(self._journal, self._payment_methods)
            await note_repeated(self._journal, self._repeated.found)
        try:
            await self._journal.seal(self._source.hexdigest())
        except JournalError:
            if not resumed:
                raise
            place = f"line {self._unexpected} was" if self._unexpected else "some lines were"
            raise await self._changed(f"{place} no order when the batch was planned") from None

    def _tell_progress(self, rows: int, *, checking: bool) -> None:
        if self._tell is not None:
            self._tell(Planning(rows=rows, checking=checking, questions=self._prices.asked))

    async def _new_lines(self, first: int, lines: Sequence[Line]) -> list[_CanonicalLine]:
        """The rows that the journal does not have. Those that it has must be the same."""
        known = await self._known(first, lines[-1].position)
        new = []
        for line in lines:
            canonical = _CanonicalLine.of(line)
            self._order_types.add(line.intent.kind)
            if isinstance(line.intent, WrenOffset | WrenProject | WrenTrees):
                self._payment_methods.add(line.intent.payment_method)
            self._source.update(f"{line.position}:{canonical.digest}\n".encode())
            held = known.pop(line.position, None)
            if held is None:
                new.append(canonical)
            elif held != canonical.digest:
                raise await self._changed(f"line {line.position} changed since the batch was planned")
        if known:
            raise await self._changed(f"line {min(known)} was an order when the batch was planned")
        return new

    async def _changed(self, problem: str) -> InputChanged:
        return InputChanged(problem, await self._journal.totals())

    async def _known(self, first: int, last: int) -> dict[int, str]:
        known: dict[int, str] = {}
        while first <= last and (found := await self._journal.digests(first, CHUNK)):
            known |= {position: held for position, held in found if position <= last}
            first = found[-1][0] + 1
        return known

    async def _add(self, new: Sequence[_CanonicalLine], *, resumed: bool) -> None:
        if resumed:
            # Such a row was left out as bad when the batch was planned, or is new: the digest of the whole input,
            # which `_seal` compares, tells which.
            if new and self._unexpected is None:
                self._unexpected = new[0].position
            return
        new = [each for each in new if not self._without_client.count(each.position, each.intent.api)]
        prices = await self._prices.of([each.intent for each in new])
        rows = []
        for each, price in zip(new, prices, strict=True):
            if problem := self._problem(each.intent, price):
                self._faults.add(Fault(line=each.position, problem=problem))
            elif isinstance(price, Price):
                rows.append(self._row(each, price))
        if rows:
            await self._journal.add(rows)

    def _problem(self, intent: Intent, price: Price | Unpriced) -> str | None:
        if isinstance(price, Unpriced):
            return f"{intent.api} would not price it: {price.reason}"
        return None if (ceilings := self._ceilings.get(intent.api)) is None else above(ceilings, intent, price)

    def _row(self, line: _CanonicalLine, price: Price) -> Row:
        return Row(
            position=line.position,
            intent=line.text,
            digest=line.digest,
            reference=reference(self._root, line.position),
            key=str(uuid.uuid4()),
            cents=price.cents,
            grams=price.grams,
        )


@attrs.frozen
class _CanonicalLine:
    """A good row with its intent as the journal keeps it: canonical JSON, and the digest of that."""

    position: int
    intent: Intent
    text: str
    digest: str

    @classmethod
    def of(cls, line: Line) -> _CanonicalLine:
        text = canonical(line.intent)
        return cls(line.position, line.intent, text, digest(text))


def reference(root: str, position: int) -> str:
    """The reference of an order: the random root of its batch and its place there.

    So a batch whose journal was lost can still be found in the lists, given its root.
    """
    return f"{root}-{position}"
