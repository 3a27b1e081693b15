"""Both clients without `await`: for scripts, notebooks and Django.

    from wren_async.sync import CNaughtClient

    with CNaughtClient() as cnaught:
        order = cnaught.orders.create(amount_kg=10)

The asynchronous clients do the work, in a thread of their own. So everything is as there: methods, arguments, models,
errors and the promise that no order is placed twice, also under Ctrl-C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._lazy import lazy

if TYPE_CHECKING:
    from wren_async.sync.cnaught import CNaughtClient
    from wren_async.sync.lists import ListAnswer, Pager
    from wren_async.sync.outcome import SyncOutcome
    from wren_async.sync.wren import WrenClient

__all__ = [
    "CNaughtClient",
    "ListAnswer",
    "Pager",
    "SyncOutcome",
    "WrenClient",
]

__getattr__ = lazy(
    __name__,
    {
        ".cnaught": "CNaughtClient",
        ".lists": "ListAnswer Pager",
        ".outcome": "SyncOutcome",
        ".wren": "WrenClient",
    },
)
