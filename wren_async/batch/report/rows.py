"""One order of a batch as a report shows it, and the table of them as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import attrs

from wren_async.batch.chunks import in_chunks
from wren_async.batch.input.origin import noted_input
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Entry, Journal, State
from wren_async.batch.report.escaping import cell
from wren_async.batch.report.targets import check_target
from wren_async.batch.units import plain
from wren_async.core.replacing import Replacement

_MOST_DIGITS: Final = 15
"""Digits before the point of a mass. What has more was no mass, and must not break a report."""
_PLACES: Final = 9
"""Digits after the point to which a mass is rounded."""
_WREN: Final = "wren."


@attrs.frozen(kw_only=True)
class ReportRow:
    """An order and what came of it."""

    position: int
    """Line of the input, from 1."""
    kind: str
    """Type of the order, such as `wren.offset`."""
    reference: str
    state: State
    planned_cents: int
    """What the plan expected, in USD cents."""
    planned_grams: int
    """What the plan expected, in grams of CO2e; 0 where the order is not by mass."""
    ordered_kilograms: Decimal | None
    """Kilograms of CO2e that were ordered; `None` for an order by money or trees."""
    payment_method: str | None
    """Who pays an order of Wren's: `stripe` or `credits`."""
    subaccount_id: str | None
    description: str | None
    """What the input says of it: `description` of CNaught's orders, `note` of Wren's."""
    order_id: str | None
    cents: int | None
    """What it cost, in USD cents; `None` where that was not answered."""
    kilograms: Decimal | None
    """Kilograms of CO2e that were answered."""
    certificate: str | None
    attempts: int
    replayed: bool
    reconciled: bool
    reason: str | None
    first_sent: datetime | None
    last_sent: datetime | None

    @classmethod
    def of(cls, entry: Entry) -> ReportRow:
        """The row of an order."""
        row, result = entry.row, entry.result
        # Not the whole intent: it was checked when it was taken in, and a report may have a million of them.
        intent = json.loads(row.intent)
        return cls(
            position=row.position,
            kind=intent["kind"],
            reference=row.reference,
            planned_cents=row.cents,
            planned_grams=row.grams,
            ordered_kilograms=_ordered(intent),
            payment_method=intent.get("payment_method"),
            subaccount_id=intent.get("subaccount_id"),
            description=intent.get("description") or intent.get("note"),
            kilograms=_sane(result.kilograms),
            **{name: getattr(result, name) for name in _OF_RESULT},
        )

    @property
    def api(self) -> Api:
        """The API that sells it."""
        return "wren" if self.kind.startswith(_WREN) else "cnaught"

    @property
    def tonnes(self) -> Decimal | None:
        """What was answered, in tonnes of CO2e."""
        return None if self.kilograms is None else self.kilograms / 1000

    @property
    def difference(self) -> Decimal | None:
        """Kilograms that were answered beyond those ordered; below zero where it was less."""
        if self.kilograms is None or self.ordered_kilograms is None:
            return None
        return self.kilograms - self.ordered_kilograms

    @property
    def settled_by(self) -> str:
        """How it is known what came of it: `answer`, `replay`, `reconciling`, or nothing yet."""
        if self.reconciled:
            return "reconciling"
        if self.replayed:
            return "replay"
        return "answer" if self.state in (State.PLACED, State.REFUSED) else ""

    @property
    def seconds(self) -> float | None:
        """How long its answer took; `None` where that was not measured, or waits between attempts are part of it."""
        if self.first_sent is None or self.last_sent is None or self.attempts != 1 or self.reconciled:
            return None
        return (self.last_sent - self.first_sent).total_seconds() or None


_OF_RESULT: Final = (
    "state", "order_id", "cents", "certificate", "attempts", "replayed", "reconciled", "reason",
    "first_sent", "last_sent",
)  # fmt: skip


def _sane(kilograms: Decimal | None) -> Decimal | None:
    if kilograms is None or not kilograms.is_finite() or kilograms.adjusted() >= _MOST_DIGITS:
        return None
    return round(kilograms, _PLACES) if int(kilograms.as_tuple().exponent) < -_PLACES else kilograms


def _ordered(intent: dict[str, str]) -> Decimal | None:
    if "tons" in intent:
        return Decimal(intent["tons"]) * 1000
    return Decimal(intent["amount_kg"]) if "amount_kg" in intent else None


async def report_rows(journal: Journal, *states: State) -> AsyncIterator[ReportRow]:
    """The orders in these states (all if none is named), by position, a few in memory at a time."""
    async for entry in journal.entries(*states):
        yield ReportRow.of(entry)


# --- CSV ------------------------------------------------------------------------------------------------------------


def mass_text(mass: Decimal | None) -> str:
    """A mass written out; nothing where it is not known."""
    return "" if mass is None else plain(mass)


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat()


def _text(text: str | None) -> str:
    return cell(text or "")


def _number(number: int | None) -> str:
    return "" if number is None else str(number)


_COLUMNS: Final[dict[str, Callable[[ReportRow], str]]] = {
    "line": lambda row: str(row.position),
    "kind": lambda row: _text(row.kind),
    "state": lambda row: row.state.value,
    "reference": lambda row: _text(row.reference),
    "order_id": lambda row: _text(row.order_id),
    "planned_cents": lambda row: str(row.planned_cents),
    "cents": lambda row: _number(row.cents),
    "ordered_kilograms": lambda row: mass_text(row.ordered_kilograms),
    "kilograms": lambda row: mass_text(row.kilograms),
    "tonnes": lambda row: mass_text(row.tonnes),
    "difference_kilograms": lambda row: mass_text(row.difference),
    "certificate": lambda row: _text(row.certificate),
    "attempts": lambda row: str(row.attempts),
    "settled_by": lambda row: row.settled_by,
    "reason": lambda row: _text(row.reason),
    "payment_method": lambda row: _text(row.payment_method),
    "subaccount_id": lambda row: _text(row.subaccount_id),
    "first_sent": lambda row: _moment(row.first_sent),
    "last_sent": lambda row: _moment(row.last_sent),
    "description": lambda row: _text(row.description),
}

CSV_COLUMNS: Final = tuple(_COLUMNS)
"""The columns of the CSV. What a spreadsheet would take for a formula has an apostrophe before it."""


async def write_csv(journal: Journal, path: str | os.PathLike[str]) -> int:
    """Write all orders of a batch to a CSV file that only its owner can read; returns how many they are.

    The file is replaced whole or not at all. Raises `InvalidArgument` where a journal or a file of orders would be.
    """
    target = Path(path)
    await asyncio.to_thread(check_target, target, await noted_input(journal))
    count = 0
    file = await asyncio.to_thread(Replacement, target, private=True)
    with file:
        await asyncio.to_thread(file.write, _lines([CSV_COLUMNS]))
        async for chunk in in_chunks(report_rows(journal)):
            count += len(chunk)
            lines = _lines([[column(row) for column in _COLUMNS.values()] for row in chunk])
            await asyncio.to_thread(file.write, lines)
        await asyncio.to_thread(file.keep)
    return count


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
