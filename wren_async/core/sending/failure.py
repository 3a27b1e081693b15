"""From what the last attempt met to the exception that tells it, with every token taken out."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from wren_async.core import codec
from wren_async.core.auth import Credentials
from wren_async.core.outcome import AttemptResult, History
from wren_async.core.request import Prepared
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
"""Fields of an error answer, and messages of each, that are worth quoting. There may be a million."""


def failure(
    prepared: Prepared[Any], met: AttemptResult[Any], history: History, *, undecided: bool, credentials: Credentials
) -> CallError:
    """The error of a call that ends with `met`."""
    facts = _facts(prepared, met, history, credentials)
    reason = _reason(prepared, met, credentials)
    if undecided:
        return OutcomeUnknown(f"may have been carried out, but {reason}", facts)
    if met.answer is None:
        if met.unsent and (prepared.effect.writes or history.first_sent is None):
            return NotSent(f"nothing was sent: {reason}", facts)
        return (AttemptTimedOut if met.timed_out else ConnectionLost)(reason, facts)
    if met.succeeded:
        return DecodeError(reason, facts, tuple(credentials.quote(problem) for problem in met.problems))
    return _api_error(met, reason, facts)


def _api_error(met: AttemptResult[Any], reason: str, facts: CallFacts) -> APIError:
    kind = api_error_class(facts.status or 0, met.problem_type)
    if issubclass(kind, RateLimited):
        return kind(reason, facts, met.retry_after)
    return kind(reason, facts)


def _facts(prepared: Prepared[Any], met: AttemptResult[Any], history: History, credentials: Credentials) -> CallFacts:
    raw = credentials.scrub_bytes(met.answer.body) if met.answer else b""
    headers = met.answer.headers if met.answer else {}
    return CallFacts(
        method=prepared.request.method,
        url=credentials.scrub(prepared.request.url),
        attempts=history.attempts,
        first_sent=history.first_sent,
        last_sent=history.last_sent,
        accepted=history.accepted,
        call=prepared.call,
        idempotency_key=prepared.key,
        reference=given(prepared.call.reference),
        status=met.status,
        headers={
            credentials.scrub(name): credentials.scrub(value)
            for name, value in headers.items()
            if name.lower() not in _SECRET_HEADERS
        },
        body=_parsed(raw),
        raw=raw,
    )


def _parsed(raw: bytes) -> object:
    try:
        return codec.parse(raw)
    except codec.Unreadable:
        return None


def _reason(prepared: Prepared[Any], met: AttemptResult[Any], credentials: Credentials) -> str:
    """Why the call ends so, in one line; what comes from elsewhere is cut and clean."""
    quote = credentials.quote
    if met.answer is None:
        return quote(met.reason or "no answer came")
    if met.succeeded:
        return f"the {met.status} answer was not understood: {'; '.join(map(quote, met.problems[:3]))}"
    said = quote(_said(met.parsed))
    asked = f"; the server asks for a pause of {met.retry_after:g} s" if met.retry_after is not None else ""
    whose = ""
    if met.status == _UNAUTHORIZED and credentials.source and prepared.request.authorization is not None:
        whose = f"; the token came from {credentials.source}"
    return f"the server answered {met.status}{f': {said}' if said else ''}{asked}{whose}"


def _said(body: object) -> str:
    """The words of an error answer that a person would want to read."""
    if not isinstance(body, Mapping):
        return ""
    words = [body.get(name) for name in ("title", "detail", "message", "error")]
    errors = body.get("errors")
    if isinstance(errors, Mapping):
        words.extend(_complaint(name, told) for name, told in islice(errors.items(), _COMPLAINTS))
    return " – ".join(word for word in words if isinstance(word, str) and word)


def _complaint(name: object, told: object) -> str:
    return f"{name}: {', '.join(map(str, told[:_COMPLAINTS])) if isinstance(told, list) else told}"
