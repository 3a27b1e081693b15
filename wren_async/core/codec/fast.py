"""Twins of the models: what msgspec decodes, and the code that makes the models of it.

msgspec is fastest, and strict about types and unknown fields, where it reads its own Structs. It reads attrs classes
much slower, drops their unknown fields and cannot rename them. So each model has a Struct as its twin, with the names
of the wire, and a function that moves what was decoded from the one to the other.
"""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec

from wren_async.core.codec.newcomers import Newcomers
from wren_async.core.values import NO_EXTRA, UNSET, Unset


class OffTheRoad(Exception):
    """This value, or this type, is for the codec's own road."""


class Reading(msgspec.Struct, frozen=True):
    """How the values of one type are read."""

    twin: Any
    """The type that msgspec decodes."""
    code: str = "v"
    """The model's value as a Python expression: `v` is what was decoded, `raw` the same JSON without types."""
    names: Mapping[str, Any] = {}
    """What the expression refers to: one function for each model in it."""

    def maker(self) -> Callable[..., Any]:
        """The expression as a function of what was decoded and, if unknown fields are kept, of the raw JSON."""
        made: Callable[..., Any] = eval(f"lambda v, raw=None: {self.code}", {**_SCOPE, **self.names})  # noqa: S307
        return made


def reading(form: Any, *, keeps: bool, above: tuple[type, ...] = ()) -> Reading:
    """How `form`, found inside the models `above`, is read, or `OffTheRoad`.

    With `keeps`, unknown fields are kept and remembered. Without, those remembered are kept and others refused.
    """
    if form in _PLAIN:
        return Reading(_PLAIN[form])
    if form is Decimal:
        # For a Decimal, msgspec would take a string too. An untyped number is one already, or an int.
        return Reading(Any, "(v if type(v) is Decimal else number(v))")
    if isinstance(form, type) and issubclass(form, StrEnum):
        return Reading(form)
    if attrs.has(form):
        return _known.get((form, keeps)) or _known.setdefault((form, keeps), _of_model(form, keeps, above))
    origin, arguments = get_origin(form), get_args(form)
    if origin is tuple:
        return _of_tuple(reading(arguments[0], keeps=keeps, above=above), keeps)
    if origin in (dict, Mapping):
        return _of_mapping(reading(arguments[1], keeps=keeps, above=above), keeps)
    if origin in (Union, types.UnionType):
        members = [member for member in arguments if member is not Unset]
        return _of_union([reading(member, keeps=keeps, above=above) for member in members])
    raise OffTheRoad


def learn() -> bool:
    """Whether new fields were met, so that what does not keep them all has to be made again to know them."""
    grown = newcomers.have_grown()
    if grown:
        _known.clear()
    return grown


newcomers: Final = Newcomers()
_known: Final[dict[tuple[type, bool], Reading]] = {}
_numbers: Final = itertools.count(1)
_PLAIN: Final[Mapping[Any, Any]] = {
    str: str,
    int: int,
    bool: bool,
    types.NoneType: None,
    object: Any,
    Any: Any,
    datetime: Annotated[datetime, msgspec.Meta(tz=True)],
}


def _number(value: object) -> Decimal:
    if type(value) is int:
        return Decimal(value)
    raise OffTheRoad


_SCOPE: Final = {"Decimal": Decimal, "number": _number, "UNSET": UNSET, "OffTheRoad": OffTheRoad}


def _of_tuple(item: Reading, keeps: bool) -> Reading:
    if item.code == "v":
        return Reading(types.GenericAlias(tuple, (item.twin, ...)))
    each = "v, raw in zip(v, raw)" if keeps and item.names else "v in v"
    return Reading(types.GenericAlias(list, item.twin), f"tuple([{item.code} for {each}])", item.names)


def _of_mapping(item: Reading, keeps: bool) -> Reading:
    twin = types.GenericAlias(dict, (str, item.twin))
    if item.code == "v":
        return Reading(twin)
    each = "(k, v), raw in zip(v.items(), raw.values())" if keeps and item.names else "k, v in v.items()"
    return Reading(twin, f"{{k: {item.code} for {each}}}", item.names)


def _of_union(members: list[Reading]) -> Reading:
    twin: Any = Union[tuple(member.twin for member in members)]  # noqa: UP007 - of a number known only here
    made = [member for member in members if member.code != "v"]
    if not made:
        return Reading(twin)
    if len([member for member in members if member.twin is not None]) > 1:
        raise OffTheRoad
    code = made[0].code
    return Reading(twin, f"(None if v is None else {code})" if len(members) > 1 else code, made[0].names)


# --- models ---------------------------------------------------------------------------------------------------------


class _Slot(msgspec.Struct, frozen=True):
    """How one attribute of a model is read."""

    attribute: str
    names: tuple[str, ...]
    reading: Reading
    default: object

    @property
    def spellings(self) -> tuple[str, ...]:
        """The fields of the twin that stand for this attribute, one for each name on the wire."""
        return self.attribute, *(f"_{index}_{self.attribute}" for index in range(1, len(self.names)))

    @property
    def required(self) -> bool:
        return self.default is attrs.NOTHING

    def fields(self) -> Iterator[tuple[str, Any] | tuple[str, Any, Any]]:
        if self.required and len(self.names) == 1:
            yield self.attribute, self.reading.twin
            return
        for spelling in self.spellings:
            yield spelling, self.reading.twin | None, None if self.required else self.default

    def lines(self, keeps: bool) -> Iterator[str]:
        """Code that moves the attribute from the twin `s`, of the object `whole`, to the model `m`."""
        first, *others = self.spellings
        yield f"v = s.{first}"
        yield from (f"if v is None: v = s.{other}" for other in others)
        if others and self.required:
            yield "if v is None: raise OffTheRoad"
        if keeps and self.reading.names:
            yield f"raw = whole.get({self.names[0]!r})"
            yield from (f"if raw is None: raw = whole.get({name!r})" for name in self.names[1:])
        yield f"m.{self.attribute} = {self._code()}"

    def _code(self) -> str:
        if self.required or self.reading.code == "v":
            return self.reading.code
        return f"v if v is None or v is UNSET else {self.reading.code}"


def _of_model(model: type, keeps: bool, above: tuple[type, ...]) -> Reading:
    if model in above or hasattr(model, "__attrs_post_init__"):
        raise OffTheRoad
    slots = tuple(_slots(model, keeps, (*above, model)))
    bare = _bare_array(model, slots)
    news = newcomers.of(model) if not keeps and _has_room(model) else ()
    twin: Any = _twin(model, slots, news, keeps)
    name = f"make_{model.__name__}_{next(_numbers)}"
    head = f"def {name}(s, whole):" if keeps else f"def {name}(s):"
    scope: dict[str, Any] = {
        **_SCOPE,
        **{maker: made for slot in slots for maker, made in slot.reading.names.items()},
        "new": object.__new__,
        "Draft": _draft(model),
        "Model": model,
        "Twin": twin,
        "known": frozenset(wire for slot in slots for wire in slot.names),
        "news": news,
        "meet": newcomers.meet,
        "no_extra": NO_EXTRA,
    }
    source = "\n    ".join((head, *_lines(model, slots, bare, len(news), keeps)))
    exec(compile(source, f"<{name}>", "exec"), scope)  # noqa: S102 - of the names of our own attributes
    call = f"{name}(v, raw)" if keeps else f"{name}(v)"
    return Reading(twin if bare is None else bare.reading.twin | twin, call, {name: scope[name]})


def _slots(model: type, keeps: bool, above: tuple[type, ...]) -> Iterator[_Slot]:
    hints = get_type_hints(model)
    for field in attrs.fields(model):
        if field.validator is not None or field.converter is not None:
            raise OffTheRoad
        if "extra" in field.metadata:
            continue
        names = (field.metadata.get("wire", field.name), *field.metadata.get("aliases", ()))
        if field.default not in (attrs.NOTHING, None, UNSET) or (field.default is UNSET and len(names) > 1):
            raise OffTheRoad
        yield _Slot(field.name, names, reading(hints[field.name], keeps=keeps, above=above), field.default)


def _has_room(model: type) -> bool:
    """Whether the model has an attribute for unknown fields."""
    return any("extra" in field.metadata for field in attrs.fields(model))


def _twin(model: type, slots: tuple[_Slot, ...], news: tuple[str, ...], keeps: bool) -> type[msgspec.Struct]:
    # The first spellings go first: msgspec finds a name soonest where the field is the next one.
    fields = sorted((field for slot in slots for field in slot.fields()), key=lambda field: field[0].startswith("_"))
    wire = {spelling: name for slot in slots for spelling, name in zip(slot.spellings, slot.names, strict=True)}
    return msgspec.defstruct(
        model.__name__,
        [*fields, *((_newcomer(index), Any, UNSET) for index in range(len(news)))],
        rename={**wire, **{_newcomer(index): name for index, name in enumerate(news)}},
        forbid_unknown_fields=not keeps,
        kw_only=True,
        gc=False,
    )


def _draft(model: type) -> type:
    """The model while it is written: of the same layout, but not frozen.

    To fill a frozen class through `object.__setattr__` takes several times longer than to fill this one and then to
    tell the object its class.
    """
    thawed = {"__slots__": (), "__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(model.__name__, (model,), thawed)


def _newcomer(index: int) -> str:
    """The field of the twin that stands for a new field."""
    return f"_new_{index}"


def _lines(model: type, slots: tuple[_Slot, ...], bare: _Slot | None, news: int, keeps: bool) -> Iterator[str]:
    """The body of the function that makes a model of its twin `s` and, if fields are kept, of the object `whole`."""
    if bare is not None:
        wrap = f"; whole = {{{bare.names[0]!r}: whole}}" if keeps else ""
        yield f"if type(s) is list: s = Twin({bare.attribute}=s){wrap}"
    yield "m = new(Draft)"
    for slot in slots:
        yield from slot.lines(keeps)
    if _has_room(model):
        yield from _extra_lines(news, keeps)
    yield "m.__class__ = Model"
    yield "return m"


def _extra_lines(news: int, keeps: bool) -> Iterator[str]:
    if not keeps and not news:
        yield "m.extra_fields = no_extra"
        return
    yield "extra = {}"
    if keeps:
        # A comprehension would be a call of its own.
        yield "for k in whole:"
        yield "    if k not in known: extra[k] = whole[k]"
        yield "if extra: meet(Model, extra)"
    for index in range(news):
        yield f"v = s.{_newcomer(index)}"
        yield f"if v is not UNSET: extra[news[{index}]] = v"
    yield "m.extra_fields = extra or no_extra"


def _bare_array(model: type, slots: tuple[_Slot, ...]) -> _Slot | None:
    """The attribute that an array in the place of the whole object stands for."""
    attribute = getattr(model, "__bare_array__", None)
    alone = all(not slot.required for slot in slots if slot.attribute != attribute)
    found = [slot for slot in slots if slot.attribute == attribute and get_origin(slot.reading.twin) is list and alone]
    return found[0] if found else None
