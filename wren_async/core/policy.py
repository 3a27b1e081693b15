"""When to try again and how long to wait: pure decisions, without a clock of their own."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from wren_async.core.values import Value

LONGEST_PAUSE: Final = 7 * 24 * 60 * 60.0
"""Seconds of the longest `Retry-After` that is believed. A longer one cannot be meant, and a date some thousand years
from now cannot be told."""

_SECONDS: Final = re.compile(r"[0-9]+\.?[0-9]*|\.[0-9]+")
_LONGEST_DATE: Final = 100
_YEARS: Final = range(2000, 2200)
"""Years that a date in a header may lie in."""


def _not_negative(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not 0 <= value < float("inf"):
        raise ValueError(f"{attribute.name} must be a finite number, zero or more, not {value!r}")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RetryPolicy(Value):
    """How often a call is tried again, and how the waits in between grow. Times are in seconds.

    It does not say which failures are tried again: that follows from what the operation does. Raises `ValueError` for
    a negative or infinite number.
    """

    retries: int = attrs.field(default=3, validator=_not_negative)
    """Attempts after the first."""
    first_wait: float = attrs.field(default=0.5, validator=_not_negative)
    """Before the first repeat; each further wait is twice as long. Half of every wait is drawn at random."""
    longest_wait: float = attrs.field(default=8.0, validator=_not_negative)
    """No wait of ours grows beyond this."""
    longest_retry_after: float = attrs.field(default=120.0, validator=_not_negative)
    """The longest `Retry-After` that is waited for. Where the server asks for more, the call fails at once, and its
    error says how much."""
    resend_rate_limited: bool = False
    """Whether even a `once` write is sent again after a 429. Only for servers known to refuse before they act."""

    def wait(self, retry: int, told: float | None = None, draw: Callable[[], float] = random.random) -> float:
        """Seconds to wait before the `retry`th repeat (from 1), never less than the server has `told`.

        Half of the wait is fixed and half is drawn, so that callers who failed together do not return together.
        """
        grown: float = min(self.longest_wait, self.first_wait * 2.0 ** min(retry - 1, 62))
        return max(grown / 2 + grown / 2 * draw(), told or 0.0)


def retry_after(value: str | None, date: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for, or `None` where it asks for nothing that can be understood.

    The header holds seconds or an HTTP date. A date counts from the answer's own `Date`, because the server's clock and
    ours may differ, or from `now` where the answer has none. No pause is longer than `LONGEST_PAUSE`.
    """
    if value is None:
        return None
    # A proxy may add a header of its own; httpx joins the two with a comma.
    told = [part.strip() for part in value.split(",")]
    if all(_SECONDS.fullmatch(part) for part in told):
        return min(max(map(float, told)), LONGEST_PAUSE)
    until = http_date(value.strip())
    if until is None:
        return None
    return min(max(0.0, (until - (http_date(date) or now)).total_seconds()), LONGEST_PAUSE)


def http_date(value: str | None) -> datetime | None:
    """The moment in a header such as `Date`, or `None` where it holds none, or one outside 2000 to 2199."""
    if value is None or len(value) > _LONGEST_DATE:
        return None
    # It loads the better part of `email`, and few answers have a date that somebody waits for.
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    if moment.year not in _YEARS:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class RetryBudget:
    """Tokens that all tasks of a client spend on repeats, so that a failing server is not flooded with them.

    A repeat takes `cost`, and each call that succeeds returns `refund`. With the budget empty, a call that fails is not
    repeated.
    """

    __slots__ = ("capacity", "cost", "refund", "tokens")

    def __init__(self, capacity: float = 500.0, cost: float = 5.0, refund: float = 1.0) -> None:
        self.capacity = capacity
        self.cost = cost
        self.refund = refund
        self.tokens = capacity

    def spend(self) -> bool:
        """Take the cost of one repeat, if it is there."""
        if self.tokens < self.cost:
            return False
        self.tokens -= self.cost
        return True

    def earn(self) -> None:
        """Note a success."""
        self.tokens = min(self.capacity, self.tokens + self.refund)
