"""A local server that behaves like both APIs: state, money, tokens, paging, and faults on request.

It needs the extra `sandbox`. Nothing here touches the internet or real money. The names load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._lazy import lazy

if TYPE_CHECKING:
    from wren_async.sandbox.cnaught import CNaughtBehaviours, Notification
    from wren_async.sandbox.fault_kinds import FaultKind, When
    from wren_async.sandbox.faults import Fault, Faults
    from wren_async.sandbox.log import LoggedRequest, LogPage, RequestLog
    from wren_async.sandbox.sandbox import PlacedOrder, Sandbox
    from wren_async.sandbox.state import CNaughtAddress, WrenAddress
    from wren_async.sandbox.storage import StateFileError
    from wren_async.sandbox.world import Clock
    from wren_async.sandbox.wren import WrenBehaviours
    from wren_async.sandbox.wren.accounts import Card, Wallet

__all__ = [
    "CNaughtAddress",
    "CNaughtBehaviours",
    "Card",
    "Clock",
    "Fault",
    "FaultKind",
    "Faults",
    "LogPage",
    "LoggedRequest",
    "Notification",
    "PlacedOrder",
    "RequestLog",
    "Sandbox",
    "StateFileError",
    "Wallet",
    "When",
    "WrenAddress",
    "WrenBehaviours",
]

__getattr__ = lazy(
    __name__,
    {
        ".cnaught": "CNaughtBehaviours Notification",
        ".fault_kinds": "FaultKind When",
        ".faults": "Fault Faults",
        ".log": "LoggedRequest LogPage RequestLog",
        ".sandbox": "PlacedOrder Sandbox",
        ".state": "CNaughtAddress WrenAddress",
        ".storage": "StateFileError",
        ".world": "Clock",
        ".wren": "WrenBehaviours",
        ".wren.accounts": "Card Wallet",
    },
)
