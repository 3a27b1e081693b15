"""The table of behaviours names tests that exist, and every setting of Wren is in it."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from wren_async.sandbox import WrenSettings

HERE = Path(__file__).parent
TABLE = (HERE / "BEHAVIOURS.md").read_text()
NAMED = set(re.findall(r"`(\w+)`", TABLE))


def test_every_test_of_the_table_exists() -> None:
    written = {name for path in HERE.glob("test_*.py") for name in re.findall(r"def (test_\w+)\(", path.read_text())}
    settings = {setting.name for setting in attrs.fields(WrenSettings)}
    assert {name for name in NAMED if name.startswith("test_")} - written - settings == set()


def test_every_setting_has_its_row() -> None:
    assert {setting.name for setting in attrs.fields(WrenSettings)} - NAMED == set()
