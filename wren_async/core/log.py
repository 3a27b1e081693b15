"""The library's loggers: one a module, all below `wren_async`, which is silent until a program sets up logging."""

from __future__ import annotations

import logging
from typing import Final

ROOT: Final = "wren_async"
UNDECIDED_AT_CLOSE: Final = "undecided_at_close"
"""The `event` of a line that names a write whose outcome its client can no longer find out."""


class LastWord(logging.NullHandler):
    """Handles nothing, as libraries do, but for one kind of line: an order that is undecided when its client closes.

    Nothing else tells of such an order. Where a program has set up no logging, it goes to the standard error.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        """Show the record if nobody else does."""
        unheard = getattr(record, "event", None) == UNDECIDED_AT_CLOSE and not _is_heard(record.name)
        if unheard and logging.lastResort is not None:
            logging.lastResort.handle(record)
        return unheard


def get_logger(module: str) -> logging.Logger:
    """The logger of a module of this library."""
    root = logging.getLogger(ROOT)
    if not any(isinstance(handler, LastWord) for handler in root.handlers):
        root.addHandler(LastWord())
    return logging.getLogger(module)


def _is_heard(name: str) -> bool:
    """Whether a program has given a handler of its own to this logger, or to one above it."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None:
        if not all(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False
