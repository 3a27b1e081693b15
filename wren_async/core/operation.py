"""Operations and calls: what the contract says of an operation, and one use of it with its arguments.

A `Call` is a plain value. It needs no client and does no I/O; a client's `send` does something with it.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterable, Mapping
from typing import Generic, Literal, NamedTuple, TypeAlias, TypedDict, TypeVar

import attrs

from wren_async._lazy import Lazy
from wren_async.core.policy import RetryPolicy
from wren_async.core.values import JSON, UNSET, Unset, Value

T = TypeVar("T")

Body: TypeAlias = "bytes | AsyncIterable[bytes] | attrs.AttrsInstance | JSON"
"""What a call sends: a generated request model, any JSON value, bytes, or a stream of bytes."""


class Effect(enum.StrEnum):
    """What an operation does, from which follows what a repeat of it would do."""

    READ = "read"
    COMPUTE = "compute"
    """Calculates something, such as a quote, and keeps nothing."""
    REPEATABLE = "repeatable"
    """A write whose repeat leaves everything as the first left it, such as a full replacement."""
    KEYED = "keyed"
    """A write that the server recognises by its idempotency key when it comes again."""
    ONCE = "once"
    """A write that acts a second time when it is sent a second time. It must not be."""

    @property
    def writes(self) -> bool:
        """Whether something on the server is changed."""
        return self not in (Effect.READ, Effect.COMPUTE)


class When(NamedTuple):
    """The value of a body attribute that turns a `once` operation into a `compute` one, such as a dry run."""

    attribute: str
    value: JSON


class ReferenceField(NamedTuple):
    """The body attribute in which a caller's reference travels."""

    attribute: str
    max_length: int | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Operation(Value, Generic[T]):
    """What the contract states of one operation. `T` is what a success is decoded into."""

    id: str
    method: str
    path: str
    """Path template below the base URL, such as `/orders/{id}`."""
    _answer: type[T] | Lazy[type[T]] = attrs.field(alias="answer")
    effect: Effect = Effect.ONCE
    compute_when: When | None = None
    spends: bool = False
    """Whether carrying it out spends money, unless `compute_when` says that it only calculates."""
    content_type: str | None = None
    """Media type of the request body; `None` where there is none."""
    credentials: Literal["required", "optional", "none"] = "required"
    idempotency_header: str | None = None
    subaccount_header: str | None = None
    reference: ReferenceField | None = None
    deprecated: str | None = None
    """What to use instead, where the API has deprecated the operation."""

    @property
    def answer(self) -> type[T]:
        """What a success is decoded into: `bytes` for an answer that is not JSON, `NoneType` for one without a body."""
        return self._answer.value if isinstance(self._answer, Lazy) else self._answer


class CallOptions(TypedDict, total=False):
    """Options that every operation takes beside its own arguments."""

    timeout: float | None
    """Seconds for one attempt; `None` for no limit but the deadline."""
    deadline: float | None
    """Seconds for the call with all its attempts and waits."""
    retries: RetryPolicy | int
    """How often to try again, or a whole policy."""
    headers: Mapping[str, str]
    """Further request headers. Credentials are the client's and cannot be given here."""
    max_answer_bytes: int
    """Bytes that the answer's body may have, after decompression. Unless set: 1 MiB for a write or a quote, 32 MiB for
    what is read, 64 MiB for a document. A longer answer is a `DecodeError`, or to a write an `OutcomeUnknown`."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Call(Value, Generic[T]):
    """One logical call: an operation with its arguments. Send it with `client.send(call)`.

    Each `send` is a new logical call, unless the call carries an idempotency key: then sending it again repeats it.
    """

    operation: Operation[T]
    path: Mapping[str, str] = attrs.field(factory=dict[str, str])
    query: Mapping[str, object] = attrs.field(factory=dict[str, object])
    body: Body | Unset = UNSET
    content_type: str | None = None
    """Media type of the body where it differs from the operation's."""
    idempotency_key: str | Unset = UNSET
    subaccount_id: str | Unset | None = UNSET
    """`UNSET` takes the client's subaccount, `None` the parent account."""
    reference: str | Unset | None = UNSET
    """`UNSET` lets the client make one for a `once` write; `None` sends none."""
    timeout: float | Unset | None = UNSET
    deadline: float | Unset | None = UNSET
    retries: RetryPolicy | int | Unset = UNSET
    max_answer_bytes: int | Unset = UNSET
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=lambda headers: str(sorted(headers)))
