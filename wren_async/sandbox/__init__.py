"""A local server that behaves like both APIs: state, money, tokens, paging, and faults on request.

It needs the extra `sandbox`. Nothing here touches the internet or real money.
"""

from wren_async.sandbox.cnaught import CNaughtBehaviours
from wren_async.sandbox.faults import Fault, FaultKind, Faults, When
from wren_async.sandbox.log import LoggedRequest, RequestLog
from wren_async.sandbox.sandbox import PlacedOrder, Sandbox
from wren_async.sandbox.state import CNaughtAddress, WrenAddress
from wren_async.sandbox.world import Clock
from wren_async.sandbox.wren import WrenBehaviours

__all__ = [
    "CNaughtAddress",
    "CNaughtBehaviours",
    "Clock",
    "Fault",
    "FaultKind",
    "Faults",
    "LoggedRequest",
    "PlacedOrder",
    "RequestLog",
    "Sandbox",
    "When",
    "WrenAddress",
    "WrenBehaviours",
]
