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

FIXTURES = """
import time

import pytest

from wren_async import CannotTell, CNaughtClient, NotPlaced, OutcomeUnknown, PaymentRequired, Placed, RateLimited


@pytest.fixture
def client_options():
    return {"retries": 3}


async def test_a_lost_answer_of_wren(lost_answer, sandbox, wren_client):
    fault = lost_answer("createOffsetOrder")
    with pytest.raises(OutcomeUnknown) as caught:
        await wren_client.offset_orders.create(tons=1, payment_method="credits")
    assert (len(sandbox.orders), fault.applied) == (1, 1)
    assert isinstance(await wren_client.reconcile(caught.value), Placed)


async def test_a_lost_answer_of_cnaught(lost_answer, sandbox, cnaught_client, virtual_time):
    lost_answer("createOrder", times=2)
    order = await cnaught_client.orders.create(amount_kg=10)
    assert [placed.id for placed in sandbox.orders] == [order.id]
    assert [request.fault for request in sandbox.requests] == ["reset", "reset", None]
    assert len(virtual_time.waits) == 2


async def test_an_order_that_never_arrived(lost_answer, virtual_time, sandbox, wren_client):
    await wren_client.offset_orders.create(tons=2, payment_method="credits")
    lost_answer("createOffsetOrder", carried_out=False)
    with pytest.raises(OutcomeUnknown) as caught:
        await wren_client.offset_orders.create(tons=1, payment_method="credits")
    assert isinstance(await wren_client.reconcile(caught.value), CannotTell), "too early to tell"
    virtual_time.advance(16 * 60)
    assert isinstance(await wren_client.reconcile(caught.value), NotPlaced)
    assert len(sandbox.orders) == 1


async def test_a_minute_of_waiting(virtual_time, sandbox, cnaught_client):
    began, noon = time.monotonic(), virtual_time.now
    sandbox.faults.add("rate_limit", retry_after=20, times=3)
    assert (await cnaught_client.orders.create(amount_kg=10)).amount_kg == 10
    assert virtual_time.waits == [20, 20, 20]
    assert (virtual_time.now - noon).total_seconds() == 60
    assert sandbox.clock.now() == virtual_time.now
    assert time.monotonic() - began < 30


async def test_a_client_of_ones_own(virtual_time, sandbox):
    sandbox.faults.add("rate_limit", retry_after_date=True, retry_after=9, times=1)
    key, url = sandbox.cnaught.api_key, sandbox.cnaught.base_url
    async with CNaughtClient(api_key=key, base_url=url, timing=virtual_time.timing) as client:
        await client.portfolios.list()
    assert virtual_time.waits == [9]


async def test_a_poor_wallet(poor_wallet, wren_client, sandbox):
    with pytest.raises(PaymentRequired):
        await wren_client.offset_orders.create(tons=1, payment_method="credits")
    poor_wallet.balance_cents = 2311
    receipt = await wren_client.offset_orders.create(tons=1, payment_method="credits")
    assert receipt.credits_remaining == poor_wallet.balance_cents == 0


def test_virtual_time_alone(virtual_time, sandbox_in_process):
    assert sandbox_in_process.clock.now() == virtual_time.now
"""


def run(directory: Path, *arguments: str) -> str:
    root = Path(__file__).parents[2]
    # Started from elsewhere, so that nothing but the plugin under test is loaded.
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *arguments]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize(("tests", "count"), [(TESTS, 3), (FIXTURES, 7)], ids=["sandbox", "fixtures"])
@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_a_strangers_tests(tmp_path: Path, mode: str, tests: str, count: int) -> None:
    if mode == "strict":
        tests = tests.replace("async def test", "@pytest.mark.asyncio\nasync def test")
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
    shown = run(tmp_path, *options)
    assert f"{count} passed" in shown, shown


def test_the_plugin_loads_little() -> None:
    code = "import sys, wren_async.testing; print([each for each in ('httpx', 'starlette') if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_the_extra(tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text("def test_plain(sandbox):\n    pass\n")
    (tmp_path / "uvicorn.py").write_text("raise ImportError('no uvicorn here')\n")
    output = run(tmp_path, "-p", "wren_async.testing", "-o", "pythonpath=.")
    assert "the sandbox needs wren-async[sandbox]" in output
