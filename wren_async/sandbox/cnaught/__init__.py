"""CNaught in the sandbox: its 29 operations, with state and without I/O."""

from wren_async.sandbox.cnaught.api import CNaughtApi
from wren_async.sandbox.cnaught.notifications import Notification, Outbox
from wren_async.sandbox.cnaught.problems import RefusedError
from wren_async.sandbox.cnaught.settings import CNaughtSettings, UnitPrices

__all__ = ["CNaughtApi", "CNaughtSettings", "Notification", "Outbox", "RefusedError", "UnitPrices"]
