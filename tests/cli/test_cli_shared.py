"""`wren-async batch ... --database`, `worker` and `database`, against a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import polars
import psycopg
import pytest
from cli_shell import Shell
from psycopg.conninfo import conninfo_to_dict

from tests.postgres_server import PostgresServer
from wren_async import CNaughtClient
from wren_async.batch import PostgresJournal
from wren_async.batch.run.worker import EXPLAIN
from wren_async.cli import main
from wren_async.cli.exits import Exit
from wren_async.outbox import CNaughtMass, Outbox, State


@pytest.fixture
def database(database_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("WREN_ASYNC_DATABASE", database_address)
    return database_address


def work(shell: Shell, *words: str) -> int:
    code = main(["worker", "--until-done", *words])
    shell.out, shell.told = shell.capsys.readouterr()
    return code


def test_orders_are_planned_here_placed_by_a_worker_and_told_anywhere(shell: Shell, database: str) -> None:
    orders = shell.orders(5)
    assert shell.run("run", orders, "--database", database, "--yes", "--leave", "--max-usd", "900") == 0
    assert len(shell.sandbox.orders) == 0, "only a worker places"
    assert work(shell) == 0
    assert "5 placed" in shell.told
    assert len(shell.sandbox.orders) == 5
    assert shell.run("run", orders, "--database", database, "--yes") == Exit.ALL_PLACED
    assert len(shell.sandbox.orders) == 5, "the same command again looks on"
    assert shell.run("status") == 0
    assert "orders" in shell.out
    assert "done" in shell.out
    target = shell.directory / "told.csv"
    assert shell.run("report", "orders", "--csv", str(target)) == 0
    assert len(target.read_text().splitlines()) == 6


def test_what_is_only_planned_is_left_alone_by_workers(shell: Shell, database: str) -> None:
    assert shell.run("plan", shell.orders(3)) == 0
    assert work(shell) == 0
    assert shell.sandbox.orders == []
    assert shell.run("status", "orders") == 0
    assert "not started" in " ".join(shell.out.split())
    assert shell.run("resume", "orders", "--yes", "--leave") == 0
    assert work(shell) == 0
    assert len(shell.sandbox.orders) == 3


def test_answers_that_came_too_late_are_told(shell: Shell, database: str) -> None:
    assert shell.run("plan", shell.orders(1)) == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO wren_async.stray_answer (batch, position, state) "
            "SELECT number, 1, 'placed' FROM wren_async.batch WHERE name = 'orders'"
        )
    assert shell.run("status", "orders") == 0
    assert "1 answers came after another worker" in shell.told


def test_a_paused_batch_waits_for_the_word(shell: Shell, database: str) -> None:
    assert shell.run("run", shell.orders(3), "--yes", "--leave", "--name", "rides") == 0
    assert shell.run("pause", "rides") == 0
    assert work(shell) == 0
    assert shell.sandbox.orders == []
    assert shell.run("resume", "rides", "--yes", "--leave") == 0
    assert work(shell, "--batch", "rides") == 0
    assert len(shell.sandbox.orders) == 3


async def open_outbox(address: str, shell: Shell) -> None:
    """Let an outbox have run once, so that it stands in the database."""
    cnaught = shell.sandbox.cnaught
    async with (
        CNaughtClient(cnaught.api_key, base_url=cnaught.base_url) as client,
        Outbox(address, cnaught=client) as outbox,
    ):
        await outbox.submit(CNaughtMass(amount_kg=1), reference="ride-1")
        assert (await outbox.result("ride-1", within=20)).state is State.PLACED


def test_an_outbox_is_pruned_by_name_or_all_are_and_no_token_is_needed(
    shell: Shell, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prune(*words: str) -> int:
        code = main(["outbox", "prune", *words])
        shell.out, shell.told = shell.capsys.readouterr()
        return code

    assert prune("--older-than-days", "400") == 0
    assert "no outbox is here yet" in shell.told
    asyncio.run(open_outbox(database, shell))
    for name in ("WREN_API_TOKEN", "CNAUGHT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert prune("--older-than-days", "1") == 0
    assert shell.told == "outbox main: 0 orders pruned\n"
    assert prune("--older-than-days", "0", "--outbox", "mian") == Exit.USAGE
    assert "the database has no outbox 'mian'; those there are: main" in shell.told
    assert prune("--older-than-days", "0", "--outbox", "main") == 0
    assert shell.told == "outbox main: 1 order pruned\n"
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT name FROM wren_async.outbox_name").fetchall() == [("main",)]
    for days in ("-1", "soon", "99999999"):
        assert prune("--older-than-days", days) == Exit.USAGE
        assert "--older-than-days" in shell.told
    assert prune() == Exit.USAGE
    assert "--older-than-days" in shell.told


def test_an_outbox_is_paused_and_resumed_by_name_and_takes_no_file(shell: Shell, database: str) -> None:
    asyncio.run(open_outbox(database, shell))
    for name in ("outbox main cnaught", "outbox", "outbox of mine", "", " rides", "a\nb"):
        assert shell.run("run", shell.orders(3), "--name", name, "--yes", "--leave") == Exit.USAGE
        assert "--name" in shell.told
    assert shell.run("pause", "outbox main cnaught") == 0
    assert "paused; workers see it within a second" in shell.told
    assert shell.run("status", "outbox main cnaught") == 0
    assert "paused by a person" in " ".join(shell.out.split())
    assert shell.run("resume", "outbox main cnaught", "--yes") == 0
    assert shell.told == "outbox main cnaught: workers go on\n"
    assert shell.run("status", "outbox main cnaught") == 0
    assert "an outbox" in " ".join(shell.out.split())
    assert len(shell.sandbox.orders) == 1


def test_a_cap_stands_in_the_database_for_every_worker(shell: Shell, database: str) -> None:
    orders = shell.orders(text="amount_kg\n10\n10\n10\n")
    assert shell.run("run", orders, "--yes", "--leave", "--max-usd", "0.00") == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wren_async.batch.run.service._POLL", 0.01)
        patch.setattr("wren_async.batch.run.service.WorkerService._put_off", lambda self, name: self.stop())
        assert work(shell) == 0
    assert "would exceed $0.00" in shell.told
    assert shell.sandbox.orders == []
    # Neither looking on nor resuming takes a cap away by saying nothing of it.
    assert shell.run("run", orders, "--yes", "--leave") == 0
    assert shell.run("resume", "orders", "--yes", "--leave", "--max-failures", "7") == 0
    with psycopg.connect(database) as connection:
        query = "SELECT cap_cents, cap_failures FROM wren_async.batch WHERE name = 'orders'"
        caps = connection.execute(query).fetchall()
    assert caps == [(0, 7)]
    assert shell.run("resume", "orders", "--yes", "--leave", "--max-usd", "900.00") == 0
    assert work(shell) == 0
    assert len(shell.sandbox.orders) == 3


def test_without_money_said_nothing_is_started(shell: Shell, database: str) -> None:
    assert shell.run("run", shell.orders(3), "--database", database) == Exit.USAGE
    assert "--yes" in shell.told
    assert work(shell) == 0
    assert shell.sandbox.orders == []


def test_a_journal_in_a_file_is_still_one_where_the_environment_names_a_database(shell: Shell, database: str) -> None:
    journal = shell.directory / "mine.journal"
    assert shell.run("run", shell.orders(2), "--journal", str(journal), "--yes") == 0
    assert journal.exists()
    assert shell.run("report", str(journal)) == 0
    assert len(shell.sandbox.orders) == 2


def test_no_token_gets_into_the_database_and_no_password_onto_the_screen(shell: Shell, database: str) -> None:
    assert shell.run("run", shell.orders(2), "--yes", "--leave") == 0
    assert work(shell) == 0
    secrets = (shell.sandbox.cnaught.api_key, shell.sandbox.wren.live_token)
    with psycopg.connect(database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'wren_async'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f"SELECT t::text FROM wren_async.{table} t".encode()):
                assert not any(secret in row[0] for secret in secrets), table
    assert main(["database", "migrate", "--database", "postgresql://app:hunter2@127.0.0.1:1/orders"]) == Exit.USAGE
    out, told = shell.capsys.readouterr()
    assert "hunter2" not in out + told
    assert "app@127.0.0.1:1" in told


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["status", "orders"],
        ["report", "orders"],
        ["resume", "orders", "--yes"],
        ["reconcile", "orders"],
        ["pause", "orders"],
        ["settle", "orders", "2", "--not-placed"],
    ],
)
def test_a_database_without_tables_is_told_by_its_name(shell: Shell, database: str, words: list[str]) -> None:
    name = conninfo_to_dict(database)["dbname"]
    assert shell.run(*words) == Exit.USAGE
    assert f"the database {name!r} has no tables of wren-async: is it the right one?" in shell.told
    assert "`wren-async database migrate`" in shell.told
    assert "stop the workers" not in shell.told
    assert "Traceback" not in shell.told


@pytest.mark.parametrize("has_tables", [True, False])
@pytest.mark.parametrize(
    "words", [["batch", "status"], ["batch", "report", "orders"], ["batch", "plan", "FILE"], ["database", "migrate"]]
)
def test_a_role_without_rights_is_told_to_be_granted_them(
    shell: Shell, postgres: PostgresServer, database: str, words: list[str], *, has_tables: bool
) -> None:
    if has_tables:
        assert shell.run("plan", shell.orders(1)) == 0
    postgres.execute("DROP ROLE IF EXISTS onlooker")
    postgres.execute("CREATE ROLE onlooker LOGIN")
    address = database.replace("postgres@", "onlooker@")
    assert main([shell.orders(1) if word == "FILE" else word for word in words] + ["--database", address]) == Exit.USAGE
    told = shell.capsys.readouterr().err
    postgres.execute("DROP ROLE onlooker")
    assert "Traceback" not in told
    assert ("GRANT" if has_tables or words[-1] in ("FILE", "migrate") else "has no tables") in told


def test_a_database_without_tables_is_prepared_by_its_command(shell: Shell, database: str) -> None:
    assert work(shell, "--batch", "orders") == Exit.USAGE
    assert "wren-async database migrate" in shell.told
    assert main(["database", "migrate"]) == 0
    assert "up to date" in shell.capsys.readouterr().err
    assert work(shell) == 0


def test_a_worker_without_tokens_says_so(shell: Shell, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WREN_API_TOKEN")
    monkeypatch.delenv("CNAUGHT_API_KEY")
    assert work(shell) == Exit.USAGE
    assert "WREN_API_TOKEN" in shell.told


def test_a_worker_without_the_token_of_one_api_names_its_variable_and_no_argument(
    shell: Shell, database: str, children: list[subprocess.Popen[str]]
) -> None:
    assert shell.run("run", shell.orders(2, api="wren"), "--yes", "--leave") == 0
    environment = {name: value for name, value in shell.environment.items() if name != "WREN_API_TOKEN"}
    command = [sys.executable, "-m", "wren_async.cli", "worker"]
    children.append(process := subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment))
    assert process.stderr is not None
    line = next(line for line in process.stderr if "orders of wren" in line)
    assert "set WREN_API_TOKEN in the environment" in line
    assert "WrenClient" not in line


def test_why_a_batch_was_stopped_is_told_with_flags_and_no_arguments(shell: Shell, database: str) -> None:
    assert shell.run("run", shell.orders(1), "--yes", "--leave") == 0

    async def stop() -> None:
        async with await PostgresJournal.open(database, "orders") as journal:
            await journal.stop_all(f"something else places its orders. {EXPLAIN}")

    asyncio.run(stop())
    assert shell.run("status", "orders") == 0
    assert "--alarm-is-explained" in shell.out
    assert "Batch(" not in shell.out


def test_a_report_is_written_in_every_form(shell: Shell, database: str) -> None:
    assert shell.run("run", shell.orders(3), "--yes", "--leave") == 0
    assert work(shell) == 0
    there = shell.directory
    files = [f"--json={there}/told.json", f"--parquet={there}/told.parquet", f"--html={there}/told.html"]
    assert shell.run("report", "orders", "--rows", "--books", *files) == Exit.ALL_PLACED
    told = json.loads((there / "told.json").read_text())
    assert len(told["orders"]) == 3
    assert polars.read_parquet(there / "told.parquet").height == 3
    assert "Books" in (there / "told.html").read_text()
    assert all(order.id in shell.out for order in shell.sandbox.orders), "--rows shows every order"
    assert shell.run("report", "orders", "--csv", str(there / "orders.csv")) == Exit.USAGE
    assert "holds the orders of a batch" in shell.told


def test_books_that_differ_are_told_by_the_exit_code(shell: Shell, database: str) -> None:
    assert shell.run("run", shell.orders(2), "--yes", "--leave") == 0
    assert work(shell) == 0
    shell.sandbox.cancel(shell.sandbox.orders[0].id)
    assert shell.run("report", "orders", "--books") == Exit.BOOKS_DIFFER


def test_what_needs_a_person_is_told_in_commands_that_are_right_as_they_stand(
    shell: Shell, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WREN_ASYNC_DATABASE")
    shell.sandbox.faults.add("status", status=422, when="before", operation="createOrder", times=1)
    assert shell.run("run", shell.orders(2), "--yes", "--leave", "--database", database) == 0
    assert work(shell, "--database", database) == 0
    assert shell.run("report", "orders", "--database", database) == 0
    assert "1 order, for which nothing was spent" in " ".join(shell.out.split())
    command = shell.out.strip().splitlines()[-1]
    assert command.endswith(' --database "$WREN_ASYNC_DATABASE"')
    assert database not in shell.out
    shell.orders(text="amount_kg\n1\n2\n7\n")
    done = subprocess.run(
        ["sh", "-c", command.replace("wren-async", f"{sys.executable} -m wren_async.cli")],
        cwd=shell.directory,
        env={**shell.environment, "WREN_ASYNC_DATABASE": database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (shell.directory / "corrected.csv").read_text() == "amount_kg\n7\n"


@pytest.mark.parametrize("option", ["--concurrency=4", "--settle-time=60"])
def test_what_only_a_worker_can_be_told_is_refused_elsewhere(shell: Shell, database: str, option: str) -> None:
    assert shell.run("run", shell.orders(2), "--yes", "--leave", option) == Exit.USAGE
    assert f"give {option.partition('=')[0]} to each `wren-async worker`" in shell.told
    assert shell.run("plan", shell.orders(2)) == 0
    assert shell.run("resume", "orders", "--yes", option) == Exit.USAGE
    assert "`wren-async worker`" in shell.told
    assert work(shell, option) == 0
    assert shell.sandbox.orders == [], "nothing was started"
    assert shell.run("run", "--help", "--database", database) == 0
    assert option.partition("=")[0] not in shell.out


@pytest.mark.parametrize(
    "words", [["report", "rides"], ["status", "rides"], ["pause", "rides"], ["settle", "rides", "1"]]
)
def test_a_batch_that_is_not_there_is_named(shell: Shell, database: str, words: list[str]) -> None:
    assert shell.run("run", shell.orders(2), "--yes", "--leave") == 0
    more = ["--not-placed"] if words[0] == "settle" else []
    assert shell.run(*words, *more) == Exit.USAGE
    assert "no batch 'rides'" in shell.told
    assert "'orders'" in shell.told


def test_nothing_of_databases_loads_for_a_journal_in_a_file() -> None:
    code = (
        "import sys\nfrom wren_async.cli.app import root_app\nroot_app()\nimport wren_async.batch.run.batch\n"
        "print('psycopg' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- as a person who looks on from elsewhere ---


@pytest.mark.parametrize("words", [["status"], ["status", "rides"], ["pause", "rides"], ["pause", "rides.journal"]])
def test_what_files_have_not_asks_for_a_database(shell: Shell, words: list[str]) -> None:
    assert shell.run(*words) == Exit.USAGE
    assert "WREN_ASYNC_DATABASE" in shell.told
    assert "Unknown command" not in shell.told


def test_the_help_of_batches_tells_of_databases(shell: Shell, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["--help"], ["--help", "--database", database]):
        assert shell.run(*words) == 0
        assert "pause" in shell.out
        assert "template" in shell.out
    monkeypatch.delenv("WREN_ASYNC_DATABASE")
    assert shell.run("--help") == 0
    assert "--database" in shell.out
    assert "pause" not in shell.out


def test_a_journal_without_the_usual_ending_is_known_as_a_file(shell: Shell, database: str) -> None:
    journal = str(shell.directory / "mine")
    assert shell.run("run", shell.orders(1), "--journal", journal, "--yes") == 0
    assert shell.run("report", journal) == 0
    assert "All" in shell.out or "1 of 1 order" in shell.out


def test_a_name_that_is_nearly_right_is_guessed(shell: Shell, database: str) -> None:
    for name in ("rides-may", "rides-june"):
        assert shell.run("plan", shell.orders(1), "--name", name) == 0
    for words in (["report", "rides-jun"], ["settle", "rides-jun", "2", "--not-placed"], ["resume", "rides-jun"]):
        assert shell.run(*words) == Exit.USAGE
        assert "did you mean 'rides-june'?" in shell.told
    assert shell.run("status") == 0
    assert "rides-may" in shell.out
    assert 'wren-async batch resume rides-june --database "$WREN_ASYNC_DATABASE"' in shell.told


def test_where_nobody_works_the_one_who_waits_is_told(
    shell: Shell, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wren_async.cli.watching._LOOK", 0.01)
    lines: list[str] = []

    def heard(self: object, text: str) -> None:
        lines.append(text)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("wren_async.cli.progress.PlainDisplay.say", heard)
    assert shell.run("run", shell.orders(1), "--yes") == Exit.INTERRUPTED
    assert "start `wren-async worker`" in lines[0]
    assert "the workers go on" in shell.told
    assert shell.sandbox.orders == []


def test_status_tells_what_to_do_about_each_batch_that_stands_still(shell: Shell, database: str) -> None:
    orders = shell.orders(text="amount_kg\n10\n10\n10\n")
    assert shell.run("run", orders, "--name", "capped", "--yes", "--leave", "--max-usd", "0.01") == 0
    assert work(shell, "--batch", "capped") == 0
    assert shell.run("run", orders, "--name", "paused", "--yes", "--leave") == 0
    assert shell.run("pause", "paused") == 0
    assert shell.run("pause", "paused") == 0
    assert "no worker sends anything of it" in shell.told
    assert shell.run("run", orders, "--name", "waiting", "--yes", "--leave") == 0
    assert shell.run("status") == 0
    told = " ".join(shell.told.split())
    database_words = '--database "$WREN_ASYNC_DATABASE"'
    assert (
        f"capped: under another cap it goes on: wren-async batch resume capped --max-usd AMOUNT {database_words}"
        in told
    )
    assert f"paused: it goes on by: wren-async batch resume paused {database_words}" in told
    assert "waiting: no worker is at it" in told
    assert shell.run("run", orders, "--name", "capped", "--yes", "--max-usd", "0.01", "--leave") == 0
    assert shell.sandbox.orders == []


def test_an_outbox_is_told_as_one_and_not_as_a_batch_that_is_half_planned(shell: Shell, database: str) -> None:
    assert main(["database", "migrate"]) == 0
    assert shell.run("status") == 0
    assert "an outbox" in shell.out
    assert "plan the file again" not in shell.told


def test_planning_again_raises_no_cap_of_a_batch_that_workers_place(shell: Shell, database: str) -> None:
    """Nobody has said yes to it."""
    orders = shell.orders(3)
    assert shell.run("run", orders, "--yes", "--leave", "--max-usd", "0.01") == 0
    assert shell.run("plan", orders, "--max-usd", "900.00") == 0
    assert "its caps stay" in shell.told
    assert shell.run("run", orders, "--max-usd", "900.00") == Exit.USAGE
    assert shell.run("run", orders, "--max-usd", "900.00", "--dry-run") == 0
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT cap_cents FROM wren_async.batch").fetchall() == [(1,)]


def test_a_batch_that_the_database_has_is_not_continued_beside_it(shell: Shell, database: str) -> None:
    orders = shell.orders(2)
    assert shell.run("run", orders, "--yes", "--leave") == 0
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT id FROM wren_async.batch").fetchone()
    assert found is not None
    assert shell.run("run", orders, "--name", "again", "--continues", found[0], "--yes") == Exit.USAGE
    assert "is not lost" in shell.told
    assert "batch resume orders" in shell.told
    assert shell.run("status") == 0
    assert "again" not in shell.out


def test_an_address_that_is_empty_is_none(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WREN_ASYNC_DATABASE", raising=False)
    assert shell.run("report", "orders", "--database", "") == Exit.USAGE
    assert "set WREN_ASYNC_DATABASE" in shell.told


def test_a_file_with_faults_leaves_no_batch_behind(shell: Shell, database: str) -> None:
    assert shell.run("plan", shell.orders(text="amount_kg\n10\nmany\n"), "--name", "rides") == Exit.USAGE
    assert "line 3" in shell.told
    assert shell.run("status") == 0
    assert "no batch was planned here yet" in shell.told
    # One that has orders by then stays.
    assert shell.run("plan", shell.orders(2), "--name", "rides") == 0
    assert shell.run("plan", shell.orders(text="amount_kg\n10\nmany\n"), "--name", "rides") == Exit.USAGE
    assert shell.run("status", "rides") == 0
    assert "not started" in " ".join(shell.out.split())


def test_what_was_sent_from_a_journal_beside_the_file_is_not_bought_again_in_the_database(
    shell: Shell, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is set on a machine on which the same command was about a file before."""
    orders = shell.orders(2)
    monkeypatch.delenv("WREN_ASYNC_DATABASE")
    assert shell.run("run", orders, "--yes") == 0
    monkeypatch.setenv("WREN_ASYNC_DATABASE", database)
    for command in (["run", orders, "--yes", "--leave"], ["plan", orders]):
        assert shell.run(*command) == Exit.USAGE
        assert "which buys them again" in shell.told
        assert f"wren-async batch run {orders} --journal {orders}.journal" in shell.told
    assert shell.run("run", orders, "--yes", "--journal", f"{orders}.journal") == 0
    assert len(shell.sandbox.orders) == 2
    assert shell.run("run", orders, "--yes", "--leave", "--name", "again") == 0
    assert work(shell) == 0
    assert len(shell.sandbox.orders) == 4, "who names the batch means another one"


def test_that_a_file_is_planned_under_two_names_is_told(shell: Shell, database: str) -> None:
    orders = shell.orders(2)
    assert shell.run("plan", orders, "--name", "tonight") == 0
    assert "very same file" not in shell.told
    assert shell.run("plan", orders) == 0
    assert "mind: the very same file was planned as 'tonight', too" in shell.told


def test_an_alarm_is_told_by_status_and_by_looking_on(shell: Shell, database: str) -> None:
    """As in a copy of a database, in which nobody was halted."""
    orders = shell.orders(2)
    assert shell.run("run", orders, "--yes", "--leave") == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO wren_async.note (batch, name, value) SELECT number, 'alarm', %s FROM wren_async.batch",
            (json.dumps("the database is a copy."),),
        )
    assert shell.run("status", "orders") == 0
    assert "stopped: the database is a copy." in " ".join(shell.out.split())
    assert "--alarm-is-explained" in shell.told
    assert shell.run("run", orders, "--yes") == Exit.UNFINISHED
    assert "--alarm-is-explained" in shell.told


def test_that_all_wait_for_the_first_worker_is_told(shell: Shell, database: str) -> None:
    assert shell.run("run", shell.orders(2), "--yes", "--leave") == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "WITH first AS (INSERT INTO wren_async.runner (name, scope, program, lease, lease_until) "
            "SELECT 'host:7', 'batch ' || number, '1', '60 s', now() + interval '60 s' FROM wren_async.batch "
            "RETURNING id) UPDATE wren_async.batch SET checker = first.id FROM first"
        )
    assert shell.run("status", "orders") == 0
    assert "a worker looks at the accounts first" in " ".join(shell.out.split())
    assert "worker host:7 looks first at what the accounts show" in " ".join(shell.told.split())
