"""The table of a batch's orders as Parquet, for data frames and warehouses. Needs pyarrow, of the extra `parquet`."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from wren_async.batch.chunks import in_chunks
from wren_async.batch.report.arrow import arrow_schema, arrow_table
from wren_async.batch.report.columns import REPORT_COLUMNS
from wren_async.batch.report.facts import facts
from wren_async.batch.report.files import Target, new_file
from wren_async.batch.report.rows import JournalLike, ReportRow, reading, report_rows
from wren_async.batch.report.summary import read_report
from wren_async.core.replacing import Replacement
from wren_async.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]
    from typing_extensions import Buffer

_GROUP: Final = 20_000
"""Rows of a row group, which is what is held in memory."""


async def write_parquet(journal: JournalLike, path: Target) -> int:
    """Write all orders of a batch to a Parquet file, in the columns of `REPORT_COLUMNS`; returns how many they are.

    Integers are int64, masses decimal128 with 12 places, times timestamps in UTC. The facts and sums of the batch stand
    as JSON in the file's metadata, under `wren_async.batch`.

    Raises `UsageError` without pyarrow, and `InvalidArgument` where a journal or a file of orders would be replaced.
    """
    schema = _schema()
    async with reading(journal) as opened:
        described = json.dumps(facts(await read_report(opened)), ensure_ascii=False)
        schema = schema.with_metadata({"wren_async.batch": described})
        async with new_file(opened, path) as file:
            table = await asyncio.to_thread(_Table, file, schema)
            count = 0
            try:
                async for rows in in_chunks(report_rows(opened), _GROUP):
                    await asyncio.to_thread(table.add, rows)
                    count += len(rows)
            finally:
                await asyncio.to_thread(table.close)
    return count


def _schema() -> pa.Schema:
    try:
        return arrow_schema(REPORT_COLUMNS)
    except ModuleNotFoundError:
        raise UsageError("a report as Parquet needs pyarrow: pip install 'wren-async[parquet]'") from None


class _Table:
    """A Parquet file that grows by row groups."""

    def __init__(self, file: Replacement, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        self._schema = schema
        self._writer = pq.ParquetWriter(_Sink(file), schema)

    def add(self, rows: Sequence[ReportRow]) -> None:
        """Add a row group."""
        self._writer.write_table(arrow_table(rows, REPORT_COLUMNS, self._schema))

    def close(self) -> None:
        """Write the end of the file."""
        self._writer.close()


class _Sink(io.RawIOBase):
    """A file that is only written to, as pyarrow wants it."""

    def __init__(self, file: Replacement) -> None:
        self._file = file
        self._place = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def write(self, content: Buffer) -> int:
        raw = bytes(content)
        self._file.write(raw)
        self._place += len(raw)
        return len(raw)
