"""The result of an attempt, and what follows from it: the table of money safety, as pure functions.

The outcome is that of the whole call. Once an attempt of a write may have been carried out, only a success settles the
call: no later refusal proves that the first attempt did nothing.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import attrs
import msgspec

from wren_async.core.operation import Effect
from wren_async.errors import IdempotencyConcurrentRequests, api_error_class
from wren_async.http.exchange import Answer

T = TypeVar("T")

_REQUEST_TIMEOUT: Final = 408
_CONFLICT: Final = 409
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429


# msgspec Structs and not attrs classes, because each call makes some: a Struct is made in a third of the time, and the
# garbage collector does not track one that holds only plain values, as `History` does.
class AttemptResult(msgspec.Struct, Generic[T], kw_only=True):
    """What came of one attempt: an answer, with its value or why it was not understood; or why no whole answer came."""

    reason: str = ""
    """Why no whole answer came."""
    unsent: bool = False
    """Proof that nothing was sent."""
    timed_out: bool = False
    aborted: bool = False
    """Whether it was broken off from outside, by a client that closes or a loop that shuts down."""
    answer: Answer | None = None
    value: T | None = None
    may_point_elsewhere: bool = False
    """Whether a redirect counts as a success, as it does for documents."""
    problems: tuple[str, ...] = ()
    """Why a success was not understood."""
    parsed: object = None
    """The answer's body, decoded where it was JSON."""
    retry_after: float | None = None
    """Seconds the server asked for."""
    error: BaseException | None = None

    def __repr__(self) -> str:
        # Nothing else: a traceback may show local variables, and the server's words may repeat a token.
        return f"<AttemptResult {self.status or ('unsent' if self.unsent else 'no answer')}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("status", self.status)]

    @property
    def status(self) -> int | None:
        """Status of the answer, if there was one."""
        return self.answer.status if self.answer else None

    @property
    def succeeded(self) -> bool:
        """Whether the server answered with a success, understood or not."""
        answer = self.answer
        return answer is not None and 200 <= answer.status < (400 if self.may_point_elsewhere else 300)

    @property
    def concurrent_key(self) -> bool:
        """Whether another request with the same idempotency key is still being worked on."""
        return self.status == _CONFLICT and (
            api_error_class(_CONFLICT, self.problem_type) is IdempotencyConcurrentRequests
        )

    @property
    def problem_type(self) -> str | None:
        """The `type` of a problem details answer."""
        kind = self.parsed.get("type") if isinstance(self.parsed, dict) else None
        return kind if isinstance(kind, str) else None


class History(msgspec.Struct):
    """What is known of a call over all its attempts so far."""

    attempts: int = 0
    may_have_acted: bool = False
    """Whether some attempt may have changed something on the server without an answer that says so."""
    accepted: bool = False
    """Whether some attempt was answered with a success, understood or not."""
    first_sent: datetime | None = None
    """When the first attempt began that may have sent something, by this machine's wall clock."""
    first_sent_at: float = 0.0
    """The same by its monotonic clock, which is never set."""
    last_sent: datetime | None = None
    """When the last such attempt ended."""
    last_sent_at: float = 0.0

    def note_sent(self, begun: datetime, begun_at: float, ended: datetime, ended_at: float) -> None:
        """Note an attempt that may have reached the server."""
        if self.first_sent is None:
            self.first_sent, self.first_sent_at = begun, begun_at
        self.last_sent, self.last_sent_at = ended, ended_at


class Next(enum.Enum):
    """What follows after an attempt."""

    DONE = enum.auto()
    AGAIN = enum.auto()
    STOP = enum.auto()


@attrs.frozen
class Decision:
    """What follows, and whether the attempt may have been carried out."""

    next: Next
    may_have_acted: bool = False


_DONE: Final = Decision(Next.DONE)
_AGAIN: Final = Decision(Next.AGAIN)
_STOP: Final = Decision(Next.STOP)


def classify(
    effect: Effect,
    result: AttemptResult[Any],
    *,
    can_repeat: bool = True,
    resend_rate_limited: bool = False,
    gone_is_done: bool = False,
) -> Decision:
    """What follows from one attempt.

    Args:
        effect: What the call does.
        result: What came of the attempt.
        can_repeat: Whether the body can be sent again; a stream cannot.
        resend_rate_limited: Whether even a `once` write is sent again after a 429.
        gone_is_done: Whether a 404 says that an earlier attempt of this deletion succeeded.
    """
    if result.answer is None and result.unsent:
        return _AGAIN
    if result.succeeded:
        return _classify_success(effect, result, can_repeat)
    if result.status == _NOT_FOUND and gone_is_done:
        return _DONE
    if result.status == _TOO_MANY:
        again = can_repeat and (effect is not Effect.ONCE or resend_rate_limited)
        return _AGAIN if again else _STOP
    if _is_refusal(result) and not (effect is Effect.KEYED and result.concurrent_key):
        return _STOP
    # In all other cases the server may have acted on the request, and did not say with what result.
    again = can_repeat and effect is not Effect.ONCE
    return Decision(Next.AGAIN if again else Next.STOP, may_have_acted=effect.writes)


def _classify_success(effect: Effect, result: AttemptResult[Any], can_repeat: bool) -> Decision:
    if not result.problems:
        return _DONE
    if effect is Effect.KEYED:
        # The server keeps its answer under the key, and repeats it when the call comes again.
        return Decision(Next.AGAIN if can_repeat else Next.STOP, may_have_acted=True)
    return Decision(Next.STOP, may_have_acted=effect is Effect.ONCE)


def _is_refusal(result: AttemptResult[Any]) -> bool:
    return result.status is not None and 400 <= result.status < 500 and result.status != _REQUEST_TIMEOUT


def is_undecided(effect: Effect, result: AttemptResult[Any], may_have_acted: bool) -> bool:
    """Whether nobody can tell if a call that ends with `result` was carried out.

    A success settles a repeatable write even if it cannot be read: whatever earlier attempts did, this one did it too.
    """
    return may_have_acted and not (effect is Effect.REPEATABLE and result.succeeded)
