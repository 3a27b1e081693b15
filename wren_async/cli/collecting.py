"""How seldom Python's garbage collector looks, in the process of a command.

What a command loads stays; what an order makes goes, nearly all of it, as soon as the order is settled. To look through
both for circles was a sixth of what a short command cost, and a fifth of an order.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Final

_THRESHOLDS: Final = (50_000, 20, 20)


@contextlib.contextmanager
def seldom() -> Iterator[None]:
    """Let the collector look seldom while this lasts."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def passed_over() -> Iterator[None]:
    """Let the collector pass over whatever is there now: what the program itself consists of."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def passed_over_at_the_end() -> Iterator[None]:
    """Let the collector pass over everything once this is over, as the process ends with it."""
    try:
        yield
    finally:
        gc.freeze()
