"""What a client reports of its attempts, for logs, metrics and traces."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs

from wren_async.core.values import Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Attempt(Value):
    """One attempt of a call, after it has ended."""

    operation: str
    """Id of the operation, such as `createOrder`."""
    number: int
    """1 for the first attempt of a call; 0 where not even one could be made."""
    status: int | None
    """Status of the answer, if there was one."""
    reason: str
    """Why no whole answer came; empty where one did."""
    unsent: bool
    """Proof that nothing was sent."""
    waited: float
    """Seconds at the client's limiter, before the attempt could begin."""
    took: float
    """Seconds from there to its end."""
    in_flight: int
    """Exchanges of the client, and of its copies, that are under way now."""
    waiting: int
    """Calls that wait at the limiter now."""


OnAttempt: TypeAlias = Callable[[Attempt], object]
"""Called in the event loop after each attempt. It should be quick; what it raises is logged and changes nothing."""
