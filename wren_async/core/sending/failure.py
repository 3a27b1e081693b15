"""From the result of the last attempt to the exception that the caller gets, with every token taken out."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from wren_async.core import codec
from wren_async.core.auth import Credentials
from wren_async.core.outcome import AttemptResult, History
from wren_async.core.request import Prepared
from wren_async.core.server_clock import ServerClock
from wren_async.core.values import given
from wren_async.errors import (
    APIError,
    AttemptTimedOut,
    CallError,
    CallFacts,
    ConnectionLost,
    DecodeError,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    api_error_class,
)

_SECRET_HEADERS: Final = frozenset({"set-cookie", "authorization", "www-authenticate"})
_UNAUTHORIZED: Final = 401
_COMPLAINTS: Final = 10
"""Fields of an error answer, and messages of each field, that a message quotes at most. There may be a million."""


def failure(
    prepared: Prepared[Any],
    result: AttemptResult[Any],
    history: History,
    *,
    undecided: bool,
    credentials: Credentials,
    clock: ServerClock,
) -> CallError:
    """The error of a call that ends with `result`."""
    facts = _facts(prepared, result, history, credentials, clock)
    reason = _reason(prepared, result, credentials)
    if undecided:
        return OutcomeUnknown(f"may have been carried out, but {reason}", facts)
    if result.answer is None:
        if result.unsent and (prepared.writes or history.first_sent is None):
            return NotSent(f"nothing was sent: {reason}", facts)
        return (AttemptTimedOut if result.timed_out else ConnectionLost)(reason, facts)
    if result.succeeded:
        return DecodeError(reason, facts, tuple(credentials.quote(problem) for problem in result.problems))
    return _api_error(result, reason, facts)


def _api_error(result: AttemptResult[Any], reason: str, facts: CallFacts) -> APIError:
    kind = api_error_class(facts.status or 0, result.problem_type)
    if issubclass(kind, RateLimited):
        return kind(reason, facts, result.retry_after)
    return kind(reason, facts)


def _facts(
    prepared: Prepared[Any],
    result: AttemptResult[Any],
    history: History,
    credentials: Credentials,
    clock: ServerClock,
) -> CallFacts:
    raw = credentials.scrub_bytes(result.answer.body) if result.answer else b""
    headers = result.answer.headers if result.answer else {}
    return CallFacts(
        method=prepared.request.method,
        url=credentials.scrub(prepared.request.url),
        attempts=history.attempts,
        first_sent=None if history.first_sent is None else clock.earliest(history.first_sent),
        last_sent=None if history.last_sent is None else clock.latest(history.last_sent),
        monotonic=_monotonic(history, clock),
        accepted=history.accepted,
        call=prepared.call,
        idempotency_key=prepared.key,
        reference=given(prepared.call.reference),
        status=result.status,
        headers={
            credentials.scrub(name): credentials.scrub(value)
            for name, value in headers.items()
            if name.lower() not in _SECRET_HEADERS
        },
        body=codec.parse_error(raw),
        raw=raw,
    )


def _monotonic(history: History, clock: ServerClock) -> tuple[float, float] | None:
    """Both moments by the monotonic clock, for a server that has dated no answer yet: then only this clock can show
    later whether the wall clock was wrong."""
    if history.last_sent is None or clock.now is not None:
        return None
    return history.first_sent_at, history.last_sent_at


def _reason(prepared: Prepared[Any], result: AttemptResult[Any], credentials: Credentials) -> str:
    """Why the call failed, in one line. What a server or a library said is cut, and holds no token."""
    quote = credentials.quote
    if result.answer is None:
        return quote(result.reason or "no answer came")
    if result.succeeded:
        return f"the {result.status} answer was not understood: {'; '.join(map(quote, result.problems[:3]))}"
    said = quote(_said(result.parsed))
    asked = f"; the server asks for a pause of {result.retry_after:g} s" if result.retry_after is not None else ""
    whose = ""
    if result.status == _UNAUTHORIZED and credentials.source and prepared.request.authorization is not None:
        whose = f"; the token came from {credentials.source}"
    return f"the server answered {result.status}{f': {said}' if said else ''}{asked}{whose}"


def _said(body: object) -> str:
    """The texts of an error answer that are meant for a person."""
    if not isinstance(body, Mapping):
        return ""
    words = [body.get(name) for name in ("title", "detail", "message", "error")]
    errors = body.get("errors")
    if isinstance(errors, Mapping):
        words.extend(_complaint(name, told) for name, told in islice(errors.items(), _COMPLAINTS))
    return " – ".join(word for word in words if isinstance(word, str) and word)


def _complaint(name: object, told: object) -> str:
    return f"{name}: {', '.join(map(str, told[:_COMPLAINTS])) if isinstance(told, list) else told}"
