"""The page of the command line names every command, variable and exit code there is."""

from __future__ import annotations

import re
from pathlib import Path

from wren_async._generated.commands import COMMANDS
from wren_async.cli.app import ALONE, SHORT, root_app, words_of
from wren_async.cli.environment import ADDRESSES, TOKENS
from wren_async.cli.exits import Exit
from wren_async.cli.shared_batches import shared_app

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]
NAMED = {name for row in ROWS for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def below(*words: str) -> list[str]:
    """The commands below some words."""
    _, apps, _ = root_app().parse_commands(list(words))
    return [name for name in apps[-1] if not name.startswith("-")]


def test_the_page_lists_every_command_and_no_other() -> None:
    groups = [name for name in below() if name not in ("wren", "cnaught")]
    commands = {" ".join([name, *more]) for name in groups for more in ([[each] for each in below(name)] or [[]])}
    commands |= {" ".join(words) for words in [*ALONE, *map(words_of, COMMANDS)]} | set(SHORT)
    # Those of batches in a database are others where they are for what files have not.
    commands |= {f"batch {name}" for name in shared_app if not name.startswith("-")}
    assert {"batch run", "batch pause", "orders", "wren doctor"} <= commands
    assert commands - NAMED == set()
    assert {name for name in NAMED if re.fullmatch(r"[a-z][a-z -]+", name)} - commands == set()


def test_the_page_says_which_commands_spend() -> None:
    for command in COMMANDS:
        (row,) = [row for row in ROWS if row.startswith(f"| `{' '.join(words_of(command))}` |")]
        assert ("Spends money" in row) == command["spends"]


def test_the_page_tells_every_variable_and_exit_code() -> None:
    assert {*TOKENS.values(), *ADDRESSES.values()} <= NAMED
    assert [code.value for code in Exit if f"\n| {code.value} | " not in PAGE] == []
