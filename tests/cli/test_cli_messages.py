"""What the commands say to somebody who knows no Python: flags, columns, files and variables."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_shell import Shell

import wren_async
from wren_async.cli.exits import Exit
from wren_async.cli.messages import in_words, told
from wren_async.errors import InvalidArgument

LIBRARY = Path(wren_async.__file__).parent
PYTHON = re.compile(r"\b(?:Batch|Caps|Decimal|\w+Client)\(|[a-z]+_[a-z]+=|=(?:True|False|None)\b|\bencoding=")


def sentences() -> Iterator[tuple[str, str]]:
    """The texts of the modules of batches that a person may read, with where they stand.

    What the rules of a journal's states say is for whoever writes a journal.
    """
    for path in sorted({*(LIBRARY / "batch").rglob("*.py")} - {LIBRARY / "batch" / "journal" / "states.py"}):
        tree = ast.parse(path.read_text())
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if id(node) in parts | docs:
                continue
            if isinstance(node, ast.JoinedStr):
                pieces = (str(part.value) if isinstance(part, ast.Constant) else "wren" for part in node.values)
                yield f"{path.name}:{node.lineno}", "".join(pieces)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path.name}:{node.lineno}", node.value


def test_no_sentence_about_a_batch_keeps_the_words_of_python() -> None:
    prose = [(place, text) for place, text in sentences() if text.count(" ") >= 3 and ("; " in text or ": " in text)]
    assert len(prose) > 50
    assert {place: in_words(text) for place, text in prose if PYTHON.search(in_words(text))} == {}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("say so: Batch(..., same_account=True), --same-account", "say so: --same-account"),
        ("say so: --none-was-placed, Batch(..., none_was_placed=True)", "say so: --none-was-placed"),
        ('go on with --continues ID (Batch(..., continues="ID")): it looks', "go on with --continues ID: it looks"),
        ("give cnaught=CNaughtClient(...)", "set CNAUGHT_API_KEY in the environment"),
        ('such as encoding="cp1252"', "such as --encoding cp1252"),
        ("shorten it, or pass reference=None to send none", "shorten it, or give --null reference to send none"),
    ],
)
def test_arguments_are_told_as_flags(said: str, words: str) -> None:
    assert in_words(said) == words


def test_an_argument_of_a_cap_is_told_by_its_flag_and_in_dollars() -> None:
    error = InvalidArgument("cents", "takes a number of 0 or more and no float, not -500")
    assert told(error) == "--max-usd: takes a number of 0 or more, not -5.00"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--max-usd=-5", "--max-usd: takes a number of 0 or more, not -5.00"),
        ("--max-kg=-5", "--max-kg: takes a number of 0 or more, not -5"),
        ("--concurrency=0", "--concurrency: takes a whole number of 1 or more, not 0"),
        ("--settle-time=-1", "--settle-time takes seconds of 0 or more"),
        ("--settle-time=nan", "--settle-time takes seconds of 0 or more"),
        ("--encoding=klingon", "--encoding: 'klingon' is not known"),
        ("--default=xyz=red", "--default: unknown column 'xyz'; the columns are "),
        ("--default=team", "--default takes COLUMN=VALUE, not 'team'"),
    ],
)
def test_a_mistake_in_a_flag_names_the_flag(shell: Shell, option: str, words: str) -> None:
    assert shell.run("run", shell.orders(), option, "--yes") == Exit.USAGE
    assert words in shell.told
    assert shell.placed() == []


def test_a_file_of_another_encoding_is_told_the_flag_that_reads_it(shell: Shell) -> None:
    orders = Path(shell.orders())
    orders.write_bytes("amount_kg,description\n1,Müller\n".encode("cp1252"))
    assert shell.run("plan", str(orders)) == Exit.USAGE
    assert "--encoding cp1252" in shell.told
    assert shell.told.startswith("1 fault in the orders; nothing was placed:\n")
    assert shell.run("plan", str(orders), "--encoding", "cp1252") == 0


def test_a_column_that_means_nothing_is_told_the_flag_that_leaves_it_out(shell: Shell) -> None:
    orders = shell.orders(text="amount_kg,desciption,cost centre\n1,a,b\n")
    assert shell.run("plan", orders) == Exit.USAGE
    assert "did you mean 'description'?" in shell.told
    assert "--ignore 'cost centre'" in shell.told
    assert shell.told.startswith("2 faults in the orders")
    assert shell.run("plan", orders, "--ignore", "cost centre", "--ignore", "desciption") == 0


@pytest.mark.parametrize("name", ["orders.xls", "orders.numbers", "Orders.ODS"])
def test_a_spreadsheet_is_told_to_be_saved_as_csv(shell: Shell, name: str) -> None:
    (shell.directory / name).write_bytes(b"PK\x03\x04")
    assert shell.run("run", str(shell.directory / name), "--yes") == Exit.USAGE
    assert "save it as CSV (UTF-8)" in shell.told
    assert [each.name for each in shell.directory.iterdir()] == [name], "no journal is made of it"


def test_a_file_of_orders_is_no_journal_and_the_right_one_is_named(shell: Shell) -> None:
    orders = shell.orders()
    for words in (
        ["resume", orders],
        ["report", orders],
        ["reconcile", orders],
        ["settle", orders, "2", "--not-placed"],
    ):
        assert shell.run(*words) == Exit.USAGE
        assert "is a file of orders, and no journal" in shell.told
        assert f"wren-async batch plan {orders}" in shell.told
    assert [each.name for each in shell.directory.iterdir()] == ["orders.csv"]
    assert shell.run("plan", orders) == 0
    assert shell.run("resume", orders) == Exit.USAGE
    assert f"did you mean {orders}.journal?" in shell.told
    assert not shell.directory.joinpath("orders.csv.lock").exists()


def test_a_journal_is_no_file_of_orders_and_the_right_one_is_named(shell: Shell) -> None:
    orders = shell.orders()
    assert shell.run("plan", orders) == 0
    assert shell.run("run", str(shell.journal), "--yes") == Exit.USAGE
    assert f"did you mean {orders}?" in shell.told
    assert f"wren-async batch resume {shell.journal}" in shell.told
    odd = shell.directory / "june.csv"
    shutil.copy(shell.journal, odd)
    assert shell.run("run", str(odd), "--yes") == Exit.USAGE
    assert "is a journal" in shell.told
    assert not shell.journal.with_name(f"{shell.journal.name}.journal").exists()


def test_a_journal_that_is_named_like_orders_is_one(shell: Shell) -> None:
    odd = str(shell.directory / "june.csv")
    assert shell.run("plan", shell.orders(), "--journal", odd) == 0
    assert shell.run("report", odd) == 0
    Path(odd).write_bytes(b"damaged")
    assert shell.run("report", odd) == Exit.USAGE
    assert "--continues" in shell.told
    assert "Batch(" not in shell.told


def test_a_misspelt_file_is_told_the_one_that_is_there(shell: Shell) -> None:
    orders = shell.orders()
    assert shell.run("plan", orders.replace("orders", "oders")) == Exit.USAGE
    assert f"did you mean {orders}?" in shell.told
    assert shell.run("plan", str(shell.directory / "no" / "such.csv")) == Exit.USAGE
    assert "there is no such file\n" in shell.told


def test_a_token_that_is_refused_is_told_by_its_variable(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = shell.orders()
    monkeypatch.setenv("CNAUGHT_API_KEY", "wrong-secret-token")
    assert shell.run("plan", orders) == Exit.CREDENTIALS
    assert shell.told.startswith("CNAUGHT_API_KEY was refused: ")
    assert "wrong-secret-token" not in shell.told


def test_one_is_told_as_one(shell: Shell) -> None:
    assert shell.run("run", shell.orders(1), "--yes") == 0
    assert "1 order for" in shell.out
    assert "1 price asked for" in shell.out
    assert "1 orders" not in shell.out + shell.told


@pytest.mark.parametrize(
    ("words", "said", "helps"),
    [
        (["run"], "ORDERS is missing.", "batch run"),
        (["run", "a.csv", "--max-us=5"], "Unknown option: --max-us. Did you mean --max-usd?", "batch run"),
        (["run", "a.csv", "--max-usd=much"], '--max-usd takes a number such as 500.00, not "much".', "batch run"),
        (["run", "a.csv", "--concurrency=2.5"], "--concurrency takes a whole number, not '2.5'.", "batch run"),
        (["settle", "a", "first"], "POSITION takes a whole number, not 'first'.", "batch settle"),
        (
            ["settle", "a", "2", "--placed=x", "--cents=10.5"],
            "--cents takes a whole number, not '10.5'.",
            "batch settle",
        ),
        (["plan", "a.csv", "b.csv"], "b.csv: these words are too many.", "batch plan"),
        (["rnu", "a.csv"], 'Unknown command "rnu". Did you mean "run"?', "batch"),
    ],
)
def test_a_mistake_in_the_words_names_no_type_of_python(shell: Shell, words: list[str], said: str, helps: str) -> None:
    assert shell.run(*words) == Exit.USAGE
    assert shell.told.startswith(said)
    assert shell.told.splitlines()[-1].startswith(f"wren-async {helps} --help tells")
    assert "Decimal" not in shell.told
