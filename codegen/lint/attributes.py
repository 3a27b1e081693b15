"""Rules on attributes: descriptions, names on the wire and in Python, and what fits requests or answers only."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import Final

from codegen.contract import Node, properties, required, resolve
from codegen.directions import received, sent
from codegen.lint.problem import Problem
from codegen.lint.schemas import as_contract
from codegen.parsed import python_name
from codegen.walk import Path, Place, SchemaSite, schemas

RESERVED: Final = frozenset({"bool", "bytes", "dict", "int", "object", "str", "tuple", "extra_fields"})
"""Ours, or needed by annotations in the same class."""
LIMITS: Final = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern", "multipleOf"}
)


def _sites(document: Node) -> Iterator[SchemaSite]:
    return (site for site in schemas(document) if site.place is Place.ATTRIBUTE)


def _objects(document: Node) -> Iterator[tuple[str, Path, Node]]:
    """Named objects with all their attributes."""
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        if "properties" in schema or "allOf" in schema:
            yield name, ("components", "schemas", name), schema


def described(document: Node) -> Iterator[Problem]:
    """Every attribute says what it means."""
    for site in _sites(document):
        if not site.schema.get("description"):
            yield Problem.at(site.path, "needs a description")


def python_names(document: Node) -> Iterator[Problem]:
    """Every attribute has a name of its own in Python."""
    for _, path, schema in _objects(document):
        seen: dict[str, str] = {}
        for wire, node in properties(document, schema).items():
            name = str(node.get("x-python-name") or python_name(wire))
            if name in RESERVED or not name.isidentifier() or name.startswith("_"):
                yield Problem.at((*path, wire), f"{name} is reserved or no identifier; give it an x-python-name")
            if keyword.iskeyword(name.removesuffix("_")) and "x-python-name" not in node:
                yield Problem.at((*path, wire), f"{name} is a keyword with an underscore; give it an x-python-name")
            if name in seen:
                yield Problem.at((*path, wire), f"{seen[name]} and {wire} would both be {name}")
            seen.setdefault(name, wire)


def wire_names(document: Node) -> Iterator[Problem]:
    """What is required exists, and no alias is the name of something else."""
    for _, path, schema in _objects(document):
        found = properties(document, schema)
        for missing in sorted(required(document, schema) - set(found)):
            yield Problem.at((*path, "required"), f"{missing} is no attribute")
        taken = dict.fromkeys(found, "an attribute")
        for wire, node in found.items():
            for alias in node.get("x-aliases", ()):
                if alias in taken:
                    yield Problem.at((*path, wire, "x-aliases"), f"{alias} is {taken[alias]} already")
                taken[alias] = f"an alias of {wire}"


def direction(document: Node) -> Iterator[Problem]:
    """Limits and x-explicit are for requests, x-lenient and x-aliases for answers; no object is both."""
    contract = as_contract(document)
    requests, answers = sent(contract), received(contract)
    for name, path, schema in _objects(document):
        if name not in requests | answers:
            yield Problem.at(path, "is used by no operation")
        if name in requests & answers:
            yield Problem.at(path, "is sent and received; an absent attribute means different things, so write two")
        needed = required(document, schema)
        for wire, node in properties(document, schema).items():
            attribute = resolve(document, node)
            for message in _misplaced(attribute, name in requests, name in answers, wire in needed):
                yield Problem.at((*path, wire), message)


def _misplaced(attribute: Node, request: bool, answer: bool, needed: bool) -> Iterator[str]:
    for word in ("x-lenient", "x-aliases"):
        if word in attribute and request:
            yield f"{word} is about reading, and this is sent"
    if "x-explicit" in attribute and answer:
        yield "x-explicit is about sending, and this is received"
    for word in ("x-lenient", "x-explicit"):
        if word in attribute and needed:
            yield f"cannot be required and {word}"
    if answer and not request and (limits := LIMITS & set(attribute)):
        yield f"an answer is not held to limits: {', '.join(sorted(limits))}"
    if attribute.get("x-role", "reference") != "reference" or ("x-role" in attribute and "format" in attribute):
        yield "an attribute can only have the role reference, and must be plain text"


def bare_arrays(document: Node) -> Iterator[Problem]:
    """`x-bare-array` names an array of the object that it stands on."""
    for _, path, schema in _objects(document):
        array = schema.get("x-bare-array")
        if array is not None and resolve(document, properties(document, schema).get(array, {})).get("type") != "array":
            yield Problem.at((*path, "x-bare-array"), f"{array} is no attribute that holds an array")
