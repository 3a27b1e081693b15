"""An outbox: orders are written down where they cannot be lost, and placed once by a worker.

    from wren_async.batch import CNaughtMass
    from wren_async.outbox import Outbox

    async with Outbox("orders.outbox", cnaught=cnaught) as outbox:
        await outbox.submit(CNaughtMass(amount_kg=12), reference="ride-4711")

The names below load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._lazy import lazy

if TYPE_CHECKING:
    from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenOffset, WrenProject, WrenTrees
    from wren_async.batch.journal.contract import JournalError, Result, State
    from wren_async.errors import ReferenceReused
    from wren_async.outbox.caps import OutboxCaps, Spent
    from wren_async.outbox.outbox import Outbox
    from wren_async.outbox.store import Health, Submission, Submitted
    from wren_async.outbox.submitting import submit_within

_HOMES = {
    "wren_async.batch.intents": "CNaughtMass CNaughtPrice Intent WrenOffset WrenProject WrenTrees",
    "wren_async.batch.journal.contract": "JournalError Result State",
    "wren_async.errors": "ReferenceReused",
    "wren_async.outbox.caps": "OutboxCaps Spent",
    "wren_async.outbox.outbox": "Outbox",
    "wren_async.outbox.store": "Health Submission Submitted",
    "wren_async.outbox.submitting": "submit_within",
}
__all__ = [
    "CNaughtMass",
    "CNaughtPrice",
    "Health",
    "Intent",
    "JournalError",
    "Outbox",
    "OutboxCaps",
    "ReferenceReused",
    "Result",
    "Spent",
    "State",
    "Submission",
    "Submitted",
    "WrenOffset",
    "WrenProject",
    "WrenTrees",
    "submit_within",
]


__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
