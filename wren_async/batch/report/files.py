"""The table of a batch's orders as a file: CSV for a spreadsheet, JSON for a program.

A file is written a piece at a time, whole or not at all, and only its owner can read it.
"""

from __future__ import annotations

import asyncio
import codecs
import csv
import io
import json
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

from wren_async.batch.chunks import in_chunks
from wren_async.batch.input.origin import noted_input
from wren_async.batch.journal.contract import Journal
from wren_async.batch.report.audit import Audit
from wren_async.batch.report.columns import REPORT_COLUMNS, Value
from wren_async.batch.report.escaping import cell
from wren_async.batch.report.facts import facts
from wren_async.batch.report.rows import JournalLike, ReportRow, reading, report_rows
from wren_async.batch.report.summary import read_report
from wren_async.batch.report.targets import check_target
from wren_async.batch.units import plain
from wren_async.core.replacing import Replacement

Target: TypeAlias = str | os.PathLike[str]


async def write_csv(journal: JournalLike, path: Target, *, decimal_comma: bool = False) -> int:
    """Write all orders of a batch to a CSV file, in the columns of `REPORT_COLUMNS`; returns how many they are.

    It is UTF-8 with a byte order mark, by which spreadsheets know it. What one would take for a formula has an
    apostrophe before it.

    Args:
        journal: A journal or its path.
        path: The file to make.
        decimal_comma: Write `0,45` and separate columns by semicolons, as spreadsheets of many countries read it.

    Raises `InvalidArgument` where a journal or a file of orders would be replaced.
    """
    async with reading(journal) as opened, new_file(opened, path) as file:
        separator = ";" if decimal_comma else ","
        head = _lines([[column.name for column in REPORT_COLUMNS]], separator)
        await asyncio.to_thread(file.write, codecs.BOM_UTF8 + head)
        count = 0
        async for rows in in_chunks(report_rows(opened)):
            count += len(rows)
            await asyncio.to_thread(file.write, _lines([_cells(row, decimal_comma) for row in rows], separator))
    return count


async def write_json(journal: JournalLike, path: Target, *, audits: tuple[Audit, ...] = ()) -> int:
    """Write a batch to a JSON file: its facts and sums, and under `orders` an object a line; returns how many they are.

    Money is an integer of US cents, a mass is text, so that no reader rounds it, and a time is ISO 8601 in UTC. What is
    not known is null.

    Args:
        journal: A journal or its path.
        path: The file to make.
        audits: What `audit_books` gave, if the books are to be part of it.

    Raises `InvalidArgument` where a journal or a file of orders would be replaced.
    """
    async with reading(journal) as opened:
        report = await read_report(opened, audits=audits)
        async with new_file(opened, path) as file:
            head = json.dumps(facts(report), ensure_ascii=False, indent=1)
            await asyncio.to_thread(file.write, f'{head.removesuffix(chr(10) + "}")},\n "orders": ['.encode())
            count = 0
            async for rows in in_chunks(report_rows(opened)):
                text = ",".join(f"\n  {_object(row)}" for row in rows)
                await asyncio.to_thread(file.write, f"{',' if count else ''}{text}".encode())
                count += len(rows)
            await asyncio.to_thread(file.write, b"\n ]\n}\n")
    return count


@asynccontextmanager
async def new_file(journal: Journal, path: Target) -> AsyncIterator[Replacement]:
    """A file that takes its place only if nothing is raised while it is written."""
    target = Path(path)
    await asyncio.to_thread(check_target, target, await noted_input(journal))
    with await asyncio.to_thread(Replacement, target, private=True) as file:
        yield file
        await asyncio.to_thread(file.keep)


def _lines(rows: Iterable[Sequence[str]], separator: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", delimiter=separator).writerows(rows)
    return text.getvalue().encode()


def _cells(row: ReportRow, decimal_comma: bool) -> list[str]:
    return [_cell(column.of(row), decimal_comma) for column in REPORT_COLUMNS]


def _cell(value: Value, decimal_comma: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return cell(value)
    text = str(_portable(value))
    return text.replace(".", ",") if decimal_comma and isinstance(value, Decimal) else text


def _object(row: ReportRow) -> str:
    values = {column.name: _portable(column.of(row)) for column in REPORT_COLUMNS}
    return json.dumps(values, ensure_ascii=False)


def _portable(value: Value) -> int | str | None:
    """A value that every format can hold without loss."""
    if isinstance(value, Decimal):
        return plain(value)
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
