"""Rules on `x-` extensions: one vocabulary, and each word only where it means something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from codegen.contract import Node
from codegen.lint.problem import Problem
from codegen.walk import kind, maps_names, nodes

ANYWHERE: Final = frozenset[str]()
KNOWN: Final[dict[str, frozenset[str]]] = {
    "x-source": frozenset({"operation", "schema"}),
    "x-inferred": ANYWHERE,
    "x-inferred-statuses": frozenset({"operation"}),
    "x-effect": frozenset({"operation"}),
    "x-effect-when": frozenset({"operation"}),
    "x-paging": frozenset({"operation"}),
    "x-role": frozenset({"parameter", "attribute"}),
    "x-python-name": frozenset({"operation", "parameter", "attribute"}),
    "x-open": frozenset({"schema"}),
    "x-enum-varnames": frozenset({"schema"}),
    "x-bare-array": frozenset({"schema"}),
    "x-lenient": frozenset({"attribute"}),
    "x-aliases": frozenset({"attribute"}),
    "x-explicit": frozenset({"attribute"}),
}
"""Every extension, and on what it may stand. An unknown one would be read by nothing."""
EFFECTS: Final = ("read", "compute", "repeatable", "keyed", "once")
EVIDENCE: Final = frozenset(
    {"seed", "docs", "postman", "third-party", "code", "node-sdk", "node-test", "examples", "inferred"}
)


def known(document: Node) -> Iterator[Problem]:
    """Every extension is of the vocabulary and stands where it may."""
    for path, node in nodes(document):
        words = [] if maps_names(path) else [key for key in node if str(key).startswith("x-")]
        for word in words:
            if word not in KNOWN:
                yield Problem.at((*path, word), "is no known extension")
            elif (places := KNOWN[word]) and kind(path) not in places:
                yield Problem.at((*path, word), f"may stand on {' or '.join(sorted(places))}, not on {kind(path)}")


def values(document: Node) -> Iterator[Problem]:
    """The value of every extension makes sense by itself."""
    for path, node in nodes(document):
        for word, check in CHECKS.items():
            if word in node and not maps_names(path) and (message := check(node[word])):
                yield Problem.at((*path, word), message)


def _true(value: Any) -> str | None:
    return None if value is True else f"must be true or absent, not {value!r}"


def _inferred(value: Any) -> str | None:
    good = value is True or (isinstance(value, int) and value >= 0)
    return None if good else "must be true or the number of an open question"


def _effect(value: Any) -> str | None:
    return None if value in EFFECTS else f"must be one of {', '.join(EFFECTS)}, not {value!r}"


def _texts(value: Any) -> str | None:
    good = isinstance(value, list) and value and all(isinstance(each, str) and each for each in value)
    return None if good else "must be a list of texts that is not empty"


def _identifier(value: Any) -> str | None:
    good = isinstance(value, str) and value.isidentifier() and value == value.lower()
    return None if good else f"{value!r} is no name in snake_case"


def _role(value: Any) -> str | None:
    roles = ("idempotency-key", "subaccount", "reference")
    return None if value in roles else f"must be one of {', '.join(roles)}, not {value!r}"


def _source(value: Any) -> str | None:
    if not isinstance(value, Mapping) or set(value) != {"pages", "evidence", "seen"}:
        return "must have pages, evidence and seen, and nothing else"
    evidence = value["evidence"] if isinstance(value["evidence"], list) else [value["evidence"]]
    if unknown := [str(each) for each in evidence if each not in EVIDENCE]:
        return f"unknown evidence: {', '.join(unknown)}"
    if not isinstance(value["seen"], str):
        return "seen must be a text"
    return (problem := _texts(value["pages"])) and f"pages {problem}"


def _when(value: Any) -> str | None:
    good = isinstance(value, Mapping) and set(value) == {"attribute", "value"}
    return None if good else "must have attribute and value, and nothing else"


CHECKS: Final[dict[str, Callable[[Any], str | None]]] = {
    "x-source": _source,
    "x-inferred": _inferred,
    "x-effect": _effect,
    "x-effect-when": _when,
    "x-role": _role,
    "x-python-name": _identifier,
    "x-open": _true,
    "x-lenient": _true,
    "x-explicit": _true,
    "x-aliases": _texts,
    "x-enum-varnames": _texts,
}
