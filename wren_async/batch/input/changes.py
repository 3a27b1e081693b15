"""What an input has that no batch of it has ordered: the rows that were changed or added, in a file of their own.

A file whose orders are placed must not be ordered again because of one corrected letter or some appended rows. Rows are
told apart by what they order, not by their place, and identical rows by their number: of three, where two were ordered,
one is new.
"""

from __future__ import annotations

import asyncio
import codecs
import csv
import io
import json
import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import attrs

from wren_async.batch.chunks import CHUNK
from wren_async.batch.input.earlier_changes import EarlierChanges, JournalFiles, JournalsOfFile, note_target
from wren_async.batch.input.faults import Fault, Faults
from wren_async.batch.input.origin import resolved
from wren_async.batch.input.readers import Source, encoding_of, kind_of_file, open_text, read
from wren_async.batch.input.row_values import COLUMNS, Line, Reading
from wren_async.batch.intents import Intent, canonical, digest
from wren_async.batch.journal.contract import Entry, Journal, State
from wren_async.core.replacing import Replacement, replace
from wren_async.errors import InvalidArgument, UsageError

_KEPT: Final = 1000


@attrs.frozen(kw_only=True)
class ChangedRow:
    """A row that was changed or added."""

    position: int
    """Its line in the file, or its number among the intents, from 1."""
    last: int | None
    """The last line that belongs to it, since a cell may hold line breaks; `None` where no other row follows."""
    intent: Intent


@attrs.frozen(kw_only=True)
class Changes:
    """How an input differs from what was planned of it."""

    rows: tuple[ChangedRow, ...]
    """Those that no batch has, in their order."""
    same: int
    """Rows that a batch has."""
    gone: tuple[Entry, ...]
    """Orders of the batches that the input has no more; the first thousand. A changed row stands for one of them, and
    ordering it does not take back the old order."""
    gone_by_state: Mapping[State, int]
    """How many they are."""
    first: int = 1
    """The line of the first row, whether it is new or not: what stands before it is the header."""

    @property
    def may_be_bought_twice(self) -> int:
        """Orders that are placed, or may be, and that the input has no more: the new rows may be meant to be theirs."""
        return sum(self.gone_by_state.get(state, 0) for state in (State.PLACED, State.SENDING, State.UNDECIDED))


async def find_changes(
    source: Source, journals: Sequence[Journal], reading: Reading | None = None, *, skip_bad_rows: bool = False
) -> Changes:
    """Compare an input with the journals of all batches that were made from it. Nothing is written or bought.

    Args:
        source: A file or an iterable of intents.
        journals: The journal of the input, and those of the batches of its earlier changes.
        reading: How to read a file; as it was planned.
        skip_bad_rows: Leave bad rows out instead of refusing the input.

    Raises `InvalidInput` for bad rows.
    """
    held = await _held(journals)
    faults, rows, same, first = Faults(), list[ChangedRow](), 0, None
    async for row in read(source, reading):
        position = row.line if isinstance(row, Fault) else row.position
        first = position if first is None else first
        if rows and rows[-1].last is None:
            rows[-1] = attrs.evolve(rows[-1], last=position - 1)
        if isinstance(row, Fault):
            faults.add(row)
        elif held[packed := _packed(digest(canonical(row.intent)))]:
            held[packed] -= 1
            same += 1
        else:
            rows.append(_changed(row))
    if not skip_bad_rows or faults.whole:
        faults.check()
    gone, by_state = await _gone(journals, +held)
    return Changes(rows=tuple(rows), same=same, gone=gone, gone_by_state=by_state, first=first or 1)


async def write_changes(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    journal: str | os.PathLike[str] | None = None,
    also: Sequence[str | os.PathLike[str]] = (),
    never_run: Collection[str] = (),
    skip_bad_rows: bool = False,
    defaults: Mapping[str, str] | None = None,
    ignore: Collection[str] = (),
    encoding: str | None = None,
) -> Changes:
    """Write the rows of a file that were changed or added since its batch was planned to a new file. Nothing is bought.

    The new file is then planned and run as a batch of its own. The journal notes it, so that a later comparison takes
    its orders into account. Where nothing differs, nothing is written.

    Args:
        source: The file as it is now.
        target: The file to make, of the same format; CSV for a workbook.
        journal: The journal of the batch; by default the name of the file with `.journal` after it.
        also: Journals of earlier changes of this file, where they have other names than the default.
        never_run: Files of earlier changes that were never planned, and never will be.
        skip_bad_rows: Leave bad rows out instead of refusing the file.
        defaults: As it was planned.
        ignore: As it was planned.
        encoding: As it was planned.

    Raises `InvalidInput` for bad rows, `JournalError` where the orders of an earlier file of changes are not known, and
    `UsageError` where the file has no row of its batch.
    """
    reading = Reading(defaults=defaults or {}, ignore=ignore, encoding=encoding)
    path, files = Path(source), JournalFiles(Path(source), None if journal is None else Path(journal))
    changed = ChangedFile(path, Path(target), reading, never_run=never_run, skip_bad_rows=skip_bad_rows)
    return await changed.write(files, also=[os.fspath(each) for each in also])


@attrs.define
class ChangedFile:
    """A file that has rows which no batch of it has ordered, and the file that they are to be written to."""

    _source: Path
    _target: Path
    _reading: Reading
    _never_run: Collection[str | os.PathLike[str]] = attrs.field(default=(), kw_only=True)
    _skip_bad_rows: bool = attrs.field(default=False, kw_only=True)

    async def write(self, journals: JournalsOfFile, *, also: Collection[str] = ()) -> Changes:
        """Write them, and note the new file with the batch of the old one. Raises as `write_changes` does."""
        _check_target(self._source, self._target)
        async with AsyncExitStack() as opened:
            main = await opened.enter_async_context(journals.main())
            await journals.check_free(self._target)
            if not await main.sealed():
                raise UsageError(f"{journals.name}: its planning was broken off; plan the file again instead")
            earlier = EarlierChanges(opened, journals, {resolved(each) for each in self._never_run})
            await earlier.open(main, also)
            found = [main, *earlier.found]
            changes = await find_changes(self._source, found, self._reading, skip_bad_rows=self._skip_bad_rows)
            if not changes.same and changes.rows:
                raise UsageError(
                    f"no row of {self._source.name} is an order of this batch; is it another file, or was it planned "
                    "with other defaults, ignored columns or encoding?"
                )
            if changes.rows:
                # Before the file is there: whoever runs it must find it noted.
                await note_target(main, journals.noted_as(self._target))
                await self._copy(changes)
        return changes

    async def _copy(self, changes: Changes) -> None:
        copy = _write_orders if kind_of_file(self._source) == "workbook" else _copy
        await asyncio.to_thread(copy, self._source, self._target, changes, self._reading)
        await _check_copy(self._source, self._target, changes, self._reading)


def _changed(line: Line) -> ChangedRow:
    return ChangedRow(position=line.position, last=None, intent=line.intent)


def _packed(digest_text: str) -> bytes:
    """A digest as bytes, which take a third of the memory of its text: there may be a million."""
    return bytes.fromhex(digest_text)


async def _held(journals: Sequence[Journal]) -> Counter[bytes]:
    held: Counter[bytes] = Counter()
    for journal in journals:
        first = 1
        while found := await journal.digests(first, CHUNK):
            held.update(_packed(each) for _, each in found)
            first = found[-1][0] + 1
    return held


async def _gone(journals: Sequence[Journal], left: Counter[bytes]) -> tuple[tuple[Entry, ...], Mapping[State, int]]:
    """The orders that the input has no more, given how many of each digest were left over."""
    gone: list[Entry] = []
    by_state: Counter[State] = Counter()
    for journal in journals if left else ():
        async for entry in journal.entries():
            packed = _packed(entry.row.digest)
            if left[packed]:
                left[packed] -= 1
                by_state[entry.result.state] += 1
                if len(gone) < _KEPT:
                    gone.append(entry)
    return tuple(gone), by_state


# --- files ----------------------------------------------------------------------------------------------------------


def _check_target(source: Path, target: Path) -> None:
    if kind_of_file(source) == "workbook":
        if target.suffix.lower() != ".csv":
            raise InvalidArgument("target", f"must end in .csv: the rows of {source.name} are written as CSV")
    elif kind_of_file(source) != kind_of_file(target):
        raise InvalidArgument(
            "target", f"must end in {source.suffix}, as {source.name} does: rows are copied as they are"
        )
    if target.exists():
        raise InvalidArgument("target", f"{target} is there already; name a new file")


async def _check_copy(source: Path, target: Path, changes: Changes, reading: Reading) -> None:
    """See that the new file orders the rows that were found and nothing else, or take it away."""
    written = [row.intent if isinstance(row, Line) else None async for row in read(target, reading)]
    if written != [row.intent for row in changes.rows]:
        await asyncio.to_thread(target.unlink)
        raise UsageError(f"{source.name} changed while it was read, and nothing was written; try again")


def _copy(source: Path, target: Path, changes: Changes, reading: Reading) -> None:
    """Copy the header and the chosen rows as they stand: with their columns, their separator and their encoding."""
    encode = codecs.getincrementalencoder(encoding_of(source, reading))("surrogateescape").encode
    spans = iter(changes.rows)
    span = next(spans, None)
    with open_text(source, reading) as text, Replacement(target, private=True) as file:
        for number, line in enumerate(text, 1):
            while span is not None and span.last is not None and span.last < number:
                span = next(spans, None)
            if number < changes.first or (span is not None and span.position <= number):
                file.write(encode(line))
        file.keep()


def _write_orders(source: Path, target: Path, changes: Changes, reading: Reading) -> None:
    """Write the orders of the chosen rows of a workbook as CSV, with a byte order mark: whatever the encoding given."""
    values = [json.loads(canonical(row.intent)) for row in changes.rows]
    names = [name for name in COLUMNS if any(name in each for each in values)]
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, names, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(values)
    replace(target, text.getvalue().encode("utf-8-sig"), private=True)
