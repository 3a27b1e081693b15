"""Finding out what became of a write whose answer was lost: placed, not placed, or cannot tell.

An order that is found was placed. One that is not found was not placed only if a settle time has passed since its last
byte was sent, and the list was read to its end and shows references. In every other case the verdict is *cannot tell*,
and nothing is sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wren_async._lazy import lazy

if TYPE_CHECKING:
    from wren_async.errors import NotFindable
    from wren_async.reconcile.ledger import Checkpoint
    from wren_async.reconcile.order_rows import FoundOrder
    from wren_async.reconcile.verdict import (
        CannotTell,
        Charge,
        Evidence,
        How,
        Look,
        NotPlaced,
        Placed,
        Present,
        Shows,
        Unsettled,
        Verdict,
    )

SETTLE_TIME: Final = 900.0
"""Seconds after the last byte before an absence can prove anything."""
KEY_TRUST: Final = 600.0
"""Seconds after the first sending in which CNaught is trusted to know an idempotency key."""

_HOMES = {
    "wren_async.errors": "NotFindable",
    "wren_async.reconcile.ledger": "Checkpoint",
    "wren_async.reconcile.order_rows": "FoundOrder",
    "wren_async.reconcile.verdict": (
        "CannotTell Charge Evidence How Look NotPlaced Placed Present Shows Unsettled Verdict"
    ),
}

__all__ = [
    "KEY_TRUST",
    "SETTLE_TIME",
    "CannotTell",
    "Charge",
    "Checkpoint",
    "Evidence",
    "FoundOrder",
    "How",
    "Look",
    "NotFindable",
    "NotPlaced",
    "Placed",
    "Present",
    "Shows",
    "Unsettled",
    "Verdict",
]


__getattr__ = lazy(__name__, _HOMES)
