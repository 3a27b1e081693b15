"""How long, and how often, a call may try."""

from __future__ import annotations

from typing import Any

import attrs

from wren_async.core.policy import RetryPolicy
from wren_async.core.values import UNSET, Unset, Value
from wren_async.errors import InvalidArgument


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Limits(Value):
    """How long, and how often, a call may try. Times are in seconds."""

    timeout: float | None
    deadline: float | None
    retries: RetryPolicy

    def but(
        self,
        *,
        timeout: float | Unset | None = UNSET,
        deadline: float | Unset | None = UNSET,
        retries: RetryPolicy | int | Unset = UNSET,
    ) -> Limits:
        """These limits with others in the place of some. Raises `InvalidArgument`."""
        if timeout is UNSET and deadline is UNSET and retries is UNSET:
            return self
        return Limits(
            timeout=self.timeout if timeout is UNSET else _seconds("timeout", timeout),
            deadline=self.deadline if deadline is UNSET else _seconds("deadline", deadline),
            retries=self.retries if retries is UNSET else _policy(retries, self.retries),
        )


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise InvalidArgument(name, f"takes seconds, more than 0, or None; not {value!r}")
    return float(value)


def _policy(value: Any, default: RetryPolicy) -> RetryPolicy:
    if isinstance(value, RetryPolicy):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidArgument("retries", f"takes a RetryPolicy, or an int of 0 or more; not {value!r}")
    return attrs.evolve(default, retries=value)
