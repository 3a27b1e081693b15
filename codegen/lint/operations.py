"""Rules on operations: their names, tags, effects, parameters, bodies and answers."""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from openapi_python_client.strings import snake_case

from codegen import contract
from codegen.contract import Node, OperationNode, alternatives, operations, properties, resolve, schema_name
from codegen.lint.problem import Problem
from codegen.lint.vocabulary import EFFECTS
from codegen.parsed import python_name
from codegen.walk import Path

SITE: Final = frozenset({"copyright", "credits", "exit", "help", "license", "quit"})
"""Builtins that `site` adds: absent under `python -S`, so the generator's names would differ there."""
OPTIONS: Final = frozenset(
    {"timeout", "deadline", "retries", "headers", "options", "reference", "idempotency_key", "subaccount_id"}
)
"""Arguments of every builder beside the operation's own, and those that come of a role."""
_TEMPLATE: Final = re.compile(r"{([^}]*)}")
_CAMEL: Final = re.compile(r"[a-z][a-z0-9]*([A-Z][a-z0-9]*)*")


def _path(operation: OperationNode) -> Path:
    return ("paths", operation.path, operation.method)


def identity(document: Node) -> Iterator[Problem]:
    """An operationId that stays unique in snake_case, and one tag that makes a good module name."""
    declared = {tag.get("name") for tag in document.get("tags", ())}
    spelled = Counter(snake_case(str(each.node.get("operationId"))) for each in operations(document))
    for operation in operations(document):
        path, found = _path(operation), operation.node.get("operationId")
        if not isinstance(found, str) or not _CAMEL.fullmatch(found):
            yield Problem.at(path, f"needs an operationId in camelCase, not {found!r}")
        elif spelled[snake_case(found)] > 1:
            yield Problem.at((*path, "operationId"), f"{found} is not unique in snake_case; choose another")
        tags = operation.node.get("tags", [])
        if len(tags) != 1:
            yield Problem.at(path, f"needs exactly one tag, has {len(tags)}")
        for tag in tags:
            yield from _tag((*path, "tags"), tag, declared)


def _tag(path: Path, tag: str, declared: set[str]) -> Iterator[Problem]:
    if tag not in declared:
        yield Problem.at(path, f"{tag} is not among the document's tags")
    if not tag.isidentifier() or tag != snake_case(tag) or keyword.iskeyword(tag):
        yield Problem.at(path, f"{tag} is no module name in snake_case")
    if hasattr(builtins, tag) or tag in SITE:
        yield Problem.at(path, f"{tag} is a builtin of Python")


def description(document: Node) -> Iterator[Problem]:
    """A summary of one line, a description, a source; a deprecated operation says what to use instead."""
    for operation in operations(document):
        path, node = _path(operation), operation.node
        for key in ("summary", "description", "x-source"):
            if not node.get(key):
                yield Problem.at(path, f"needs {key}")
        if "\n" in str(node.get("summary", "")).strip():
            yield Problem.at((*path, "summary"), "must be one line")
        if node.get("deprecated") and not re.search(r"\b(use|instead|replace|get)", node.get("description", ""), re.I):
            yield Problem.at((*path, "description"), "must say what to use in place of a deprecated operation")


def effect(document: Node) -> Iterator[Problem]:
    """An effect that fits the method, the idempotency key and the body; only a write may spend."""
    for operation in operations(document):
        path, node = _path(operation), operation.node
        stated = node.get("x-effect")
        if stated is None:
            yield Problem.at(path, f"needs x-effect: {', '.join(EFFECTS)}; where unsure, once")
        if operation.method == "get" and stated not in (None, "read"):
            yield Problem.at((*path, "x-effect"), f"a GET reads, so it cannot be {stated}")
        roles = {parameter.get("x-role") for parameter in contract.parameters(document, operation)}
        if (stated == "keyed") != ("idempotency-key" in roles):
            yield Problem.at((*path, "x-effect"), "an operation is keyed if and only if it takes an idempotency key")
        if "x-spends" in node and stated in ("read", "compute"):
            yield Problem.at((*path, "x-spends"), f"what only does {stated} spends nothing")
        if "x-effect-when" in node:
            yield from _effect_when(document, operation)


def _effect_when(document: Node, operation: OperationNode) -> Iterator[Problem]:
    path = (*_path(operation), "x-effect-when")
    if operation.node.get("x-effect") not in (None, "once"):
        yield Problem.at(path, "turns `once` into `compute`, so it stands only where x-effect is once")
    attribute = operation.node["x-effect-when"].get("attribute")
    for schema in _body_schemas(document, operation):
        if attribute not in properties(document, schema):
            yield Problem.at(path, f"{attribute} is no attribute of the body")


def parameters(document: Node) -> Iterator[Problem]:
    """Parameters are scalars with a description; headers have a role, because the pipeline sets them."""
    for operation in operations(document):
        for parameter in contract.parameters(document, operation):
            path = (*_path(operation), "parameters", str(parameter.get("name")))
            if not parameter.get("description"):
                yield Problem.at(path, "needs a description")
            schema = resolve(document, parameter.get("schema", {}))
            presence = parameter.get("allowEmptyValue")
            if not presence and not {"string", "integer", "number", "boolean"} & set(_types(schema)):
                yield Problem.at(path, "must be a scalar")
            if parameter.get("in") == "cookie":
                yield Problem.at(path, "cookies are not supported")
            if (parameter.get("in") == "header") != (parameter.get("x-role") in ("idempotency-key", "subaccount")):
                yield Problem.at(path, "headers, and nothing else, have the role idempotency-key or subaccount")
            if parameter.get("in") == "header" and (schema.get("type") != "string" or "format" in schema):
                yield Problem.at(path, "a header must be a plain string: the generator drops the operation otherwise")
            if presence and schema:
                yield Problem.at(path, "allowEmptyValue means that presence counts: leave `schema: {}`")


def _types(schema: Node) -> list[str]:
    declared = schema.get("type", [])
    return [declared] if isinstance(declared, str) else list(declared)


def path(document: Node) -> Iterator[Problem]:
    """The parameters of a path are those of its template: required strings."""
    for operation in operations(document):
        place = _path(operation)
        declared = {each["name"]: each for each in contract.parameters(document, operation) if each.get("in") == "path"}
        template = _TEMPLATE.findall(operation.path)
        for name in sorted(set(template) ^ set(declared)):
            where = "declared" if name in template else "in the path"
            yield Problem.at(place, f"the path parameter {name} is not {where}")
        for name, parameter in declared.items():
            if not parameter.get("required"):
                yield Problem.at((*place, "parameters", name), "a path parameter must be required")
            if resolve(document, parameter.get("schema", {})).get("type") != "string":
                yield Problem.at((*place, "parameters", name), "a path parameter must be a string")


def body(document: Node) -> Iterator[Problem]:
    """All media types of a body share one schema, which is named; JSON comes first."""
    for operation in operations(document):
        content = resolve(document, operation.node.get("requestBody", {})).get("content", {})
        path = (*_path(operation), "requestBody")
        found = [media_type.get("schema") for media_type in content.values()]
        if any(schema != found[0] for schema in found):
            yield Problem.at(path, f"the media types {', '.join(content)} must share one schema")
        if "application/json" in content and next(iter(content)) != "application/json":
            yield Problem.at(path, "application/json must come first")
        for schema in _body_schemas(document, operation):
            if schema_name(schema) is None and resolve(document, schema).get("format") != "binary":
                yield Problem.at(path, "the schema of a body must be named")


def _body_schemas(document: Node, operation: OperationNode) -> tuple[Node, ...]:
    content = resolve(document, operation.node.get("requestBody", {})).get("content", {})
    first: Node = next(iter(content.values()), {})
    return alternatives(document, first["schema"]) if "schema" in first else ()


def answers(document: Node) -> Iterator[Problem]:
    """One success answer with at most one media type; errors are shared; inferred statuses are listed ones."""
    for operation in operations(document):
        path, found = _path(operation), operation.node.get("responses", {})
        successes = [status for status in found if str(status).startswith("2")]
        if len(successes) != 1:
            yield Problem.at((*path, "responses"), f"needs exactly one success answer, has {len(successes)}")
        for status, response in found.items():
            place = (*path, "responses", status)
            if not re.fullmatch(r"[1-5]\d\d", status):
                yield Problem.at(place, "must be a status code of three digits")
            if status[0] in "45" and not (isinstance(response, Mapping) and "$ref" in response):
                yield Problem.at(place, "an error answer must be a $ref to components/responses")
            if status[0] == "2" and len(resolve(document, response).get("content", {})) > 1:
                yield Problem.at(place, "must have one media type")
        for inferred in operation.node.get("x-inferred-statuses", ()):
            if str(inferred) not in found:
                yield Problem.at((*path, "x-inferred-statuses"), f"{inferred} is not among the answers")


def arguments(document: Node) -> Iterator[Problem]:
    """All arguments of a builder have names of their own, and none is that of an option of every call."""
    for operation in operations(document):
        path = _path(operation)
        own: list[tuple[str, str]] = []
        for parameter in contract.parameters(document, operation):
            if "x-role" not in parameter:
                own.append((parameter["name"], parameter.get("x-python-name") or python_name(parameter["name"])))
        for schema in _body_schemas(document, operation):
            named = properties(document, schema).items()
            inner = [(wire, node.get("x-python-name") or python_name(wire)) for wire, node in named]
            yield from _clashes(path, own + inner, _taken(document, operation))
        if not operation.node.get("requestBody"):
            yield from _clashes(path, own, _taken(document, operation))


def _taken(document: Node, operation: OperationNode) -> frozenset[str]:
    """Names that the operation's own attributes cannot have. The path may say whose subaccount is meant."""
    roles = {parameter.get("x-role") for parameter in contract.parameters(document, operation)}
    return OPTIONS if "subaccount" in roles else OPTIONS - {"subaccount_id"}


def _clashes(path: Path, named: list[tuple[str, str]], taken: frozenset[str]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for wire, python in named:
        if python in taken:
            yield Problem.at(path, f"the argument {python} is an option of every call; give {wire} an x-python-name")
        if python in seen:
            yield Problem.at(path, f"{seen[python]} and {wire} would both be the argument {python}")
        seen.setdefault(python, wire)
