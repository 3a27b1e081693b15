"""How long, and how often, a call may try, and how much it may be answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import attrs

from wren_async.core.operation import Effect
from wren_async.core.policy import RetryPolicy
from wren_async.core.values import UNSET, Unset, Value
from wren_async.errors import InvalidArgument

Permit: TypeAlias = Callable[[float], bool]
"""Whether bytes may be sent now, by a process that may not always send: so that their answer is there, or given up,
within so many seconds. Asked directly before the bytes of each write go out; it must not block."""

RECEIPT_BYTES: Final = 2**20
"""Bytes that the answer to a write or a quote may have: such answers are short, and hundreds may come at once."""
LIST_BYTES: Final = 32 * 2**20
"""The same for a read. Wren answers all orders of an account at once, and this holds some 100,000 of them."""
DOCUMENT_BYTES: Final = 64 * 2**20
"""The same for a document."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Limits(Value):
    """How long, and how often, a call may try, and how much it may be answered. Times are in seconds."""

    timeout: float | None
    deadline: float | None
    retries: RetryPolicy
    max_answer_bytes: int | None = None
    """What the caller set; `None` for what suits the operation."""
    permit: Permit | None = None
    """Whether bytes of a write may be sent now."""
    reads: Limits | None = None
    """Those of reads, where only writes have to end in time. A list may be long."""

    def of(self, effect: Effect) -> Limits:
        """Those of an operation with this effect."""
        return self.reads if self.reads is not None and effect is Effect.READ else self

    def most_bytes(self, effect: Effect, form: object) -> int:
        """Bytes that an answer to a call of this effect may have, where a success is read as `form`."""
        if self.max_answer_bytes is not None:
            return self.max_answer_bytes
        if form is bytes:
            return DOCUMENT_BYTES
        return LIST_BYTES if effect is Effect.READ else RECEIPT_BYTES

    def but(
        self,
        *,
        timeout: float | Unset | None = UNSET,
        deadline: float | Unset | None = UNSET,
        retries: RetryPolicy | int | Unset = UNSET,
        max_answer_bytes: int | Unset = UNSET,
    ) -> Limits:
        """These limits, with the given ones changed. Raises `InvalidArgument`."""
        if timeout is UNSET and deadline is UNSET and retries is UNSET and max_answer_bytes is UNSET:
            return self
        return Limits(
            timeout=self.timeout if timeout is UNSET else _seconds("timeout", timeout),
            deadline=self.deadline if deadline is UNSET else _seconds("deadline", deadline),
            retries=self.retries if retries is UNSET else _policy(retries, self.retries),
            permit=self.permit,
            max_answer_bytes=(
                self.max_answer_bytes if max_answer_bytes is UNSET else _bytes("max_answer_bytes", max_answer_bytes)
            ),
            reads=None
            if self.reads is None
            else self.reads.but(timeout=timeout, deadline=deadline, retries=retries, max_answer_bytes=max_answer_bytes),
        )


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise InvalidArgument(name, f"takes seconds, more than 0, or None; not {value!r}")
    return float(value)


def _bytes(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgument(name, f"takes an int of 1 or more, not {value!r}")
    return value


def _policy(value: Any, default: RetryPolicy) -> RetryPolicy:
    if isinstance(value, RetryPolicy):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidArgument("retries", f"takes a RetryPolicy, or an int of 0 or more; not {value!r}")
    return attrs.evolve(default, retries=value)
