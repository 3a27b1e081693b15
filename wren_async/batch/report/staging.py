"""The orders of a batch laid out beside the books, in a temporary database: neither has to fit in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import attrs

from wren_async.batch.journal.contract import State
from wren_async.batch.report.rows import ReportRow

_LAYOUT: Final = """
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -4000;
CREATE TABLE orders (
    position INTEGER PRIMARY KEY, book TEXT, reference TEXT, state TEXT, order_id TEXT, cents INTEGER, kilograms TEXT,
    first INTEGER, charged INTEGER, refunded INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX by_id ON orders (book, order_id);
CREATE INDEX by_reference ON orders (reference);
CREATE TABLE unmatched (book TEXT, id TEXT, cents INTEGER);
CREATE INDEX unmatched_by_id ON unmatched (book, id);
CREATE INDEX unmatched_by_cents ON unmatched (book, cents);
"""
_COLUMNS: Final = "position, reference, state, order_id, cents, kilograms, first, charged, refunded"


@attrs.frozen
class Item:
    """An order of the batch, and what a book has for it."""

    position: int
    reference: str
    state: State
    order_id: str | None
    cents: int | None
    kilograms: Decimal | None
    first: int | None
    """The first line with the same id."""
    charged: int | None
    """US cents that the book has; `None` where it has no such order."""
    refunded: int


class StagingTable:
    """The orders that should stand in the books, and the entries there that belong to none of them. Blocks."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(_LAYOUT)

    def close(self) -> None:
        """Delete the database, which nobody else can reach."""
        self._database.close()

    def lay_out(self, rows: Iterable[tuple[ReportRow, str | None]]) -> None:
        """Take in orders, each with the book in which it should stand, if it should."""
        self._database.executemany(
            "INSERT INTO orders (position, book, reference, state, order_id, cents, kilograms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (row.position, book, row.reference, row.state.value, row.order_id, row.cents, _text(row.kilograms))
                for row, book in rows
            ],
        )

    def sort(self) -> None:
        """Find the orders with an id that an earlier one has; to be called once all are laid out."""
        self._database.execute(
            "UPDATE orders SET first = (SELECT min(position) FROM orders AS each"
            " WHERE each.book = orders.book AND each.order_id = orders.order_id)"
        )

    def sums(self, book: str) -> tuple[int, int]:
        """Number of the orders that should stand in a book, and their US cents."""
        query = "SELECT count(*), coalesce(sum(cents), 0) FROM orders WHERE book = ?"
        number, cents = self._database.execute(query, (book,)).fetchone()
        return number, cents

    def by_id(self, book: str, order_id: str | None) -> Item | None:
        """The order that should stand in a book under an id."""
        return self._one("book = ? AND order_id = ? AND first = position", (book, order_id))

    def by_reference(self, reference: str) -> Item | None:
        """The order that carries a reference."""
        return self._one("reference = ?", (reference,))

    def charge(self, position: int, *, cents: int | None = None, refunded: int = 0) -> None:
        """Note what a book has for an order; several charges add up."""
        self._database.execute(
            "UPDATE orders SET charged = iif(:cents IS NULL, charged, coalesce(charged, 0) + :cents),"
            " refunded = refunded + :refunded WHERE position = :position",
            {"cents": cents, "refunded": refunded, "position": position},
        )

    def items(self, book: str) -> Iterator[Item]:
        """The orders that should stand in a book, by position."""
        query = f"SELECT {_COLUMNS} FROM orders WHERE book = ? ORDER BY position"  # noqa: S608 - a constant
        for found in self._database.execute(query, (book,)):
            yield _item(found)

    def put_aside(self, book: str, order_id: str | None, cents: int) -> None:
        """Take in an entry that belongs to no order of the batch."""
        self._database.execute("INSERT INTO unmatched VALUES (?, ?, ?)", (book, order_id, cents))

    def is_aside(self, book: str, order_id: str) -> bool:
        """Whether an entry of this id was put aside."""
        query = "SELECT 1 FROM unmatched WHERE book = ? AND id = ?"
        return self._database.execute(query, (book, order_id)).fetchone() is not None

    def take_unmatched(self, book: str, cents: int) -> bool:
        """Take an entry of this amount out of those that were put aside; whether there was one."""
        query = "SELECT rowid FROM unmatched WHERE book = ? AND cents = ? LIMIT 1"
        found = self._database.execute(query, (book, cents)).fetchone()
        if found is not None:
            self._database.execute("DELETE FROM unmatched WHERE rowid = ?", found)
        return found is not None

    def unmatched(self, book: str) -> int:
        """How many entries that were put aside are left."""
        (count,) = self._database.execute("SELECT count(*) FROM unmatched WHERE book = ?", (book,)).fetchone()
        return int(count)

    def _one(self, condition: str, arguments: Sequence[Any]) -> Item | None:
        query = f"SELECT {_COLUMNS} FROM orders WHERE {condition} LIMIT 1"  # noqa: S608 - constants of this class
        found = self._database.execute(query, arguments).fetchone()
        return None if found is None else _item(found)


def _item(found: Sequence[Any]) -> Item:
    position, reference, state, order_id, cents, kilograms, *rest = found
    mass = None if kilograms is None else Decimal(kilograms)
    return Item(position, reference, State(state), order_id, cents, mass, *rest)


def _text(kilograms: Decimal | None) -> str | None:
    return None if kilograms is None else str(kilograms)
