"""Rows with the `external_id` of an earlier row: an order that was exported twice is bought twice.

Two orders may well have the same one, so it is told and not refused.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

import attrs

from wren_async.batch.input.row_values import Line
from wren_async.batch.journal.contract import Journal
from wren_async.batch.journal.notes import Note, read_note

_KEPT: Final = 1000
_NOTED: Final = 20


@attrs.frozen(kw_only=True)
class RepeatedId:
    """A row with the `external_id` of an earlier row."""

    external_id: str
    line: int
    first: int
    """The first line that has it."""

    def __str__(self) -> str:
        return f"line {self.line} has the external_id of line {self.first}, {self.external_id!r}"


@attrs.frozen(kw_only=True)
class Repeated:
    """The rows of an input that have the `external_id` of an earlier one."""

    rows: tuple[RepeatedId, ...] = ()
    """The first thousand; in a report the first twenty."""
    count: int = 0
    """How many there are."""


class RepeatedIds:
    """Finds them among any number of rows, by a temporary database, so that the numbers need not fit in memory."""

    def __init__(self) -> None:
        self._database: sqlite3.Connection | None = None
        self._kept: list[RepeatedId] = []
        self._count = 0

    @property
    def found(self) -> Repeated:
        """Those that were found so far."""
        return Repeated(rows=tuple(self._kept), count=self._count)

    def look_at(self, lines: Sequence[Line]) -> None:
        """Take in rows, in their order."""
        # As JSON, in which every text can be kept.
        given = [(json.dumps(line.intent.external_id), line.position) for line in lines if line.intent.external_id]
        if not given:
            return
        if self._database is None:
            self._database = sqlite3.connect("", isolation_level=None)
            self._database.executescript(
                "PRAGMA journal_mode = OFF; CREATE TABLE seen (id TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID;"
            )
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", given)
        self._database.execute("COMMIT")
        query = "SELECT id, line FROM seen WHERE id IN (SELECT value FROM json_each(?))"
        first = dict(self._database.execute(query, (json.dumps([external_id for external_id, _ in given]),)))
        for external_id, line in given:
            if first[external_id] == line:
                continue
            self._count += 1
            if len(self._kept) < _KEPT:
                self._kept.append(RepeatedId(external_id=json.loads(external_id), line=line, first=first[external_id]))

    def close(self) -> None:
        """Delete the database."""
        if self._database is not None:
            self._database.close()


async def note_repeated(journal: Journal, found: Repeated) -> None:
    """Note the rows of a batch that have the `external_id` of an earlier one."""
    rows = [[each.external_id, each.line, each.first] for each in found.rows[:_NOTED]]
    await journal.note(Note.REPEATED_IDS, json.dumps({"count": found.count, "rows": rows}))


async def noted_repeated(journal: Journal) -> Repeated:
    """Those rows of a batch; none where they were not noted."""
    noted = await journal.noted(Note.REPEATED_IDS)
    return Repeated() if noted is None else read_note(journal, Note.REPEATED_IDS, noted, _from_json)


def _from_json(text: str) -> Repeated:
    told = json.loads(text)
    rows = [RepeatedId(external_id=str(row[0]), line=int(row[1]), first=int(row[2])) for row in told["rows"]]
    return Repeated(rows=tuple(rows), count=int(told["count"]))
