"""From what the last attempt met to the exception that tells it, with every token taken out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Final

from wren_async.core import codec
from wren_async.core.auth import Credentials
from wren_async.core.outcome import AttemptResult, History
from wren_async.core.quoting import quoted
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

_NAMED: Final = 20
"""Fields that a message names, of those that the server found wrong, and faults of each."""
_SECRET_HEADERS = frozenset({"set-cookie", "authorization", "www-authenticate"})


def failure(
    prepared: Prepared[Any], met: AttemptResult[Any], history: History, *, undecided: bool, credentials: Credentials
) -> CallError:
    """The error of a call that ends with `met`."""
    facts = _facts(prepared, met, history, credentials)
    reason = quoted(credentials.scrub(_reason(met)))
    if undecided:
        return OutcomeUnknown(f"may have been carried out, but {reason}", facts)
    if met.answer is None:
        if met.unsent and (prepared.effect.writes or history.first_sent is None):
            return NotSent(f"nothing was sent: {reason}", facts)
        return (AttemptTimedOut if met.timed_out else ConnectionLost)(reason, facts)
    if met.succeeded:
        return DecodeError(reason, facts, tuple(quoted(credentials.scrub(problem)) for problem in met.problems))
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
        url=prepared.request.url,
        attempts=history.attempts,
        first_sent=history.first_sent,
        last_sent=history.last_sent,
        accepted=history.accepted,
        call=prepared.call,
        idempotency_key=prepared.key,
        reference=given(prepared.call.reference),
        status=met.status,
        headers={
            name: credentials.scrub(value) for name, value in headers.items() if name.lower() not in _SECRET_HEADERS
        },
        body=codec.parse_error(raw),
        raw=raw,
    )


def _reason(met: AttemptResult[Any]) -> str:
    if met.answer is None:
        return met.reason or "no answer came"
    if met.succeeded:
        return f"the {met.status} answer was not understood: {'; '.join(met.problems[:3])}"
    said = _said(met.parsed)
    asked = f"; the server asks for a pause of {met.retry_after:g} s" if met.retry_after is not None else ""
    return f"the server answered {met.status}{f': {said}' if said else ''}{asked}"


def _said(body: object) -> str:
    """The words of an error answer that a person would want to read."""
    if not isinstance(body, Mapping):
        return ""
    words = [body.get(name) for name in ("title", "detail", "message", "error")]
    errors = body.get("errors")
    if isinstance(errors, Mapping):
        words.extend(_field_errors(name, said) for name, said in itertools.islice(errors.items(), _NAMED))
    return " – ".join(word for word in words if isinstance(word, str) and word)


def _field_errors(name: str, said: object) -> str:
    """What the server found wrong with one field."""
    faults = said if isinstance(said, list) else [said]
    return f"{name}: {', '.join(quoted(str(fault)) for fault in faults[:_NAMED])}"
