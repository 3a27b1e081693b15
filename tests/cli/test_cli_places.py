"""The same command lines over a journal in a file and over one in a database: the same words, codes and orders."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest
from cli_shell import Shell, served, tokens

from wren_async.batch.journal.contract import Result, State
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.cli import main
from wren_async.cli.exits import Exit
from wren_async.sandbox import Sandbox


@attrs.define
class Told:
    """What a command said, with what differs between a file and a database, and from run to run, taken out."""

    code: int
    out: str
    told: tuple[str, ...]


@attrs.define
class Desk:
    """A shell whose batches are in files, or in a database with a worker in a process of its own."""

    shell: Shell
    database: str | None
    steps: list[Told] = attrs.field(factory=list[Told])
    worker: subprocess.Popen[bytes] | None = None

    def run(self, command: str, batch: str = "orders", *words: str) -> Told:
        """Run a command of `batch` for a batch that is called so, or for the file of its orders."""
        orders = str(self.shell.directory / f"{batch}.csv")
        by_file = command in ("plan", "run", "changes")
        if self.database is None:
            named = [orders] if by_file else [f"{orders}.journal"]
        else:
            named = [*([orders] if by_file else [batch]), "--database", self.database]
        code = self.shell.run(command, *named, *words)
        told = [
            line
            for line in self.shell.told.splitlines()
            if re.match(r"(cap reached|line \d|nothing was|\S+: its)", line)
        ]
        self.steps.append(Told(code, self._same(self.shell.out), tuple(map(self._same, told))))
        return self.steps[-1]

    def write(self, *amounts: int, name: str = "orders") -> None:
        """Write a file of orders."""
        (self.shell.directory / f"{name}.csv").write_text("".join(f"{each}\n" for each in ("amount_kg", *amounts)))

    async def journal(self, batch: str = "orders") -> Any:
        """The journal of a batch."""
        if self.database is None:
            return await SqliteJournal.open(self.shell.directory / f"{batch}.csv.journal")
        return await PostgresJournal.open(self.database, batch)

    def leave_in_doubt(self) -> None:
        """Let all orders stand as they do after their answers were lost, without that anything reached the server."""

        async def mark() -> None:
            async with await self.journal() as journal:
                await journal.join()
                await journal.checked()
                now = datetime.now(UTC)
                positions = [entry.row.position async for entry in journal.entries()]
                await journal.mark_sending(positions, now)
                for each in positions:
                    result = Result(
                        state=State.UNDECIDED, reason="no answer", first_sent=now, last_sent=now, attempts=1
                    )
                    await journal.record(each, result)

        asyncio.run(mark())

    def batch_id(self) -> str:
        async def read() -> str:
            async with await self.journal() as journal:
                return str(journal.batch_id)

        return asyncio.run(read())

    def lose(self) -> None:
        """Lose the journal of the batch."""
        if self.database is None:
            for path in self.shell.directory.glob("orders.csv.journal*"):
                path.unlink()
            return
        self.stop_worker()
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute("DROP SCHEMA wren_async CASCADE")
        self.start_worker()

    def start_worker(self) -> None:
        """Start what places the batches of the database."""
        if self.database is None:
            return
        environment = {**self.shell.environment, "WREN_ASYNC_DATABASE": self.database}
        assert main(["database", "migrate", "--database", self.database]) == 0
        command = [sys.executable, "-m", "wren_async.cli", "worker", "--settle-time", "0"]
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.worker = subprocess.Popen(command, env=environment, **streams)  # type: ignore[call-overload]

    def stop_worker(self) -> None:
        """Stop it."""
        if self.worker is not None:
            self.worker.terminate()
            self.worker.wait(timeout=60)
            self.worker = None

    def _same(self, text: str) -> str:
        text = (
            " ".join(text.split())
            .replace(str(self.shell.directory), "DIR")
            .replace(' --database "$WREN_ASYNC_DATABASE"', "")
        )
        text = text.replace("DIR/orders.csv.journal", "orders").replace("--journal orders", "--name orders")
        text = re.sub(r"Workers look.*buys\s+nothing:", "This looks for them in the account, and buys nothing:", text)
        text = re.sub(r"\b[0-9a-f]{32}\b", "ID", text)
        text = re.sub(r"http://127\.0\.0\.1:\d+\S*|\d{4}-\d\d-\d\d \d\d:\d\d UTC", "*", text)
        text = text.replace("spent or reserved by all workers", "spent or reserved")
        text = re.sub(r"\d+ s more|only -?\d+ s|looked at \S+ \S+", "*", text)
        text = re.sub(r"cap reached: order \d+", "cap reached: order N", text)
        text = re.sub(r"answers: half within .*|retries: .*", "", text)
        return " ".join(text.split())


@contextmanager
def desk(directory: Path, database: str | None, capsys: Any, monkeypatch: Any) -> Iterator[Desk]:
    directory.mkdir()
    with served(Sandbox()) as (sandbox, loop), monkeypatch.context() as patched:
        for name, value in {**tokens(sandbox), "COLUMNS": "300"}.items():
            patched.setenv(name, value)
        patched.delenv("WREN_ASYNC_DATABASE", raising=False)
        made = Desk(Shell(sandbox, loop, directory, capsys), database)
        try:
            made.start_worker()
            yield made
        finally:
            made.stop_worker()


def everything(desk: Desk) -> None:
    """Plan, look, place, and place nothing again."""
    desk.write(3, 5, 8)
    assert desk.run("plan").code == 0
    assert desk.run("run", "orders", "--dry-run").code == 0
    assert desk.run("report").code == 0
    assert desk.run("run").code == Exit.USAGE
    assert desk.run("resume").code == Exit.USAGE
    assert desk.shell.sandbox.orders == []
    assert desk.run("run", "orders", "--yes").code == Exit.ALL_PLACED
    assert desk.run("run").code == Exit.ALL_PLACED, "nothing left to buy needs no yes"
    assert desk.run("resume").code == Exit.ALL_PLACED
    assert desk.run("reconcile").code == Exit.ALL_PLACED
    assert desk.run("report", "orders", "--books").code == 0
    assert desk.run("settle", "orders", "2").code == Exit.USAGE
    assert desk.run("settle", "orders", "2", "--not-placed").code == Exit.USAGE
    assert len(desk.shell.sandbox.orders) == 3


def caps(desk: Desk) -> None:
    """Stop at a cap, and go on under another."""
    desk.write(1, 1, 1, 1)
    assert desk.run("run", "orders", "--yes", "--max-usd", "0.05").code == Exit.CAP
    assert 0 < len(desk.shell.sandbox.orders) < 4
    assert desk.run("resume", "orders", "--max-usd", "500.00").code == Exit.USAGE, "no terminal to ask at"
    assert 0 < len(desk.shell.sandbox.orders) < 4
    assert desk.run("resume", "orders", "--yes", "--max-usd", "500.00").code == 0
    assert len(desk.shell.sandbox.orders) == 4


def refusals(desk: Desk) -> None:
    """One order is refused, and ordered after all in a file of changes."""
    desk.write(1, 2)
    assert desk.run("plan").code == 0
    desk.shell.sandbox.faults.add("status", operation="createOrder", status=400, times=2)
    assert desk.run("run", "orders", "--yes").code == Exit.SOME_REFUSED
    assert desk.run("report").code == 0


def changes(desk: Desk) -> None:
    """A file changes after it was placed: what is new is ordered, again and again, and nothing else."""
    desk.write(1, 2, 2)
    assert desk.run("run", "orders", "--yes").code == 0
    desk.write(1, 3, 2, 7)
    assert desk.run("run", "orders", "--yes").code == Exit.USAGE
    new = desk.shell.directory / "new.csv"
    assert desk.run("changes", "orders", "--output", str(new)).code == 0
    assert new.read_text() == "amount_kg\n3\n7\n"
    assert desk.run("changes", "orders", "--output", str(desk.shell.directory / "again.csv")).code == Exit.USAGE
    assert "--never-run" in desk.shell.told, "nobody knows what is ordered of the first"
    assert desk.run("run", "new", "--yes").code == 0
    assert len(desk.shell.sandbox.orders) == 5
    assert desk.run("changes", "orders", "--output", str(desk.shell.directory / "third.csv")).code == 0
    assert "nothing was written" in desk.shell.out
    assert desk.run("changes", "orders", "--output", str(new)).code == Exit.USAGE, "it is there"
    desk.write(1, 3, 2, 7, 9)
    assert desk.run("changes", "orders", "--output", str(desk.shell.directory / "third.csv")).code == 0
    assert (desk.shell.directory / "third.csv").read_text() == "amount_kg\n9\n"


def doubts(desk: Desk) -> None:
    """Orders in doubt are looked for, told with their commands, sent again when asked, and settled by a person."""
    desk.write(1, 2, 3)
    assert desk.run("plan").code == 0
    desk.leave_in_doubt()
    assert desk.run("reconcile").code == Exit.SOME_UNDECIDED
    assert desk.run("report").code == 0
    assert desk.run("reconcile", "orders", "--send-again").code == Exit.USAGE
    assert desk.shell.sandbox.orders == []
    assert desk.run("settle", "orders", "2", "--not-placed").code == 0
    assert desk.run("settle", "orders", "3", "--placed", "by-hand", "--cents", "7").code == 0
    assert desk.run("reconcile", "orders", "--send-again", "--yes").code == 0
    assert len(desk.shell.sandbox.orders) == 1
    assert desk.run("report").code == 0
    assert desk.run("resume").code == Exit.SOME_REFUSED


def continuing(desk: Desk) -> None:
    """The journal is lost, and another one continues its batch."""
    desk.write(1, 2, 3)
    assert desk.run("run", "orders", "--yes").code == 0
    batch_id = desk.batch_id()
    desk.lose()
    desk.write(1, 2, 3, name="again")
    assert desk.run("run", "again", "--none-was-placed", "--yes").code == Exit.USAGE
    wrong = ("--continues", "f" * 32, "--yes")
    assert desk.run("run", "again", *wrong).code == Exit.UNFINISHED
    assert "--none-was-placed" in desk.shell.told
    assert len(desk.shell.sandbox.orders) == 3
    desk.write(1, 2, 3, name="third")
    assert desk.run("run", "third", "--continues", batch_id).code == Exit.USAGE, "no terminal to ask at"
    assert desk.run("run", "third", "--continues", batch_id, "--yes").code == 0
    assert len(desk.shell.sandbox.orders) == 3, "found, and not bought again"
    assert desk.run("run", "again", *wrong, "--none-was-placed").code == 0
    assert len(desk.shell.sandbox.orders) == 6, "as a person said"


@pytest.mark.parametrize("story", [everything, caps, refusals, changes, doubts, continuing])
def test_a_file_and_a_database_are_told_and_placed_alike(
    story: Callable[[Desk], None],
    tmp_path: Path,
    database_address: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[tuple[list[Told], list[tuple[str, int]]]] = []
    for name, database in (("file", None), ("database", database_address)):
        with desk(tmp_path / name, database, capsys, monkeypatch) as made:
            story(made)
            placed = sorted((order.api, order.cents) for order in made.shell.sandbox.orders)
            found.append((made.steps, placed))
    (in_file, placed), (in_database, placed_by_workers) = found
    for ours, theirs in zip(in_database, in_file, strict=True):
        assert ours == theirs
    assert placed_by_workers == placed
