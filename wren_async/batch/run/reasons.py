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
    # ids: a UUID, long hexadecimal, a prefixed one such as `ch_3Ab9`, letters and digits in one long word
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-\d+)?|\b[0-9a-f]{16,}(?:-\d+)?\b"
    r"|\b[a-z]+_(?=[a-z]*\d)[0-9a-z]+\b|\b(?=[a-z]*\d)(?=\d*[a-z])[0-9a-z]{10,}\b"
    r"|(?:(?<=\border )|(?<=\bline )|(?<=\bid )|(?<=\bportfolio )|(?<=\bproject ))\d+\b"
    # times, durations, money, large numbers and fractions
    r"|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d:?\d\d|Z)?|\b\d\d:\d\d(?::\d\d(?:\.\d+)?)?\b"
    r"|\b\d+(?:\.\d+)?(?= ?(?:ms|s|sec|seconds?|min|minutes?|h|hours?)\b)"
    r"|\$\d[\d,]*(?:\.\d+)?|\b\d{1,3}(?:,\d{3})+\b|\b\d+\.\d+\b|\b\d{4,}\b",
    re.IGNORECASE,
)


@attrs.define
class Reasons:
    """How often each reason was given. Ids, times and amounts are left out, so that like reasons count as one."""

    counts: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, reason: str | None, times: int = 1) -> None:
        """Count a reason."""
        kind = kind_of_reason(reason)
        self.counts[kind if kind in self.counts or len(self.counts) < _REASONS else _OTHERS] += times

    def most_common(self, number: int) -> list[tuple[str, int]]:
        """The most frequent ones, and at the end the sum of the others."""
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        shown, rest = ranked[:number], ranked[number:]
        return [*shown, (_OTHERS, sum(count for _, count in rest))] if rest else shown


def kind_of_reason(reason: str | None) -> str:
    """A reason without ids, times and amounts, which would make each order's reason a different one."""
    text = " ".join(_PARTICULAR.sub("…", reason or "").split())
    return f"{text[: _LONGEST - 1]}…" if len(text) > _LONGEST else text or "no reason given"
