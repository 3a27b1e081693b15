"""Every code block of the pages about the outbox and about webhooks runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wren_async.outbox import Outbox
from wren_async.sandbox import Sandbox

DOCS = Path(__file__).parents[2] / "docs"


def blocks() -> Iterator[object]:
    for page in ("outbox", "webhooks"):
        found = re.findall(r"^```python\n(.*?)^```$", (DOCS / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE)
        for number, block in enumerate(found, 1):
            yield pytest.param(block, id=f"{page} {number}")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.mark.parametrize("block", [*blocks()])
async def test_a_block_runs_as_it_stands(block: str, sandbox: Sandbox, database_address: str, tmp_path: Path) -> None:
    if "WREN_ASYNC_DATABASE" in block:
        async with Outbox(database_address):
            """Its tables are there."""
    environment = {
        **os.environ,
        "WREN_API_TOKEN": sandbox.wren.live_token,
        "WREN_BASE_URL": sandbox.wren.base_url,
        "CNAUGHT_API_KEY": sandbox.cnaught.api_key,
        "CNAUGHT_BASE_URL": sandbox.cnaught.base_url,
        "WREN_ASYNC_DATABASE": database_address,
        "PYTHONWARNINGS": "error",
    }
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs in this process
        [sys.executable, "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
