"""A sandbox and clients whose clock goes with it, until a test sets them apart."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from wren_async import CNaughtClient, OutcomeUnknown, Timing, WrenClient
from wren_async.sandbox import Sandbox


@attrs.define
class Scene:
    """The sandbox, one client of each API, and their time."""

    sandbox: Sandbox
    wren: WrenClient = attrs.field(init=False)
    cnaught: CNaughtClient = attrs.field(init=False)
    ahead: timedelta = timedelta()
    """By how much the clients' clock is ahead of the sandbox's."""
    minutes_a_wait: float = 0.0
    passed: float = 0.0
    """Seconds that a test has let pass."""

    def monotonic(self) -> float:
        return time.monotonic() + self.passed

    def utc(self) -> datetime:
        return self.sandbox.clock.now() + self.ahead

    async def sleep(self, seconds: float) -> None:
        """Retries need no waiting here, but time may pass meanwhile."""
        self.later(self.minutes_a_wait)

    @property
    def timing(self) -> Timing:
        return Timing(monotonic=self.monotonic, utc=self.utc, sleep=self.sleep, draw=lambda: 1.0)

    def later(self, minutes: float) -> None:
        """Let time pass, for everyone."""
        self.sandbox.clock.move(minutes * 60)
        self.passed += minutes * 60

    async def lose(self, order: Coroutine[Any, Any, Any], *, fault: str = "reset", **how: Any) -> OutcomeUnknown:
        """Send something whose answer is lost, on all of its attempts."""
        rule = self.sandbox.faults.add(fault, **how)
        try:
            with pytest.raises(OutcomeUnknown) as caught:
                await order
        finally:
            self.sandbox.faults.remove(rule.id)
        return caught.value

    def reads(self, operation: str) -> int:
        """How often an operation was asked for."""
        return sum(1 for request in self.sandbox.requests if request.operation == operation)
