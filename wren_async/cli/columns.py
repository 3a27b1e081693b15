"""Which columns of an answer a table shows, and how: what people look for first, in their units. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeAlias

import attrs
from rich.cells import cell_len

_Test: TypeAlias = Callable[[Sequence[str], Sequence[object]], bool]
"""Whether a column of these words and values is of some kind."""

GAP: Final = 2
"""Spaces between two columns."""
_TEXT: Final = 20
"""Columns of the terminal that a text has at least; it is folded where it is longer."""
_FEWEST: Final = 3
"""Columns of a table. Where fewer fit, each row is better shown below the other."""
_LONGEST: Final = 50
"""Digits of a number that is written out."""
_NOTHING: Final = frozenset({"", "–"})
_SHORT: Final = 40
"""Characters of a value of an object within a list, of which a line tells what is short."""
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_IN_CENTS: Final = ("paid by customer", "credits remaining", "credit balance")
"""What Wren calls amounts that are in US cents without saying so in their names."""


@attrs.frozen(kw_only=True)
class Column:
    """A column of a table, with its cells as they are shown."""

    name: str
    """By which the other forms of an answer have it."""
    head: str
    cells: Sequence[str]
    right: bool = False
    folds: bool = False
    """Whether its cells may take several lines."""

    @property
    def width(self) -> int:
        """Columns of the terminal that it takes."""
        return max(map(cell_len, [*self.head.split(), *self.cells]), default=0)


@attrs.frozen(kw_only=True)
class Fitted:
    """The columns that a terminal has room for."""

    columns: Sequence[tuple[Column, int]]
    """Each with its width."""
    left_out: Sequence[str]

    @property
    def is_table(self) -> bool:
        """Whether enough of them fit for a table to be of use."""
        return len(self.columns) >= min(_FEWEST, len(self.columns) + len(self.left_out))


def columns_of(rows: Sequence[Mapping[str, object]]) -> list[Column]:
    """The columns that rows have values for, those that people look for first in front. Lists within rows are left."""
    names = dict.fromkeys(name for row in rows for name, value in row.items() if value is not None)
    kinds = {name: _kind(name, values) for name in names if not _has_list(values := [row.get(name) for row in rows])}
    identity = "id" if "id" in kinds else next((name for name, kind in kinds.items() if kind == "other id"), None)
    ranked = sorted(kinds, key=lambda name: -1 if name == identity else _ORDER.index(kinds[name]))
    return [column_of(name, rows) for name in ranked]


def column_of(name: str, rows: Sequence[Mapping[str, object]]) -> Column:
    """One column: money in dollars, times in UTC, numbers with their points below each other."""
    values = [row.get(name) for row in rows]
    words, present = words_of(name), [value for value in values if value is not None]
    if is_money(name, rows[0]) and all(map(_is_number, present)):
        head = " ".join(word for word in words if word not in ("usd", "cents", "in")) or name
        return Column(name=name, head=head, cells=_dollars(values), right=True)
    head = " ".join(words)
    if present and all(map(_is_time, present)):
        return Column(name=name, head=f"{head} (UTC)", cells=[_moment(value) for value in values])
    if present and all(map(_is_number, present)):
        return Column(name=name, head=head, cells=_aligned(values), right=True)
    cells = [plain_text(value) for value in values]
    return Column(name=name, head=head, cells=cells, folds=_has_spaces(cells))


def fitted(columns: Sequence[Column], width: int, first: Sequence[str] = ()) -> Fitted:
    """As many columns as there is room for: those that are named first, and then the others as they stand."""
    order = sorted(range(len(columns)), key=lambda place: _place_of(columns[place].name, first))
    left, taken = width, dict[int, int]()
    for place in order:
        column = columns[place]
        least = min(column.width, _TEXT) if column.folds else column.width
        if least + (GAP if taken else 0) <= left:
            left -= least + (GAP if taken else 0)
            taken[place] = least
    for place in taken:
        more = min(left, columns[place].width - taken[place])
        taken[place] += more
        left -= more
    return Fitted(
        columns=[(column, taken[place]) for place, column in enumerate(columns) if place in taken],
        left_out=[column.name for place, column in enumerate(columns) if place not in taken],
    )


def _place_of(name: str, first: Sequence[str]) -> int:
    return first.index(name) if name in first else len(first)


def columns_from(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> list[Column]:
    """Columns of texts that are made already, without those of which every cell says nothing."""
    right, cells = set(numbers), list(zip(*rows, strict=True))
    return [
        Column(name=head, head=head, cells=texts, right=place in right, folds=_has_spaces(texts))
        for place, (head, texts) in enumerate(zip(heads, cells, strict=False))
        if not _NOTHING.issuperset(texts)
    ]


def words_of(name: str) -> list[str]:
    """The words of a name on the wire: `createdAt` and `created_at` have the same."""
    return [word.lower() for word in _WORD.findall(name)]


def is_money(name: str, row: Mapping[str, object]) -> bool:
    """Whether a value of this name is in US cents: by its name, or by the currency beside it."""
    words = words_of(name.rpartition(".")[2])
    if words[-1:] == ["cents"] or " ".join(words).endswith(_IN_CENTS):
        return True
    return words == ["amount", "charged"] and str(row.get("currency", "")).lower() == "usd"


def pairs_of(answer: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """An answer that is one thing, with a line for each value and for each row of a list within it."""
    for name, value in answer.items():
        if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            heads = [" ".join(words_of(name)), *[""] * len(value)]
            yield from zip(heads, map(plain_text, value), strict=False)
        elif value is not None and value != []:
            column = column_of(name, [answer])
            yield column.head, column.cells[0].strip()


def plain_text(value: object) -> str:
    """A value that is neither money nor a time, as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return _written_out(value)
    if isinstance(value, Mapping):
        told = {name: plain_text(each) for name, each in value.items() if not isinstance(each, list | Mapping)}
        short = {name: text for name, text in told.items() if 0 < len(text) <= _SHORT}
        return ", ".join(f"{' '.join(words_of(name))} {text}" for name, text in short.items())
    if isinstance(value, list):
        return ", ".join(map(plain_text, value))
    return str(value)


# --- what comes first -----------------------------------------------------------------------------------------------


def _named(*names: str) -> _Test:
    return lambda words, values: " ".join(words) in names


def _ending(*names: str) -> _Test:
    return lambda words, values: any(word in names for word in words[-1:])


def _all(test: Callable[[object], bool]) -> _Test:
    return lambda words, values: all(test(value) for value in values if value is not None)


def _kind(name: str, values: Sequence[object]) -> str:
    """What a column is: the first of the kinds that fits, or else text."""
    words = words_of(name.rpartition(".")[2])
    return next((kind for kind, fits in _KINDS if fits(words, values)), "text")


def _has_spaces(cells: Sequence[str]) -> bool:
    return any(" " in cell.strip() for cell in cells)


def _has_list(values: Sequence[object]) -> bool:
    return any(isinstance(value, list) for value in values)


# --- cells ----------------------------------------------------------------------------------------------------------


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_time(value: object) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def _is_url(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def _moment(value: object) -> str:
    if value is None:
        return ""
    try:
        return f"{datetime.fromisoformat(str(value)).astimezone(UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):  # a server may name a day that no calendar has
        return str(value)


def _dollars(values: Sequence[object]) -> list[str]:
    """Cents as dollars, all with as many digits after the point as the longest needs."""
    amounts = [None if value is None else Decimal(str(value)).scaleb(-2) for value in values]
    digits = max([_digits(each) for each in amounts if each is not None] + [2])
    return ["" if each is None else f"{'-' if each < 0 else ''}${abs(each):,.{digits}f}" for each in amounts]


def _aligned(values: Sequence[object]) -> list[str]:
    """Numbers with spaces after them, so that their points stand below each other."""
    texts = [plain_text(value) for value in values]
    behind = [len(text.partition(".")[1] + text.partition(".")[2]) for text in texts]
    return [text + " " * (max(behind) - size) for text, size in zip(texts, behind, strict=True)]


def _written_out(number: int | Decimal) -> str:
    """Without an exponent, unless a server names a number that nobody could read written out."""
    exact = Decimal(number)
    return format(exact, "f") if exact.is_finite() and abs(exact.adjusted()) < _LONGEST else str(exact)


def _digits(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


_KINDS: Final[tuple[tuple[str, _Test], ...]] = (
    ("label", _named("name", "title")),
    ("state", _named("state", "status", "type", "kind")),
    ("other id", _ending("id")),
    ("mass", _ending("kg", "tons", "trees")),
    ("money", _ending("cents", "customer", "charged", "remaining", "balance")),
    ("time", _all(_is_time)),
    ("note", _named("description", "note")),
    ("flag", _all(lambda value: isinstance(value, bool))),
    ("number", _all(_is_number)),
    ("url", _all(_is_url)),
)
_ORDER: Final = ("label", "state", "mass", "money", "time", "note", "number", "text", "flag", "other id", "url")
"""In which order they are shown."""
