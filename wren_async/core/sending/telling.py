"""What a call tells while it is sent: lines in the log, and the events of whoever watches it.

A line names the operation and the reference. It never holds a token or a body, and what a server or a library said is
cut and cleaned. What a watcher raises is logged and changes nothing for the call.
"""

from __future__ import annotations

import logging
from typing import Any

from wren_async.core.auth import Credentials
from wren_async.core.log import get_logger
from wren_async.core.outcome import AttemptResult
from wren_async.core.printable import printable
from wren_async.core.request import Prepared
from wren_async.errors import OutcomeUnknown

logger = get_logger(__name__)


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
