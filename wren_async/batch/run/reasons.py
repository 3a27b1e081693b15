"""How often each reason was given, in counts that stay small however many orders there are. Pure."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import attrs

_REASONS: Final = 100
_LONGEST: Final = 160
_OTHERS: Final = "other reasons"
_PARTICULAR: Final = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-\d+)?|\b[0-9a-f]{16,}(?:-\d+)?\b"
    r"|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d:?\d\d|Z)?|\b\d{4,}\b",
    re.IGNORECASE,
)


@attrs.define
class Reasons:
    """How often each reason was given. Ids, times and large numbers are left out, so that like reasons count as one."""

    counts: Counter[str] = attrs.field(factory=Counter[str])

    def take(self, reason: str | None, times: int = 1) -> None:
        """Count a reason."""
        kind = kind_of_reason(reason)
        self.counts[kind if kind in self.counts or len(self.counts) < _REASONS else _OTHERS] += times

    def most_common(self, number: int) -> list[tuple[str, int]]:
        """The most frequent ones, and at the end the sum of the others."""
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        shown, rest = ranked[:number], ranked[number:]
        return [*shown, (_OTHERS, sum(count for _, count in rest))] if rest else shown


def kind_of_reason(reason: str | None) -> str:
    """A reason without ids, times and large numbers, which would make each order's reason a different one."""
    text = " ".join(_PARTICULAR.sub("…", reason or "").split())
    return f"{text[: _LONGEST - 1]}…" if len(text) > _LONGEST else text or "no reason given"
