"""What a client tells of its calls while they go on, for metrics, traces and whatever else watches.

A client is made with `telemetry=`: a function that is called with each `CallBegan` and returns the `CallEvents` of that
call, or `None` to see no more of it. A class derived from `CallEvents` that takes a `CallBegan` is such a function.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs

from wren_async.core.operation import Effect
from wren_async.core.values import Value
from wren_async.errors import APIError, CallError, NotSent, OutcomeUnknown


# Not frozen, because each call makes some of them, and a frozen one takes three times as long to make.
@attrs.define(kw_only=True, eq=False, repr=False)
class CallBegan(Value):
    """A call that is about to be sent."""

    operation: str
    """Id of the operation, such as `createOrder`."""
    method: str
    path: str
    """Path template of the operation, such as `/orders/{id}`: there are as many as operations."""
    url: str
    """Address of the call, without its query."""
    effect: Effect
    """What the call does; a dry run computes."""
    spends: bool
    """Whether it is an order, a payment or a top-up: carrying it out spends money."""
    reference: str | None
    """The reference that it carries, if any."""
    keyed: bool
    """Whether it carries an idempotency key."""


@attrs.define(kw_only=True, eq=False, repr=False)
class AttemptBegan(Value):
    """An attempt that is about to be handed to the HTTP library."""

    number: int
    """1 for the first attempt of a call."""
    waited: float
    """Seconds at the client's limiter, before the attempt could begin."""
    in_flight: int
    """Exchanges of the client, and of its copies, that are under way now, this one included."""
    waiting: int
    """Calls that wait at the limiter now."""


@attrs.define(kw_only=True, eq=False, repr=False)
class AttemptEnded(Value):
    """One attempt of a call, after it has ended."""

    operation: str
    """Id of the operation, such as `createOrder`."""
    number: int
    """1 for the first attempt of a call."""
    status: int | None
    """Status of the answer, if there was one."""
    reason: str
    """Why no whole answer came; empty where one did. One line, without any token."""
    error_type: str | None
    """`None` after a success; else the status, `timeout`, `aborted`, `unreadable`, or the class of the exception."""
    unsent: bool
    """Proof that nothing was sent."""
    waited: float
    """Seconds at the client's limiter, before the attempt could begin."""
    took: float
    """Seconds from there to its end."""
    in_flight: int
    """Exchanges of the client, and of its copies, that are under way now."""
    waiting: int
    """Calls that wait at the limiter now."""


@attrs.define(kw_only=True, eq=False, repr=False)
class Retry(Value):
    """Another attempt follows after a wait."""

    number: int
    """Number of the attempt that follows: 2 for the first repeat."""
    wait: float
    """Seconds until then, if a place at the limiter is free."""


class CallOutcome(enum.StrEnum):
    """What came of a call."""

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    """The server answered with an error. A write was not carried out."""
    NOT_SENT = "not_sent"
    """Proof that the server got nothing."""
    UNKNOWN = "unknown"
    """A write that may have been carried out: `OutcomeUnknown`."""
    FAILED = "failed"
    """No answer, or none that was understood, to a call that changes nothing."""
    CANCELLED = "cancelled"
    """The caller was cancelled, and nothing of a write had been sent."""

    @classmethod
    def of(cls, error: CallError | None) -> CallOutcome:
        """The outcome of a call that ended with this error, or with none."""
        match error:
            case None:
                return cls.SUCCEEDED
            case OutcomeUnknown():
                return cls.UNKNOWN
            case NotSent():
                return cls.NOT_SENT
            case APIError():
                return cls.REFUSED
            case _:
                return cls.FAILED


@attrs.define(kw_only=True, eq=False, repr=False)
class CallEnded(Value):
    """A call whose outcome is known, or known to be unknown."""

    operation: str
    """Id of the operation, such as `createOrder`."""
    outcome: CallOutcome
    error: CallError | None
    """The error, if it is one. It holds no token, but may hold the body of an answer."""
    attempts: int
    """Attempts begun."""
    took: float
    """Seconds since it began, with all waits."""
    cancelled: bool
    """Whether its caller was cancelled meanwhile. A write that was on the wire then has gone on until now."""
    answer: object = attrs.field(default=None, repr=False)
    """What a success was decoded into, such as an `Order`. Take figures from it, and do not pass it on whole."""
    replayed: bool = False
    """Whether the server repeated an earlier answer to the same idempotency key."""


class CallEvents:
    """The events of one call, in this order: `queued` and `attempt_began`, `attempt_ended` and `retry_follows` for each
    attempt, and at last `ended`. Derive from it and override what you want to see.

    The methods are called in the event loop and should be quick. What they raise is logged and changes nothing for the
    call. They run in the context of the caller, those of attempts of a write in a copy of it; `attempt_began` and
    `attempt_ended` of one attempt run in the same context, in which the HTTP library runs too.
    """

    __slots__ = ()

    def queued(self) -> None:
        """No place at the limiter is free: the call waits for one. `attempt_began` or `ended` follows."""

    def attempt_began(self, attempt: AttemptBegan) -> Mapping[str, str] | None:
        """An attempt begins. Headers that are returned are sent with it, unless the request has them."""

    def attempt_ended(self, attempt: AttemptEnded) -> None:
        """An attempt has ended."""

    def retry_follows(self, retry: Retry) -> None:
        """The attempt failed, and another follows."""

    def ended(self, call: CallEnded) -> None:
        """The call has ended. Of a write whose caller was cancelled, this is when its outcome is known."""


Telemetry: TypeAlias = Callable[[CallBegan], CallEvents | None]
"""What a client takes as `telemetry=`."""
