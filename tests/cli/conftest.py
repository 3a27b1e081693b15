"""A shell for each test of the command line."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_shell import Shell, served, tokens

from wren_async.sandbox import Sandbox


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    with served(Sandbox()) as (sandbox, loop):
        for name, value in tokens(sandbox).items():
            monkeypatch.setenv(name, value)
        yield Shell(sandbox, loop, tmp_path, capsys)


@pytest.fixture
def children() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes to be ended with the test, however it ends."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
