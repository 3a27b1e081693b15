"""The value types that generated models, calls and options are made of."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar, final

import attrs

if TYPE_CHECKING:
    from wren_async.core.display import Printer

T = TypeVar("T")

JSON: TypeAlias = object
"""A decoded JSON value of any shape. Numbers with a fraction are `Decimal`, so nothing is rounded."""


class Value:
    """Comparing, hashing and showing, for attrs classes that are made with `eq=False, repr=False`.

    attrs would write these three methods for each class, which doubles the time of making it; a program loads dozens
    of classes and hardly ever calls them. The attributes of the fields (`eq`, `hash`, `repr`) hold as in attrs.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_get(self, field) == _get(other, field) for field in _fields(self) if field.eq)

    def __hash__(self) -> int:
        hashed = [field for field in _fields(self) if (field.eq if field.hash is None else field.hash)]
        return hash((type(self), *(_get(self, field) for field in hashed)))

    def __repr__(self) -> str:
        shown = [f"{field.alias}={_text(self, field)}" for field in _fields(self) if field.repr]
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def _repr_html_(self) -> str:
        """A table, for notebooks."""
        from wren_async.core.display import html_of

        return html_of(type(self).__qualname__, _shown(self))

    def _repr_pretty_(self, printer: Printer, cycle: bool) -> None:
        """A line an attribute, for IPython's terminal."""
        from wren_async.core.display import pretty_of

        printer.text("..." if cycle else pretty_of(type(self).__qualname__, _shown(self)))

    def __rich_repr__(self) -> Iterator[tuple[str, object]]:
        """The attributes, for `rich`."""
        from wren_async.core.display import rich_of

        yield from rich_of(_shown(self))


def _fields(value: Any) -> tuple[attrs.Attribute[Any], ...]:
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(type(value))
    return fields


def _get(value: object, field: attrs.Attribute[Any]) -> object:
    return getattr(value, field.alias or field.name)


class _Verbatim(str):
    """What a field shows in place of its value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _shown(value: object) -> Iterator[tuple[str, object]]:
    """The attributes that a person may see. A field that shows something else than its value shows that here, too."""
    for field in _fields(value):
        if field.repr:
            held = _get(value, field)
            yield field.alias or field.name, _Verbatim(field.repr(held)) if callable(field.repr) else held


def _text(value: object, field: attrs.Attribute[Any]) -> str:
    show = field.repr if callable(field.repr) else repr
    return show(_get(value, field))


class Unset(enum.Enum):
    """The type of `UNSET`. An enum, because type checkers narrow `is not UNSET` for enums."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET
"""An attribute that was not given and is not sent. `None` is different: it is sent as JSON `null`."""


@final
class _NoExtra(Mapping[str, object]):
    """An empty mapping that all models without unknown fields share, because making one for each costs too much."""

    __slots__ = ()

    def __getitem__(self, name: str) -> object:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and not other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "{}"

    def __reduce__(self) -> str:
        return "NO_EXTRA"


NO_EXTRA: Final[Mapping[str, JSON]] = _NoExtra()
"""No unknown fields."""


def given(value: T | Unset | None) -> T | None:
    """`value`, or `None` where it is unset."""
    return None if value is UNSET else value


class OpenStrEnum(enum.StrEnum):
    """A string enum that keeps values it does not know, because APIs add values.

    An unknown value compares and hashes like its text, but is no member: `known` tells. Type checkers take a `match`
    over the members for complete, so always keep a `case _`.
    """

    @property
    def known(self) -> bool:
        """Whether the contract lists this value."""
        return self._value_ in type(self)._value2member_map_

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        # Not cached: the server decides how many there are, and memory must not grow with them.
        unknown = str.__new__(cls, value)
        unknown._name_ = value
        unknown._value_ = value
        return unknown
