"""`--sandbox` with batches: a rehearsal that leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_shell import Shell

from wren_async.cli import main
from wren_async.cli.exits import Exit


@pytest.fixture
def bare(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell of somebody who has no token yet."""
    for name in ("WREN_API_TOKEN", "CNAUGHT_API_KEY"):
        monkeypatch.delenv(name)
    return shell


def test_a_batch_is_rehearsed_without_tokens_and_without_a_question(bare: Shell) -> None:
    orders = bare.orders(text="tons,amount_kg,payment_method\n0.45,,credits\n,10,\n")
    assert bare.run("run", orders, "--sandbox") == 0
    assert "throw-away sandbox" in bare.told
    assert "2 of 2 placed" in bare.told
    assert "SANDBOX" in bare.out
    assert "All 2 orders were placed." in bare.out
    assert list(bare.sandbox.requests) == [], "the server that the environment names hears nothing"


@pytest.mark.parametrize("words", [["plan"], ["run", "--dry-run"], ["run"]])
def test_a_rehearsal_leaves_no_journal_that_a_live_run_would_find(bare: Shell, words: list[str]) -> None:
    orders = bare.orders(2)
    assert bare.run(words[0], orders, *words[1:], "--sandbox") == 0
    assert "2 orders for" in bare.out
    assert [each.name for each in bare.directory.iterdir()] == ["orders.csv"]


def test_a_live_run_after_a_rehearsal_places_every_order(shell: Shell) -> None:
    orders = shell.orders(3)
    assert shell.run("run", orders, "--sandbox") == 0
    assert shell.placed() == []
    assert shell.run("run", orders, "--yes") == 0
    assert len(shell.placed()) == 3
    assert shell.run("run", orders, "--sandbox") == 0, "and a journal that is there is left alone"
    assert "3 of 3 placed" in shell.told
    assert len(shell.placed()) == 3


def test_what_belongs_to_a_journal_is_not_rehearsed(shell: Shell) -> None:
    assert shell.run("run", shell.orders(2), "--yes") == 0
    for words in (["resume"], ["reconcile"], ["report"]):
        assert shell.run(*words, str(shell.journal), "--sandbox") == Exit.USAGE
        assert "goes with `batch plan` and `batch run`" in shell.told
    orders = shell.orders(2)
    for option in ([f"--journal={shell.journal}"], ["--journal", str(shell.journal)]):
        assert shell.run("run", orders, *option, "--sandbox") == Exit.USAGE
        assert "--journal does not go with --sandbox" in shell.told


def test_caps_and_mistakes_are_told_in_a_rehearsal_as_in_earnest(bare: Shell) -> None:
    orders = bare.orders(3)
    assert bare.run("run", orders, "--max-usd=0.01", "--sandbox") == Exit.CAP
    assert bare.run("run", bare.orders(text="amount_kg\nmany\n"), "--sandbox") == Exit.USAGE
    assert "line 2" in bare.told
    assert bare.out == ""
    assert bare.run("run", "--sandbox", "--help") == 0
    assert "throw-away" not in bare.told
    assert Path(orders).exists()


@pytest.mark.parametrize("words", [["worker", "--database=x"], ["database", "migrate", "--database=x"]])
def test_a_database_that_others_share_is_not_rehearsed(bare: Shell, words: list[str]) -> None:
    assert main([*words, "--sandbox"]) == Exit.USAGE
    assert f"--sandbox does not go with {words[0]}" in bare.capsys.readouterr().err
