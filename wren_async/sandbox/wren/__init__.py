"""The Wren API as the sandbox plays it."""

from wren_async.sandbox.wren.accounts import (
    LIVE_TOKEN,
    LIVE_TOKEN_PREFIX,
    PERSONAL_TOKEN,
    TEST_TOKEN,
    AutoRefill,
    Card,
    LedgerEntry,
    Wallet,
    WrenAccount,
)
from wren_async.sandbox.wren.api import WrenApi
from wren_async.sandbox.wren.behaviours import WrenBehaviours
from wren_async.sandbox.wren.orders import Group

__all__ = [
    "LIVE_TOKEN",
    "LIVE_TOKEN_PREFIX",
    "PERSONAL_TOKEN",
    "TEST_TOKEN",
    "AutoRefill",
    "Card",
    "Group",
    "LedgerEntry",
    "Wallet",
    "WrenAccount",
    "WrenApi",
    "WrenBehaviours",
]
