"""The scene that the tests of reconciling share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from reconcile_scene import Scene

from wren_async import CNaughtClient, WrenClient
from wren_async.sandbox import Sandbox


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with Sandbox() as sandbox:
        made = Scene(sandbox)
        made.wren = WrenClient(sandbox.wren.live_token, base_url=sandbox.wren.base_url, timing=made.timing)
        made.cnaught = CNaughtClient(sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url, timing=made.timing)
        async with made.wren, made.cnaught:
            yield made
