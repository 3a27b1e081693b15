"""One order of a batch as a report shows it: what the input says of it, and what came of it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

import attrs

from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Entry, Journal, State
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.batch.report.servers import Rehearsal, is_sandbox_id, noted_servers, rehearsal_at
from wren_async.batch.units import plain

JournalLike: TypeAlias = str | os.PathLike[str] | Journal
"""A journal, or the path of one, which is then opened to be read alone: also while a run holds it."""

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
    external_id: str | None
    """The user's own number of the order."""
    kind: str
    """Type of the order, such as `wren.offset`."""
    reference: str
    """Random text that was sent with the order, by which it is found in the API's lists."""
    state: State
    planned_cents: int
    """What the plan expected, in USD cents."""
    planned_grams: int
    """What the plan expected, in grams of CO2e; 0 where the order is not by mass."""
    ordered_kilograms: Decimal | None
    """Kilograms of CO2e that were ordered; `None` for an order by money or trees."""
    ordered_trees: int | None
    payment_method: str | None
    """Who pays an order of Wren's: `stripe` or `credits`."""
    subaccount_id: str | None
    description: str | None
    """The public text of an order of CNaught's."""
    note: str | None
    """The text of an order of Wren's."""
    server: str | None
    """Where its orders go, as the journal names it; `None` where it was not noted."""
    order_id: str | None
    cents: int | None
    """What it cost, in USD cents; `None` where that was not answered."""
    kilograms: Decimal | None
    """Kilograms of CO2e that were answered."""
    certificate: str | None
    """Address of the certificate, as the API answered it."""
    attempts: int
    """How often it was sent."""
    replayed: bool
    """Whether the API answered that it had the order already."""
    reconciled: bool
    """Whether looking for the order, or a person, told what came of it."""
    reason: str | None
    """Why it was refused, or is undecided."""
    first_sent: datetime | None
    last_sent: datetime | None

    @classmethod
    def of(cls, entry: Entry, servers: Mapping[Api, str] | None = None) -> ReportRow:
        """The row of an order; `servers` are those of its batch."""
        row, result = entry.row, entry.result
        # Not the whole intent: it was checked when it was taken in, and a report may have a million of them.
        intent = json.loads(row.intent)
        return cls(
            position=row.position,
            kind=intent["kind"],
            external_id=intent.get("external_id"),
            server=(servers or {}).get(_api_of(intent["kind"])),
            reference=row.reference,
            planned_cents=row.cents,
            planned_grams=row.grams,
            ordered_kilograms=_ordered(intent),
            ordered_trees=intent.get("amount_of_trees"),
            payment_method=intent.get("payment_method"),
            subaccount_id=intent.get("subaccount_id"),
            description=intent.get("description"),
            note=intent.get("note"),
            kilograms=_sane(result.kilograms),
            **{name: getattr(result, name) for name in _OF_RESULT},
        )

    @property
    def api(self) -> Api:
        """The API that sells it."""
        return _api_of(self.kind)

    @property
    def rehearsal(self) -> Rehearsal | None:
        """Why nothing real was bought: `sandbox` or `test token`; `None` where it was, or may have been."""
        return rehearsal_at(self.server) or ("sandbox" if is_sandbox_id(self.api, self.order_id) else None)

    @property
    def text(self) -> str | None:
        """What the input says of it: `description` of CNaught's orders, `note` of Wren's."""
        return self.description or self.note

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


def _api_of(kind: str) -> Api:
    return "wren" if kind.startswith(_WREN) else "cnaught"


def _sane(kilograms: Decimal | None) -> Decimal | None:
    if kilograms is None or not kilograms.is_finite() or kilograms.adjusted() >= _MOST_DIGITS:
        return None
    return round(kilograms, _PLACES) if int(kilograms.as_tuple().exponent) < -_PLACES else kilograms


def _ordered(intent: dict[str, str]) -> Decimal | None:
    if "tons" in intent:
        return Decimal(intent["tons"]) * 1000
    return Decimal(intent["amount_kg"]) if "amount_kg" in intent else None


@asynccontextmanager
async def reading(journal: JournalLike) -> AsyncIterator[Journal]:
    """A journal to be read: the one that was given, or that of a path, which is closed afterwards."""
    if isinstance(journal, str | os.PathLike):
        async with await SqliteJournal.open(journal, read_only=True) as opened:
            yield opened
    else:
        yield journal


async def report_rows(journal: JournalLike, *states: State) -> AsyncIterator[ReportRow]:
    """The orders in these states (all if none is named), by position, a few in memory at a time.

    Args:
        journal: A journal or its path. It may be in use by a run; nothing in it changes.
        states: Only orders in these states.

    Raises `JournalError` where there is no journal, or a damaged one.
    """
    async with reading(journal) as opened:
        servers = await noted_servers(opened)
        async for entry in opened.entries(*states):
            yield ReportRow.of(entry, servers)


def mass_text(mass: Decimal | None) -> str:
    """A mass written out; nothing where it is not known."""
    return "" if mass is None else plain(mass)
