"""What a journal in a file promises beyond its contract: to outlast everything, and to be held by one."""

# ruff: noqa: ASYNC240 - a test may wait for its own small files

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from journal_crashes import COURSES, NOON, ORDERS, Diary, placed, row, run

from wren_async.batch.journal.contract import JournalError, Past, Result, State
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.sqlite import SqliteJournal

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="kills and file modes of POSIX")


class Watched(sqlite3.Connection):
    """A connection that counts commits, and can hold one up or make it fail."""

    commits = 0
    fail = False
    may_commit = threading.Event()
    reached = threading.Event()

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        if statement[0] == "COMMIT":
            Watched.commits += 1
            Watched.reached.set()
            assert Watched.may_commit.wait(10)
            if Watched.fail:
                raise sqlite3.OperationalError("disk I/O error")
        return super().execute(*statement)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Watched]]:
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
    Watched.commits, Watched.fail = 0, False
    Watched.may_commit.set()
    yield Watched
    Watched.may_commit.set()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rides.journal"


async def make(path: Path, orders: int) -> None:
    """A journal whose orders are being sent."""
    async with await SqliteJournal.open(path) as journal:
        await journal.add([row(position) for position in range(1, orders + 1)])
        await journal.mark_sending(range(1, orders + 1), NOON)


async def results(path: Path) -> dict[int, Result]:
    async with await SqliteJournal.open(path) as journal:
        return {entry.row.position: entry.result async for entry in journal.entries()}


async def open_and_read(path: Path) -> tuple[str, dict[int, Result]]:
    async with await SqliteJournal.open(path) as journal:
        await journal.totals()
        return journal.batch_id, {entry.row.position: entry.result async for entry in journal.entries()}


async def reach_commit(watched: type[Watched]) -> None:
    assert await asyncio.to_thread(watched.reached.wait, 10)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("wren-async-journal")]


async def threads_end() -> None:
    for thread in threads():
        await asyncio.to_thread(thread.join, 10)
    assert threads() == []


# What was promised is kept


def told(diary: str) -> tuple[dict[int, int], dict[int, int]]:
    """How many writes of each order were asked for, and how many promised. The first takes it in."""
    counts: dict[str, dict[int, int]] = {"asked": dict.fromkeys(ORDERS, 0), "promised": dict.fromkeys(ORDERS, 0)}
    for line in diary.splitlines():
        what, positions = json.loads(line)
        for position in positions:
            counts[what][position] += 1
    return counts["asked"], counts["promised"]


async def check_after_crash(journal: Path, diary: str) -> None:
    asked, promised = told(diary)
    found = await results(journal)
    for position in ORDERS:
        course = [None, Result(state=State.PENDING), *COURSES[position]]
        assert found.get(position) in course[promised[position] : asked[position] + 1], f"order {position}"
    together = [{position in found for position in group} for group in ((1, 2, 3), (4, 5, 6))]
    assert all(len(either) == 1 for either in together)
    pair = [found.get(position) in (None, Result(state=State.PENDING)) for position in (5, 6)]
    assert pair[0] == pair[1]


@POSIX
async def test_killed_at_any_statement_nothing_promised_is_lost_and_nothing_is_half_there(tmp_path: Path) -> None:
    program = Path(__file__).with_name("journal_crashes.py")
    await asyncio.to_thread(subprocess.run, [sys.executable, str(program), str(tmp_path)], check=True, timeout=120)
    runs = sorted(tmp_path.iterdir(), key=lambda run: int(run.name))
    assert len(runs) > 100
    for killed in runs:
        await check_after_crash(killed / "journal", (killed / "diary").read_text())
    final = await results(runs[-1] / "journal")
    assert final == {position: course[-1] for position, course in COURSES.items()}


def frames(log: bytes) -> tuple[bytes, int]:
    """The salt of a write-ahead log, and where its valid frames end: what follows is of an earlier round."""
    salt, end, frame = log[16:24], 32, 4096 + 24
    while log[end + 8 : end + 16] == salt:
        end += frame
    return salt, end


async def test_a_log_cut_off_anywhere_holds_every_promise_made_before(tmp_path: Path) -> None:
    # What a loss of power leaves: the main file as it was, and the log as far as it was written.
    live = tmp_path / "live"
    log = live.with_name("live-wal")
    promises: list[tuple[bytes, int, str]] = []

    class SizedDiary(Diary):
        def __init__(self) -> None:
            self.text = ""

        def _tell(self, what: str, positions: list[int]) -> None:
            self.text += json.dumps([what, positions]) + "\n"
            if what == "promised":
                shutil.copy(live, tmp_path / "main")
                shutil.copy(log, tmp_path / "log")
                promises.append((*frames((tmp_path / "log").read_bytes()), self.text))

    diary = SizedDiary()
    await run(live, diary)
    whole = (tmp_path / "log").read_bytes()
    salt, end = frames(whole)
    # What was promised in an earlier round of the log is in the main file.
    sizes = [(size if of == salt else 0, text) for of, size, text in promises]
    assert len({size for size, _ in sizes}) > 3
    everything_asked = diary.text.replace("promised", "asked") + diary.text
    frame = 4096 + 24
    for cut in sorted({*range(0, end, frame // 2), *(size for size, _ in sizes), end - 1}):
        copy = tmp_path / f"cut{cut}"
        shutil.copy(tmp_path / "main", copy)
        copy.with_name(f"{copy.name}-wal").write_bytes(whole[:cut])
        if cut == 0:
            with pytest.raises(JournalError, match="cut0-wal, is not beside it"):
                await SqliteJournal.open(copy)
            continue
        kept = [text for size, text in sizes if size <= cut]
        asked_only = everything_asked.replace("promised", "asked")
        promised_only = "".join(line for line in (kept[-1] if kept else "").splitlines(True) if "promised" in line)
        await check_after_crash(copy, asked_only + promised_only)


async def test_a_task_is_released_only_after_the_commit_and_the_loop_runs_on(
    path: Path, watched: type[Watched]
) -> None:
    await make(path, 1)
    async with await SqliteJournal.open(path) as journal:
        watched.reached.clear()
        watched.may_commit.clear()
        settling = asyncio.create_task(journal.record(1, placed(1)))
        await reach_commit(watched)
        assert not settling.done()
        assert (await journal.entry(1)).result.state is State.SENDING
        watched.may_commit.set()
        await settling
        assert (await journal.entry(1)).result.state is State.PLACED


async def test_a_cancelled_write_is_carried_out_whole_and_in_its_order(path: Path, watched: type[Watched]) -> None:
    await make(path, 3)
    async with await SqliteJournal.open(path) as journal:
        watched.reached.clear()
        watched.may_commit.clear()
        in_commit = asyncio.create_task(journal.record(1, placed(1)))
        await reach_commit(watched)
        waiting = asyncio.create_task(journal.record(2, placed(2)))
        await asyncio.sleep(0)
        for task in (in_commit, waiting):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        watched.may_commit.set()
        await journal.record(3, placed(3))
        assert [(await journal.entry(position)).result for position in (1, 2, 3)] == [placed(n) for n in (1, 2, 3)]


async def test_closing_carries_out_what_was_asked_for(path: Path) -> None:
    await make(path, 50)
    journal = await SqliteJournal.open(path)
    settling = [asyncio.create_task(journal.record(position, placed(position))) for position in range(1, 51)]
    await asyncio.sleep(0)
    await asyncio.gather(journal.aclose(), journal.aclose())
    await asyncio.gather(*settling)
    assert await results(path) == {position: placed(position) for position in range(1, 51)}


async def test_closing_goes_on_when_whoever_waits_for_it_is_cancelled(path: Path, watched: type[Watched]) -> None:
    await make(path, 1)
    journal = await SqliteJournal.open(path)
    watched.may_commit.clear()
    settling = asyncio.create_task(journal.record(1, placed(1)))
    await asyncio.sleep(0)
    closing = asyncio.create_task(journal.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    watched.may_commit.set()
    await journal.aclose()
    await settling
    assert await results(path) == {1: placed(1)}


async def test_opening_that_is_cancelled_leaves_the_file_free(path: Path) -> None:
    await make(path, 1)
    opening = asyncio.create_task(SqliteJournal.open(path))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await threads_end()
    assert len(await results(path)) == 1


async def test_closing_ends_every_thread(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.add([row(1)])
        assert threads()
    await threads_end()


async def test_many_tasks_share_a_commit(path: Path, watched: type[Watched]) -> None:
    await make(path, 400)
    async with await SqliteJournal.open(path) as journal:
        before = watched.commits
        async with asyncio.TaskGroup() as tasks:
            for position in range(1, 401):
                tasks.create_task(journal.record(position, placed(position)))
        assert watched.commits - before <= 20


async def test_after_a_failed_commit_nothing_more_is_promised(path: Path, watched: type[Watched]) -> None:
    await make(path, 3)
    async with await SqliteJournal.open(path) as journal:
        watched.fail = True
        failed = await asyncio.gather(
            journal.record(1, placed(1)), journal.record(2, placed(2)), return_exceptions=True
        )
        watched.fail = False
        assert [str(error).count("disk I/O error") for error in failed] == [1, 1]
        with pytest.raises(JournalError, match=rf"{path.name}: .*run the same command again"):
            await journal.record(3, placed(3))
    assert {result.state for result in (await results(path)).values()} == {State.SENDING}


async def test_a_journal_opened_again_is_the_same_batch(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        assert journal.past is Past.NEW
        batch_id = journal.batch_id
        await journal.add([row(1)])
        await journal.seal("whole input")
        await journal.note("checkpoint", "entry 9")
    async with await SqliteJournal.open(str(path)) as journal:
        assert journal.past is Past.NEW
        assert journal.batch_id == batch_id
        assert await journal.sealed()
        assert await journal.noted("checkpoint") == "entry 9"
        assert (await journal.entry(1)).row == row(1)


# Who may hold it

HOLD = """
import asyncio, sys
from wren_async.batch.journal.sqlite import SqliteJournal
async def hold():
    async with await SqliteJournal.open(sys.argv[1]):
        print("held", flush=True)
        await asyncio.Event().wait()
asyncio.run(hold())
"""


async def test_a_second_open_is_refused_by_whatever_name(path: Path, tmp_path: Path) -> None:
    async with await SqliteJournal.open(path):
        alias = tmp_path / "alias"
        alias.symlink_to(path)
        for name in (path, alias):
            with pytest.raises(JournalError, match="already open in this process"):
                await SqliteJournal.open(name)
    await results(path)


@POSIX
async def test_a_second_process_is_refused_until_the_first_is_gone(path: Path) -> None:
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLD, str(path), stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    with pytest.raises(JournalError, match=f"in use by process {holder.pid}"):
        await SqliteJournal.open(path)
    holder.send_signal(signal.SIGKILL)
    await holder.communicate()
    await results(path)


@POSIX
async def test_only_the_owner_can_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        async with await SqliteJournal.open(path) as journal:
            await journal.add([row(1)])
            files = list(path.parent.iterdir())
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
            assert len(files) == 4
    finally:
        os.umask(before)


# What is older than its run


async def broken_off(path: Path, away: Path) -> Path:
    """What a killed run leaves, in another directory: the file with its log."""
    away.mkdir()
    async with await SqliteJournal.open(path) as journal:
        await journal.add([row(position) for position in (1, 2, 3)])
        await journal.seal("whole input")
        await journal.mark_sending([1, 2], NOON)
        await journal.record(1, placed(1))
        for file in path.parent.glob(f"{path.name}*"):
            shutil.copy(file, away)
    return away / path.name


@pytest.mark.parametrize("emptied", [False, True])
async def test_a_file_whose_run_was_broken_off_is_refused_without_its_log(
    path: Path, tmp_path: Path, emptied: bool
) -> None:
    left = await broken_off(path, tmp_path / "away")
    log = left.with_name(f"{left.name}-wal")
    whole = log.read_bytes()
    if emptied:
        log.write_bytes(b"")
    else:
        log.unlink()
    async with await SqliteJournal.open(path) as journal:
        batch_id = journal.batch_id
    before = left.read_bytes()
    for read_only in (False, True):
        with pytest.raises(JournalError, match=rf"rides\.journal-wal, is not beside it.*--continues {batch_id}"):
            await SqliteJournal.open(left, read_only=read_only)
    assert left.read_bytes() == before
    log.write_bytes(whole)
    assert (await open_and_read(left))[1][1] == placed(1)


async def test_a_run_that_ended_well_needs_no_log(path: Path, tmp_path: Path) -> None:
    await make(path, 3)
    assert not path.with_name(f"{path.name}-wal").exists()
    shutil.copy(path, tmp_path / "copy")
    assert len(await results(tmp_path / "copy")) == 3


async def test_the_file_is_marked_before_the_first_order_may_be_sent(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.add([row(1)])
    assert path.read_bytes()[68:72] == b"WREN"
    async with await SqliteJournal.open(path) as journal:
        await journal.totals()
        assert path.read_bytes()[68:72] == b"WREN", "nothing is sent yet"
        await journal.mark_sending([1], NOON)
        assert path.read_bytes()[68:72] == b"WRER"
    assert path.read_bytes()[68:72] == b"WREN"


async def test_a_journal_tells_whether_anything_may_have_been_sent_from_it(path: Path, tmp_path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        assert journal.past is Past.NEW
        await journal.add([row(1)])
    shutil.copy(path, tmp_path / "before")
    async with await SqliteJournal.open(path) as journal:
        assert journal.past is Past.NEW, "it was planned, and nothing more"
        await journal.mark_sending([1], NOON)
        await journal.record(1, placed(1))
    async with await SqliteJournal.open(path) as journal:
        assert journal.past is Past.RUN_BEFORE
    async with await SqliteJournal.open(tmp_path / "before") as journal:
        assert journal.past is Past.RUN_BEFORE, "a copy cannot know what was sent from the other"


async def test_an_older_copy_in_its_old_place_is_known_to_be_behind_until_it_has_run(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.add([row(1), row(2)])
    before = path.read_bytes()
    async with await SqliteJournal.open(path) as journal:
        await journal.mark_sending([1], NOON)
    path.write_bytes(before)
    for _ in range(2):
        async with await SqliteJournal.open(path) as journal:
            assert journal.past is Past.BEHIND
    async with await SqliteJournal.open(path) as journal:
        await journal.mark_sending([1], NOON)
    async with await SqliteJournal.open(path) as journal:
        assert journal.past is Past.RUN_BEFORE


async def test_a_file_with_two_names_is_refused(path: Path, tmp_path: Path) -> None:
    await make(path, 1)
    os.link(path, tmp_path / "other")
    for name in (path, tmp_path / "other"):
        with pytest.raises(JournalError, match=r"2 names \(hard links\).*Remove the other"):
            await SqliteJournal.open(name)
    (tmp_path / "other").unlink()
    assert len(await results(path)) == 1


@pytest.mark.parametrize("emptied", [True, False])
async def test_a_journal_that_was_emptied_or_removed_is_not_made_anew(path: Path, emptied: bool) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.add([row(1)])
        await journal.note("root", "f" * 32)
        await journal.mark_sending([1], NOON)
    if emptied:
        os.truncate(path, 0)
    else:
        path.unlink()
    with pytest.raises(JournalError, match=rf"(emptied|is gone).*--continues {'f' * 32}"):
        await SqliteJournal.open(path)
    assert path.exists() == emptied


async def test_a_journal_from_which_nothing_was_sent_may_be_removed_and_made_anew(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.add([row(1)])
    path.unlink()
    assert await results(path) == {}


# What is no journal


def alter(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


async def test_a_newer_journal_is_left_alone(path: Path) -> None:
    await make(path, 1)
    alter(path, "PRAGMA user_version = 2")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="upgrade wren-async"):
        await SqliteJournal.open(path)
    assert path.read_bytes() == before


async def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    alter(path, "CREATE TABLE customers (name)")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="not the journal of a batch"):
        await SqliteJournal.open(path)
    assert path.read_bytes() == before


async def test_another_file_is_left_alone(path: Path) -> None:
    path.write_text("tonnes,portfolio\n" * 1000)
    with pytest.raises(JournalError, match="no journal"):
        await SqliteJournal.open(path)
    assert path.read_text() == "tonnes,portfolio\n" * 1000


async def test_a_path_that_can_hold_no_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "journal"):
        with pytest.raises(JournalError, match=str(path)):
            await SqliteJournal.open(path)


@pytest.mark.parametrize("size", [1, 50, 100, 4096, 3 * 4096, -4096, -512, -1])
async def test_a_truncated_journal_is_refused(path: Path, size: int) -> None:
    await make(path, 100)
    os.truncate(path, size if size > 0 else path.stat().st_size + size)
    with pytest.raises(JournalError, match="--continues"):
        await SqliteJournal.open(path)


async def test_a_log_without_its_journal_is_not_thrown_away(path: Path) -> None:
    log = path.with_name(f"{path.name}-wal")
    log.write_bytes(b"what is left")
    with pytest.raises(JournalError, match="write-ahead log"):
        await SqliteJournal.open(path)
    assert log.read_bytes() == b"what is left"


async def test_with_any_byte_of_its_header_flipped_a_journal_is_whole_or_refused(path: Path, tmp_path: Path) -> None:
    await make(path, 5)
    whole = await open_and_read(path)
    original = path.read_bytes()
    refused = 0
    for place in range(100):
        changed = bytearray(original)
        changed[place] ^= 0xFF
        copy = tmp_path / f"flipped{place}"
        copy.write_bytes(changed)
        try:
            assert await open_and_read(copy) == whole
        except JournalError as error:
            refused += 1
            assert str(copy) in str(error)  # noqa: PT017
    assert refused > 40


async def test_a_flipped_bit_anywhere_orders_nothing_else_and_raises_nothing_but_journal_errors(
    path: Path, tmp_path: Path
) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.add([row(position) for position in range(1, 41)])
        await journal.seal("whole input")
        await journal.note("root", journal.batch_id)
        rows = {entry.row.position: entry.row async for entry in journal.entries()}
    original = path.read_bytes()
    copy = tmp_path / "flipped"
    refused = 0
    for place in range(100, len(original), 97):
        changed = bytearray(original)
        changed[place] ^= 1 << place % 8
        copy.write_bytes(changed)
        try:
            async with await SqliteJournal.open(copy) as journal:
                assert {entry.row.position: entry.row async for entry in journal.entries()} == rows
                await journal.totals()
                await journal.noted("root")
        except JournalError as error:
            refused += 1
            assert str(copy) in str(error)  # noqa: PT017
        finally:
            copy.with_name("flipped.lock").unlink(missing_ok=True)
    assert refused > 100


@pytest.mark.parametrize(
    "change",
    [
        "DROP TRIGGER standing_moves",
        "UPDATE tally SET orders = orders + 1 WHERE state = 'sending'",
        "UPDATE tally SET spent_cents = 5 WHERE state = 'sending'",
        "DELETE FROM batch",
        "PRAGMA user_version = 0",
    ],
)
async def test_a_journal_with_other_rules_or_wrong_sums_is_refused(path: Path, change: str) -> None:
    await make(path, 3)
    alter(path, change)
    with pytest.raises(JournalError, match="damaged"):
        await SqliteJournal.open(path)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE standing SET state = 'pending' WHERE position = 1",
        "UPDATE standing SET cents = 1 WHERE position = 1",
        "UPDATE standing SET state = 'pending' WHERE position = 2",
        "UPDATE standing SET state = 'sending' WHERE position = 2",
        "UPDATE standing SET state = 'lost' WHERE position = 3",
        "UPDATE standing SET planned_cents = 1, state = 'placed' WHERE position = 3",
        "UPDATE standing SET position = 9, state = 'placed' WHERE position = 3",
        "UPDATE standing SET state = 'placed' WHERE position = 4",
        "UPDATE orders SET intent = '{}' WHERE position = 1",
        "DELETE FROM standing WHERE position = 4",
        "DELETE FROM orders WHERE position = 4",
        "INSERT INTO standing (position, state, planned_cents, planned_grams) VALUES (9, 'placed', 1, 1)",
        "INSERT INTO orders (position, intent, digest, reference, key, checksum) VALUES (9, '', '', '', '', '')",
    ],
)
async def test_the_database_itself_refuses_what_an_order_must_not_do(path: Path, change: str) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.add([row(position) for position in (1, 2, 3, 4)])
        await journal.seal("whole input")
        await journal.mark_sending([1, 2, 3], datetime(2026, 7, 1, tzinfo=UTC))
        await journal.record(1, placed(1))
        await journal.record(2, Result(state=State.UNDECIDED))
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(change)
    connection.close()


async def test_what_cannot_be_stored_is_refused_alone_among_others(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.add([row(position) for position in range(1, 6)])
        await journal.mark_sending([1, 2, 3, 4], NOON)
        results = [
            Result(state=State.PLACED, order_id="o-1"),
            Result(state=State.PLACED, cents=2**63),
            Result(state=State.PLACED, cents=2**70),
            Result(state=State.PLACED, order_id="o-4"),
            Result(state=State.PLACED, order_id="never sent"),
            Result(state=State.PLACED, order_id="no such order", cents=2**70),
        ]
        writes = [journal.record(position, result) for position, result in enumerate(results, 1)]
        told = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(each) for each in told] == [type(None), *[JournalError] * 2, type(None), *[JournalError] * 2]
        assert [entry.row.position async for entry in journal.entries(State.PLACED)] == [1, 4]


# --- reading beside a run -------------------------------------------------------------------------------------------


async def test_a_journal_that_is_held_can_be_read_as_it_stood(path: Path) -> None:
    async with await SqliteJournal.open(path) as held:
        await held.add([row(1), row(2)])
        await held.mark_sending([1], NOON)
        async with await SqliteJournal.open(path, read_only=True) as seen:
            assert (seen.batch_id, seen.past) == (held.batch_id, Past.RUN_BEFORE)
            await held.record(1, Result(state=State.PLACED, order_id="o-1"))
            assert [entry.result.state async for entry in seen.entries()] == [State.SENDING, State.PENDING]
            assert (await seen.totals()).orders[State.SENDING] == 1
        async with await SqliteJournal.open(path, read_only=True) as later:
            assert (await later.totals()).orders[State.PLACED] == 1


async def test_what_is_opened_for_reading_takes_nothing_and_needs_no_one_else(path: Path) -> None:
    async with await SqliteJournal.open(path) as held:
        await held.add([row(1)])
    seen = await SqliteJournal.open(path, read_only=True)
    with pytest.raises(JournalError, match="for reading alone"):
        await seen.mark_sending([1], NOON)
    with pytest.raises(JournalError, match="for reading alone"):
        await seen.note("a", "b")
    assert (await seen.entry(1)).result.state is State.PENDING
    await seen.aclose()
    await seen.aclose()
    with pytest.raises(JournalError, match="closed"):
        await seen.totals()


async def test_reading_makes_no_journal_and_refuses_what_is_none(path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened"):
        await SqliteJournal.open(path, read_only=True)
    assert not await asyncio.to_thread(path.exists)
    await asyncio.to_thread(path.write_text, "no database " * 100)
    with pytest.raises(JournalError, match="damaged"):
        await SqliteJournal.open(path, read_only=True)


async def test_a_journal_of_an_earlier_layout_names_its_batch_and_the_version_that_wrote_it(path: Path) -> None:
    await make(path, 1)
    async with await SqliteJournal.open(path) as journal:
        batch_id = journal.batch_id
        await journal.note(Note.PLANNED_BY, "0.0.9")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE standing ADD COLUMN mood TEXT")
    told = rf"written by another one, wren-async 0\.0\.9; if it was, go on with that version.*--continues {batch_id} "
    with pytest.raises(JournalError, match=told):
        await SqliteJournal.open(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE note")
    with pytest.raises(JournalError, match=r"written by another one\).*--continues BATCH_ID"):
        await SqliteJournal.open(path)
