"""Finding out what became of a write whose answer was lost: placed, not placed, or cannot tell.

Found is found. Absence proves nothing until a settle time has passed since the last byte, the list has shown that it
carries references, and it was walked to its end. Otherwise the verdict is *cannot tell*, and nothing is sent again.
"""

from wren_async.errors import NotFindable
from wren_async.reconcile.ledger import Checkpoint
from wren_async.reconcile.order_rows import FoundOrder
from wren_async.reconcile.rules import KEY_TRUST, SETTLE_TIME
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
