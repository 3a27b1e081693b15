"""Every exception of the library.

    WrenAsyncError
    ├── UsageError                      a mistake in the calling program; nothing was sent
    │   ├── InvalidArgument                 names the argument and the remedy
    │   ├── InvalidConfiguration            token, base URL, options
    │   ├── ClientClosed                    used after `aclose()`
    │   ├── WrongEventLoop                  used on a second event loop
    │   ├── IdempotencyKeyReused            the key belongs to a different call
    │   ├── ReferenceReused                 the reference belongs to a different order
    │   └── CeilingExceeded                 an order larger than the client's ceilings allow
    ├── CallError                       a call that did not succeed
    │   ├── NotSent                         proof that the server got nothing
    │   ├── OutcomeUnknown                  a write that may have been carried out
    │   ├── NoAnswer                        no answer to a call that changes nothing
    │   │   ├── AttemptTimedOut
    │   │   └── ConnectionLost
    │   ├── DecodeError                     a success whose body was not understood
    │   └── APIError                        answered with an error
    │       ├── Redirected                      3xx
    │       ├── BadRequest                      400
    │       │   ├── InvalidParameters               fields that did not validate
    │       │   ├── InvalidPagination
    │       │   ├── InvalidSubaccount
    │       │   └── IdempotencyKeyTooLong
    │       ├── AccessRefused                   401 or 403: the APIs' documents disagree on which
    │       │   ├── Unauthorized                    401
    │       │   └── Forbidden                       403
    │       ├── PaymentRequired                 402: not enough credits
    │       ├── NotFound                        404
    │       ├── Conflict                        409
    │       │   └── IdempotencyConcurrentRequests
    │       ├── UnprocessableContent            422
    │       │   └── IdempotencyChangedPayload
    │       ├── RateLimited                     429
    │       └── ServerError                     5xx
    ├── PagingError                     a list whose pages contradict each other
    ├── NotFindable                     `find_or_place` cannot tell whether the order is there; nothing was sent
    ├── JournalError                    the journal of a batch cannot be used
    └── StateNotReached                 waiting for a state that did not come

None of them shows a token, and all of them can be pickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from wren_async.core.printable import printable

if TYPE_CHECKING:
    from wren_async.core.operation import Call


class WrenAsyncError(Exception):
    """The root of every exception that this library raises on purpose."""


class UsageError(WrenAsyncError):
    """A mistake in the program that calls. Nothing was sent."""


class InvalidArgument(UsageError, ValueError):
    """An argument that the API would refuse, or that would be read wrongly."""

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(argument, problem)
        self.argument = argument
        """Name of the argument."""
        self.problem = problem
        """What is wrong, and the remedy."""

    def __str__(self) -> str:
        return f"{self.argument}: {self.problem}"


class InvalidConfiguration(UsageError, ValueError):
    """A token, a base URL or an option that cannot be right."""


class ClientClosed(UsageError, RuntimeError):
    """The client was used after it was closed."""


class WrongEventLoop(UsageError, RuntimeError):
    """A client belongs to the event loop that first used it, because its connections do."""


class IdempotencyKeyReused(UsageError, ValueError):
    """The idempotency key was used before for another method, path, subaccount, credential or body."""


class ReferenceReused(UsageError, ValueError):
    """The reference was used before for another order. Both are named."""

    def __init__(self, reference: str, difference: str) -> None:
        super().__init__(reference, difference)
        self.reference = reference
        self.difference = difference
        """What the order that has the reference is, and what was asked for now."""

    def __str__(self) -> str:
        return f"the reference {self.reference!r} belongs to another order: {self.difference}; nothing was sent"


class CeilingExceeded(UsageError, ValueError):
    """An order above a ceiling of the client."""

    def __init__(self, attribute: str, dimension: str, asked: Decimal, most: Decimal | int) -> None:
        super().__init__(attribute, dimension, asked, most)
        self.attribute = attribute
        """Name of the attribute on the wire."""
        self.dimension = dimension
        """The ceiling that was exceeded: `kilograms`, `usd_cents` or `trees`."""
        self.asked = asked
        """What the order comes to, in the units of the ceiling."""
        self.most = most
        """The ceiling."""

    def __str__(self) -> str:
        unit = {"usd_cents": "US cents"}.get(self.dimension, self.dimension)
        most = f"{Decimal(self.most):f} {unit}"
        return (
            f"{self.attribute} orders {self.asked:f} {unit}, and the client's ceiling is {most}; nothing was sent. "
            f"Raise ceilings=Ceilings({self.dimension}=...) only if the order is meant"
        )


@attrs.frozen(kw_only=True)
class CallFacts:
    """What is known of a call that did not succeed."""

    method: str
    url: str
    attempts: int
    """Attempts begun, the first included."""
    call: Call[Any]
    """The call with its key and reference. Sending it again repeats a keyed write safely."""
    idempotency_key: str | None = None
    reference: str | None = None
    """The text by which a placed order can be found again."""
    first_sent: datetime | None = None
    """When the first attempt began that may have reached the server: the earlier of its times by this machine's clock
    and by the server's, which the dates of its answers tell."""
    last_sent: datetime | None = None
    """When the last such attempt ended: the later of its times by the two clocks. No byte was sent after it."""
    monotonic: tuple[float, float] | None = attrs.field(default=None, repr=False, eq=False)
    """Both moments by this process's monotonic clock, if no answer had told the server's time. It is not pickled."""
    accepted: bool = False
    """Whether some attempt was answered with a success."""
    status: int | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    """Headers of the last answer, names in lower case."""
    body: object = attrs.field(default=None, repr=False)
    """Body of the last answer, decoded where it was JSON."""
    raw: bytes = attrs.field(default=b"", repr=False)
    """Body of the last answer in bytes, with any token of ours taken out."""


class CallError(WrenAsyncError):
    """A call that did not succeed. Its attributes tell what is known."""

    def __init__(self, reason: str, facts: CallFacts) -> None:
        super().__init__(reason, facts)
        self.reason = reason
        self.facts = facts
        self.method = facts.method
        self.url = facts.url
        self.attempts = facts.attempts
        self.call = facts.call
        self.idempotency_key = facts.idempotency_key
        self.reference = facts.reference
        self.first_sent = facts.first_sent
        self.last_sent = facts.last_sent
        self.status = facts.status
        self.headers = facts.headers
        self.body = facts.body
        self.raw = facts.raw

    def __str__(self) -> str:
        times = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return f"{self.method} {self.url}: {self.reason} ({times})"

    def __reduce__(self) -> tuple[object, ...]:
        # A stream of bytes cannot be pickled, and could not be sent a second time either.
        call = self.call
        if hasattr(call.body, "__aiter__"):
            call = attrs.evolve(call, body=None)
        return type(self), (self.reason, attrs.evolve(self.facts, call=call, monotonic=None))


class NotSent(CallError):
    """The connection proves that the server got nothing. The call may be made again."""


class OutcomeUnknown(CallError):
    """A write that may or may not have been carried out: no answer says which.

    Do not build the call anew and send that: it may be a second order. `await client.reconcile(error)` finds out what
    became of it. With an idempotency key, `await client.send(error.call)` repeats it safely for as long as the server
    remembers the key.
    """

    @property
    def accepted(self) -> bool:
        """Whether an attempt was answered with a success, so that only the details are missing."""
        return self.facts.accepted

    def __str__(self) -> str:
        return f"{super().__str__()}; {self.remedy}"

    @property
    def remedy(self) -> str:
        """What to call next, in a sentence. It never orders twice."""
        if self.call.operation.effect == "repeatable":
            return "`await client.send(error.call)` repeats it safely: a repeat leaves what the first left"
        known = ("reference", self.reference) if self.reference else ("idempotency key", self.idempotency_key)
        if known[1] is None:
            return "it carries no reference: look for it in the account, and do not make it anew before"
        return f"its {known[0]} is {known[1]!r}, and `await client.reconcile(error)` finds out what became of it"


class NoAnswer(CallError):
    """No answer to a call that changes nothing. It may be made again."""


class AttemptTimedOut(NoAnswer):
    """The time of the last attempt ran out."""


class ConnectionLost(NoAnswer):
    """The connection broke before a whole answer came."""


class DecodeError(CallError):
    """The server answered with a success, but not with what the contract says, or with more than was allowed.

    `raw` holds the body, or the beginning of one that was too long.
    """

    def __init__(self, reason: str, facts: CallFacts, problems: tuple[str, ...] = ()) -> None:
        super().__init__(reason, facts)
        self.problems = problems
        """Each fault with its JSON path, such as `$.data[3].amount_kg: takes a number, not a string`."""

    def __reduce__(self) -> tuple[object, ...]:
        rebuild, arguments = super().__reduce__()
        return rebuild, (*arguments, self.problems)  # type: ignore[misc]


class APIError(CallError):
    """The server answered with an error status. A write was not carried out, or `OutcomeUnknown` would be raised."""

    @property
    def problem_type(self) -> str | None:
        """The `type` URI of a problem details answer."""
        return self._text("type")

    @property
    def title(self) -> str | None:
        """The `title` of a problem details answer, or the `message` or `error` of Wren's, cut to 500 printable
        characters. `body` holds the whole."""
        return self._said("title") or self._said("message") or self._said("error")

    @property
    def detail(self) -> str | None:
        """The `detail` of a problem details answer, cut to 500 printable characters. `body` holds the whole."""
        return self._said("detail")

    def _said(self, name: str) -> str | None:
        text = self._text(name)
        return None if text is None else printable(text)

    def _text(self, name: str) -> str | None:
        value = self.body.get(name) if isinstance(self.body, Mapping) else None
        return value if isinstance(value, str) else None


class Redirected(APIError):
    """A redirect, which is never followed for an operation of the API."""

    @property
    def location(self) -> str | None:
        """Where the server points to."""
        return self.headers.get("location")


class BadRequest(APIError):
    """The server refused the request as it stands."""


class InvalidParameters(BadRequest):
    """Fields did not validate."""

    @property
    def errors(self) -> dict[str, list[str]]:
        """Messages by field name."""
        given = self.body.get("errors") if isinstance(self.body, Mapping) else None
        if not isinstance(given, Mapping):
            return {}
        return {str(k): [str(m) for m in v] if isinstance(v, list) else [str(v)] for k, v in given.items()}


class InvalidPagination(BadRequest):
    """A cursor that names nothing, or two cursors at once."""


class InvalidSubaccount(BadRequest):
    """The subaccount does not exist or cannot be used."""


class IdempotencyKeyTooLong(BadRequest):
    """The idempotency key is longer than the server takes."""


class AccessRefused(APIError):
    """The credentials are missing, unknown, or not enough for this call."""


class Unauthorized(AccessRefused):
    """401."""


class Forbidden(AccessRefused):
    """403: also an order that was cancelled before, a portfolio that is not yours, billing that is not set up."""


class PaymentRequired(APIError):
    """402: the wallet holds less than the order costs. Top up, then order again."""


class NotFound(APIError):
    """404."""


class Conflict(APIError):
    """409."""


class IdempotencyConcurrentRequests(Conflict):
    """A request with the same idempotency key is still being worked on."""


class UnprocessableContent(APIError):
    """422."""


class IdempotencyChangedPayload(UnprocessableContent):
    """The idempotency key was used before with another body."""


class RateLimited(APIError):
    """429: the server wants a pause."""

    def __init__(self, reason: str, facts: CallFacts, retry_after: float | None = None) -> None:
        super().__init__(reason, facts)
        self.retry_after = retry_after
        """Seconds the server asked for, if it did."""

    def __reduce__(self) -> tuple[object, ...]:
        rebuild, arguments = super().__reduce__()
        return rebuild, (*arguments, self.retry_after)  # type: ignore[misc]


class ServerError(APIError):
    """5xx to a call that changes nothing; to a write it is an `OutcomeUnknown`."""


class PagingError(WrenAsyncError):
    """A list whose pages contradict each other: going on would skip, repeat or never end."""


class Explained(Protocol):
    """What was looked at, and why it proves nothing. Its text, by `str`, tells all of it."""

    @property
    def reason(self) -> str:
        """Why nothing can be told, in a sentence."""
        ...


class Undecided(Protocol):
    """A verdict of reconciling that cannot tell what became of an order."""

    @property
    def evidence(self) -> Explained:
        """What was looked at."""
        ...


class NotFindable(WrenAsyncError):
    """`find_or_place` cannot tell whether the order was placed before. Nothing was sent."""

    def __init__(self, verdict: Undecided) -> None:
        super().__init__(verdict)
        self.verdict = verdict

    def __str__(self) -> str:
        return f"nothing was sent: {self.verdict.evidence}"


class JournalError(WrenAsyncError):
    """The journal cannot be used as it is: damaged, older than its run, of a newer version or another batch, in use by
    another process, or waiting for a person to explain an alarm. It says what to do.
    """


class StateNotReached(WrenAsyncError):
    """The awaited state did not come in time, or can no longer come."""


BY_STATUS: Mapping[int, type[APIError]] = {
    400: BadRequest,
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: UnprocessableContent,
    429: RateLimited,
}

BY_PROBLEM: Mapping[str, type[APIError]] = {
    "invalid-parameters": InvalidParameters,
    "invalid-pagination": InvalidPagination,
    "invalid-subaccount": InvalidSubaccount,
    "idempotency-key-too-long": IdempotencyKeyTooLong,
    "forbidden": Forbidden,
    "not-found": NotFound,
    "idempotency-concurrent-requests": IdempotencyConcurrentRequests,
    "idempotency-changed-payload": IdempotencyChangedPayload,
}
"""Classes by the last segment of a problem's `type`."""


def api_error_class(status: int, problem_type: str | None) -> type[APIError]:
    """The class for an error answer: by its problem type first, then by its status."""
    if problem_type and (found := BY_PROBLEM.get(problem_type.rstrip("/").rpartition("/")[2])):
        return found
    if 300 <= status < 400:
        return Redirected
    if status >= 500:
        return ServerError
    return BY_STATUS.get(status, APIError)
