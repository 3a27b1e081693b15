"""Models to plain dicts and JSON, and back, without losing anything: for caches, queues, databases and tests.

Plain data has the API's own names, so that what a server or a webhook sends can be read, and what is written can be
read by whoever knows the API. `attrs.asdict` gives Python's names and values instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import attrs

from wren_async.core import codec
from wren_async.errors import InvalidArgument

ModelT = TypeVar("ModelT", bound=attrs.AttrsInstance)


def to_dict(model: attrs.AttrsInstance) -> dict[str, Any]:
    """A model as a plain dict, under the API's own names.

    Numbers stay `int` and `Decimal`, exactly as they are; times become text in UTC, such as
    `2026-11-21T09:30:00.000000Z`, and enums their text. What is `UNSET` is left out, `None` is kept, and so are the
    fields that the contract does not know. Nothing of the result is shared with the model.

    Raises `InvalidArgument` for what is no model, or holds what JSON cannot hold.
    """
    _check("model", type(model))
    try:
        return cast("dict[str, Any]", codec.plain(model))
    except codec.Unwritable as error:
        raise InvalidArgument("model", f"cannot be written: {error}") from None


def to_json(model: attrs.AttrsInstance) -> str:
    """A model as JSON, under the API's own names. Numbers are written with all their digits.

    Raises `InvalidArgument`, as `to_dict` does.
    """
    _check("model", type(model))
    try:
        return codec.encode(model).decode()
    except codec.Unwritable as error:
        raise InvalidArgument("model", f"cannot be written: {error}") from None


def from_dict(kind: type[ModelT], data: Mapping[str, object]) -> ModelT:
    """Read a plain dict as a model of this class: what `to_dict` gave, or JSON that was read with
    `parse_float=Decimal`.

    Fields that the contract does not know are kept in `extra_fields`. Raises `InvalidArgument`, which names each fault
    by its path, also for a float: it is inexact.
    """
    _check("kind", kind)
    if not isinstance(data, Mapping):
        raise InvalidArgument("data", f"takes a mapping, not {type(data).__name__}")
    try:
        return codec.decode(codec.encode(data), kind)
    except (codec.Unreadable, codec.Unwritable) as error:
        raise InvalidArgument("data", f"is no {kind.__name__}: {error}") from None


def from_json(kind: type[ModelT], text: str | bytes) -> ModelT:
    """Read JSON as a model of this class. Numbers with a fraction are read as `Decimal`, with all their digits.

    Raises `InvalidArgument`, as `from_dict` does.
    """
    _check("kind", kind)
    try:
        return codec.decode(text.encode() if isinstance(text, str) else text, kind)
    except (codec.Unreadable, UnicodeEncodeError) as error:
        raise InvalidArgument("text", f"is no {kind.__name__}: {error}") from None


def _check(argument: str, kind: object) -> None:
    if not isinstance(kind, type) or not attrs.has(kind):
        shown = kind.__name__ if isinstance(kind, type) else repr(kind)
        raise InvalidArgument(argument, f"takes a model such as an Order, not {shown}")
