"""The Wren API as the sandbox plays it."""

from wren_async.sandbox.wren.accounts import (
    LIVE_TOKEN,
    LIVE_TOKEN_PREFIX,
    PERSONAL_TOKEN,
    TEST_TOKEN,
    Account,
    AutoRefill,
    Card,
    LedgerEntry,
    Wallet,
)
from wren_async.sandbox.wren.api import WrenApi
from wren_async.sandbox.wren.orders import Group
from wren_async.sandbox.wren.settings import WrenSettings

__all__ = [
    "LIVE_TOKEN",
    "LIVE_TOKEN_PREFIX",
    "PERSONAL_TOKEN",
    "TEST_TOKEN",
    "Account",
    "AutoRefill",
    "Card",
    "Group",
    "LedgerEntry",
    "Wallet",
    "WrenApi",
    "WrenSettings",
]
