"""The columns of a report's table, the same in every format."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final, Generic, Literal, TypeAlias, TypeVar

import attrs

from wren_async.batch.report.rows import ReportRow

RowT = TypeVar("RowT")

Form: TypeAlias = Literal["boolean", "integer", "decimal", "text", "time"]
Value: TypeAlias = int | Decimal | str | datetime | None


@attrs.frozen
class Column(Generic[RowT]):
    """A column of a table."""

    name: str
    form: Form
    """What it holds. `time` is an aware one."""
    of: Callable[[RowT], Value]
    """Its value for a row; `None` where there is none."""


REPORT_COLUMNS: Final[tuple[Column[ReportRow], ...]] = (
    Column("line", "integer", lambda row: row.position),
    Column("external_id", "text", lambda row: row.external_id),
    Column("kind", "text", lambda row: row.kind),
    Column("state", "text", lambda row: row.state.value),
    Column("rehearsal", "text", lambda row: row.rehearsal),
    Column("reference", "text", lambda row: row.reference),
    Column("order_id", "text", lambda row: row.order_id),
    Column("planned_cents", "integer", lambda row: row.planned_cents),
    Column("cents", "integer", lambda row: row.cents),
    Column("ordered_kilograms", "decimal", lambda row: row.ordered_kilograms),
    Column("ordered_trees", "integer", lambda row: row.ordered_trees),
    Column("kilograms", "decimal", lambda row: row.kilograms),
    Column("tonnes", "decimal", lambda row: row.tonnes),
    Column("difference_kilograms", "decimal", lambda row: row.difference),
    Column("certificate", "text", lambda row: row.certificate),
    Column("attempts", "integer", lambda row: row.attempts),
    Column("settled_by", "text", lambda row: row.settled_by or None),
    Column("reason", "text", lambda row: row.reason),
    Column("payment_method", "text", lambda row: row.payment_method),
    Column("subaccount_id", "text", lambda row: row.subaccount_id),
    Column("first_sent", "time", lambda row: row.first_sent),
    Column("last_sent", "time", lambda row: row.last_sent),
    Column("description", "text", lambda row: row.description),
    Column("note", "text", lambda row: row.note),
    Column("server", "text", lambda row: row.server),
)
"""In their order. Money is in US cents, masses are in kilograms or tonnes of CO2e, times in UTC."""
