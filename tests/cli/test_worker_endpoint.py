"""What a worker answers over its socket to those who watch it."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus

import httpx
import pytest
from cli_shell import Shell, wait_until

from tests.postgres_server import cable_to
from wren_async import CNaughtClient
from wren_async.batch import Batch, CNaughtMass, PostgresJournal, WorkerService
from wren_async.cli import main
from wren_async.cli.endpoint import Answer, Listen, Pages, endpoint, health_answer
from wren_async.cli.exits import Exit, Stop
from wren_async.outbox import Outbox
from wren_async.telemetry import PrometheusMetrics


@pytest.fixture
def database(database_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("WREN_ASYNC_DATABASE", database_address)
    return database_address


@contextmanager
def worker(shell: Shell, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A worker as a process of its own, and the address at which it answers."""
    command = [sys.executable, "-m", "wren_async.cli", "worker", "--listen", "127.0.0.1:0", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=shell.environment)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("listening at http://127.0.0.1:"), line
        yield process, line.split()[-1]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def values(text: str) -> dict[str, float]:
    """The metrics of a page, without those of requests."""
    lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith("wren_async")]
    return {name: float(value) for name, _, value in lines}


def test_a_worker_answers_how_it_is_and_what_it_has_done(shell: Shell, database: str) -> None:
    assert shell.run("run", shell.orders(5), "--yes", "--leave") == 0
    placed = 'wren_async_batch_orders{wren_async_batch="orders",wren_async_state="placed"}'
    with worker(shell, "--lease", "10") as (process, address):
        wait_until(lambda: httpx.get(f"{address}/healthz").status_code == HTTPStatus.OK)
        assert httpx.get(f"{address}/healthz").text == "ok\n"
        wait_until(lambda: values(httpx.get(f"{address}/metrics").text).get(placed) == 5)
        answer = httpx.get(f"{address}/metrics")
        assert answer.headers["Content-Type"] == PrometheusMetrics.content_type
        told = values(answer.text)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    spent = sum(order.cents for order in shell.sandbox.orders)
    one = 'wren_async_operation="createOrder"'
    assert told[f'wren_async_orders_total{{{one},wren_async_outcome="succeeded"}}'] == 5
    assert told[f"wren_async_spent_cents_total{{{one}}}"] == spent
    assert told['wren_async_batch_money_cents{wren_async_batch="orders",wren_async_money="spent"}'] == spent
    assert told['wren_async_batch_money_cents{wren_async_batch="orders",wren_async_money="reserved"}'] == 0
    assert told['wren_async_batch_orders{wren_async_batch="orders",wren_async_state="undecided"}'] == 0
    assert told["wren_async_limiter_in_flight"] == 0
    secrets = (shell.sandbox.cnaught.api_key, shell.sandbox.wren.live_token, database)
    assert not any(secret in answer.text for secret in secrets)


def test_a_worker_that_starts_while_the_database_is_away_answers_that_it_is(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WREN_ASYNC_DATABASE", "postgresql://app:hunter2@127.0.0.1:1/orders")
    with worker(shell) as (process, address):
        answer = httpx.get(f"{address}/healthz")
        assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert answer.text == "the database has not been reached yet\n"
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert "hunter2" not in process.stderr.read()


def test_the_outbox_is_counted_too(shell: Shell, database: str) -> None:
    at = shell.sandbox.cnaught

    async def submit() -> None:
        async with (
            CNaughtClient(at.api_key, base_url=at.base_url) as cnaught,
            Outbox(database, cnaught=cnaught, worker=False) as outbox,
        ):
            await outbox.submit(CNaughtMass(amount_kg=12), reference="ride-4711")

    asyncio.run(submit())
    placed = 'wren_async_batch_orders{wren_async_batch="outbox",wren_async_state="placed"}'
    with worker(shell) as (_, address):
        wait_until(lambda: values(httpx.get(f"{address}/metrics").text).get(placed) == 1)
        assert httpx.get(f"{address}/healthz").status_code == HTTPStatus.OK
        assert "ride-4711" not in httpx.get(f"{address}/metrics").text


async def test_a_worker_in_python_measures_its_batches(database_address: str, shell: Shell) -> None:
    metrics, at = PrometheusMetrics(), shell.sandbox.cnaught
    async with CNaughtClient(at.api_key, base_url=at.base_url, telemetry=metrics) as cnaught:
        for name in ("rides", "nights"):
            journal = await PostgresJournal.open(database_address, name)
            async with journal, Batch(journal, cnaught=cnaught) as batch:
                await batch.plan([CNaughtMass(amount_kg=12), CNaughtMass(amount_kg=3)])
                await journal.resume_all()
        await WorkerService(database_address, cnaught=cnaught, telemetry=metrics).run(until_done=True)
    told = values(metrics.text())
    for name in ("rides", "nights"):
        assert told[f'wren_async_batch_orders{{wren_async_batch="{name}",wren_async_state="placed"}}'] == 2
        assert told[f'wren_async_batch_in_flight{{wren_async_batch="{name}"}}'] == 0


async def test_health_follows_the_database(database_address: str) -> None:
    async with await PostgresJournal.open(database_address, "rides"):
        pass
    async with cable_to(database_address) as cable, CNaughtClient("key", base_url="http://127.0.0.1:9/v1") as cnaught:
        service = WorkerService(cable.address, cnaught=cnaught, lease=1.0)
        assert service.problem == "the database has not been reached yet"
        pages: Pages = {"/healthz": lambda: health_answer(service.problem)}
        async with endpoint(Listen("127.0.0.1", 0), pages) as address, httpx.AsyncClient(base_url=address) as client:
            task = asyncio.create_task(service.run())

            async def until(status: HTTPStatus) -> str:
                async with asyncio.timeout(20):
                    while (answer := await client.get("/healthz")).status_code != status:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                return answer.text

            await until(HTTPStatus.OK)
            await cable.cut()
            told = await until(HTTPStatus.SERVICE_UNAVAILABLE)
            assert re.fullmatch(r"the database has not been reached for \d+ s\n", told)
            await cable.lay()
            assert await until(HTTPStatus.OK) == "ok\n"
            service.stop()
            await task


async def test_a_lease_that_is_over_is_told_while_a_batch_is_placed(database_address: str) -> None:
    async with cable_to(database_address) as cable:
        journal = await PostgresJournal.open(cable.address, "rides", lease=1.0)
        assert journal.lapse is None
        await journal.join()
        assert journal.lapse is None
        await cable.cut()
        async with asyncio.timeout(20):
            while journal.lapse is None:  # noqa: ASYNC110 - it is a matter of time alone
                await asyncio.sleep(0.05)
        assert "the lease is over" in journal.lapse
        await cable.lay()
        await journal.aclose()


def test_a_port_in_use_is_told_in_a_sentence(shell: Shell, database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["worker", "--until-done", "--listen", str(port)]) == Exit.USAGE
    told = shell.capsys.readouterr().err
    assert f"--listen 127.0.0.1:{port}: another program listens there" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("9100", Listen("127.0.0.1", 9100)),
        (":9100", Listen("127.0.0.1", 9100)),
        ("0.0.0.0:9100", Listen("0.0.0.0", 9100)),
        ("[::1]:9100", Listen("::1", 9100)),
    ],
)
def test_other_machines_are_answered_only_where_a_host_says_so(given: str, meant: Listen) -> None:
    assert Listen.of(given) == meant


@pytest.mark.parametrize("given", ["", "here", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:-1"])
def test_what_is_no_address_is_told(given: str) -> None:
    with pytest.raises(Stop, match="HOST:PORT"):
        Listen.of(given)


# --- the server alone ---


@asynccontextmanager
async def serving(page: Callable[[], Answer]) -> AsyncIterator[Callable[[bytes], asyncio.Future[bytes]]]:
    async with endpoint(Listen("127.0.0.1", 0), {"/healthz": page}) as address:
        port = int(address.rpartition(":")[2])

        async def ask(request: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request)
                writer.write_eof()
                return await reader.read()
            finally:
                writer.close()

        yield lambda request: asyncio.ensure_future(ask(request))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET /healthz?full=1 HTTP/1.0\r\n\r\n", 200),
        (b"POST /healthz HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"GET /healthz\r\n\r\n", 400),
        (b"\xff\xfe\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n", 400),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 400),
    ],
)
async def test_one_get_is_answered_and_the_connection_closed(request_: bytes, status: int) -> None:
    async with serving(lambda: health_answer(None)) as ask:
        answer = await ask(request_)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Connection: close\r\n" in answer


async def test_what_is_wrong_is_one_line() -> None:
    async with serving(lambda: health_answer("the lease\r\nSet-Cookie: a=b")) as ask:
        answer = await ask(b"GET /healthz HTTP/1.1\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable")
    assert body == b"the lease Set-Cookie: a=b\n"


async def test_closing_does_not_wait_for_who_says_nothing() -> None:
    async with asyncio.timeout(3):
        async with endpoint(Listen("127.0.0.1", 0), {}) as address:
            _, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
            await asyncio.sleep(0.05)
        writer.close()
