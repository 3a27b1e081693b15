"""The examples of web apps and of the nightly batch run against the sandbox, with messages that come twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from examples import fastapi_outbox, notifications
from wren_async import CNaughtClient
from wren_async.models.cnaught import NotificationConfig
from wren_async.sandbox import FaultKind, Sandbox, When

ROOT = Path(__file__).parent.parent


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox() as made:
        monkeypatch.setenv("CNAUGHT_API_KEY", made.cnaught.api_key)
        monkeypatch.setenv("CNAUGHT_BASE_URL", made.cnaught.base_url)
        yield made


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The app with its lifespan, as a web server in this process has it."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client,
    ):
        yield client


# --- the outbox ---


@pytest.fixture
def database(database_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", database_address)
    return database_address


async def offset_of(client: httpx.AsyncClient, ride: str, state: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            found: dict[str, Any] = (await client.get(f"/rides/{ride}/offset")).json()
            if found.get("state") == state:
                return found
            await asyncio.sleep(0.05)


async def test_a_ride_is_offset_once_however_often_it_is_posted(sandbox: Sandbox, database: str) -> None:
    ride = {"id": "4711", "kilometres": "60"}
    async with serving(fastapi_outbox.app) as client:
        answers = await asyncio.gather(*(client.post("/rides", json=ride) for _ in range(10)))
        found = await offset_of(client, "4711", "placed")
        other = await client.post("/rides", json={"id": "4711", "kilometres": "90"})
        unknown = await client.get("/rides/4712/offset")
        health = await client.get("/health")
    assert {answer.status_code for answer in answers} <= {201, 202}
    assert (other.status_code, unknown.status_code) == (409, 404)
    (order,) = sandbox.orders
    assert (found["order"], found["cents"]) == (order.id, order.cents)
    assert order.reference == "[ref:ride-4711]"
    assert (health.status_code, health.json()["needs_person"]) == (200, [])


async def test_a_ride_that_is_posted_while_the_server_is_slow_is_offset_after_the_restart(
    sandbox: Sandbox, database: str
) -> None:
    sandbox.faults.add(kind=FaultKind.STATUS, status=503, operation="createQuote", times=3)
    async with serving(fastapi_outbox.app) as client:
        answer = await client.post("/rides", json={"id": "1", "kilometres": "10"})
        assert answer.status_code in (201, 202)
    async with serving(fastapi_outbox.app) as client:
        await client.post("/rides", json={"id": "1", "kilometres": "10"})
        await offset_of(client, "1", "placed")
    assert len(sandbox.orders) == 1


async def test_a_ride_that_makes_no_sense_writes_nothing(sandbox: Sandbox, database: str) -> None:
    async with serving(fastapi_outbox.app) as client:
        answers = [
            await client.post("/rides", json={"id": ride, "kilometres": kilometres})
            for ride, kilometres in [("a b", "1"), ("1", "-1"), ("1", "NaN")]
        ]
    assert {answer.status_code for answer in answers} == {422}
    assert sandbox.orders == []


# --- notifications ---

TOKEN = "not-easy-to-guess"


@pytest.fixture
def receiver(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NOTIFICATION_TOKEN", TOKEN)
    monkeypatch.setenv("APP_DATABASE", str(tmp_path / "orders.sqlite"))
    return tmp_path / "orders.sqlite"


@contextlib.asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """The app on a port; its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells no one
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def certificates(path: Path) -> list[tuple[str, str]]:
    import sqlite3

    with contextlib.closing(sqlite3.connect(path)) as connection:
        return list(connection.execute("SELECT id, state FROM certificates ORDER BY rowid"))


def forged(sandbox: Sandbox, order_id: str) -> dict[str, Any]:
    """An order as CNaught shows it, to be changed."""
    at = sandbox.cnaught
    answer = httpx.get(f"{at.base_url}/orders/{order_id}", headers={"Authorization": f"Bearer {at.api_key}"})
    told: dict[str, Any] = answer.json()
    return told


async def until_there_are(count: int, receiver: Path) -> None:
    async with asyncio.timeout(20):
        while len(certificates(receiver)) < count:  # noqa: ASYNC110 - the receiver tells no one
            await asyncio.sleep(0.02)


async def test_the_receiver_hears_of_each_change_once(sandbox: Sandbox, receiver: Path) -> None:
    sandbox.delivery.retry_seconds = 0.05
    async with listening(notifications.app) as url, CNaughtClient() as cnaught:
        config = NotificationConfig(url=f"{url}/cnaught/{TOKEN}")
        order = await cnaught.orders.create(amount_kg=10, notification_config=config)
        # The first delivery finds CNaught away, and comes again.
        sandbox.faults.add(kind=FaultKind.STATUS, status=503, when=When.BEFORE, operation="getOrder", times=6)
        sandbox.fulfil(order.id)
        await until_there_are(1, receiver)
        sandbox.cancel(order.id)
        await until_there_are(2, receiver)
    assert certificates(receiver) == [(order.id, "fulfilled"), (order.id, "cancelled")]


async def test_the_same_notification_twice_and_at_once_is_acted_on_once(sandbox: Sandbox, receiver: Path) -> None:
    async with serving(notifications.app) as client, CNaughtClient() as cnaught:
        order = await cnaught.orders.create(amount_kg=10)
        body = {"order": {**forged(sandbox, order.id), "state": "fulfilled"}}
        answers = await asyncio.gather(*(client.post(f"/cnaught/{TOKEN}", json=body) for _ in range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert [answer.json()["was"] for answer in answers].count("new") == 1
    # Nobody believed that it was fulfilled: CNaught says that it is placed.
    assert certificates(receiver) == [(order.id, "placed")]


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [
        ("guessed", b'{"order": {"id": "o"}}', 404),
        (TOKEN, b"not JSON", 400),
        (TOKEN, b" " * 1_000_001, 413),
    ],
)
async def test_what_is_no_notification_of_ours_changes_nothing(
    sandbox: Sandbox, receiver: Path, token: str, body: bytes, status: int
) -> None:
    async with serving(notifications.app) as client:
        answer = await client.post(f"/cnaught/{token}", content=body)
    assert answer.status_code == status
    assert certificates(receiver) == []


async def test_a_notification_of_an_order_that_is_not_ours_changes_nothing(sandbox: Sandbox, receiver: Path) -> None:
    async with serving(notifications.app) as client, CNaughtClient() as cnaught:
        order = await cnaught.orders.create(amount_kg=10)
        body = {"order": {**forged(sandbox, order.id), "id": "of-somebody-else"}}
        answer = await client.post(f"/cnaught/{TOKEN}", json=body)
    assert answer.status_code == 404
    assert certificates(receiver) == []


# --- the nightly batch ---


def test_a_night_that_is_started_again_orders_nothing_twice(sandbox: Sandbox, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")

    def start() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "examples/nightly_batch.py", "examples/rides.csv", "2026-07-01"]
        environment = {**os.environ, "PYTHONWARNINGS": "error"}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    sandbox.faults.add(kind=FaultKind.STATUS, status=401, when=When.BEFORE, operation="createOrder", nth=3)
    first, second, third = start(), start(), start()
    rows = len((ROOT / "examples" / "rides.csv").read_text().splitlines()) - 1
    assert (first.returncode, second.returncode, third.returncode) == (1, 0, 0), first.stderr + second.stderr
    assert f"{rows} placed" in second.stdout
    assert len(sandbox.orders) == rows
