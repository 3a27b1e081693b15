"""Rows as tables: of Arrow, and from there of pandas and polars."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

import attrs

from wren_async.batch.report.arrow import arrow_schema, arrow_table
from wren_async.core.codec import Unwritable
from wren_async.errors import InvalidArgument, UsageError
from wren_async.tables.columns import class_of, columns_of

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import polars as pl
    import pyarrow as pa  # type: ignore[import-untyped]

TableT = TypeVar("TableT")
Rows: TypeAlias = Iterable[object]
AsyncRows: TypeAlias = AsyncIterable[object]


@overload
def to_arrow(rows: AsyncRows, of: type | None = None) -> Coroutine[Any, Any, pa.Table]: ...
@overload
def to_arrow(rows: Rows, of: type | None = None) -> pa.Table: ...
def to_arrow(rows: Rows | AsyncRows, of: type | None = None) -> pa.Table | Coroutine[Any, Any, pa.Table]:
    """Make an Arrow table of models, or of the rows of a batch's report. Needs pyarrow.

    Args:
        rows: Models of one class, such as `Order` or `LedgerEntry`, or `ReportRow`s: a list, a pager, or any iterable.
            Of an asynchronous one, such as a pager of an asynchronous client, the result is awaited.
        of: The class of the rows, which gives a table without rows its columns. Pagers and lists of a client know it.

    Whole numbers, such as cents, are int64; masses and prices decimal128 with 12 places, rounded half to even beyond
    them; times timestamps in UTC; enums text. The attributes of a model within a model get a dot (`stats.tons`). Lists
    and mappings, and the fields that the contract does not know, are JSON text. What is not known is null.

    Raises `UsageError` without pyarrow, and `InvalidArgument` for what is no row, or rows of several classes.
    """
    return _make(rows, of, lambda table: table, "pyarrow")


@overload
def to_pandas(rows: AsyncRows, of: type | None = None) -> Coroutine[Any, Any, pd.DataFrame]: ...
@overload
def to_pandas(rows: Rows, of: type | None = None) -> pd.DataFrame: ...
def to_pandas(rows: Rows | AsyncRows, of: type | None = None) -> pd.DataFrame | Coroutine[Any, Any, pd.DataFrame]:
    """Make a pandas data frame, with the columns of `to_arrow`.

    They are of `ArrowDtype`, so that a missing value makes no floats of cents. Needs pandas and pyarrow.
    Arguments and errors are those of `to_arrow`.
    """
    pandas = _needed("pandas", "pandas", "pyarrow")
    return _make(rows, of, lambda table: table.to_pandas(types_mapper=pandas.ArrowDtype), "pandas")


@overload
def to_polars(rows: AsyncRows, of: type | None = None) -> Coroutine[Any, Any, pl.DataFrame]: ...
@overload
def to_polars(rows: Rows, of: type | None = None) -> pl.DataFrame: ...
def to_polars(rows: Rows | AsyncRows, of: type | None = None) -> pl.DataFrame | Coroutine[Any, Any, pl.DataFrame]:
    """Make a polars data frame, with the columns of `to_arrow`. Needs polars and pyarrow.

    Arguments and errors are those of `to_arrow`.
    """
    polars = _needed("polars", "polars", "pyarrow")
    return _make(rows, of, polars.from_arrow, "polars")


def _make(
    rows: Rows | AsyncRows, of: type | None, turn: Callable[[pa.Table], TableT], what: str
) -> TableT | Coroutine[Any, Any, TableT]:
    _needed("pyarrow", *dict.fromkeys((what, "pyarrow")))
    of = of or class_of(rows)
    if isinstance(rows, AsyncIterable):
        return _collected(rows, of, turn)
    if not isinstance(rows, Iterable):
        raise InvalidArgument("rows", f"takes a list or a pager of models, not {type(rows).__name__}")
    return turn(_table(list(rows), of))


async def _collected(rows: AsyncRows, of: type | None, turn: Callable[[pa.Table], TableT]) -> TableT:
    return turn(_table([row async for row in rows], of))


def _table(rows: list[object], of: type | None) -> pa.Table:
    kind = of or (type(rows[0]) if rows else None)
    if kind is not None and not attrs.has(kind):
        raise InvalidArgument("rows", f"takes models, such as orders, not {kind.__name__}")
    for number, row in enumerate(rows, 1):
        if kind is not None and not isinstance(row, kind):
            raise InvalidArgument("rows", f"row {number} is of {type(row).__name__}, not of {kind.__name__}")
    columns = () if kind is None else columns_of(kind)
    try:
        return arrow_table(rows, columns, arrow_schema(columns))
    except Unwritable as error:
        raise InvalidArgument("rows", f"hold what no table can hold: {error}") from None


def _needed(name: str, *packages: str) -> Any:
    """A package that is imported only now. The error says which to install."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise UsageError(f"a table for {packages[0]} needs {name}: pip install {' '.join(packages)}") from None
