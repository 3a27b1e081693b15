"""What holds orders up now, for whoever looks at the health of an outbox, and for the log."""

from __future__ import annotations

import logging

import attrs

from wren_async.errors import WrenAsyncError

_logger = logging.getLogger("wren_async.outbox")


@attrs.define
class Problems:
    """Why not everything is priced or placed now, by what is held up. Each is logged when it begins."""

    by_part: dict[str, str] = attrs.field(factory=dict[str, str])

    def begin(self, part: str, problem: str, error: Exception | None = None) -> None:
        """Something is held up."""
        if problem != self.by_part.get(part):
            unforeseen = error if error is not None and not isinstance(error, WrenAsyncError) else None
            _logger.warning("outbox: %s", problem, exc_info=unforeseen)
        self.by_part[part] = problem

    def end(self, part: str) -> None:
        """It goes on."""
        self.by_part.pop(part, None)

    def __str__(self) -> str:
        return "; ".join(self.by_part.values())
