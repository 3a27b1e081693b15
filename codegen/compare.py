"""`python -m codegen compare`: what another OpenAPI file of the same API has and ours lacks, and the reverse.

Operations are matched by method and path, whatever their parameters are called; attributes by their names on the wire.
Another file may say less or more than the API does, so this is a list to read and no verdict.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from codegen.contract import METHODS, Contract, resolve
from codegen.mistakes import read_all
from codegen.parsed import GenerationFailed
from codegen.reading import UnreadableYAML, read

DEEP: Final = 6
"""Levels of attributes that are compared."""


def options(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("other", type=Path, help="an OpenAPI file, YAML or JSON")
    parser.add_argument("--api", choices=("wren", "cnaught"), help="left out: the API with which it shares more paths")


def run(chosen: argparse.Namespace) -> int:
    """Print both lists; the exit status is 1 where they are not empty, and 2 where a file cannot be read."""
    try:
        contracts = read_all(chosen.root)
        other = read(chosen.other.read_bytes()).value
        if not isinstance(other, dict) or not isinstance(other.get("paths"), dict):
            raise GenerationFailed(f"{chosen.other}: is no OpenAPI document; it needs `paths`")
        theirs = parts(other)
    except (GenerationFailed, UnreadableYAML, OSError, ValueError) as failed:
        sys.stderr.write(f"{failed}\n")
        return 2
    ours = _ours(contracts, chosen.api, theirs)
    lines = [*_told("Only in the other file", theirs - ours), *_told("Only in ours", ours - theirs)]
    sys.stdout.write("\n".join(lines or ["Both files have the same."]) + "\n")
    return int(bool(lines))


@attrs.frozen(order=True)
class Part:
    """An operation, or a part of one."""

    operation: str
    part: str = ""


def parts(document: dict[str, Any]) -> frozenset[Part]:
    """Operations of a document with their parameters, statuses and attributes."""
    return frozenset(_parts(document))


def _ours(contracts: list[Contract], api: str | None, theirs: frozenset[Part]) -> frozenset[Part]:
    found = [(parts(each.document), each.api) for each in contracts]
    if api is not None:
        return next(each for each, name in found if name == api)
    return max(found, key=lambda each: len(_operations(each[0]) & _operations(theirs)))[0]


def _operations(found: frozenset[Part]) -> set[str]:
    return {each.operation for each in found}


def _parts(document: dict[str, Any]) -> Iterator[Part]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                name = f"{method.upper()} {re.sub(r'{[^}]*}', '{}', path.rstrip('/'))}"
                yield Part(name)
                for part in _of_operation(document, item, item[method]):
                    yield Part(name, part)


def _of_operation(document: dict[str, Any], item: dict[str, Any], node: dict[str, Any]) -> Iterator[str]:
    for raw in (*item.get("parameters", ()), *node.get("parameters", ())):
        parameter = resolve(document, raw)
        if parameter.get("in") != "path":
            yield f"{parameter.get('in')} parameter {parameter.get('name')}"
    body = resolve(document, node.get("requestBody", {}))
    yield from (f"request {each}" for each in _content(document, body))
    for status, raw in node.get("responses", {}).items():
        yield f"status {status}"
        if str(status).startswith("2"):
            yield from (f"answer {each}" for each in _content(document, resolve(document, raw)))


def _content(document: dict[str, Any], carrier: Any) -> Iterator[str]:
    for kind, media in carrier.get("content", {}).items():
        if "json" in kind:
            yield from sorted(set(_attributes(document, media.get("schema", {}), "", 0)))


def _attributes(document: dict[str, Any], schema: Any, prefix: str, depth: int) -> Iterator[str]:
    if depth > DEEP or not isinstance(schema, dict):
        return
    node = resolve(document, schema)
    for word in ("allOf", "oneOf", "anyOf"):
        for part in node.get(word, ()):
            yield from _attributes(document, part, prefix, depth + 1)
    if "items" in node:
        yield from _attributes(document, node["items"], f"{prefix}[]", depth + 1)
    for name, inner in node.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        yield path
        yield from _attributes(document, inner, path, depth + 1)


def _told(title: str, found: frozenset[Part]) -> list[str]:
    """A list by operation; of an operation that the other file lacks only its name."""
    whole = {each.operation for each in found if not each.part}
    lines = [f"  {name}" for name in sorted(whole)]
    lines += [f"  {each.operation}: {each.part}" for each in sorted(found) if each.operation not in whole]
    return [f"{title}:", *lines] if lines else []
