"""What tests of the outbox share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from batch_world import World, world
from outbox_world import Outboxes


@pytest.fixture
async def here() -> AsyncIterator[World]:
    """A sandbox with clients of its own, and a clock that goes on request."""
    async with world() as made:
        yield made


@pytest.fixture
def boxes(here: World, tmp_path: Path) -> Outboxes:
    """Lives of one outbox, one after another."""
    return Outboxes(here, tmp_path / "orders.outbox")
