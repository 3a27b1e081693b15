"""From an input to a journal full of pending orders and the totals of what they will cost. Nothing is bought."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

import attrs

from wren_async.batch.events import Planning
from wren_async.batch.input.order_types import note_kinds
from wren_async.batch.input.orders_without_client import OrdersWithoutClient
from wren_async.batch.input.pricing import Price, PriceList, Unpriced
from wren_async.batch.input.readers import Fault, Faults, Line, Reading, Source, is_file, read
from wren_async.batch.intents import canonical, digest
from wren_async.batch.journal.contract import Journal, JournalError, Row, Totals
from wren_async.errors import UsageError

_CHUNK: Final = 500

Tell: TypeAlias = Callable[[Planning], None]


class InputChanged(UsageError, ValueError):
    """The input is not the one that the journal was made from. Nothing was placed."""


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
    """Reads an input into a journal, or compares it with what the journal has."""

    def __init__(self, journal: Journal, prices: PriceList, root: str, tell: Tell | None = None) -> None:
        self._journal = journal
        self._prices = prices
        self._root = root
        self._tell = tell
        self._kinds: set[str] = set()
        self._faults = Faults()
        self._without_client = OrdersWithoutClient(prices.apis)
        self._source = hashlib.sha256()
        self._unexpected: int | None = None

    async def plan(self, source: Source, reading: Reading, *, skip_bad_rows: bool) -> Plan:
        """Take in a source, or see that it is the one that was taken in. Raises `InvalidInput`, `InputChanged`."""
        resumed = await self._journal.sealed()
        if is_file(source) and not resumed and not skip_bad_rows:
            await self._check_all(source, reading)
        await self._take_all(source, reading, resumed=resumed, skip_bad_rows=skip_bad_rows)
        return Plan(
            batch_id=self._root,
            resumed=resumed,
            totals=await self._journal.totals(),
            faults=tuple(self._faults.kept),
            left_out=self._faults.count,
            questions=self._prices.asked,
        )

    async def _check_all(self, source: Source, reading: Reading) -> None:
        """All bad rows at once, before anybody is asked for a price."""
        rows = 0
        async for chunk in _chunks(read(source, reading)):
            for row in chunk:
                if isinstance(row, Fault):
                    self._faults.add(row)
                else:
                    self._without_client.take(row.position, row.intent.api)
            rows += len(chunk)
            self._tell_progress(rows, checking=True)
        self._faults.check()
        self._without_client.check()

    async def _take_all(self, source: Source, reading: Reading, *, resumed: bool, skip_bad_rows: bool) -> None:
        last = rows = 0
        async for chunk in _chunks(read(source, reading)):
            lines = [row for row in chunk if isinstance(row, Line)]
            for fault in chunk:
                if isinstance(fault, Fault):
                    self._faults.add(fault)
            if lines:
                await self._take(await self._not_taken_in(last + 1, lines), resumed=resumed)
                last = lines[-1].position
            rows += len(chunk)
            self._tell_progress(rows, checking=False)
        if not skip_bad_rows or self._faults.whole:
            self._faults.check()
        self._without_client.check()
        if await self._journal.digests(last + 1, 1):
            raise InputChanged(
                f"the input ends at line {last}, and the journal has orders after it; give the same input"
            )
        await self._seal(resumed=resumed)

    async def _seal(self, *, resumed: bool) -> None:
        """Note that all was taken in; or see that what was left out then is what is left out now."""
        if not resumed:
            # Before the seal: without the kinds, nobody would see that a cap on mass cannot hold orders by price.
            await note_kinds(self._journal, self._kinds)
        try:
            await self._journal.seal(self._source.hexdigest())
        except JournalError:
            if not resumed:
                raise
            place = f"line {self._unexpected} was" if self._unexpected else "some lines were"
            raise InputChanged(f"{place} no order when the batch was planned; give the same input") from None

    def _tell_progress(self, rows: int, *, checking: bool) -> None:
        if self._tell is not None:
            self._tell(Planning(rows=rows, checking=checking, questions=self._prices.asked))

    async def _not_taken_in(self, first: int, lines: Sequence[Line]) -> list[tuple[Line, str]]:
        """The rows that the journal does not have. Those that it has must be the same."""
        known = await self._known(first, lines[-1].position)
        new = []
        for line in lines:
            text = canonical(line.intent)
            self._kinds.add(line.intent.kind)
            self._source.update(f"{line.position}:{digest(text)}\n".encode())
            held = known.pop(line.position, None)
            if held is None:
                new.append((line, text))
            elif held != digest(text):
                raise InputChanged(
                    f"line {line.position} changed since the batch was planned; give the same input, or start "
                    "a new batch with a new journal"
                )
        if known:
            raise InputChanged(f"line {min(known)} was an order when the batch was planned; give the same input")
        return new

    async def _known(self, first: int, last: int) -> dict[int, str]:
        known: dict[int, str] = {}
        while first <= last and (found := await self._journal.digests(first, _CHUNK)):
            known |= {position: held for position, held in found if position <= last}
            first = found[-1][0] + 1
        return known

    async def _take(self, new: Sequence[tuple[Line, str]], *, resumed: bool) -> None:
        if resumed:
            # Left out then as well, or new: the digest of the whole tells in the end.
            if new and self._unexpected is None:
                self._unexpected = new[0][0].position
            return
        new = [each for each in new if not self._without_client.take(each[0].position, each[0].intent.api)]
        prices = await self._prices.of([line.intent for line, _ in new])
        rows = []
        for (line, text), price in zip(new, prices, strict=True):
            if isinstance(price, Unpriced):
                self._faults.add(
                    Fault(line=line.position, problem=f"{line.intent.api} would not price it: {price.reason}")
                )
            else:
                rows.append(self._row(line, text, price))
        if rows:
            await self._journal.add(rows)

    def _row(self, line: Line, text: str, price: Price) -> Row:
        return Row(
            position=line.position,
            intent=text,
            digest=digest(text),
            reference=reference(self._root, line.position),
            key=str(uuid.uuid4()),
            cents=price.cents,
            grams=price.grams,
        )


def reference(root: str, position: int) -> str:
    """The reference of an order: the random root of its batch and its place there.

    So a batch whose journal was lost can still be found in the lists, given its root.
    """
    return f"{root}-{position}"


async def _chunks(rows: AsyncIterator[Line | Fault]) -> AsyncIterator[list[Line | Fault]]:
    chunk: list[Line | Fault] = []
    async for row in rows:
        chunk.append(row)
        if len(chunk) >= _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
