"""PgBouncer between a test and its database, where it is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from postgres_server import PostgresServer
from psycopg.conninfo import conninfo_to_dict

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def pooler(server: PostgresServer, mode: str, *, size: int = 4) -> Iterator[int]:
    """A pooler in this mode, with so many connections to each database; the port at which it listens."""
    assert PROGRAM is not None
    directory = Path(tempfile.mkdtemp(prefix="wren-async-pooler-"))
    port = _free_port()
    settings = directory / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host={server.directory} port=5432\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        f"auth_file = {directory / 'users'}\npool_mode = {mode}\ndefault_pool_size = {size}\n"
        "ignore_startup_parameters = extra_float_digits\nserver_check_delay = 1\n"
    )
    (directory / "users").write_text('"postgres" ""\n')
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        for path in (directory, *directory.iterdir()):
            shutil.chown(path, "nobody")
    try:
        with (directory / "log").open("w") as log:
            process = subprocess.Popen([PROGRAM, "-q", str(settings)], stdout=log, stderr=log, cwd="/", **user)
            try:
                _wait_for(port, process)
                yield port
            finally:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def address_by(port: int, address: str) -> str:
    """The address of a database of the embedded server, by the pooler."""
    return f"postgresql://postgres@127.0.0.1:{port}/{conninfo_to_dict(address)['dbname']}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 10
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError("pgbouncer does not listen")
