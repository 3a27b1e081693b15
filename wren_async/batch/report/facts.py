"""The facts and sums of a batch as plain JSON values, for formats that a program reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wren_async.batch.journal.contract import State
from wren_async.batch.report.audit import Audit
from wren_async.batch.report.summary import Report, Sums
from wren_async.batch.units import plain
from wren_async.core.client import __version__


def facts(report: Report) -> dict[str, Any]:
    """What a report says of the batch as a whole. Masses are text, so that no reader rounds them."""
    return {
        "batch_id": report.batch_id,
        "made": report.made.isoformat(),
        "made_by": f"wren-async {__version__}",
        "file": report.source.name if report.source else None,
        "file_sha256": report.file_digest,
        "planned": _moment(report.planned),
        "planned_by": report.planned_by,
        "sent_over": report.sent_over,
        "servers": {
            api: {"url": server, "rehearsal": report.rehearsals.get(api), "account_mark": report.accounts.get(api)}
            for api, server in report.servers.items()
        },
        "states": {state.value: report.number(state) for state in State},
        "planned_cents": report.totals.planned_cents,
        "held_back_cents": report.totals.reserved_cents,
        "sums": _sums(report.all),
        "sums_by_kind": {name: _sums(sums) for name, sums in sorted(report.order_types.items())},
        "runs": [
            {"ended": end.at.isoformat(), "how": end.ending, "message": end.message} for end in report.history.endings
        ],
        "alarms": list(report.history.alarms),
        "books": [_book(audit) for audit in report.audits],
    }


def _sums(sums: Sums) -> dict[str, Any]:
    return {
        "orders": sums.orders,
        "placed": sums.placed,
        "planned_cents": sums.planned_cents,
        "cents": sums.cents,
        "placed_at_unknown_cost": sums.unknown,
        "ordered_kilograms": plain(sums.ordered_kilograms),
        "kilograms": plain(sums.kilograms),
        "difference_kilograms": plain(sums.difference),
    }


def _book(audit: Audit) -> dict[str, Any]:
    return {
        "where": audit.where,
        "agrees": audit.agrees,
        "orders": audit.orders,
        "batch_cents": audit.batch_cents,
        "books_cents": audit.books_cents,
        "differences": audit.count,
        "trouble": audit.trouble,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
