"""The report of a batch as one HTML page: no scripts and nothing from elsewhere, so it works from a file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from importlib.resources import files
from itertools import accumulate
from typing import Final

from wren_async.batch.journal.contract import State
from wren_async.batch.report import plots
from wren_async.batch.report.audit import Books
from wren_async.batch.report.plots import Bar, Column, Label, Mark, Part
from wren_async.batch.report.rows import ReportRow, mass_text
from wren_async.batch.report.summary import Report, Sums

_SHOWN: Final = 100
_REASONS: Final = 6
_MANY: Final = 4
_STATES: Final = (State.PLACED, State.REFUSED, State.UNDECIDED, State.SENDING, State.PENDING)
_QUANTILES: Final = ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))


def html_page(report: Report) -> str:
    """The page. All text that comes from outside is escaped."""
    sections = [
        _header(report),
        _tiles(report),
        _states(report),
        '<div class="plots">',
        *_over_time(report),
        *_latency(report),
        *_retries(report),
        "</div>",
        _kinds(report),
        _books(report.books),
        _rows("Undecided", "They may have been placed, and count as spent.", report.open_rows, _unsettled(report)),
        _rows("Refused", "Nothing was spent on them.", report.refused_rows, report.number(State.REFUSED)),
        _rows("Answered with another mass", "", report.altered_rows, report.all.altered),
        _runs(report),
    ]
    title = f"Batch {escape(report.batch_id[:8])}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def usd(cents: int) -> str:
    """US cents as dollars."""
    return f"{'-' if cents < 0 else ''}${Decimal(abs(cents)) / 100:,.2f}"


def mass(kilograms: Decimal) -> str:
    """A mass in the unit that fits it."""
    if abs(kilograms) >= 1000:
        return f"{kilograms / 1000:,.2f} t"
    return f"{kilograms:,.2f} kg" if kilograms != kilograms.to_integral_value() else f"{kilograms:,.0f} kg"


def _style() -> str:
    return files("wren_async.batch.report").joinpath("page.css").read_text(encoding="utf-8")


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _unsettled(report: Report) -> int:
    return report.number(State.UNDECIDED) + report.number(State.SENDING)


# --- the top --------------------------------------------------------------------------------------------------------


def _header(report: Report) -> str:
    placed, orders = report.number(State.PLACED), report.all.orders
    if placed == orders:
        told = f"All {orders:,} orders were placed."
    else:
        told = f"{placed:,} of {orders:,} orders were placed."
    if undecided := _unsettled(report):
        told += f" {undecided:,} may or may not have been placed."
    return (
        f"<header><p class=over>Batch <code>{escape(report.batch_id)}</code> · {_when(report.made)}</p>"
        f"<h1>{told}</h1></header>"
    )


def _tiles(report: Report) -> str:
    sums, totals = report.all, report.totals
    unknown = f"; {sums.unknown_cents:,} without a price" if sums.unknown_cents else ""
    saved = f"of {usd(totals.planned_cents)} planned{unknown}"
    reserved = f"{usd(totals.reserved_cents)} reserved" if totals.reserved_cents else "nothing reserved"
    altered = f"{sums.altered:,} orders differ" if sums.altered else "as ordered"
    tiles = [
        ("Spent", usd(sums.cents), saved, ""),
        ("Answered", mass(sums.kilograms), f"{altered}, {_signed(sums.difference)}" if sums.altered else altered, ""),
        ("Undecided", f"{_unsettled(report):,}", reserved, "bad" if _unsettled(report) else ""),
        ("Refused", f"{report.number(State.REFUSED):,}", "nothing spent on them", ""),
    ]
    if report.agrees is not None:
        tiles.append(_books_tile(report.books))
    return f"<dl class=tiles>{''.join(map(_tile, tiles))}</dl>"


def _tile(tile: tuple[str, str, str, str]) -> str:
    name, value, note, tone = tile
    return f'<div class="{tone}"><dt>{name}</dt><dd class=value>{value}</dd><dd class=note>{note}</dd></div>'


def _books_tile(books: Sequence[Books]) -> tuple[str, str, str, str]:
    if any(book.trouble for book in books):
        return "Books", "not read", "see below", "bad"
    count = sum(book.count for book in books)
    if count:
        return "Books", f"{count:,}", "differences", "bad"
    return "Books", "agree", f"to the cent, {sum(book.orders for book in books):,} orders", "good"


def _signed(kilograms: Decimal) -> str:
    return f"{'+' if kilograms > 0 else ''}{mass(kilograms)}"


def _states(report: Report) -> str:
    parts = [(Part(colour=state.value, value=report.number(state)), f"{state}: {report.number(state):,}")
             for state in _STATES]  # fmt: skip
    legend = _legend(
        (state.value, state.value, f"{report.number(state):,}") for state in _STATES if report.number(state)
    )
    return f"<section><h2>States</h2>{plots.strip('Orders by state', parts)}{legend}</section>"


# --- plots ----------------------------------------------------------------------------------------------------------


def _plot(title: str, note: str, drawn: str) -> str:
    return f"<section><h2>{escape(title)}</h2><p class=note>{escape(note)}</p><div class=scroll>{drawn}</div></section>"


def _over_time(report: Report) -> list[str]:
    slots = list(report.timeline.slots())
    if not slots:
        return []
    width = timedelta(seconds=report.timeline.width)
    labels = plots.time_labels(slots[0][0], width * len(slots))
    shown = [state for state in _STATES if state is not State.PENDING]
    hints = [f"{began:%d %b %H:%M:%S}" for began, _ in slots]
    sent = [
        Column(
            parts=[Part(colour=state.value, value=slot.orders[state]) for state in shown],
            hint=f"{hint}: " + ", ".join(f"{slot.orders[state]:,} {state}" for state in shown if slot.orders[state]),
        )
        for hint, (_, slot) in zip(hints, slots, strict=True)
    ]
    spent = list(accumulate(slot.cents for _, slot in slots))
    told = [f"by {hint}: {usd(cents)}" for hint, cents in zip(hints, spent, strict=True)]
    every = f"every {_span(width)}, times in UTC"
    return [
        _plot("Orders over time", f"Sent {every}", plots.columns("Orders over time", sent, labels,
                                                                  say=plots.short_number)),
        _plot("Spend over time", f"Added up {every}", plots.growth("Spend over time", spent, told, labels,
                                                                    say=plots.short_usd)),
    ]  # fmt: skip


def _span(width: timedelta) -> str:
    seconds = int(width.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds} s"


def _latency(report: Report) -> list[str]:
    steps = list(report.durations.steps())
    if not steps:
        return []
    low, high = steps[0][0], steps[-1][1]
    reach = math.log(high / low)
    values = [
        Column(
            parts=[Part(colour="series", value=count)],
            hint=f"{plots.duration(begin)} to {plots.duration(end)}: {count:,}",
        )
        for begin, end, count in steps
    ]
    marks = [Mark(math.log(seconds / low) / reach, name) for share, name in _QUANTILES[:2]
             if (seconds := report.durations.quantile(share))]  # fmt: skip
    labels = [Label(share, plots.duration(low * math.exp(reach * share))) for share in (0, 0.25, 0.5, 0.75, 1)]
    told = ", ".join(
        f"{name} within {plots.duration(seconds)}"
        for share, name in _QUANTILES
        if (seconds := report.durations.quantile(share))
    )
    drawn = plots.columns("Latency", values, labels, say=plots.short_number, marks=marks)
    return [_plot("Latency", f"Orders by the time to their answer: {told}", drawn)]


def _retries(report: Report) -> list[str]:
    drawn = _attempts(report)
    reasons = [
        *((*each, "sending", "sent again") for each in report.history.returned.most_common(_REASONS)),
        *((*each, "undecided", "undecided") for each in report.unsettled.most_common(_REASONS)),
        *((*each, "refused", "refused") for each in report.refused.most_common(_REASONS)),
    ]
    if reasons:
        values = [
            Bar(name=reason, value=count, colour=colour, told=f"{count:,} {what}")
            for reason, count, colour, what in reasons
        ]
        drawn += f"<h3>Why orders were sent again, or not placed</h3>{plots.bars('Reasons', values)}"
    return [_plot("Retries", "Orders by how often they were sent", drawn)] if drawn else []


def _attempts(report: Report) -> str:
    tried = report.attempts.total()
    if not tried:
        return ""
    many = {str(number): report.attempts[number] for number in range(1, _MANY)}
    many[f"{_MANY} or more"] = sum(count for number, count in report.attempts.items() if number >= _MANY)
    told = [
        (f"try{place}", f"{name} {'attempt' if name == '1' else 'attempts'}", count)
        for place, (name, count) in enumerate(many.items(), 1)
    ]
    parts = [(Part(colour=colour, value=count), f"{name}: {count:,}") for colour, name, count in told]
    legend = [(colour, name, f"{count:,} ({count / tried:.1%})") for colour, name, count in told if count]
    return plots.strip("Orders by attempts", parts) + _legend(legend)


def _legend(items: Iterable[tuple[str, str, str]]) -> str:
    told = "".join(f"<li><i class={colour}></i>{name} <b>{number}</b></li>" for colour, name, number in items)
    return f"<ul class=legend>{told}</ul>"


# --- tables ---------------------------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table; its cells are HTML."""

    def cells(tag: str, row: Sequence[str]) -> str:
        kinds = (" class=number" if place in numbers else "" for place in range(len(row)))
        return "".join(f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, row, strict=True))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<div class=scroll><table><thead><tr>{cells('th', head)}</tr></thead><tbody>{body}</tbody></table></div>"


def _kinds(report: Report) -> str:
    head = (
        "Kind",
        "Orders",
        "Placed",
        "Planned",
        "Cost",
        "Ordered",
        "Answered",
        "Difference",
        "Replayed",
        "Reconciled",
    )
    kinds = [(f"<code>{escape(kind)}</code>", sums) for kind, sums in sorted(report.kinds.items())]
    rows = [_kind(name, sums) for name, sums in [*kinds, ("all", report.all)][: None if len(kinds) > 1 else 1]]
    return f"<section><h2>By kind of order</h2>{_table(head, rows, range(1, len(head)))}</section>"


def _kind(name: str, sums: Sums) -> tuple[str, ...]:
    return (
        name, f"{sums.orders:,}", f"{sums.placed:,}", usd(sums.planned_cents), usd(sums.cents),
        mass(sums.ordered_kilograms) if sums.ordered_kilograms else "–",
        mass(sums.kilograms) if sums.kilograms else "–",
        _signed(sums.difference) if sums.difference else "–", f"{sums.replayed:,}", f"{sums.reconciled:,}",
    )  # fmt: skip


def _books(books: Sequence[Books]) -> str:
    if not books:
        return ""
    head = ("Book", "Orders", "Batch", "Book", "Differences", "Entries of others", "")
    rows = [
        (book.where, f"{book.orders:,}", usd(book.batch_cents), "–" if book.trouble else usd(book.books_cents),
         f"{book.count:,}", f"{book.strangers:,}", _verdict(book))
        for book in books
    ]  # fmt: skip
    told = "".join(_differences(book) for book in books if book.differences)
    return f"<section><h2>Agreement with the books</h2>{_table(head, rows, range(1, 6))}{told}</section>"


def _verdict(book: Books) -> str:
    if book.trouble:
        return escape(f"could not be read: {book.trouble}")
    told = f", {book.by_amount:,} by their amount alone" if book.by_amount else ""
    return ("agrees" if book.agrees else "<b>differs</b>") + told


def _differences(book: Books) -> str:
    rows = [
        ("–" if each.position is None else str(each.position), f"<code>{escape(each.order_id or '–')}</code>",
         escape(each.problem), f"{each.cents:+,}" if each.cents else "–")
        for each in book.differences[:_SHOWN]
    ]  # fmt: skip
    return (
        f"<h3>{book.where}: what differs</h3>"
        + _table(("Line", "Order", "", "Cents"), rows, (0, 3))
        + _more(len(rows), book.count)
    )


def _rows(title: str, note: str, rows: Sequence[ReportRow], count: int) -> str:
    if not rows:
        return ""
    head = ("Line", "Kind", "Reference", "Order", "Planned", "Cost", "Ordered kg", "Answered kg", "Attempts", "Reason")
    shown = [_row(row) for row in rows[:_SHOWN]]
    intro = f"<p class=note>{escape(note)}</p>" if note else ""
    table = _table(head, shown, (0, 4, 5, 6, 7, 8))
    return f"<section><h2>{escape(title)}</h2>{intro}{table}{_more(len(shown), count)}</section>"


def _row(row: ReportRow) -> tuple[str, ...]:
    order = escape(row.order_id or "–")
    if row.certificate and row.certificate.startswith("https://"):
        order = f'<a href="{escape(row.certificate)}" rel="noreferrer">{order}</a>'
    return (
        str(row.position), f"<code>{escape(row.kind)}</code>", f"<code>{escape(row.reference)}</code>", order,
        usd(row.planned_cents), "–" if row.cents is None else usd(row.cents), mass_text(row.ordered_kilograms) or "–",
        mass_text(row.kilograms) or "–", str(row.attempts), escape(row.reason or ""),
    )  # fmt: skip


def _more(shown: int, count: int) -> str:
    return f"<p class=note>and {count - shown:,} more, all of them in the CSV</p>" if count > shown else ""


def _runs(report: Report) -> str:
    history = report.history
    if not history.endings:
        return ""
    rows = [(_when(end.at), escape(end.ending.replace("_", " ")), escape(end.message)) for end in history.endings]
    asked = _span(timedelta(seconds=round(history.pause_seconds)))
    pauses = f"The servers asked for {history.pauses:,} pauses, {asked} in all."
    alarms = "".join(f"<p class=bad>{escape(alarm)}</p>" for alarm in history.alarms)
    note = f"<p class=note>{pauses}</p>" if history.pauses else ""
    return f"<section><h2>Runs</h2>{alarms}{note}{_table(('Ended', 'How', ''), rows)}</section>"
