"""From the signature of a generated builder to the words of a command, and from those back to its arguments."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from wren_async.cli.exits import Stop
from wren_async.cli.wording import described, flag_of, in_flags
from wren_async.core.values import Unset

FIRST: Final = 100
"""Rows of a list that pages, where nobody says how many."""
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")


@attrs.frozen(kw_only=True)
class Word:
    """One word of a command: a flag, or an id that stands without one."""

    name: str
    """In the function that the command line calls."""
    argument: str
    """Of the builder."""
    attribute: str | None = None
    """Of the object that the argument takes, where it takes one."""
    model: type[Any] | None = None
    flag: str
    hint: Any
    """What the command line reads by itself; what it reads as text, `read` reads further."""
    read: Callable[[str, Any], object]
    required: bool
    positional: bool
    nullable: bool
    text: str


def words_of_builder(build: Callable[..., object], api: str) -> list[Word]:
    """The words that a builder's arguments are given by."""
    told, hints = described(build), _hints(build)
    arguments = [each for each in inspect.signature(build).parameters.values() if each.kind is not each.VAR_KEYWORD]
    flags = {each.name: flag_of(each.name) for each in arguments}
    found: list[Word] = []
    for each in arguments:
        text = in_flags(told.arguments.get(each.name, ""), flags, api, flags[each.name][2:])
        found += _words(each, _members(hints[each.name]), flags[each.name], text)
    return found


def arguments_of(words: Sequence[Word], given: Mapping[str, object], nulls: Sequence[str]) -> dict[str, object]:
    """The builder's arguments, from what the command was given. Raises `Stop`, in the words of the command line."""
    argument_of = {flag_of(word.argument)[2:]: word.argument for word in words}
    absent = {argument_of[null] for null in nulls}
    found: dict[str, object] = {**dict.fromkeys(absent)}
    parts: dict[str, dict[str, object]] = {}
    for word in words:
        value = given.get(word.name)
        if value is None:
            if word.required and word.argument not in absent:
                raise _missing(word)
        elif word.argument in absent:
            raise Stop(f"{word.flag} is given, and --null for it too; leave one of them out")
        elif word.attribute is None:
            found[word.argument] = word.read(word.flag, value)
        else:
            parts.setdefault(word.argument, {})[word.attribute] = word.read(word.flag, value)
    models = {word.argument: word for word in words if word.attribute is not None}
    return found | {name: _model(models[name], attributes) for name, attributes in parts.items()}


def nullable_names(words: Sequence[Word]) -> list[str]:
    """What `--null` may name."""
    return list(dict.fromkeys(flag_of(each.argument)[2:] for each in words if each.nullable))


def _hints(build: Callable[..., object]) -> dict[str, Any]:
    """The types of the arguments alone: that of the answer would load its models, which no help needs."""
    bare = types.FunctionType(build.__code__, build.__globals__)
    bare.__annotations__ = {name: hint for name, hint in build.__annotations__.items() if name != "return"}
    return typing.get_type_hints(bare)


def _words(parameter: inspect.Parameter, members: list[Any], flag: str, text: str) -> Iterator[Word]:
    positional = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    required = parameter.default is parameter.empty
    nullable = types.NoneType in members
    model = next((each for each in members if isinstance(each, type) and attrs.has(each)), None)
    if model is None:
        if bytes in members:
            flag = "--file"
        hint, read = _kind(members)
        yield Word(
            name=parameter.name,
            argument=parameter.name,
            flag=flag,
            hint=hint,
            read=read,
            required=required,
            positional=positional,
            nullable=nullable,
            text=text,
        )
        return
    hints = typing.get_type_hints(model)
    for field in attrs.fields(model):
        if field.init and field.name != "extra_fields":
            hint, read = _kind(_members(hints[field.name]))
            yield Word(
                name=f"{parameter.name}__{field.name}",
                argument=parameter.name,
                attribute=field.name,
                model=model,
                flag=f"{flag}.{flag_of(field.name)[2:]}",
                hint=hint,
                read=read,
                required=False,
                positional=False,
                nullable=nullable,
                text=text,
            )


def _kind(members: list[Any]) -> tuple[Any, Callable[[str, Any], object]]:
    """What the command line shall read, and what is read from that."""
    choice = next((each for each in members if typing.get_origin(each) is Literal), None)
    if choice is not None:
        return choice, _itself
    if bool in members:
        return bool, _itself
    for kind, reader in ((Decimal, _decimal), (int, _whole), (datetime, _moment), (bytes, _file)):
        if kind in members:
            return (Path if kind is bytes else str), reader
    return str, _itself


def _members(hint: Any) -> list[Any]:
    """The types of a union, without the one that stands for what is left out."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [each for each in typing.get_args(hint) if each is not Unset]
    return [hint]


def _missing(word: Word) -> Stop:
    null = f", or --null {word.flag[2:]} for none" if word.nullable else ""
    return Stop(f"{word.flag} is missing: give it{null}")


def _model(word: Word, attributes: dict[str, object]) -> object:
    model = typing.cast("type[Any]", word.model)
    for field in attrs.fields(model):
        if field.init and field.default is attrs.NOTHING and field.name not in attributes:
            raise Stop(f"{flag_of(word.argument)}.{flag_of(field.name)[2:]} is missing: give it")
    return model(**attributes)


# --- readers --------------------------------------------------------------------------------------------------------


def _itself(flag: str, value: Any) -> object:
    return value


def _whole(flag: str, value: str) -> int:
    if not _WHOLE.fullmatch(value):
        raise Stop(f"{flag} takes a whole number, such as 1000, not {value!r}")
    return int(value)


def _decimal(flag: str, value: str) -> Decimal:
    if not _NUMBER.fullmatch(value):
        raise Stop(f"{flag} takes a number with a point where it has a fraction, such as 10.5, not {value!r}")
    return Decimal(value)


def read_moment(flag: str, value: str) -> datetime:
    """A time with its zone."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Stop(
            f"{flag} takes a time with its zone, such as 2026-01-31T00:00:00Z or 2026-01-31T00:00:00+01:00, not "
            f"{value!r}"
        )
    return moment


_moment: Final = read_moment


def _file(flag: str, value: Path) -> bytes:
    try:
        return value.read_bytes()
    except OSError as error:
        raise Stop(f"{flag} {value}: {error.strerror or error}") from None
