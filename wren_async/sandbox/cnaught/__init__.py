"""CNaught in the sandbox: its 29 operations, with state and without I/O."""

from wren_async.sandbox.cnaught.api import CNaughtApi
from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours, UnitPrices
from wren_async.sandbox.cnaught.notifications import Notification, Outbox
from wren_async.sandbox.cnaught.problems import CNaughtRefusedError

__all__ = ["CNaughtApi", "CNaughtBehaviours", "CNaughtRefusedError", "Notification", "Outbox", "UnitPrices"]
