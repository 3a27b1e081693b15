"""The pytest plugin, in a test run of its own, as a user of the library has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCOPE = "asyncio_default_fixture_loop_scope"
TESTS = """
import httpx
import pytest

ids = set()


@pytest.fixture
def sandbox_options():
    return {"seed": 3}


def test_plain(sandbox):
    headers = {"Authorization": f"Bearer {sandbox.wren.live_token}"}
    answer = httpx.post(
        f"{sandbox.wren.base_url}/api/offset-orders", json={"tons": 1}, headers=headers, trust_env=False
    )
    assert answer.status_code == 200
    assert len(sandbox.orders) == 1


async def test_clients(sandbox, wren_client, cnaught_client):
    await wren_client.credits.top_up(amount_in_usd_cents=1000)
    await cnaught_client.orders.create(amount_kg=10)
    assert [entry.amount_cents for entry in sandbox.ledger] == [1000]
    assert [order.api for order in sandbox.orders] == ["cnaught"]
    assert len(sandbox.requests) == 2


async def test_in_process(sandbox_in_process):
    transport = httpx.ASGITransport(sandbox_in_process.asgi)
    async with httpx.AsyncClient(transport=transport, base_url=sandbox_in_process.url) as client:
        assert (await client.get("/api/portfolios")).status_code == 200
"""


def run(directory: Path, *arguments: str) -> str:
    root = Path(__file__).parents[2]
    # Started from elsewhere, so that nothing but the plugin under test is loaded.
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *arguments]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_a_strangers_tests(tmp_path: Path, mode: str) -> None:
    tests = TESTS if mode == "auto" else TESTS.replace("async def test", "@pytest.mark.asyncio\nasync def test")
    (tmp_path / "test_shop.py").write_text(tests)
    options = (
        "-p",
        "pytest_asyncio.plugin",
        "-p",
        "wren_async.testing",
        "-o",
        f"asyncio_mode={mode}",
        "-o",
        f"{SCOPE}=function",
    )
    assert "3 passed" in run(tmp_path, *options)


def test_without_the_extra(tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text("def test_plain(sandbox):\n    pass\n")
    (tmp_path / "uvicorn.py").write_text("raise ImportError('no uvicorn here')\n")
    output = run(tmp_path, "-p", "wren_async.testing", "-o", "pythonpath=.")
    assert "the sandbox needs wren-async[sandbox]" in output
