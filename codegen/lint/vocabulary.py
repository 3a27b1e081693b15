"""Every `x-` extension: where it may stand, what it may be, what it means. For lint and page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

EFFECTS: Final = {
    "read": "changes nothing",
    "compute": "calculates something, such as a quote, and keeps nothing",
    "repeatable": "a write whose repeat leaves everything as the first left it",
    "keyed": "a write that the server recognises by its idempotency key when it comes again",
    "once": "a write that acts a second time when it is sent a second time",
}
EVIDENCE: Final = {
    "seed": "what the vendor told in person",
    "docs": "the vendor's pages",
    "postman": "the vendor's collection of examples",
    "third-party": "an unofficial description",
    "code": "programs of others that use the API",
    "node-sdk": "the vendor's library for Node",
    "node-test": "the tests of that library",
    "examples": "examples that the vendor shows",
    "inferred": "a conclusion of ours",
}
ROLES: Final = {
    "idempotency-key": "a header by which the server recognises a repeat",
    "subaccount": "a header that says for which subaccount a call acts",
    "reference": "an attribute in which a caller's own mark travels",
}


@attrs.frozen(kw_only=True)
class Extension:
    """One word of the vocabulary."""

    name: str
    places: frozenset[str]
    """What it may stand on; empty where it may stand anywhere."""
    value: str
    """What it may be, for readers."""
    meaning: str
    check: Callable[[Any], str | None]
    """What is wrong with a value, if anything."""


def _true(value: Any) -> str | None:
    return None if value is True else f"must be true or absent, not {value!r}"


def _inferred(value: Any) -> str | None:
    good = value is True or (isinstance(value, int) and value >= 0)
    return None if good else "must be true or the number of an open question"


def _one_of(known: Mapping[str, str]) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        return (
            None if isinstance(value, str) and value in known else f"must be one of {', '.join(known)}, not {value!r}"
        )

    return check


def _texts(value: Any) -> str | None:
    good = isinstance(value, list) and value and all(isinstance(each, str) and each for each in value)
    return None if good else "must be a list of texts that is not empty"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "must be a text that is not empty"


def _statuses(value: Any) -> str | None:
    good = isinstance(value, list) and value and all(isinstance(each, int) for each in value)
    return None if good else "must be a list of statuses, such as [401]"


def _identifier(value: Any) -> str | None:
    good = isinstance(value, str) and value.isidentifier() and value == value.lower()
    return None if good else f"{value!r} is no name in snake_case"


def _source(value: Any) -> str | None:
    if not isinstance(value, Mapping) or set(value) != {"pages", "evidence", "seen"}:
        return "must have pages, evidence and seen, and nothing else"
    evidence = value["evidence"] if isinstance(value["evidence"], list) else [value["evidence"]]
    if unknown := [str(each) for each in evidence if each not in EVIDENCE]:
        return f"unknown evidence: {', '.join(unknown)}; use one of {', '.join(EVIDENCE)}"
    if not isinstance(value["seen"], str):
        return "seen must be a text"
    return (problem := _texts(value["pages"])) and f"pages {problem}"


def _when(value: Any) -> str | None:
    good = isinstance(value, Mapping) and set(value) == {"attribute", "value"}
    return None if good else "must have attribute and value, and nothing else"


def _paging(value: Any) -> str | None:
    good = isinstance(value, Mapping) and value.get("kind") in ("cursor", "offset")
    return None if good else "must have a kind: cursor or offset"


def _word(name: str, places: str, value: str, meaning: str, check: Callable[[Any], str | None]) -> Extension:
    return Extension(name=name, places=frozenset(places.split()), value=value, meaning=meaning, check=check)


VOCABULARY: Final[tuple[Extension, ...]] = (
    _word(
        "x-effect",
        "operation",
        "`" + "`, `".join(EFFECTS) + "`",
        "What carrying out the operation does, and so when the client may send it again. Every operation has one.",
        _one_of(EFFECTS),
    ),
    _word(
        "x-effect-when",
        "operation",
        "`attribute` and `value`",
        "The value of a body attribute that turns a `once` operation into a `compute` one, such as a dry run.",
        _when,
    ),
    _word(
        "x-spends",
        "operation",
        "`true`",
        "Carrying out the operation spends money of the account's owner, unless `x-effect-when` says that it only "
        "calculates. The command line asks before it does.",
        _true,
    ),
    _word(
        "x-paging",
        "operation",
        "`kind` (`cursor` or `offset`) and the names of its parameters and attributes",
        "How the answer is paged. `cursor`: `items`, `id`, `limit`, `after`, `before`. `offset`: `items`, `total`, "
        "`limit`, `offset`.",
        _paging,
    ),
    _word(
        "x-role",
        "parameter attribute",
        "`" + "`, `".join(ROLES) + "`",
        "What the client itself does with a header or an attribute.",
        _one_of(ROLES),
    ),
    _word(
        "x-open",
        "schema",
        "`true`",
        "Values that the enum does not list are kept when they are read. Every enum in an answer has it.",
        _true,
    ),
    _word(
        "x-lenient",
        "attribute",
        "`true`",
        "Type or presence are a guess, so reading never fails on it: what cannot be read is `None`, and stands in "
        "`extra_fields`.",
        _true,
    ),
    _word(
        "x-aliases", "attribute", "a list of names", "Other names on the wire that are read as this attribute.", _texts
    ),
    _word(
        "x-bare-array",
        "schema",
        "the name of an attribute that holds an array",
        "The server may also send that array alone, without the object around it.",
        _text,
    ),
    _word(
        "x-explicit",
        "attribute",
        "`true`",
        "Optional in the API and required in Python, because the server's default spends someone's money.",
        _true,
    ),
    _word(
        "x-python-name",
        "operation parameter attribute",
        "a name in snake_case",
        "The name in Python, where that on the wire does not serve.",
        _identifier,
    ),
    _word(
        "x-enum-varnames",
        "schema",
        "a list of names, one for each value",
        "Names of an enum's members in Python, where its values do not serve.",
        _texts,
    ),
    _word(
        "x-source",
        "operation schema",
        "`pages`, `evidence` and `seen`",
        "Where it is stated, what kind of statement that is, and when it was seen. Every operation and every named "
        "schema has one.",
        _source,
    ),
    _word(
        "x-inferred",
        "",
        "`true`, or the number of an open question",
        "No source states it: a reading of ours, and a question to the vendor.",
        _inferred,
    ),
    _word(
        "x-inferred-statuses",
        "operation",
        "a list of statuses",
        "Answers of the operation that no source states.",
        _statuses,
    ),
)
"""In the order of the page."""
KNOWN: Final[Mapping[str, Extension]] = {each.name: each for each in VOCABULARY}
