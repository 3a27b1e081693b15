"""Answers as JSON, as CSV, or as a table. Of what a server says, nothing steers a terminal or a spreadsheet."""

from __future__ import annotations

import csv
import enum
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from wren_async.batch.report.escaping import cell
from wren_async.batch.report.wording import count
from wren_async.cli import terminal
from wren_async.cli.columns import columns_of, pairs_of
from wren_async.core import codec


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
        _show_one(flat[0])
    else:
        left_out = terminal.show_columns(terminal.output(), columns_of(flat))
        if left_out:
            terminal.say(terminal.errors(), f"not shown here: {', '.join(left_out)}; --json and --csv have all")
        terminal.say(terminal.errors(), count(len(flat), "row"))


def _show_one(answer: Mapping[str, object]) -> None:
    terminal.show(terminal.output(), terminal.pairs(pairs_of(answer)))
    shortened = [name for name, value in answer.items() if isinstance(value, list) and any(map(_is_object, value))]
    if shortened:
        terminal.say(terminal.errors(), f"told in short: {', '.join(shortened)}; --json has all of it")


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


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


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return format(value, "f") if isinstance(value, Decimal) else codec.encode(value).decode()


def _cell(value: object) -> str:
    text = _text(value)
    return text if isinstance(value, int | Decimal) else cell(text)
