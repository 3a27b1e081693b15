"""The PostgreSQL of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from postgres_server import VARIABLE

STARTS = """
import time
from postgres_server import running_server
with running_server() as server:
    print(server.address("postgres"), server.directory, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(VARIABLE in os.environ, reason="the named server is not ended")
def test_the_server_ends_with_the_tests_that_started_it_also_where_they_are_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True, env=environment) as tests:
        assert tests.stdout is not None
        address, directory = tests.stdout.readline().split()
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("SELECT 1")
            tests.kill()
            ends = time.monotonic() + 20
            with suppress(psycopg.OperationalError):
                while connection.execute("SELECT 1").fetchone():
                    assert time.monotonic() < ends, "it still runs"
                    time.sleep(0.02)
            while Path(directory).exists():
                assert time.monotonic() < ends, f"{directory} is still there"
                time.sleep(0.02)
