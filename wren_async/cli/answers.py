"""Answers as JSON, as CSV, or as a table. Of what a server says, nothing steers a terminal or a spreadsheet."""

from __future__ import annotations

import csv
import enum
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from wren_async.batch.report.escaping import cell
from wren_async.cli import terminal
from wren_async.core import codec

_COLUMNS: Final = 8
"""Columns of a table; the other forms have all of them."""


class Form(enum.Enum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def show_answer(answer: object, form: Form, rows: str | None) -> None:
    """Write an answer; nothing where there is none."""
    if answer is None:
        return
    if form is Form.JSON:
        terminal.write(as_json(answer))
        return
    listed = rows_of(answer, rows)
    flat = [flattened(each) for each in ([answer] if listed is None else listed)]
    if form is Form.CSV:
        terminal.write(as_csv(flat))
    elif listed is None:
        terminal.show(terminal.output(), terminal.table(("", ""), [(k, _text(v)) for k, v in flat[0].items()]))
    else:
        if flat:
            terminal.show(terminal.output(), _table(flat))
        terminal.say(terminal.errors(), "1 row" if len(flat) == 1 else f"{len(flat):,} rows")


def as_json(answer: object) -> str:
    """JSON by the API's own names. What could steer a terminal is escaped, as JSON can escape everything."""
    text = msgspec.json.format(codec.encode(answer), indent=2).decode()
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text) + "\n"


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """CSV with a column for each attribute that any row has. What is text is no formula."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(cell, names))
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return file.getvalue()


def rows_of(answer: object, attribute: str | None) -> Sequence[Any] | None:
    """The rows of a list, or `None` for an answer that is one thing."""
    found = answer if attribute is None or isinstance(answer, list | tuple) else getattr(answer, attribute, None)
    return found if isinstance(found, list | tuple) else None


def flattened(answer: object) -> dict[str, object]:
    """The attributes of an answer, those of objects within it by a path with points."""
    value = codec.parse(codec.encode(answer))
    return dict(_leaves("", value)) if isinstance(value, Mapping) else {"value": value}


def _leaves(path: str, value: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    for name, each in value.items():
        if isinstance(each, Mapping):
            yield from _leaves(f"{path}{name}.", each)
        else:
            yield f"{path}{name}", each


def _table(rows: Sequence[Mapping[str, object]]) -> Any:
    names = dict.fromkeys(name for row in rows for name, value in row.items() if value is not None)
    shown = [name for name in names if not any(isinstance(row.get(name), list) for row in rows)][:_COLUMNS]
    numbers = [place for place, name in enumerate(shown) if all(_is_number(row.get(name)) for row in rows)]
    return terminal.table(shown, [[_text(row.get(name)) for name in shown] for row in rows], numbers=numbers)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | Decimal) and not isinstance(value, bool))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return format(value, "f") if isinstance(value, Decimal) else codec.encode(value).decode()


def _cell(value: object) -> str:
    text = _text(value)
    return text if _is_number(value) else cell(text)
