"""Matches the things of the old surface with those of the new one: by name, or by likeness where one was renamed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from codegen.diff.surface import Item, Key, Sort, Surface

ORDER: Final = (
    Sort.API,
    Sort.ENUM,
    Sort.MODEL,
    Sort.OPERATION,
    Sort.BUILDER,
    Sort.MEMBER,
    Sort.ATTRIBUTE,
    Sort.ARGUMENT,
)
"""What contains others comes before them."""
ALIKE: Final = 0.6
"""How much two things must have in common to be taken for one that was renamed."""


def pairs(old: Surface, new: Surface) -> Iterator[tuple[Item | None, Item | None]]:
    """Old and new things that belong together. Parts of something that was removed or added are left out."""
    matched: dict[Key, Key] = {}
    for sort in ORDER:
        left = [item for item in old.values() if item.key.sort is sort and (not item.parent or item.parent in matched)]
        grown = set(matched.values())
        right = [item for item in new.values() if item.key.sort is sort and (not item.parent or item.parent in grown)]
        found = _match(left, right, matched, _children(old), _children(new))
        for item, other in found:
            matched[item.key] = other.key
        yield from found
        taken = {item.key for item, _ in found}, {other.key for _, other in found}
        yield from ((item, None) for item in left if item.key not in taken[0])
        yield from ((None, item) for item in right if item.key not in taken[1])


def local(item: Item) -> str:
    """A name without that of what contains it."""
    python = item.key.python
    return (
        python[len(item.parent.python) :].strip(".()") if item.parent and item.key.sort is not Sort.BUILDER else python
    )


def _match(
    left: list[Item],
    right: list[Item],
    matched: Mapping[Key, Key],
    kept: Mapping[Key, frozenset[str]],
    got: Mapping[Key, frozenset[str]],
) -> list[tuple[Item, Item]]:
    """Pairs of the same name in the same container, then pairs that are alike among what is left."""
    same = {(item.parent, local(item)): item for item in right}
    found = [(item, other) for item in left if (other := same.get((item.parent and matched[item.parent], local(item))))]
    lost = [item for item in left if all(item is not each for each, _ in found)]
    fresh = [item for item in right if all(item is not each for _, each in found)]
    scored = sorted(
        (
            (-score, item.key, other.key, item, other)
            for item in lost
            for other in fresh
            if (matched[item.parent] if item.parent else None) == other.parent
            and (score := _likeness(item, other, kept, got)) >= ALIKE
        ),
        key=lambda each: each[:3],
    )
    used: set[Key] = set()
    for _, key, other_key, item, other in scored:
        if key not in used and other_key not in used:
            used |= {key, other_key}
            found.append((item, other))
    return found


def _likeness(item: Item, other: Item, kept: Mapping[Key, frozenset[str]], got: Mapping[Key, frozenset[str]]) -> float:
    """How much two things have in common, from 0 to 1."""
    facts, others = item.facts, other.facts
    match item.key.sort:
        case Sort.OPERATION:
            return 1.0 if facts["route"] == others["route"] else 0.9 if facts["id"] == others["id"] else 0.0
        case Sort.MEMBER:
            return float(facts["value"] == others["value"])
        case Sort.ENUM | Sort.MODEL | Sort.BUILDER:
            mine, theirs = kept.get(item.key, frozenset()), got.get(other.key, frozenset())
            return len(mine & theirs) / len(mine | theirs) if mine | theirs else float(item.key.sort is Sort.BUILDER)
    if facts["wire"] == others["wire"]:
        return 1.0
    if any(facts.get(fact) != others.get(fact) for fact in ("takes", "reads", "required")):
        return 0.0
    return difflib.SequenceMatcher(None, local(item), local(other)).ratio()


def _children(surface: Surface) -> Mapping[Key, frozenset[str]]:
    found: dict[Key, set[str]] = {}
    for item in surface.values():
        if item.parent:
            found.setdefault(item.parent, set()).add(local(item))
    return {key: frozenset(names) for key, names in found.items()}
