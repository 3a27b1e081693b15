"""A small batch that is killed at every statement its journal carries out, one process for each.

As a program, `journal_crashes.py DIRECTORY` leaves the journal and the diary of each run in `DIRECTORY/1`, `…/2` and so
on; the last run is the one that nothing killed.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Awaitable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from wren_async.batch.journal.contract import Result, Row, State
from wren_async.batch.journal.sqlite import SqliteJournal

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
ORDERS = range(1, 7)

SENT = Result(state=State.SENDING, first_sent=NOON, last_sent=NOON)
DOUBT = Result(state=State.UNDECIDED, reason="no answer", attempts=1, first_sent=NOON, last_sent=NOON)
REFUSED = Result(state=State.REFUSED, reason="no funds", attempts=1, first_sent=NOON, last_sent=NOON)
UNSENT = Result(state=State.PENDING, attempts=1)


def placed(position: int) -> Result:
    return Result(
        state=State.PLACED,
        order_id=f"o{position}",
        cents=260,
        kilograms=Decimal("1.5"),
        certificate="https://certificates.example",
        attempts=1,
        reconciled=True,
        first_sent=NOON,
        last_sent=NOON,
    )


COURSES: dict[int, list[Result]] = {
    1: [SENT, placed(1)],
    2: [SENT, REFUSED],
    3: [SENT, DOUBT, placed(3)],
    4: [SENT, UNSENT],
    5: [SENT, placed(5)],
    6: [SENT, placed(6)],
}
"""What is written of each order, in turn, once it was taken in as pending."""


def row(position: int) -> Row:
    return Row(
        position=position,
        intent="{}" * 300,
        digest=f"d{position}",
        reference=f"r{position}",
        key=f"k{position}",
        cents=250,
        grams=1000,
    )


class Diary:
    """What was asked of the journal and what it promised, in a file that a kill cannot take back."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    async def keep(self, positions: list[int], write: Awaitable[None]) -> None:
        self._tell("asked", positions)
        await write
        self._tell("promised", positions)

    def _tell(self, what: str, positions: list[int]) -> None:
        os.write(self._file.fileno(), f"{json.dumps([what, positions])}\n".encode())


async def run(path: Path, diary: Diary) -> None:
    """Take in six orders and bring each to its end, several at a time."""
    async with await SqliteJournal.open(path) as journal:
        await diary.keep([1, 2, 3], journal.add([row(position) for position in (1, 2, 3)]))
        await diary.keep([4, 5, 6], journal.add([row(position) for position in (4, 5, 6)]))
        await journal.seal("whole input")
        await diary.keep([5, 6], journal.mark_sending([5, 6], NOON))

        async def follow(position: int) -> None:
            for result in COURSES[position][position in (5, 6) :]:
                write = journal.mark_sending([position], NOON) if result is SENT else journal.record(position, result)
                await diary.keep([position], write)

        async with asyncio.TaskGroup() as tasks:
            for position in ORDERS:
                tasks.create_task(follow(position))


class Mortal(sqlite3.Connection):
    """A connection whose process is killed just before or just after a statement."""

    left = 0

    def _step(self) -> None:
        Mortal.left -= 1
        if Mortal.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        self._step()
        cursor = super().execute(*statement)
        self._step()
        return cursor

    def executemany(self, *statement: Any) -> sqlite3.Cursor:
        self._step()
        cursor = super().executemany(*statement)
        self._step()
        return cursor

    def close(self) -> None:
        self._step()
        super().close()
        self._step()


def run_until(directory: Path, step: int) -> bool:
    """Run in a process of its own that is killed at a step. Returns whether it was."""
    directory.mkdir()
    child = os.fork()
    if child == 0:
        Mortal.left = step
        sqlite3.connect = partial(sqlite3.connect, factory=Mortal)
        with (directory / "diary").open("w") as file:
            asyncio.run(run(directory / "journal", Diary(file)))
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise RuntimeError(f"step {step}: ended with {status}")
    return status != 0


if __name__ == "__main__":
    for number in itertools.count(1):
        if not run_until(Path(sys.argv[1]) / str(number), number):
            break
