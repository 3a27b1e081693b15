"""Columns and rows as Arrow's: the same types in every table and file. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from wren_async.batch.report.columns import Column, Form, Value

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

_DIGITS: Final = 38
_PLACES: Final = 12
"""Digits of a mass, and those of them after the point: a thousand-millionth of a gram."""
_STEP: Final = Decimal(1).scaleb(-_PLACES)
_EXACT: Final = Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN)
"""Holds more digits than Python's own context, which refuses to round what it cannot hold."""


def arrow_schema(columns: Sequence[Column[Any]]) -> pa.Schema:
    """The schema of these columns. Raises `ModuleNotFoundError` without pyarrow."""
    import pyarrow as pa

    types: dict[Form, pa.DataType] = {
        "boolean": pa.bool_(),
        "integer": pa.int64(),
        "decimal": pa.decimal128(_DIGITS, _PLACES),
        "text": pa.string(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    return pa.schema([pa.field(column.name, types[column.form]) for column in columns])


def arrow_table(rows: Sequence[Any], columns: Sequence[Column[Any]], schema: pa.Schema) -> pa.Table:
    """The rows as a table. A mass is rounded half to even to the places of its column."""
    import pyarrow as pa

    arrays = [
        pa.array([_storable(column.of(row)) for row in rows], field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _storable(value: Value) -> Value:
    return value.quantize(_STEP, context=_EXACT) if isinstance(value, Decimal) else value
