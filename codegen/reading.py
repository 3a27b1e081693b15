"""Reading YAML: the value, the place of each part of it, and every fault with its line.

YAML 1.2, so that `no` is a text and `2026-07-01` no date. A file is parsed once; a place is looked up when asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias

import attrs
import yaml

Path: TypeAlias = tuple[str | int, ...]


class Mark(NamedTuple):
    """A place in a file, counted from 1 as editors do."""

    line: int
    column: int


@attrs.frozen(order=True)
class Fault:
    """Something that keeps a file from being read, and where it is."""

    mark: Mark
    message: str


class UnreadableYAML(Exception):
    """A text that is no YAML, or says something twice."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.mark.line}:{fault.mark.column}: {fault.message}" for fault in faults))
        self.faults = faults


@attrs.frozen(eq=False)
class Source:
    """A parsed file: its value, and the nodes that know their places."""

    value: Any
    root: yaml.Node | None

    def find(self, path: Path) -> Mark:
        """Where a path leads, or the nearest place above it that is there. Of an attribute, where its name stands."""
        mark, node = Mark(1, 1), self.root
        for step in path:
            found = None if node is None else _step(node, step)
            if found is None and not isinstance(node, yaml.ScalarNode):
                continue  # a path may leave out `properties`
            if found is None:
                break
            mark, node = found
        return mark

    def end(self, path: Path) -> int:
        """How many lines stand above the end of the object that a path leads to."""
        node = self.root
        for step in path:
            found = None if node is None else _step(node, step)
            if found is None:
                raise KeyError(step)
            node = found[1]
        assert node is not None  # noqa: S101  an empty file has no paths
        last = node
        while isinstance(last, yaml.CollectionNode) and last.value:
            item = last.value[-1]
            last = item[1] if isinstance(item, tuple) else item
        return int(last.end_mark.line) + (last.end_mark.column > 0)


class _Loader(yaml.CSafeLoader):
    """What YAML 1.2 takes for a null, a boolean or a number; all else is text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  as in the base class


_IMPLICIT: Final = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
)
for _tag, _pattern, _first in _IMPLICIT:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def read(raw: bytes | str) -> Source:
    """Parse a text, or raise `UnreadableYAML` with all that is wrong."""
    try:
        loader = _Loader(raw)
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        raise UnreadableYAML([_fault(error)]) from None
    faults = sorted(set(_repeated(root, set()))) if root is not None else []
    if faults:
        raise UnreadableYAML(faults)
    try:
        return Source(None if root is None else loader.construct_document(root), root)
    except yaml.YAMLError as error:
        raise UnreadableYAML([_fault(error)]) from None


def _step(node: yaml.Node, step: str | int) -> tuple[Mark, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return _mark(key), value
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            if step == index or _called(item, step):
                return _mark(item), item
    return None


def _called(node: yaml.Node, name: str | int) -> bool:
    """Whether a part of a list, such as a parameter, has this name."""
    if not isinstance(node, yaml.MappingNode):
        return False
    return any(key.value == "name" and value.value == name for key, value in node.value)


def _mark(node: yaml.Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def _repeated(node: yaml.Node, done: set[int], above: tuple[int, ...] = ()) -> Iterator[Fault]:
    """Keys that an object has twice, of which PyYAML would take the last and say nothing, and endless aliases."""
    if id(node) in above:
        yield Fault(_mark(node), "an anchor must not hold its own alias; write it out")
    if id(node) in done or isinstance(node, yaml.ScalarNode):
        return
    done.add(id(node))
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item, done, above)
        return
    first: dict[str, Mark] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            yield Fault(_mark(key), "a key must be a text; quote it")
            continue
        if key.value in first and key.value != "<<":
            line = first[key.value].line
            yield Fault(_mark(key), f"{key.value} stands twice, first in line {line}; keep one of the two")
        first.setdefault(key.value, _mark(key))
        yield from _repeated(value, done, above)


_REMEDIES: Final = (
    ("mapping values are not allowed", "put quotes around a text that holds a colon, or mend the indent"),
    ("could not find expected ':'", "a key needs a colon and a blank after it; quote a text of several lines"),
    ("found character that cannot start", "indent with blanks and not tabs; quote a text that begins with ` @ or %"),
    ("block end", "the indent does not fit the lines above"),
    ("block mapping", "the indent does not fit the lines above"),
    ("block collection", "the indent does not fit the lines above"),
    ("undefined alias", "an anchor (&name) must stand above its alias (*name)"),
    ("quoted scalar", "close the quotes"),
    ("flow", "close the bracket or brace"),
)


def _fault(error: yaml.YAMLError) -> Fault:
    text = " ".join(str(each) for each in (getattr(error, "context", None), getattr(error, "problem", None)) if each)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    text = text or str(getattr(error, "reason", error)).splitlines()[0]
    remedy = next((remedy for sign, remedy in _REMEDIES if sign in text), "look at this line and the one above")
    place = Mark(1, 1) if mark is None else Mark(mark.line + 1, mark.column + 1)
    return Fault(place, f"is no YAML ({text}): {remedy}")
