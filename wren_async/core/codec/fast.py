"""The fast path between bytes and models. Whatever is not certainly right is refused: the strict path reads it again,
and names the faults.

Reading: msgspec reads its own Structs fast, and is strict there about types and unknown fields. It reads attrs classes
much slower, drops their unknown fields and cannot rename their attributes. So each model has a Struct with the names of
the wire, and a function that moves the decoded values from the Struct to the model. Bytes are tried twice: first with
Structs that refuse unknown fields, then with Structs that ignore them. The second time, the same bytes are also read
without types, and the unknown fields are taken from there.

Writing: one walk over the model, which checks each value as it comes by.
"""

from __future__ import annotations

import functools
import itertools
import types
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec

from wren_async.core import numbers
from wren_async.core.values import JSON, NO_EXTRA, UNSET, Unset

T = TypeVar("T")

DEPTH: Final = 64
"""Objects and arrays that may lie within each other. Far deeper ones exceed Python's limit of recursion."""

untyped: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=numbers.exact)
"""Reads JSON without a type: numbers with a fraction become `Decimal`."""


class FastPathRefused(Exception):
    """The fast path cannot read or write this value or this type; the strict path will, or says what is wrong."""


def is_too_deep(value: JSON) -> bool:
    """Whether more than `DEPTH` objects and arrays lie within each other."""
    level: list[Any] = [value]
    for _ in range(DEPTH):
        level = [
            item
            for each in level
            for item in (each.values() if type(each) is dict else each if type(each) is list else ())
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return False
    return True


def can_be_told_in_utc(moment: datetime) -> bool:
    """Whether an aware time still lies within the years that Python knows when it is converted to UTC."""
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


# --- reading --------------------------------------------------------------------------------------------------------


def read(raw: bytes, form: type[T]) -> T:
    """Read `raw` as `form`, or raise `FastPathRefused`."""
    try:
        value: T = _decoder(form, False)(raw)  # type: ignore[arg-type] # a class can be hashed
    except _REFUSALS:
        try:
            value = _decoder(form, True)(raw)  # type: ignore[arg-type]
        except _REFUSALS:
            raise FastPathRefused from None
    return value


_REFUSALS: Final = (FastPathRefused, msgspec.MsgspecError, ArithmeticError, RecursionError, UnicodeDecodeError)


@functools.cache
def _decoder(form: Any, keeps: bool) -> Callable[[bytes], Any]:
    """Reads bytes, and keeps unknown fields or refuses them. It raises any of `_REFUSALS`."""
    try:
        found = _reading(form, keeps, ())
        decode: Callable[[bytes], Any] = msgspec.json.Decoder(found.struct, float_hook=numbers.exact).decode
    except (FastPathRefused, TypeError, RecursionError):
        return _refuse
    make = found.maker()
    if keeps:
        return lambda raw: make(decode(raw), untyped.decode(raw))
    return lambda raw: make(decode(raw))


def _refuse(_: bytes) -> object:
    raise FastPathRefused


class _Reading(msgspec.Struct, frozen=True):
    """How the values of one type are read."""

    struct: Any
    """The type that msgspec decodes."""
    code: str = "v"
    """The model's value as a Python expression: `v` is what was decoded, `raw` the same JSON without types."""
    names: Mapping[str, Any] = {}
    """What the expression refers to: one function for each model in it."""

    def maker(self) -> Callable[..., Any]:
        """The expression as a function of what was decoded and, if unknown fields are kept, of the raw JSON."""
        made: Callable[..., Any] = eval(f"lambda v, raw=None: {self.code}", {**_SCOPE, **self.names})  # noqa: S307
        return made


def _reading(form: Any, keeps: bool, above: tuple[type, ...]) -> _Reading:
    """How `form`, found inside the models `above`, is read, or `FastPathRefused`."""
    if form in _PLAIN:
        return _Reading(_PLAIN[form])
    if form is Decimal:
        # For a Decimal, msgspec would take a string too. An untyped number is one already, or an int.
        return _Reading(Any, "(v if type(v) is Decimal else number(v))")
    if form is datetime:
        return _Reading(Annotated[datetime, msgspec.Meta(tz=True)], "(v if 1 < v.year < 9999 else edge_of_time(v))")
    if form in (object, Any):
        return _Reading(Any, "(v if type(v) not in containers else shallow(v))")
    if isinstance(form, type) and issubclass(form, StrEnum):
        return _Reading(form)
    if attrs.has(form):
        return _known.get((form, keeps)) or _known.setdefault((form, keeps), _of_model(form, keeps, above))
    origin, arguments = get_origin(form), get_args(form)
    if origin is tuple:
        return _of_tuple(_reading(arguments[0], keeps, above), keeps)
    if origin in (dict, Mapping):
        return _of_mapping(_reading(arguments[1], keeps, above), keeps)
    if origin in (Union, types.UnionType):
        # Of an int or a Decimal, only the int is read here: fractions of a cent are rare.
        left_out = (Unset, Decimal) if int in arguments else (Unset,)
        return _of_union([_reading(member, keeps, above) for member in arguments if member not in left_out])
    raise FastPathRefused


_known: Final[dict[tuple[type, bool], _Reading]] = {}
_counter: Final = itertools.count(1)
_PLAIN: Final[Mapping[Any, Any]] = {
    str: str,
    int: Annotated[int, msgspec.Meta(ge=numbers.SMALLEST_INT, le=numbers.LARGEST_INT)],
    bool: bool,
    types.NoneType: None,
}


def _number(value: object) -> Decimal:
    if type(value) is int:
        return numbers.exact(value)
    raise FastPathRefused


def _edge_of_time(moment: datetime) -> datetime:
    if not can_be_told_in_utc(moment):
        raise FastPathRefused
    return moment


def _shallow(value: object) -> object:
    if is_too_deep(value):
        raise FastPathRefused
    return value


_SCOPE: Final = {
    "Decimal": Decimal,
    "number": _number,
    "containers": (dict, list),
    "edge_of_time": _edge_of_time,
    "shallow": _shallow,
    "UNSET": UNSET,
    "FastPathRefused": FastPathRefused,
}


def _of_tuple(item: _Reading, keeps: bool) -> _Reading:
    if item.code == "v":
        return _Reading(types.GenericAlias(tuple, (item.struct, ...)))
    each = "v, raw in zip(v, raw)" if keeps and item.names else "v in v"
    return _Reading(types.GenericAlias(list, item.struct), f"tuple([{item.code} for {each}])", item.names)


def _of_mapping(item: _Reading, keeps: bool) -> _Reading:
    struct = types.GenericAlias(dict, (str, item.struct))
    if item.code == "v":
        return _Reading(struct)
    each = "(k, v), raw in zip(v.items(), raw.values())" if keeps and item.names else "k, v in v.items()"
    return _Reading(struct, f"{{k: {item.code} for {each}}}", item.names)


def _of_union(members: list[_Reading]) -> _Reading:
    struct: Any = Union[tuple(member.struct for member in members)]  # noqa: UP007 - of a number known only here
    made = [member for member in members if member.code != "v"]
    if not made:
        return _Reading(struct)
    if len([member for member in members if member.struct is not None]) > 1:
        raise FastPathRefused
    code = made[0].code
    return _Reading(struct, f"(None if v is None else {code})" if len(members) > 1 else code, made[0].names)


# --- reading models -------------------------------------------------------------------------------------------------


class _FieldReading(msgspec.Struct, frozen=True):
    """How one attribute of a model is read."""

    attribute: str
    names: tuple[str, ...]
    reading: _Reading
    default: object

    @property
    def spellings(self) -> tuple[str, ...]:
        """The Struct's fields that stand for this attribute, one for each name on the wire."""
        return self.attribute, *(f"_{index}_{self.attribute}" for index in range(1, len(self.names)))

    @property
    def required(self) -> bool:
        return self.default is attrs.NOTHING

    def fields(self) -> Iterator[tuple[str, Any] | tuple[str, Any, Any]]:
        if self.required and len(self.names) == 1:
            yield self.attribute, self.reading.struct
            return
        for spelling in self.spellings:
            yield spelling, self.reading.struct | None, None if self.required else self.default

    def lines(self, keeps: bool) -> Iterator[str]:
        """Code that moves the attribute from the Struct `s`, of the object `whole`, to the model `m`."""
        first, *others = self.spellings
        yield f"v = s.{first}"
        yield from (f"if v is None: v = s.{other}" for other in others)
        if others and self.required:
            yield "if v is None: raise FastPathRefused"
        if keeps and self.reading.names:
            yield f"raw = whole.get({self.names[0]!r})"
            yield from (f"if raw is None: raw = whole.get({name!r})" for name in self.names[1:])
        yield f"m.{self.attribute} = {self._code()}"

    def _code(self) -> str:
        if self.required or self.reading.code == "v":
            return self.reading.code
        return f"v if v is None or v is UNSET else {self.reading.code}"


def _of_model(model: type, keeps: bool, above: tuple[type, ...]) -> _Reading:
    if model in above or hasattr(model, "__attrs_post_init__"):
        raise FastPathRefused
    fields = tuple(_field_readings(model, keeps, (*above, model)))
    bare = _bare_array(model, fields)
    struct: Any = _struct(model, fields, keeps)
    name = f"make_{model.__name__}_{next(_counter)}"
    scope: dict[str, Any] = {
        **_SCOPE,
        **{maker: made for field in fields for maker, made in field.reading.names.items()},
        "new": object.__new__,
        "Draft": _draft(model),
        "Model": model,
        "Struct": struct,
        "known": frozenset(wire for field in fields for wire in field.names),
        "no_extra": NO_EXTRA,
    }
    head = f"def {name}(s, whole):" if keeps else f"def {name}(s):"
    source = "\n    ".join((head, *_lines(model, fields, bare, keeps)))
    exec(compile(source, f"<{name}>", "exec"), scope)  # noqa: S102 - of the names of our own attributes
    call = f"{name}(v, raw)" if keeps else f"{name}(v)"
    return _Reading(struct if bare is None else bare.reading.struct | struct, call, {name: scope[name]})


def _field_readings(model: type, keeps: bool, above: tuple[type, ...]) -> Iterator[_FieldReading]:
    hints = get_type_hints(model)
    for field in attrs.fields(model):
        if field.validator is not None or field.converter is not None:
            raise FastPathRefused
        if "extra" in field.metadata:
            continue
        names = (field.metadata.get("wire", field.name), *field.metadata.get("aliases", ()))
        if field.default not in (attrs.NOTHING, None, UNSET) or (field.default is UNSET and len(names) > 1):
            raise FastPathRefused
        yield _FieldReading(field.name, names, _reading(hints[field.name], keeps, above), field.default)


def _struct(model: type, fields: tuple[_FieldReading, ...], keeps: bool) -> type[msgspec.Struct]:
    # The first spellings go first: msgspec finds a name soonest where the field is the next one.
    ordered = sorted((each for field in fields for each in field.fields()), key=lambda each: each[0].startswith("_"))
    return msgspec.defstruct(
        model.__name__,
        ordered,
        rename={spelling: name for each in fields for spelling, name in zip(each.spellings, each.names, strict=True)},
        forbid_unknown_fields=not keeps,
        kw_only=True,
        gc=False,
    )


def _draft(model: type) -> type:
    """The model's class while an object is filled: of the same layout, but not frozen.

    To fill an object of a frozen class by `object.__setattr__` takes several times longer than to fill one of this
    class, and to set its `__class__` to the model at the end.
    """
    thawed = {"__slots__": (), "__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(model.__name__, (model,), thawed)


def _lines(model: type, fields: tuple[_FieldReading, ...], bare: _FieldReading | None, keeps: bool) -> Iterator[str]:
    """The body of the function that makes a model of its Struct `s` and, if fields are kept, of the object `whole`."""
    if bare is not None:
        wrap = f"; whole = {{{bare.names[0]!r}: whole}}" if keeps else ""
        yield f"if type(s) is list: s = Struct({bare.attribute}=s){wrap}"
    yield "m = new(Draft)"
    for field in fields:
        yield from field.lines(keeps)
    if any("extra" in field.metadata for field in attrs.fields(model)):
        if keeps:
            # A loop, because a comprehension would be a call more (in Python 3.11).
            yield "extra = {}"
            yield "for k in whole:"
            yield "    if k not in known: extra[k] = x if type(x := whole[k]) not in containers else shallow(x)"
            yield "m.extra_fields = extra or no_extra"
        else:
            yield "m.extra_fields = no_extra"
    yield "m.__class__ = Model"
    yield "return m"


def _bare_array(model: type, fields: tuple[_FieldReading, ...]) -> _FieldReading | None:
    """The attribute to which an array belongs that was sent in the place of the whole object, if the model has one."""
    attribute = getattr(model, "__bare_array__", None)
    alone = all(not field.required for field in fields if field.attribute != attribute)
    found = [
        field for field in fields if field.attribute == attribute and get_origin(field.reading.struct) is list and alone
    ]
    return found[0] if found else None


# --- writing --------------------------------------------------------------------------------------------------------


def plain(value: object) -> JSON:
    """A model, or any JSON value, as plain JSON: under its names on the wire, without unset attributes.

    Raises `FastPathRefused` for a float, a number out of bounds, an `UNSET` that would be sent, or an unknown class.
    """
    kind: Any = type(value)
    return value if kind in _AS_IT_IS else _writer(kind)(value)


def instant(moment: datetime) -> str:
    """A time as both APIs write it: UTC with six digits and a `Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


_AS_IT_IS: Final = frozenset({str, bool, types.NoneType})


@functools.cache
def _writer(kind: type) -> Callable[[Any], JSON]:
    if kind in _WRITERS:
        return _WRITERS[kind]
    if attrs.has(kind):
        return _model_writer(kind)
    if issubclass(kind, Enum) and kind is not type(UNSET):
        return lambda member: plain(member._value_)
    if issubclass(kind, Mapping):
        return _object
    raise FastPathRefused


def _bounded(number: int | Decimal) -> int | Decimal:
    if not numbers.is_bounded(number):
        raise FastPathRefused
    return number


def _object(value: Mapping[str, object]) -> dict[str, JSON]:
    written = {name: plain(item) for name, item in value.items()}
    if not all(type(name) is str for name in written):
        raise FastPathRefused
    return written


def _array(value: list[object] | tuple[object, ...]) -> list[JSON]:
    return [plain(item) for item in value]


_WRITERS: Final[Mapping[type, Callable[[Any], JSON]]] = {
    int: _bounded,
    Decimal: _bounded,
    datetime: instant,
    dict: _object,
    list: _array,
    tuple: _array,
}


def _model_writer(model: type) -> Callable[[Any], JSON]:
    fields = [field for field in attrs.fields(model) if "extra" not in field.metadata]
    written_as = [(field.name, field.metadata.get("wire", field.name), field.default is UNSET) for field in fields]
    keeps = len(fields) < len(attrs.fields(model))

    def write(value: Any) -> dict[str, JSON]:
        written: dict[str, JSON] = {}
        for attribute, name, optional in written_as:
            item = getattr(value, attribute)
            kind: Any = type(item)
            if item is UNSET:
                if not optional:
                    raise FastPathRefused
            elif kind in _AS_IT_IS:
                written[name] = item
            else:
                written[name] = _writer(kind)(item)
        if keeps and value.extra_fields:
            written.update(_object(value.extra_fields))
        return written

    return write
