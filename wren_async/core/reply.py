"""A reply: the typed value of a call beside everything else that its answer said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

import attrs

from wren_async.core.operation import Call
from wren_async.core.reference import attach
from wren_async.core.values import UNSET

T_co = TypeVar("T_co", covariant=True)


@attrs.frozen(kw_only=True)
class Reply(Generic[T_co]):
    """What came back to a call."""

    value: T_co
    """The decoded body."""
    url: str
    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Names in lower case."""
    body: bytes = attrs.field(repr=False)
    """The body as it came."""
    attempts: int
    """Attempts made, the first included."""
    replayed: bool
    """Whether the server repeated the answer to an earlier request with the same idempotency key."""
    call: Call[T_co]
    """The call as it was sent, with its idempotency key and reference."""

    @property
    def altered(self) -> dict[str, tuple[object, object]]:
        """Attributes that were asked for and answered otherwise: name to (asked, answered).

        An order for 100.5 kg that is answered with 100 kg shows here.
        """
        asked, answered = self.call.body, self.value
        kind = type(asked)
        if not attrs.has(kind):
            return {}
        pairs = {
            field.name: (self._sent(field.name, getattr(asked, field.name)), getattr(answered, field.name, None))
            for field in attrs.fields(kind)
            if "extra" not in field.metadata
        }
        return {name: (a, b) for name, (a, b) in pairs.items() if a is not UNSET and b is not None and a != b}

    def _sent(self, name: str, asked: object) -> object:
        """What was sent for an attribute: where the text carries the reference, it begins with that."""
        field, reference = self.call.operation.reference, self.call.reference
        if field is None or name != field.attribute or not isinstance(asked, str) or not isinstance(reference, str):
            return asked
        return attach(asked, reference, attribute=name, max_length=field.max_length)
