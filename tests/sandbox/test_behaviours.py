"""The tables of behaviours name tests that exist, and every behaviour of both APIs is in them."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from wren_async.sandbox import CNaughtBehaviours, WrenBehaviours

SETTLED = {"13", "22"}
"""Questions of CNaught without a behaviour: rate limits are faults, and energy certificates are out of scope."""
HERE = Path(__file__).parent
TABLE = (HERE / "BEHAVIOURS.md").read_text()
NAMED = set(re.findall(r"`(\w+)`", TABLE))
BEHAVIOURS = {behaviour.name for kind in (WrenBehaviours, CNaughtBehaviours) for behaviour in attrs.fields(kind)}


def test_every_test_of_the_table_exists() -> None:
    written = {name for path in HERE.glob("test_*.py") for name in re.findall(r"def (test_\w+)\(", path.read_text())}
    assert {name for name in NAMED if name.startswith("test_")} - written - BEHAVIOURS == set()


def test_every_behaviour_has_its_row() -> None:
    assert not BEHAVIOURS - NAMED


def test_every_named_behaviour_exists() -> None:
    in_brackets = {name for group in re.findall(r"\[(`.*?`)\]", TABLE) for name in re.findall(r"\w+", group)}
    assert in_brackets - BEHAVIOURS == set()


def test_every_open_question_has_a_behaviour() -> None:
    for api, settled in (("Wren", set[str]()), ("CNaught", SETTLED)):
        table = TABLE.partition(f"| # | question of {api}'s documents")[2].partition("| # |")[0]
        rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:] if row]
        assert [row[0] for row in rows if not row[3].startswith("[`")] == sorted(settled)
        assert [row[0] for row in rows if "`test_" not in row[2] and "out of scope" not in row[2]] == []
