"""What tests of batches share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from batch_world import World, world


@pytest.fixture
async def here() -> AsyncIterator[World]:
    """A sandbox with clients of its own, and a clock that goes on request."""
    async with world() as made:
        yield made
