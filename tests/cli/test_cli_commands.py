"""The commands in this process: what they do, what they say, and how they exit."""

from __future__ import annotations

import asyncio
import csv
import os
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_shell import Shell

from wren_async.batch.events import Alarm, Ended, Ending
from wren_async.batch.journal.contract import JournalError, Result, State, Totals
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.batch.run.history import History
from wren_async.cli import main
from wren_async.cli.endings import of_error, of_run, of_totals
from wren_async.cli.exits import Exit, Stop, help_text
from wren_async.errors import InvalidArgument

# --- placing ---


def test_run_places_everything_and_again_places_nothing(shell: Shell) -> None:
    orders = shell.orders(5)
    assert shell.run("run", orders, "--yes") == 0
    assert "5 orders for" in shell.out
    assert "5 of 5 placed" in shell.told
    assert len(shell.placed()) == 5
    assert shell.run("run", orders, "--yes") == 0
    assert len(shell.placed()) == 5


@pytest.mark.parametrize("words", [["plan"], ["run", "--dry-run"]])
def test_plan_and_dry_run_buy_nothing(shell: Shell, words: list[str]) -> None:
    assert shell.run(words[0], shell.orders(5), *words[1:]) == 0
    assert "5 orders for" in shell.out
    assert shell.placed() == []


def test_plan_warns_of_an_order_that_stands_there_twice(shell: Shell) -> None:
    orders = shell.orders(text="tons,external_id\n0.1,R-1\n0.2,R-2\n0.1,R-1\n")
    assert shell.run("plan", orders, "--default", "payment_method=credits") == 0
    assert "Mind: 1 row has an external_id that an earlier row has" in shell.out
    assert "line 4 has the external_id of line 2, 'R-1'" in shell.out


def test_a_file_with_faults_leaves_no_journal_behind(shell: Shell) -> None:
    assert shell.run("plan", shell.orders(text="amount_kg\n1\n-1\n")) != 0
    assert [each.name for each in shell.directory.iterdir()] == ["orders.csv"]


def test_resume_goes_on_without_the_file(shell: Shell) -> None:
    orders = shell.orders(4)
    assert shell.run("plan", orders) == 0
    Path(orders).unlink()
    assert shell.run("resume", str(shell.journal), "--yes") == 0
    assert len(shell.placed()) == 4


def test_a_journal_of_another_name(shell: Shell) -> None:
    assert shell.run("run", shell.orders(1), "--journal", str(shell.directory / "mine"), "--yes") == 0
    assert not shell.journal.exists()
    assert shell.run("report", str(shell.directory / "mine")) == 0


def test_defaults_and_ignored_columns(shell: Shell) -> None:
    orders = shell.orders(text="tons,team\n0.1,red\n0.2,blue\n")
    assert shell.run("run", orders, "--ignore", "team", "--default", "payment_method=credits", "--yes") == 0
    assert len(shell.placed()) == 2


# --- the question ---


def test_without_a_terminal_money_needs_a_yes(shell: Shell) -> None:
    assert shell.run("run", shell.orders()) == 1
    assert "--yes" in shell.told
    assert shell.placed() == []
    assert shell.run("resume", str(shell.journal)) == 1
    assert shell.placed() == []


def test_a_test_token_needs_no_yes(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WREN_API_TOKEN", shell.sandbox.wren.test_token)
    assert shell.run("run", shell.orders(2, api="wren")) == 0
    assert "2 of 2 placed" in shell.told


def test_a_test_token_of_wren_is_no_yes_for_cnaught(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WREN_API_TOKEN", shell.sandbox.wren.test_token)
    assert shell.run("run", shell.orders(2, api="cnaught")) == 1


def test_nothing_left_to_buy_needs_no_yes(shell: Shell) -> None:
    assert shell.run("run", shell.orders(), "--yes") == 0
    assert shell.run("run", shell.orders()) == 0


# --- exit codes ---


def test_bad_rows_are_told_at_once_and_nothing_is_made(shell: Shell) -> None:
    assert shell.run("run", shell.orders(text="amount_kg\n5\nmany\n-3\n"), "--yes") == Exit.USAGE
    assert "line 3" in shell.told
    assert "line 4" in shell.told
    assert shell.placed() == []


def test_bad_rows_can_be_left_out(shell: Shell) -> None:
    assert shell.run("run", shell.orders(text="amount_kg\n5\nmany\n"), "--skip-bad-rows", "--yes") == 0
    assert "left out: line 3" in shell.out
    assert len(shell.placed()) == 1


def test_a_changed_file_is_refused(shell: Shell) -> None:
    shell.run("plan", shell.orders(text="amount_kg\n5\n"))
    assert shell.run("run", shell.orders(text="amount_kg\n6\n"), "--yes") == Exit.USAGE
    assert "line 2 changed" in shell.told
    assert shell.placed() == []


def test_refused_orders(shell: Shell) -> None:
    orders = shell.orders(3)
    shell.run("plan", orders)
    shell.sandbox.faults.add("status", operation="createOrder", status=400, times=1)
    assert shell.run("run", orders, "--yes") == Exit.SOME_REFUSED
    assert "1 refused" in shell.told
    assert len(shell.placed()) == 2


def test_undecided_orders_are_settled_by_hand(shell: Shell) -> None:
    orders = shell.orders(1, api="wren")
    shell.run("plan", orders)
    shell.sandbox.faults.add("reset", operation="createOffsetOrder", when="before")
    assert shell.run("run", orders, "--yes") == Exit.SOME_UNDECIDED
    shell.sandbox.faults.clear()
    assert shell.run("reconcile", str(shell.journal)) == Exit.SOME_UNDECIDED
    for wrong in (["--placed", ""], ["--placed", "order 9"], ["--placed", "order-9", "--cents=-1"]):
        assert shell.run("settle", str(shell.journal), "2", *wrong) == Exit.USAGE
        assert wrong[0] in shell.told
    assert shell.states() == {State.UNDECIDED: 1}
    assert shell.run("settle", str(shell.journal), "2", "--not-placed") == 0
    assert shell.run("resume", str(shell.journal)) == Exit.SOME_REFUSED
    assert shell.placed() == []


def test_a_lost_answer_is_found_by_reconciling(shell: Shell) -> None:
    orders = shell.orders(3, api="wren")
    shell.run("plan", orders)
    shell.sandbox.faults.add("reset", operation="createOffsetOrder", when="after", times=1)
    assert shell.run("run", orders, "--yes") == 0
    assert len(shell.placed()) == 3
    assert shell.run("report", str(shell.journal), "--rows") == 0
    assert "reconciling" in shell.out


def killed_while_sending(shell: Shell, count: int) -> None:
    """A planned batch whose orders a killed process had marked as being sent."""
    shell.run("plan", shell.orders(count))

    async def mark() -> None:
        async with await SqliteJournal.open(shell.journal) as journal:
            positions = [entry.row.position async for entry in journal.entries()]
            await journal.mark_sending(positions, datetime.now(UTC))

    asyncio.run(mark())


def test_reconcile_searches_and_buys_only_when_told_and_with_a_yes(shell: Shell) -> None:
    killed_while_sending(shell, 3)
    journal = str(shell.journal)
    assert shell.run("reconcile", journal) == Exit.SOME_UNDECIDED
    assert shell.placed() == []
    assert shell.run("reconcile", journal, "--send-again") == Exit.USAGE
    assert "--yes says so" in shell.told
    assert shell.placed() == []
    assert shell.run("reconcile", journal, "--send-again", "--yes") == 0
    assert len(shell.placed()) == 3


def test_a_cap_holds_for_what_a_killed_run_left_too(shell: Shell) -> None:
    killed_while_sending(shell, 6)
    orders = str(shell.directory / "orders.csv")
    assert shell.run("run", orders, "--yes", "--max-usd", "0.01") == Exit.CAP
    assert "not sent again" in shell.told
    assert shell.placed() == []
    assert shell.run("run", orders, "--yes", "--max-usd", "500.00") == 0
    assert len(set(shell.placed())) == len(shell.placed()) == 6


def test_an_alarm_holds_until_it_is_explained(shell: Shell) -> None:
    orders = shell.orders(3)
    shell.run("plan", orders)
    backup = shell.journal.with_name("backup")
    shutil.copy(shell.journal, backup)
    assert shell.run("resume", str(backup), "--yes") == 0
    shell.journal.with_name("orders.csv.journal.lock").unlink()
    shell.sandbox.cnaught_api.behaviours.order_list_lag = timedelta(hours=1)
    for _ in range(2):
        assert shell.run("run", orders, "--yes") == Exit.UNFINISHED
        assert "--alarm-is-explained" in shell.told
        assert "Batch(" not in shell.told
    assert shell.run("report", str(shell.journal)) == 0
    assert f"wren-async batch resume {shell.journal} --alarm-is-explained\n" in shell.out
    assert "Batch(" not in shell.out
    assert len(shell.placed()) == 3
    shell.sandbox.cnaught_api.behaviours.order_list_lag = timedelta(0)
    assert shell.run("run", orders, "--yes", "--alarm-is-explained") == 0
    assert len(shell.placed()) == 3


def test_a_wrong_id_to_continue_buys_nothing(shell: Shell) -> None:
    orders = shell.orders(3)
    assert shell.run("run", orders, "--yes") == 0
    assert shell.run("run", orders, "--none-was-placed", "--yes") == Exit.USAGE
    words = ["run", orders, "--journal", str(shell.directory / "new"), "--continues", "f" * 32, "--yes"]
    assert shell.run(*words) == Exit.UNFINISHED
    assert "--none-was-placed" in shell.told
    assert len(shell.placed()) == 3
    assert shell.run(*words, "--none-was-placed") == 0
    assert len(shell.placed()) == 6, "as a person said"


def test_an_emptied_journal_is_not_made_anew(shell: Shell) -> None:
    orders = shell.orders(3)
    assert shell.run("run", orders, "--yes") == 0
    shell.journal.write_bytes(b"")
    assert shell.run("run", orders, "--yes") == Exit.USAGE
    assert "--continues" in shell.told
    assert len(shell.placed()) == 3


def test_settling_says_what_it_needs(shell: Shell) -> None:
    shell.run("run", shell.orders(1), "--yes")
    journal = str(shell.journal)
    assert shell.run("settle", journal, "2") == Exit.USAGE
    assert shell.run("settle", journal, "2", "--placed", "x", "--not-placed") == Exit.USAGE
    assert shell.run("settle", journal, "2", "--not-placed", "--cents", "5") == Exit.USAGE
    assert shell.run("settle", journal, "2", "--not-placed") == Exit.USAGE
    assert "is placed" in shell.told
    assert shell.run("settle", journal, "77", "--not-placed") == Exit.USAGE


def test_a_cap_stops_and_a_higher_one_goes_on(shell: Shell) -> None:
    orders = shell.orders(6)
    assert shell.run("run", orders, "--yes", "--max-usd", "0.20") == Exit.CAP
    spent = sum(order.cents for order in shell.sandbox.orders)
    assert 0 < spent <= 20
    assert shell.run("run", orders, "--yes", "--max-usd", "500.00") == 0


@pytest.mark.parametrize("cap", ["0.005", "NaN", "-1", "much"])
def test_a_cap_that_is_none(shell: Shell, cap: str) -> None:
    assert shell.run("run", shell.orders(), "--yes", "--max-usd", cap) == Exit.USAGE
    assert shell.placed() == []


def test_a_refused_token_stops(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = shell.orders()
    good = shell.environment["CNAUGHT_API_KEY"]
    monkeypatch.setenv("CNAUGHT_API_KEY", "not-the-key")
    assert shell.run("run", orders, "--yes") == Exit.CREDENTIALS
    monkeypatch.setenv("CNAUGHT_API_KEY", good)
    shell.run("plan", orders)
    monkeypatch.setenv("CNAUGHT_API_KEY", "not-the-key")
    assert shell.run("run", orders, "--yes") == Exit.CREDENTIALS
    assert "not-the-key" not in shell.out + shell.told
    assert shell.states() == {State.PENDING: 3}


@pytest.mark.parametrize("value", [None, "", " "])
def test_a_missing_token_is_named_before_anything_is_made(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("CNAUGHT_API_KEY")
    if value is not None:
        monkeypatch.setenv("CNAUGHT_API_KEY", value)
    assert shell.run("run", shell.orders(), "--yes") == Exit.USAGE
    assert "CNAUGHT_API_KEY" in shell.told
    assert not shell.journal.exists()


def test_a_missing_token_is_named_on_resuming(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.run("plan", shell.orders())
    monkeypatch.delenv("CNAUGHT_API_KEY")
    assert shell.run("resume", str(shell.journal), "--yes") == Exit.USAGE
    assert "lines 2, 3, 4 are orders of cnaught" in shell.told


@pytest.mark.parametrize("command", ["resume", "report", "reconcile"])
def test_a_journal_that_is_not_there_is_not_made(shell: Shell, command: str) -> None:
    assert shell.run(command, str(shell.journal)) == Exit.USAGE
    assert "no such journal" in shell.told
    assert not shell.journal.exists()


def test_what_is_no_journal_is_left_alone(shell: Shell) -> None:
    shell.journal.write_text("a letter to grandmother")
    assert shell.run("report", str(shell.journal)) == Exit.USAGE
    assert shell.journal.read_text() == "a letter to grandmother"


@pytest.mark.parametrize("words", [["frobnicate"], ["run"], ["run", "a.csv", "--token", "secret"], ["plan", "no.csv"]])
def test_a_command_that_cannot_be(shell: Shell, words: list[str]) -> None:
    assert shell.run(*words) == Exit.USAGE
    assert shell.told


def test_tokens_cannot_be_given_on_the_command_line(shell: Shell) -> None:
    shell.run("run", "--help")
    assert "--token" not in shell.out
    assert "--api-key" not in shell.out


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert "Exit codes" in told
    assert "130" in told


@pytest.mark.parametrize("error", [JournalError("the disk is full"), RuntimeError("the disk is full")])
def test_an_error_in_mid_run_does_not_claim_that_nothing_was_sent(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def record(*_: object) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(SqliteJournal, "record", record)
        assert shell.run("run", shell.orders(2), "--yes") == Exit.UNFINISHED
        assert "the disk is full" in shell.told
    assert shell.run("run", shell.orders(2), "--yes") == 0
    assert len(shell.placed()) == 2


# --- reports ---


def test_report_writes_a_csv_and_a_page_and_compares_the_books(shell: Shell) -> None:
    orders = shell.orders(text="tons,amount_kg,payment_method\n0.45,,credits\n,10,\n,20,\n")
    assert shell.run("run", orders, "--yes") == 0
    table, page = shell.directory / "out.csv", shell.directory / "out.html"
    assert shell.run("report", str(shell.journal), "--csv", str(table), "--html", str(page), "--books", "--rows") == 0
    assert "Wren ledger: agrees to the cent" in shell.out
    assert "CNaught orders: agrees to the cent" in shell.out
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert {row["order_id"] for row in rows} == {order.id for order in shell.sandbox.orders}
    assert "All 3 orders were placed." in page.read_text()


def test_books_that_differ_have_a_code_of_their_own(shell: Shell) -> None:
    assert shell.run("run", shell.orders(2), "--yes") == 0
    shell.sandbox.cancel(shell.sandbox.orders[0].id)
    assert shell.run("report", str(shell.journal), "--books") == Exit.BOOKS_DIFFER
    assert "was cancelled" in shell.out
    assert shell.run("report", str(shell.journal)) == 0


def test_a_report_needs_no_token(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.run("run", shell.orders(2), "--yes")
    monkeypatch.delenv("CNAUGHT_API_KEY")
    monkeypatch.delenv("WREN_API_TOKEN")
    assert shell.run("report", str(shell.journal)) == 0
    assert "All 2 orders were placed." in shell.out


@pytest.mark.parametrize("option", ["--csv", "--html"])
@pytest.mark.parametrize(
    "target", ["orders.csv.journal", "orders.csv.journal-wal", "orders.csv.journal.lock", "orders.csv"]
)
def test_a_report_replaces_neither_the_journal_nor_the_orders(shell: Shell, option: str, target: str) -> None:
    assert shell.run("run", shell.orders(2), "--yes") == 0
    path = shell.directory / target
    before = path.read_bytes() if path.exists() else b""
    assert shell.run("report", str(shell.journal), option, str(path)) == Exit.USAGE
    assert "name another file" in shell.told
    assert shell.out == "", "it is refused before anything is read or written"
    assert (path.read_bytes() if path.exists() else b"") == before
    assert shell.states() == {State.PLACED: 2}


def test_two_reports_in_one_file_are_refused(shell: Shell) -> None:
    shell.run("run", shell.orders(1), "--yes")
    out = str(shell.directory / "out")
    assert shell.run("report", str(shell.journal), "--csv", out, "--html", out) == Exit.USAGE
    assert "name a file for each" in shell.told


def test_the_file_of_another_program_is_no_lock(shell: Shell) -> None:
    lock = shell.directory / "poetry.lock"
    lock.write_text("# pinned\n")
    assert shell.run("run", shell.orders(1), "--yes", "--journal", str(shell.directory / "poetry")) == Exit.USAGE
    assert lock.read_text() == "# pinned\n"
    assert shell.placed() == []


# --- a file that changed ---


def test_a_file_that_changed_after_it_was_placed_is_ordered_only_where_it_is_new(shell: Shell) -> None:
    orders = shell.orders(text="amount_kg\n1\n2\n2\n")
    assert shell.run("run", orders, "--yes") == 0
    shell.orders(text="amount_kg\n1\n3\n2\n7\n")
    assert shell.run("run", orders, "--yes") == Exit.USAGE
    assert "3 of the batch's 3 orders are placed: a new batch of the whole input would buy them again" in shell.told
    command = shell.told.strip().splitlines()[-1].split()
    assert command[:4] == ["wren-async", "batch", "changes", orders]
    new = shell.directory / command[-1]
    assert shell.run("changes", orders, "--output", str(new)) == 0
    assert "2 of the 4 rows of orders.csv, new or changed" in shell.out
    assert "In orders.csv no more, and as they were in the batch: 1 order" in shell.out
    assert "take it out of new.csv unless it is to be bought once more" in shell.out
    assert new.read_text() == "amount_kg\n3\n7\n"
    assert len(shell.placed()) == 3, "making the file buys nothing"
    assert shell.run("run", str(new), "--yes") == 0
    assert len(shell.placed()) == 5
    assert shell.run("changes", orders, "--output", str(shell.directory / "third.csv")) == 0
    assert "no row is new; nothing was written" in shell.out


def test_the_offered_command_has_the_options_of_the_refused_one(shell: Shell) -> None:
    journal = str(shell.directory / "my journal")
    options = ["--journal", journal, "--default", "payment_method=credits", "--ignore", "team", "--skip-bad-rows"]
    assert shell.run("run", shell.orders(text="tons,team\n0.1,a\n"), *options, "--yes") == 0
    orders = shell.orders(text="tons,team\n0.1,a\n0.2,b\n")
    assert shell.run("run", orders, *options, "--yes") == Exit.USAGE
    words = shlex.split(shell.told.strip().splitlines()[-1])
    words[-1] = str(shell.directory / words[-1])
    assert shell.run(*words[2:]) == 0
    following = shlex.split(shell.out.strip().splitlines()[-1].removeprefix("Next: "))
    assert shell.run("run", *following[3:], "--yes") == 0
    assert len(shell.placed()) == 2


def test_no_message_advises_what_buys_twice(shell: Shell) -> None:
    shell.run("run", shell.orders(2), "--yes")
    shell.run("run", shell.orders(text="amount_kg\n1\n"), "--yes")
    assert "give the same input" in shell.told.lower()
    assert "start a new batch" not in shell.told
    assert shell.run("resume", str(shell.directory / "order.csv")) == Exit.USAGE
    assert "did you mean" in shell.told
    assert "orders.csv.journal" in shell.told
    assert "do not order its file anew" in shell.told


def test_a_sum_that_no_account_means_takes_a_cap(shell: Shell) -> None:
    orders = shell.orders(text="amount_kg\n" + "900000000\n" * 2)
    assert shell.run("plan", orders) == 0
    assert "mind the sum: it would cost about $" in shell.told
    assert shell.run("run", orders, "--yes") == Exit.CAP
    assert "--max-usd" in shell.told
    assert shell.run("resume", str(shell.journal), "--yes") == Exit.CAP
    assert shell.placed() == []


# --- what servers and files say ---

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e=1+1;=cmd|' /C calc'!A0"


async def settle_with_what_a_server_said(path: Path) -> None:
    """Each order of a journal as a hostile server would answer it."""
    said = {"order_id": HOSTILE, "reason": HOSTILE, "certificate": f"https://{HOSTILE}"}
    async with await SqliteJournal.open(path) as journal:
        for position, state in ((3, State.PLACED), (4, State.REFUSED), (5, State.UNDECIDED)):
            await journal.mark_sending([position], datetime.now(UTC))
            await journal.record(position, Result(state=state, cents=1, **said))
        history = History()
        history.add(Ended(ending=Ending.ASKED, message=HOSTILE, totals=await journal.totals()), datetime.now(UTC))
        history.add(Alarm(entry=await journal.entry(3), message=HOSTILE), datetime.now(UTC))
        await history.keep(journal)


def test_no_command_lets_a_file_or_a_server_steer_the_terminal_a_spreadsheet_or_a_page(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def run(*words: str) -> int:
        code = shell.run(*words)
        said.append(shell.out + shell.told)
        return code

    nasty = shell.directory / f"or{HOSTILE.replace('/', '')}ders.csv"
    nasty.write_text(f"amount_kg,description,{HOSTILE}\n1,x,y\n")
    run("run", str(nasty), "--yes")
    run("plan", str(nasty))
    run("changes", str(nasty), "--output", f"{nasty}.csv")
    run("report", f"{nasty}.journal", "--html", f"{nasty}.html")
    run(HOSTILE)
    run("run", HOSTILE, f"--{HOSTILE}")
    run("settle", HOSTILE, HOSTILE)
    orders = shell.orders(text=f"amount_kg,description\n{HOSTILE},x\n1,a\n2,{HOSTILE.replace(',', '')}\n3,c\n")
    run("plan", orders)
    assert run("plan", orders, "--skip-bad-rows") == 0
    asyncio.run(settle_with_what_a_server_said(shell.journal))
    table, page = shell.directory / "out.csv", shell.directory / "out.html"
    run("report", str(shell.journal), "--books", "--rows", "--csv", str(table), "--html", str(page))
    run("reconcile", str(shell.journal))
    run("settle", str(shell.journal), "5", "--placed", HOSTILE)
    shell.orders(text=f"amount_kg,description\n1,a\n{HOSTILE},b\n")
    run("changes", orders, "--output", str(shell.directory / "new.csv"))
    for text in (*said, table.read_text(), page.read_text()):
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\u202e" not in text
    assert any("owned" in text for text in said), "it is shown, without what it would do"
    assert "owned" in table.read_text()


# --- codes, without a run ---


def totals(**orders: int) -> Totals:
    return Totals(
        orders={State(name): count for name, count in orders.items()},
        spent_cents=0, reserved_cents=0, planned_cents=0, spent_grams=0, reserved_grams=0, planned_grams=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("orders", "code"),
    [
        ({"placed": 3}, Exit.ALL_PLACED),
        ({}, Exit.ALL_PLACED),
        ({"placed": 3, "refused": 1}, Exit.SOME_REFUSED),
        ({"placed": 3, "refused": 1, "undecided": 1}, Exit.SOME_UNDECIDED),
        ({"sending": 1}, Exit.SOME_UNDECIDED),
        ({"pending": 1, "undecided": 1}, Exit.UNFINISHED),
    ],
)
def test_codes_of_states(orders: dict[str, int], code: Exit) -> None:
    assert of_totals(totals(**orders)) is code


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (Ending.DONE, Exit.ALL_PLACED),
        (Ending.ASKED, Exit.INTERRUPTED),
        (Ending.ACCESS_REFUSED, Exit.CREDENTIALS),
        (Ending.PAYMENT_REQUIRED, Exit.CREDENTIALS),
        (Ending.CAP_REACHED, Exit.CAP),
        (Ending.TOO_MANY_FAILURES, Exit.CAP),
        (Ending.OVERCHARGED, Exit.UNFINISHED),
        (Ending.UNREACHABLE, Exit.UNFINISHED),
        (Ending.ALARM, Exit.UNFINISHED),
    ],
)
def test_codes_of_endings(ending: Ending, code: Exit) -> None:
    assert of_run(Ended(ending=ending, message="", totals=totals(placed=1))) is code


def test_every_ending_was_thought_of() -> None:
    for ending in Ending:
        if ending is not Ending.DONE:
            assert of_run(Ended(ending=ending, message="", totals=totals(placed=1))) is not Exit.ALL_PLACED


def test_codes_of_errors() -> None:
    assert of_error(Stop("no", Exit.CAP)) is Exit.CAP
    assert of_error(InvalidArgument("a", "b")) is Exit.USAGE
    assert of_error(JournalError("damaged")) is Exit.USAGE
    assert of_error(FileNotFoundError("gone")) is Exit.USAGE


def test_every_code_is_explained() -> None:
    assert all(f"- {code.value}: {code.meaning}" in help_text() for code in Exit)


# --- without the extra ---


@pytest.mark.parametrize("missing", ["cyclopts", "rich"])
def test_a_missing_extra_is_named(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [*sys.modules]:
        if name.startswith("wren_async.cli.") or name.partition(".")[0] == missing:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["--version"]) == 1
    assert "pip install 'wren-async[cli]'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["worker"], ["database", "migrate"], ["batch", "status"]], ids=" ".join)
def test_a_missing_driver_of_databases_is_named(words: list[str]) -> None:
    code = f"import sys; sys.modules['psycopg'] = None; from wren_async.cli import main; sys.exit(main({words!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "WREN_ASYNC_DATABASE": "postgresql://db.example/orders"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == Exit.USAGE
    assert "pip install 'wren-async[postgres]'" in done.stderr
    assert "Traceback" not in done.stderr
