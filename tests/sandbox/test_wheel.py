"""The wheel, installed with its extra by a stranger who knows nothing of this source tree."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = """
[project]
name = "shop"
version = "1"

[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
"""
TESTS = """
from decimal import Decimal

import pytest

from wren_async import PaymentRequired


async def test_an_order_of_wren(sandbox, wren_client):
    receipt = await wren_client.offset_orders.create(tons=Decimal("0.45"), payment_method="credits", note="cart 7")
    (order,) = sandbox.orders
    assert (order.api, order.id) == ("wren", receipt.id)
    assert order.reference.endswith("] cart 7")
    assert [-entry.amount_cents for entry in sandbox.ledger] == [order.cents]


async def test_an_order_of_cnaught(sandbox, cnaught_client):
    order = await cnaught_client.orders.create(amount_kg=10, metadata="cart 8")
    assert [placed.reference for placed in sandbox.orders] == ["cart 8"]
    sandbox.fulfil(order.id)
    assert (await cnaught_client.orders.get(order.id)).state == "fulfilled"


async def test_what_a_payment_failure_does(sandbox, wren_client):
    sandbox.faults.add("status", operation="createOffsetOrder", status=402)
    with pytest.raises(PaymentRequired):
        await wren_client.offset_orders.create(tons=1, payment_method="credits")
    assert sandbox.orders == []
    assert sandbox.requests[0].status == 402
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="needs the source tree"),
]


def call(directory: Path, *command: str | Path) -> str:
    # Of this run's own settings, nothing may reach the stranger's interpreter.
    foreign = ("PYTHON", "PYTEST", "COVERAGE", "COV_", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    done = subprocess.run(
        [str(part) for part in command], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment that has the wheel with its extra, pytest and pytest-asyncio."""
    directory = tmp_path_factory.mktemp("stranger")
    call(ROOT, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory / "dist")
    (wheel,) = (directory / "dist").glob("*.whl")
    call(directory, sys.executable, "-m", "venv", "environment")
    interpreter = directory / "environment" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    quietly = ("-q", "--disable-pip-version-check", "--no-input")
    call(directory, interpreter, "-m", "pip", "install", *quietly, f"{wheel}[sandbox]", "pytest", "pytest-asyncio")
    return interpreter


def test_a_strangers_tests_use_the_plugin(python: Path, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "test_shop.py").write_text(TESTS)
    said = call(tmp_path, python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error")
    assert "3 passed" in said


def test_it_is_the_wheel_that_is_used(python: Path, tmp_path: Path) -> None:
    code = "import wren_async, wren_async.sandbox.contract as c; print(wren_async.__file__); c.load('wren')"
    place = Path(call(tmp_path, python, "-c", code).strip())
    assert place.is_relative_to(python.parents[1])
    assert (place.parent / "openapi" / "wren.yaml").read_bytes() == (ROOT / "openapi" / "wren.yaml").read_bytes()
    assert (place.parent / "py.typed").is_file()


def test_the_page_is_in_the_wheel(python: Path, tmp_path: Path) -> None:
    code = """
import httpx, json
from wren_async.sandbox import Sandbox
with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
    print(json.dumps([client.get(path).text for path in ("/", "/_sandbox/page/page.css", "/_sandbox/page/page.js")]))
"""
    files = ROOT / "wren_async" / "sandbox" / "page_files"
    served = json.loads(call(tmp_path, python, "-c", code))
    assert served == [(files / name).read_text() for name in ("index.html", "page.css", "page.js")]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM")
def test_the_command_of_the_wheel_prints_one_line(python: Path, tmp_path: Path) -> None:
    command = [str(python), "-m", "wren_async.sandbox", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
    assert addresses["wren"]["base_url"].startswith("http://127.0.0.1:")
    assert set(addresses) == {"wren", "cnaught"}
    assert (process.returncode, rest, errors) == (0, "", "")
