"""How many orders may be on the wire at once, decided by what the server says. Pure: the caller brings the clock.

Additive increase, multiplicative decrease (AIMD): as many good answers as orders are allowed at once allow one more; a
429, an error, or answers that grow slow take a share away. A 429 also pauses all orders. Until the first of these, each
good answer allows one more, so that a short batch gets to its speed too.
"""

from __future__ import annotations

from typing import Final

import attrs

_SHRINK: Final = 0.5
_SHRINK_WHEN_SLOW: Final = 0.8
_SLOW: Final = 3.0
"""Answers this many times slower than the quickest usual ones mean that the server is at its limit."""
_LEAST_SLOW: Final = 0.25
"""Seconds; quicker answers never count as slow."""
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_LONGEST_TOLD: Final = 86_400.0
"""No server means a pause of more than a day, and no run waits so long: a longer one counts as a day."""


@attrs.define(kw_only=True)
class AdaptiveConcurrency:
    """Bounded concurrency that adapts. Times are in seconds of any clock that does not go back."""

    most: int = 32
    """Never more than this on the wire."""
    start: float = 4.0
    _window: float = attrs.field(init=False)
    _paused_until: float = attrs.field(init=False, default=float("-inf"))
    _shrunk_at: float = attrs.field(init=False, default=float("-inf"))
    _usual: float | None = attrs.field(init=False, default=None)
    _recent: float = attrs.field(init=False, default=0.0)
    _limited: int = attrs.field(init=False, default=0)
    _had_trouble: bool = attrs.field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        self._window = min(self.start, float(self.most))

    @property
    def limit(self) -> int:
        """Orders that may be on the wire now."""
        return max(1, int(self._window))

    @property
    def limited(self) -> int:
        """Pauses that the server asked for since its last good answer."""
        return self._limited

    def pause(self, now: float) -> float:
        """Seconds until anyone may send; 0 where they may."""
        return max(0.0, self._paused_until - now)

    def answered(self, began: float, now: float) -> None:
        """Learn from a good answer, which came now, to an order that was sent at `began`."""
        self._limited = 0
        took = max(0.0, now - began)
        self._recent = took if self._usual is None else 0.8 * self._recent + 0.2 * took
        # A quicker answer sets the usual time at once, slower ones raise it very slowly: answers that grow slow bit by
        # bit then still stand out.
        self._usual = took if self._usual is None or took < self._usual else 0.99 * self._usual + 0.01 * took
        if self._recent > max(_LEAST_SLOW, _SLOW * self._usual):
            self._shrink(_SHRINK_WHEN_SLOW, began, now)
        else:
            more = 1.0 / self._window if self._had_trouble else 1.0
            self._window = min(float(self.most), self._window + more)

    def failed(self, began: float, now: float) -> None:
        """Learn from an answer that was lost, or from an error of the server."""
        self._shrink(_SHRINK, began, now)

    def rate_limited(self, began: float, now: float, told: float | None) -> float:
        """Learn from a 429 that asked for a pause of `told` seconds. Returns for how many seconds nothing is sent."""
        new = began > self._shrunk_at
        self._shrink(_SHRINK, began, now)
        if new:
            self._limited += 1
        own = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(max(0, self._limited - 1), 10))
        self._paused_until = max(self._paused_until, now + min(told or own, _LONGEST_TOLD))
        return self.pause(now)

    def paused(self, now: float, seconds: float) -> None:
        """Make the pause that another process was asked for."""
        self._paused_until = max(self._paused_until, now + min(seconds, _LONGEST_TOLD))

    def _shrink(self, share: float, began: float, now: float) -> None:
        self._had_trouble = True
        # Orders that were sent before the limit was last lowered do not tell whether that helped.
        if began <= self._shrunk_at:
            return
        self._window = max(1.0, self._window * share)
        self._shrunk_at = now
