"""What tests of shared batches need: the world of the tests of batches."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "batch"))

from batch_world import World, world


@pytest.fixture
async def here() -> AsyncIterator[World]:
    """A sandbox with clients of its own, and a clock that goes on request."""
    async with world() as made:
        yield made


@pytest.fixture(autouse=True)
def _within_some_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """A worker that waits for another one for ever fails its test, instead of hanging it."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def give_up(number: int, frame: object) -> None:
        raise TimeoutError(f"{request.node.name} did not end")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(180 if request.node.get_closest_marker("slow") else 60)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
