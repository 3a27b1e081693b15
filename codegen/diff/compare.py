"""Two surfaces compared: every change with its verdict, each told once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from codegen.diff.change import VERDICTS, Change, Finding, additive, breaking
from codegen.diff.pairing import local, pairs
from codegen.diff.python_types import Enums, renamed
from codegen.diff.rules import classify
from codegen.diff.surface import API, Item, Key, Sort, Surface

SHOWN: Final = 3
"""Names that a sentence holds where a change touches many."""


def changes(api: str, old: Surface, new: Surface) -> list[Change]:
    """All changes from one surface to another."""
    found = list(pairs(old, new))
    classes = {
        before.key.python.removeprefix("models."): after.key.python.removeprefix("models.")
        for before, after in found
        if before and after and before.key.sort in (Sort.ENUM, Sort.MODEL) and before.key != after.key
    }
    enums = _enums([*old.values(), *new.values()])
    moved = {before.key for before, after in found if before and after and _renamed(before, after)}
    told: dict[tuple[Finding, str], list[str]] = {}
    for before, after in found:
        for finding in _findings(before, after, classes, enums, moved):
            item = after or before
            assert item is not None  # noqa: S101  a pair has at least one side
            told.setdefault((finding, item.location), []).append((before or item).shown)
    made = [_change(api, location, finding, shown) for (finding, location), shown in told.items()]
    return sorted(made, key=lambda each: (-VERDICTS.index(each.verdict), each.location, each.kind, each.python))


def _findings(
    old: Item | None, new: Item | None, classes: Mapping[str, str], enums: Enums, moved: set[Key]
) -> Iterator[Finding]:
    if old is None and new is not None:
        yield _added(new)
    elif new is None and old is not None:
        yield breaking(f"{old.key.sort}-removed", "was removed")
    elif old is not None and new is not None:
        if _renamed(old, new) and not (old.key.sort is Sort.BUILDER and old.parent in moved):
            yield breaking(f"{old.key.sort}-renamed", f"is now called `{new.shown}`")
        yield from classify(_with_new_names(old.facts, classes), new.facts, enums)


def _enums(items: list[Item]) -> Enums:
    found = [
        (item.key.python.removeprefix("models."), item.facts["open"]) for item in items if item.key.sort is Sort.ENUM
    ]
    return Enums(frozenset(name for name, _ in found), frozenset(name for name, is_open in found if is_open))


def _added(item: Item) -> Finding:
    if item.facts.get("required"):
        return breaking("required-argument-added", "is new, and must be given")
    return additive(f"{item.key.sort}-added", "is new")


def _renamed(old: Item, new: Item) -> bool:
    return local(old) != local(new)


def _with_new_names(facts: Mapping[str, Any], classes: Mapping[str, str]) -> Mapping[str, Any]:
    """Facts of the old surface in which renamed classes have their new names: the renaming is told already."""
    types = {fact: renamed(facts[fact], classes) for fact in ("takes", "reads") if fact in facts}
    return {**facts, **types}


def _change(api: str, location: str, finding: Finding, shown: list[str]) -> Change:
    names = list(dict.fromkeys(shown))
    return Change(
        api=api,
        location=location,
        python=", ".join(name for name in names if name != API),
        text=f"{_subject(names)} {finding.text}.",
        **attrs.asdict(finding, filter=attrs.filters.exclude("text")),
    )


def _subject(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    if len(names) == 1:
        return "The API" if names == [API] else quoted[0]
    last = f"{len(names) - SHOWN} more" if len(names) > SHOWN else quoted.pop()
    return f"{', '.join(quoted[:SHOWN])} and {last}: each"
