"""A disk of the database that is really full: workers say so and wait, and go on once there is room."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from batch_world import World
from postgres_server import VARIABLE, PostgresServer, new_server

from wren_async.batch import CNaughtMass, WorkerService
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.sandbox import FaultKind

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(VARIABLE in os.environ, reason="the disk of the named server is not filled"),
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a small disk is mounted by root alone"),
]

ORDERS = 60


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system in memory that has no more room than this."""
    directory = Path(tempfile.mkdtemp(prefix="wren-async-disk-"))
    try:
        words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "none", str(directory)]
        mounted = subprocess.run(words, capture_output=True, text=True)
        if mounted.returncode:
            pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
        try:
            yield directory
        finally:
            subprocess.run(["umount", str(directory)], check=True)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def fill(disk: Path) -> Path:
    """Leave no room at all; the file that takes it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


@pytest.fixture
async def tablespace(postgres: PostgresServer) -> AsyncIterator[tuple[str, Path]]:
    """The address of a database whose tables have a small disk of their own, and that disk."""
    name = f"small_{os.getpid()}"
    with small_disk(16) as disk:
        (disk / "tables").mkdir()
        shutil.chown(disk, "nobody")
        shutil.chown(disk / "tables", "nobody")
        postgres.execute(f"CREATE TABLESPACE {name} LOCATION '{disk / 'tables'}'")
        postgres.execute(f"CREATE DATABASE {name} TABLESPACE {name}")
        try:
            yield postgres.address(name), disk
        finally:
            (disk / "ballast").unlink(missing_ok=True)
            postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
            postgres.execute(f"DROP TABLESPACE {name}")


async def plan(here: World, address: str) -> None:
    async with await PostgresJournal.open(address, "rides") as journal, here.batch(journal) as batch:
        await batch.plan([CNaughtMass(amount_kg=5)] * ORDERS)
        await journal.resume_all()
    here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=0.02, operation="createOrder")


async def work(here: World, address: str) -> None:
    wren, cnaught = here.clients()
    async with wren, cnaught:
        await WorkerService(
            address, wren=wren, cnaught=cnaught, concurrency=2, lease=3.0, retry_after=0.2, timing=here.timing
        ).run(until_done=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110 - the other side tells no one
            await asyncio.sleep(0.01)


async def test_tables_that_cannot_grow_let_workers_wait(
    here: World, tablespace: tuple[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    address, disk = tablespace
    await plan(here, address)
    running = [asyncio.create_task(work(here, address)) for _ in range(2)]
    await until(lambda: len(here.committed()) >= 5)
    ballast = fill(disk)
    await until(lambda: "No space left" in caplog.text)
    ballast.unlink()
    here.pass_time(3600)
    async with asyncio.timeout(60):
        await asyncio.gather(*running)
    assert [len(orders) for orders in here.committed().values()] == [1] * ORDERS


async def test_a_database_that_dies_of_a_full_disk_goes_on_when_there_is_room(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Where there is no room for its log, PostgreSQL ends, and does not start again before there is."""
    with small_disk(96) as disk, new_server(directory=disk) as server:
        server.configure({"wal_recycle": "off", "min_wal_size": "32MB"})
        address = server.address("postgres")
        await plan(here, address)
        running = [asyncio.create_task(work(here, address)) for _ in range(2)]
        await until(lambda: len(here.committed()) >= 5)
        ballast = fill(disk)
        writing = asyncio.create_task(asyncio.to_thread(write_until_it_dies, address))
        await writing
        await until(lambda: "it is tried again" in caplog.text)
        ballast.unlink()
        with contextlib.suppress(RuntimeError):  # it may have got up by itself
            await asyncio.to_thread(server.start)
        await until(lambda: can_write(server))
        await asyncio.sleep(3.5)  # the leases of those who were sending
        here.pass_time(3600)
        async with asyncio.timeout(60):
            await asyncio.gather(*running)
    assert [len(orders) for orders in here.committed().values()] == [1] * ORDERS


def write_until_it_dies(address: str) -> None:
    """Use up the log that was laid out before."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(address, autocommit=True) as connection:
        while True:
            connection.execute("SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000), true)")


def can_write(server: PostgresServer) -> bool:
    with contextlib.suppress(psycopg.OperationalError):
        server.execute("CREATE TABLE IF NOT EXISTS probe ()")
        return True
    return False
