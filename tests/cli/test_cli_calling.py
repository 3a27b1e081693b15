"""Calling operations from the command line: money, doubt, words, and what is written."""

from __future__ import annotations

import io
import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from cli_shell import Shell, tokens, wait_until

from wren_async import WrenClient
from wren_async.cli import main, performing
from wren_async.cli.answers import as_csv, as_json
from wren_async.core.client import __version__
from wren_async.sandbox import Sandbox

OFFSET = ("wren", "offset-orders", "create", "--tons=0.5", "--payment-method=credits")
LOADED = """
import sys
from wren_async.cli import main
main(sys.argv[1:])
heavy = (
    "httpx", "msgspec", "cattrs", "tenacity", "jinja2", "asyncio", "email.utils", "rich.markdown", "rich.progress",
    "wren_async.batch", "wren_async.sandbox", "wren_async.cnaught", "wren_async.wren",
)
sys.stderr.write(" ".join(each for each in heavy if each in sys.modules))
"""


class Terminal(io.StringIO):
    """A terminal at which somebody types."""

    def isatty(self) -> bool:
        return True


@attrs.define
class Line:
    """The command line in this process."""

    sandbox: Sandbox
    capsys: pytest.CaptureFixture[str]
    out: str = ""
    told: str = ""

    def run(self, *words: str) -> int:
        code = main(words)
        self.out, self.told = self.capsys.readouterr()
        return code

    def writes(self) -> list[str]:
        return [each.method for each in self.sandbox.requests if each.method != "GET"]


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Line]:
    with Sandbox() as sandbox:
        for name, value in tokens(sandbox).items():
            monkeypatch.setenv(name, value)
        yield Line(sandbox, capsys)


# --- money ----------------------------------------------------------------------------------------------------------


def test_money_is_not_spent_without_a_terminal_to_ask_at(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WREN_BASE_URL")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert line.run(*OFFSET) == 1
    assert "nothing was sent" in line.told
    assert "--yes" in line.told


@pytest.mark.parametrize(("typed", "code", "sent"), [("n\n", 1, []), ("\n", 1, []), ("y\n", 0, ["POST"])])
def test_a_live_order_is_asked_for_with_what_is_sent_and_where(
    line: Line, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, sent: list[str]
) -> None:
    monkeypatch.setattr(performing, "is_free", lambda client: False)
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert line.run(*OFFSET) == code
    assert f"At {line.sandbox.wren.base_url}: tons 0.5, paymentMethod credits" in line.told
    assert line.writes() == sent


def test_yes_and_a_dry_run_need_no_answer(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performing, "is_free", lambda client: False)
    assert line.run(*OFFSET, "--dry-run") == 0
    assert line.sandbox.orders == []
    assert line.run(*OFFSET, "--yes") == 0
    assert len(line.sandbox.orders) == 1


def test_what_costs_nothing_is_a_server_of_this_machine_or_a_test_token(line: Line) -> None:
    at = line.sandbox.wren
    assert performing.is_free(WrenClient(at.live_token, base_url=at.base_url))
    assert performing.is_free(WrenClient(at.test_token, base_url="https://www.wren.co"))
    assert not performing.is_free(WrenClient(at.live_token, base_url="https://www.wren.co"))


def test_a_key_that_is_given_twice_buys_once(line: Line) -> None:
    words = ("cnaught", "orders", "create", "--amount-kg=3", "--idempotency-key=mine", "--json")
    assert line.run(*words) == 0
    first = json.loads(line.out)
    assert line.run(*words) == 0
    assert json.loads(line.out) == first
    assert len(line.sandbox.orders) == 1


# --- doubt ----------------------------------------------------------------------------------------------------------


def test_an_unknown_outcome_has_a_code_of_its_own_and_tells_the_command_that_finds_out(line: Line) -> None:
    line.sandbox.faults.add("reset", operation="createOffsetOrder", when="after", times=1)
    assert line.run(*OFFSET, "--yes") == 3
    assert line.told.startswith("outcome unknown: no answer settles POST ")
    assert line.told.count("carried out") == 1
    assert "Do not give the command again" in line.told
    finding = shlex.split(line.told.splitlines()[-1])
    assert finding[0] == "wren-async"
    assert "--yes" not in finding
    assert line.run(*finding[1:], "--json") == 0
    assert "it was carried out" in line.told
    assert line.sandbox.orders[0].reference in line.out
    assert line.writes() == ["POST"]


def test_what_never_arrived_cannot_be_told_before_it_has_settled(line: Line) -> None:
    line.sandbox.faults.add("reset", operation="createOffsetOrder", when="before", times=1)
    assert line.run(*OFFSET) == 3
    finding = shlex.split(line.told.splitlines()[-1])
    assert line.run(*finding[1:]) == 3
    assert "later" in line.told
    assert line.run(*OFFSET) == 0  # so that the list shows that it carries references
    assert line.run(*OFFSET, "--find=never-sent", "--sent=2020-01-01T00:00:00Z") == 2
    assert "it was not carried out" in line.told


def test_an_order_that_carries_no_reference_is_never_said_not_to_be_placed(line: Line) -> None:
    words = ("cnaught", "orders", "create", "--amount-kg=3", "--null=reference", "--idempotency-key=mine")
    assert line.run(*words) == 0
    assert line.run("cnaught", "orders", "create", "--amount-kg=4") == 0  # one that shows a reference
    assert line.run(*words, "--find=mine", "--sent=2020-01-01T00:00:00Z") == 3
    assert "cannot be told" in line.told
    assert len(line.sandbox.orders) == 2


def test_a_top_up_in_doubt_is_looked_for_in_the_ledger(line: Line) -> None:
    line.sandbox.faults.add("reset", operation="topUpCredits", when="after", times=1)
    assert line.run("wren", "credits", "top-up", "--amount-in-usd-cents=5000") == 3
    assert "Do not give the command again before you know" in line.told
    assert "`wren-async wren credits ledger`" in line.told


def test_ctrl_c_waits_for_the_answer_and_a_second_one_tells_how_to_find_out(
    shell: Shell, children: list[subprocess.Popen[str]]
) -> None:
    shell.sandbox.faults.add("never_answer", operation="createOffsetOrder")
    command = [sys.executable, "-m", "wren_async.cli", *OFFSET]
    child = subprocess.Popen(
        command, text=True, env=shell.environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=shell.directory
    )
    children.append(child)
    wait_until(lambda: bool(shell.placed()))
    child.send_signal(signal.SIGINT)
    assert child.stderr is not None
    assert "waiting for the answer" in child.stderr.readline()
    child.send_signal(signal.SIGINT)
    told = child.stderr.read()
    assert child.wait(20) == 3
    mark = str(shell.placed()[0]).removeprefix("[ref:").removesuffix("]")
    assert f"--find={mark}" in told


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("orders", "create", "--amount-kg=1,5"), "--amount-kg takes a number with a point"),
        (("orders", "create", "--amount-kg=0"), "--amount-kg: must be more than 0"),
        (("orders", "create", "--amount-kg=nan"), "--amount-kg takes a number"),
        (("orders", "create-by-price", "--total-price-usd-cents=10.5"), "takes a whole number, such as 1000"),
        (("orders", "create-by-price", "--total-price-usd-cents=1_000"), "takes a whole number, such as 1000"),
        (("impact", "data", "--from=2026-01-01"), "--from takes a time with its zone"),
        (("quotes", "train", "--distance-km=5", "--source=me"), 'Choose from: "api", "checkout"'),
        (("orders", "list", "--limit=2", "--all"), "leave one of them out"),
        (("orders", "list", "--limit=0"), "--limit takes a number of 1 or more"),
        (("orders", "create", "--amount-kg=1", "--metadata=a", "--null", "metadata"), "--null for it too"),
        (("orders", "create", "--amount-kg=1", "--null", "amount-kg"), "--null"),
        (("subaccounts", "logo", "upload", "x", "--file=no.png"), "--file no.png: No such file"),
        (("orders", "get", "x", "--json", "--csv"), "leave one of them out"),
        (("orders", "craete"), 'Did you mean "create"'),
    ],
)
def test_a_mistake_is_told_by_its_flag_and_nothing_is_sent(line: Line, words: tuple[str, ...], told: str) -> None:
    assert line.run("cnaught", *words) == 1
    assert told in line.told
    assert list(line.sandbox.requests) == []


def test_a_null_is_sent_where_it_is_asked_for(line: Line) -> None:
    words = ("cnaught", "orders", "create", "--amount-kg=1", "--null=metadata", "--null=reference")
    assert line.run(*words) == 0
    body = line.sandbox.requests[-1].body
    assert isinstance(body, dict)
    assert body["metadata"] is None
    assert "description" not in body


def test_the_media_type_of_a_file_comes_from_its_name_or_is_asked_for(line: Line, tmp_path: Path) -> None:
    assert line.run("cnaught", "subaccounts", "create", "--name=a", "--json") == 0
    made = json.loads(line.out)["id"]
    for name, code in (("logo.webp", 0), ("logo.txt", 1)):
        path = tmp_path / name
        path.write_bytes(b"image")
        assert line.run("cnaught", "subaccounts", "logo", "upload", made, f"--file={path}") == code
    assert "--content-type is missing" in line.told
    assert line.sandbox.requests[-1].headers["content-type"] == "image/webp"


@pytest.mark.parametrize(
    ("variable", "words"),
    [("WREN_API_TOKEN", ("wren", "purchases", "list")), ("CNAUGHT_API_KEY", ("cnaught", "orders", "list"))],
)
def test_a_token_that_is_refused_or_missing_is_told_by_its_variable(
    line: Line, monkeypatch: pytest.MonkeyPatch, variable: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv(variable, "wrong-secret-token")
    assert line.run(*words) == 5
    assert line.told.startswith(f"{variable} was refused: ")
    assert line.told.count(variable) == 1
    assert "wrong-secret-token" not in line.told
    monkeypatch.delenv(variable)
    assert line.run(*words) == 1
    assert f"set {variable}" in line.told


def test_what_the_server_refuses_is_no_success(line: Line) -> None:
    assert line.run("cnaught", "orders", "get", "nothing") == 2
    assert "404" in line.told


# --- what is written ------------------------------------------------------------------------------------------------


def test_a_list_shows_as_many_rows_as_asked_for(line: Line) -> None:
    for number in range(4):
        assert line.run("cnaught", "orders", "create", f"--amount-kg={number + 1}") == 0
    assert line.run("cnaught", "orders", "list", "--limit=2", "--json") == 0
    assert [each["amount_kg"] for each in json.loads(line.out)] == [4, 3]
    assert "--all" in line.told
    assert line.run("cnaught", "orders", "list", "--all", "--csv") == 0
    assert len(line.out.splitlines()) >= 5
    assert line.run("cnaught", "orders", "list") == 0
    assert "placed" in line.out


def test_csv_holds_no_formula_and_keeps_numbers(line: Line) -> None:
    assert line.run(*OFFSET, "--note==HYPERLINK(1)", "--null=reference") == 0
    assert line.run("wren", "offset-orders", "list", "--csv") == 0
    assert "'=HYPERLINK(1)" in line.out
    assert line.run("wren", "credits", "ledger", "--csv") == 0
    assert ",-" in line.out
    assert as_csv([{"=a": "@b", "n": -5}]).splitlines() == ["'=a,n", "'@b,-5"]


def test_nothing_that_a_server_says_steers_the_terminal() -> None:
    text = as_json({"note": "\x1b[2J\x9b31m\u202e\U000e0001 é"})
    assert all(each.isprintable() or each == "\n" for each in text)
    assert json.loads(text) == {"note": "\x1b[2J\x9b31m\u202e\U000e0001 é"}


def test_a_sandbox_that_is_thrown_away_needs_no_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("WREN_API_TOKEN", "WREN_BASE_URL", "CNAUGHT_API_KEY", "CNAUGHT_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert main(["wren", "credits", "balance", "--json", "--sandbox"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["creditBalanceUsdCents"] > 0
    assert "throw-away sandbox" in shown.err
    assert main(["batch", "plan", "orders.csv", "--sandbox"]) == 1
    assert main(["wren", "credits", "balance"]) == 1


def test_the_doctor_tells_what_is_set_and_never_a_token(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    assert line.run("doctor") == 0
    assert line.sandbox.wren.base_url in line.out
    assert line.sandbox.wren.live_token not in line.out
    monkeypatch.setenv("CNAUGHT_API_KEY", "wrong-secret-token")
    assert line.run("doctor") == 5
    assert "refused (401)" in line.out
    assert "wrong-secret-token" not in line.out + line.told
    monkeypatch.delenv("CNAUGHT_API_KEY")
    monkeypatch.delenv("WREN_API_TOKEN")
    assert line.run("doctor") == 6
    assert "none: set WREN_API_TOKEN in the environment" in line.out


def test_the_doctor_tells_what_cannot_be_reached_and_what_is_no_address(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WREN_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("CNAUGHT_BASE_URL", "no address")
    assert line.run("doctor") == 6
    assert "no: GET" in line.out
    assert "CNAUGHT_BASE_URL" in line.out


HELPS = [
    "",
    "wren",
    "cnaught orders",
    "cnaught orders create",
    "wren credits ledger",
    "batch",
    "batch plan",
    "batch run",
    "batch report",
    "batch settle",
    "sandbox",
    "doctor",
    "wren doctor",
]


@pytest.mark.parametrize("words", HELPS)
def test_help_loads_nothing_that_sends_or_keeps(words: str) -> None:
    command = [sys.executable, "-c", LOADED, *words.split(), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout
    assert done.stderr == ""


def test_the_version_is_told() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == __version__
    assert "wren_async.batch" not in done.stderr


def test_the_help_of_something_that_is_no_command_is_a_mistake(line: Line) -> None:
    assert line.run("cnaught", "odrers", "--help") == 1
    assert 'Did you mean "orders"?' in line.told
    assert line.run("cnaught", "orders", "create", "--amount-kg=1", "--help") == 0
    assert "--amount-kg" in line.out
    assert line.writes() == []


def test_help_may_stand_before_the_words_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help", "wren", "credits", "top-up"]) == 0
    assert "--amount-in-usd-cents" in capsys.readouterr().out


def test_an_answer_that_cannot_be_written_is_not_told_as_never_sent(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("wren_async.cli.terminal.write", broken)
    assert line.run(*OFFSET, "--json") == 6
    assert "it was carried out" in line.told
    assert len(line.sandbox.orders) == 1


def test_a_sandbox_is_served_until_ctrl_c(children: list[subprocess.Popen[str]]) -> None:
    command = [sys.executable, "-m", "wren_async.cli", "sandbox", "--port=0", "--json"]
    child = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    children.append(child)
    assert child.stdout is not None
    assert json.loads(child.stdout.readline())["wren"]["live_token"]
    child.send_signal(signal.SIGINT)
    assert child.wait(20) == 0
