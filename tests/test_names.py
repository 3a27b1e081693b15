"""One word for one thing: within a room of the library, no two classes have one name."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "wren_async"
ROOMS = sorted(each.name for each in PACKAGE.iterdir() if (each / "__init__.py").exists() and each.name != "_generated")


def classes(room: str) -> Counter[str]:
    trees = (ast.parse(file.read_text()) for file in (PACKAGE / room).rglob("*.py"))
    return Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


@pytest.mark.parametrize("room", ROOMS)
def test_no_class_name_stands_twice_within_a_room(room: str) -> None:
    assert [name for name, count in classes(room).items() if count > 1] == []


def test_the_rooms_are_looked_at() -> None:
    assert {"batch", "core", "http", "sandbox"} <= set(ROOMS)
    assert sum(classes("batch").values()) > 50
