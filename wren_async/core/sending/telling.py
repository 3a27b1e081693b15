"""What a call tells while it is sent: lines in the log, and the events of whoever watches it.

A line names the operation and the reference. It never holds a token or a body, and what a server or a library said is
cut and cleaned. What a watcher raises is logged and changes nothing for the call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

from wren_async.core.auth import Credentials
from wren_async.core.identity import check_headers
from wren_async.core.log import get_logger
from wren_async.core.outcome import AttemptResult
from wren_async.core.printable import printable
from wren_async.core.request import Prepared
from wren_async.core.sending.session import Session
from wren_async.core.telemetry import (
    AttemptBegan,
    AttemptEnded,
    CallBegan,
    CallEnded,
    CallEvents,
    CallOutcome,
    Retry,
    Telemetry,
)
from wren_async.errors import CallError, OutcomeUnknown
from wren_async.http.exchange import WireRequest

E = TypeVar("E")
R = TypeVar("R")

logger = get_logger(__name__)

# --- lines in the log -------------------------------------------------------------------------------------------------


def log_attempt(prepared: Prepared[Any], number: int, result: AttemptResult[Any], credentials: Credentials) -> None:
    """At DEBUG: what each attempt met."""
    logger.debug("%s: attempt %d %s", prepared.asked.operation.id, number, _met(result, credentials))


def log_retry(
    prepared: Prepared[Any], number: int, result: AttemptResult[Any], seconds: float, credentials: Credentials
) -> None:
    """At INFO: an attempt failed, and another follows after a wait."""
    if not logger.isEnabledFor(logging.INFO):
        return
    met, reference = _met(result, credentials), prepared.reference
    logger.info(
        "%s: attempt %d %s; attempt %d follows in %.2f s%s",
        prepared.asked.operation.id,
        number,
        met,
        number + 1,
        seconds,
        f" (reference {printable(reference)})" if reference else "",
        extra={
            "event": "retry",
            "operation": prepared.asked.operation.id,
            "attempt": number,
            "status": result.status,
            "reason": met,
            "wait": seconds,
            "reference": reference,
        },
    )


def log_unknown(error: OutcomeUnknown, *, kept_as: str | None) -> None:
    """At WARNING: nobody knows whether a write was carried out. `kept_as` is its name in `client.outcomes`, if its
    caller went away."""
    operation, key = error.call.operation.id, error.idempotency_key
    where = f"; the caller was cancelled, and client.outcomes[{printable(kept_as)!r}] has the error" if kept_as else ""
    logger.warning(
        "%s: %s (%s); %s; %s%s",
        operation,
        error.reason,
        "1 attempt" if error.attempts == 1 else f"{error.attempts} attempts",
        "an idempotency key was sent" if key else "no idempotency key was sent",
        printable(error.remedy),
        where,
        extra={
            "event": "outcome_unknown",
            "operation": operation,
            "attempts": error.attempts,
            "status": error.status,
            "reason": error.reason,
            "reference": error.reference,
            "idempotency_key_sent": key is not None,
        },
    )


def _met(result: AttemptResult[Any], credentials: Credentials) -> str:
    """What an attempt met, in a few words."""
    if result.answer is None:
        unsent = ", nothing was sent" if result.unsent else ""
        return f"got no answer: {credentials.quote(result.reason or 'no reason is known')}{unsent}"
    asked = f", which asks for a pause of {result.retry_after:g} s" if result.retry_after is not None else ""
    unread = ", which was not understood" if result.problems else ""
    return f"was answered {result.status}{unread}{asked}"


# --- events -----------------------------------------------------------------------------------------------------------


class Watcher:
    """Tells the events of one call to whoever watches it."""

    __slots__ = ("_began", "_credentials", "_entered", "_events", "_number", "_operation", "_session", "_waited")

    def __init__(self, events: CallEvents, operation: str, session: Session, credentials: Credentials) -> None:
        self._events = events
        self._operation = operation
        self._session = session
        self._credentials = credentials
        self._began = session.timing.monotonic()
        self._number = 0
        self._waited = self._entered = 0.0

    def queued(self) -> None:
        """The call waits at the limiter."""
        try:
            self._events.queued()
        except Exception:
            _log_fault()

    def attempt_began(self, number: int, waited: float, request: WireRequest) -> WireRequest:
        """An attempt begins. Returns what it sends: the request, with the headers that the watcher wants to add."""
        limiter = self._session.limiter
        self._number, self._waited, self._entered = number, waited, self._session.timing.monotonic()
        began = AttemptBegan(number=number, waited=waited, in_flight=limiter.in_flight, waiting=limiter.waiting)
        try:
            return _with_headers(request, self._events.attempt_began(began))
        except Exception:
            _log_fault()
            return request

    def attempt_ended(self, result: AttemptResult[Any]) -> None:
        """The attempt that began last has ended."""
        limiter = self._session.limiter
        ended = AttemptEnded(
            operation=self._operation,
            number=self._number,
            status=result.status,
            reason=self._credentials.quote(result.reason) if result.reason else "",
            error_type=_error_type(result),
            unsent=result.unsent,
            waited=self._waited,
            took=self._session.timing.monotonic() - self._entered,
            in_flight=limiter.in_flight,
            waiting=limiter.waiting,
        )
        _tell(self._events.attempt_ended, ended)

    def retry_follows(self, seconds: float) -> None:
        """Another attempt follows after a wait."""
        _tell(self._events.retry_follows, Retry(number=self._number + 1, wait=seconds))

    def succeeded(self, answer: object, attempts: int, *, cancelled: bool, replayed: bool) -> None:
        """The call has ended with an answer."""
        self._end(CallOutcome.SUCCEEDED, attempts, cancelled=cancelled, answer=answer, replayed=replayed)

    def failed(self, error: CallError, *, cancelled: bool) -> None:
        """The call has ended with an error."""
        self._end(CallOutcome.of(error), error.attempts, cancelled=cancelled, error=error)

    def undone(self, attempts: int) -> None:
        """The caller was cancelled before anything of a write was sent."""
        self._end(CallOutcome.CANCELLED, attempts, cancelled=True)

    def _end(self, outcome: CallOutcome, attempts: int, **more: Any) -> None:
        took = self._session.timing.monotonic() - self._began
        more = {"error": None, **more}
        ended = CallEnded(operation=self._operation, outcome=outcome, attempts=attempts, took=took, **more)
        _tell(self._events.ended, ended)


def watcher(
    telemetry: Telemetry, prepared: Prepared[Any], session: Session, credentials: Credentials
) -> Watcher | None:
    """Tell that a call begins. Returns who is to be told what follows, if anybody wants to hear it."""
    operation = prepared.asked.operation
    began = CallBegan(
        operation=operation.id,
        method=operation.method,
        path=operation.path,
        url=_address(prepared, credentials),
        effect=prepared.effect,
        spends=operation.spends and prepared.writes,
        reference=prepared.reference,
        keyed=prepared.key is not None,
    )
    events = _tell(telemetry, began)
    return None if events is None else Watcher(events, operation.id, session, credentials)


def _address(prepared: Prepared[Any], credentials: Credentials) -> str:
    url, path = prepared.request.url.partition("?")[0], prepared.asked.operation.path
    # Where it ends with the contract's own path, there is nothing in it that anybody else has said.
    return url if path and url.endswith(path) else credentials.scrub(url)


def _tell(hook: Callable[[E], R], event: E) -> R | None:
    try:
        return hook(event)
    except Exception:
        _log_fault()
        return None


def _log_fault() -> None:
    logger.exception("the telemetry of this client failed, which changes nothing for the call")


def _with_headers(request: WireRequest, more: Mapping[str, str] | None) -> WireRequest:
    """The request with further headers, and those that it has itself left as they are."""
    if not more:
        return request
    taken = {name.lower() for name, _ in request.headers}
    added = tuple((name, value) for name, value in check_headers(more).items() if name.lower() not in taken)
    return attrs.evolve(request, headers=(*request.headers, *added))


def _error_type(result: AttemptResult[Any]) -> str | None:
    if result.answer is not None:
        failed = None if result.succeeded else str(result.status)
        return "unreadable" if result.problems else failed
    if result.timed_out:
        return "timeout"
    return type(result.error).__qualname__ if result.error is not None else "aborted"
