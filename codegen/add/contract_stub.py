"""The stub of an operation in the contract: whole and free of faults, with TODO where a fact is wanted."""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter
from datetime import date
from typing import Final

from codegen.add.stub import Stub, article
from codegen.contract import Contract, properties, schema_name
from codegen.parsed import GenerationFailed
from codegen.reading import Source

SOURCE: Final = """\
x-source:
  pages:
    - {page}
  evidence: {evidence}
  seen: '{month}'
"""
PAGING: Final = {
    "cursor": ("x-paging: {kind: cursor, items: data, id: id, limit: limit, after: after, before: before}\n"),
    "offset": ("x-paging: {kind: offset, items: data, total: total, limit: limit, offset: offset}\n"),
}
QUERY: Final = {
    "cursor": (
        ("limit", "integer, minimum: 1", "Most items to return."),
        ("after", "string", "Id of an item, to return what follows it."),
        ("before", "string", "Id of an item, to return what stands before it."),
    ),
    "offset": (
        ("limit", "integer, minimum: 1", "Most items to return."),
        ("offset", "integer, minimum: 0", "Items to leave out."),
    ),
}


TOTAL: Final = """\
total:
  type: integer
  description: How many there are in all.
offset:
  type: integer
  description: How many were left out, as asked.
"""


def with_stub(text: str, contract: Contract, stub: Stub, paging: str, today: date) -> str:
    """The contract's file with the stub in it."""
    page, evidence = (stub.source, "docs") if stub.source else ("'TODO: the page that states it'", "inferred")
    source = SOURCE.format(page=page, evidence=evidence, month=f"{today:%Y-%m}")
    insertions = _placed(contract, stub, _operation(contract, stub, paging, source))
    schemas = "".join(each for name, each in _schemas(stub, paging, source).items() if name not in contract.schemas)
    if schemas and contract.origin is not None:
        insertions.append((contract.origin.end(("components", "schemas")), textwrap.indent(schemas, "    ")))
    if stub.tag not in {each["name"] for each in contract.document["tags"]} and contract.origin is not None:
        tag = f"  - name: {stub.tag}\n    description: {stub.many.capitalize()}.\n"
        insertions.append((contract.origin.end(("tags",)), tag))
    lines = text.splitlines(keepends=True)
    for line, added in sorted(insertions, reverse=True):
        lines.insert(line, added)
    return "".join(lines)


def _placed(contract: Contract, stub: Stub, operation: str) -> list[tuple[int, str]]:
    origin = contract.origin
    assert isinstance(origin, Source)  # noqa: S101  what was read from a file has one
    there = stub.path in contract.document["paths"]
    place: tuple[str, ...] = ("paths", stub.path) if there else ("paths",)
    head = "" if there else f"  {stub.path}:\n"
    return [(origin.end(place), head + textwrap.indent(operation, "    "))]


def _operation(contract: Contract, stub: Stub, paging: str, source: str) -> str:
    parameters = "".join(
        f"- name: {each}\n  in: path\n  required: true\n  x-python-name: {stub.python_name(each)}\n"
        f"  description: Id of the {stub.one}.\n  schema:\n    type: string\n    examples: [a1]\n"
        for each in stub.identifiers
    )
    if stub.paged:
        parameters += "".join(
            f"- name: {name}\n  in: query\n  description: {text}\n  schema: {{type: {kind}}}\n"
            for name, kind, text in QUERY[paging]
        )
    body = (
        f"operationId: {stub.operation}\ntags:\n  - {stub.tag}\nsummary: {stub.summary}\n"
        f"description: 'TODO: what it does, what it costs, and what it refuses.'\nx-effect: {stub.effect}\n{source}"
    )
    body += PAGING[paging] if stub.paged else ""
    body += f"parameters:\n{textwrap.indent(parameters, '  ')}" if parameters else ""
    body += _request(stub) if stub.method in ("post", "put", "patch") else ""
    body += f"responses:\n{textwrap.indent(_answers(contract, stub, paging), '  ')}"
    return f"{stub.method}:\n{textwrap.indent(body, '  ')}"


def _request(stub: Stub) -> str:
    return (
        "requestBody:\n  required: true\n  content:\n    application/json:\n      schema:\n"
        f"        $ref: '#/components/schemas/{stub.model}Request'\n      examples:\n        one:\n"
        "          summary: An example\n          value:\n            name: example\n"
    )


def _answers(contract: Contract, stub: Stub, paging: str) -> str:
    if stub.method == "delete":
        success = "'204':\n  description: It is gone.\n"
    else:
        page = "total: 1\noffset: 0\n" if stub.paged and paging == "offset" else ""
        value = f"data:\n  - id: a1\n{page}" if stub.lists else "id: a1\n"
        name = f"{stub.model}List" if stub.lists else stub.model
        if name in contract.schemas:
            value = _written(_known(contract, name))
        success = (
            f"'200':\n  description: The {stub.many if stub.lists else stub.one}.\n"
            "  content:\n    application/json:\n      schema:\n"
            f"        $ref: '#/components/schemas/{name}'\n      examples:\n"
            "        one:\n          summary: An example\n          value:\n" + textwrap.indent(value, " " * 12)
        )
    return success + "".join(f"'{status}':\n  $ref: '{ref}'\n" for status, ref in _usual_errors(contract))


def _known(contract: Contract, name: str) -> object:
    """An example of a class that is there already: of another operation that answers it, or a list of it."""
    for operation in contract.operations():
        for media in contract.success(operation).get("content", {}).values():
            examples = [contract.resolve(each)["value"] for each in media.get("examples", {}).values()]
            if examples and schema_name(media["schema"]) == name:
                return examples[0]
            for wire, node in properties(contract.document, media["schema"]).items():
                listed = [item for each in examples for item in each.get(wire) or ()] if "items" in node else []
                if listed and schema_name(node["items"]) == name:
                    return listed[0]
    raise GenerationFailed(f"{contract.source} has a schema {name} that no operation answers; add this one by hand")


def _written(value: object) -> str:
    """A value as YAML: attributes each on a line of its own, and what they hold as JSON, which is YAML too."""
    if not isinstance(value, dict):
        return f"{json.dumps(value)}\n"
    return "".join(f"{key}: {_scalar(item)}\n" for key, item in value.items())


def _scalar(value: object) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[a-z]+[0-9]+", value)
    return str(value) if plain else json.dumps(value)


def _usual_errors(contract: Contract) -> list[tuple[str, str]]:
    """The errors that at least half of the operations share."""
    found = [
        (str(status), str(answer["$ref"]))
        for each in contract.operations()
        for status, answer in each.node["responses"].items()
        if "$ref" in answer
    ]
    half = len(list(contract.operations())) / 2
    return sorted(each for each, number in Counter(found).items() if number >= half)


def _schemas(stub: Stub, paging: str, source: str) -> dict[str, str]:
    """New classes by name: what is answered, the list of it, and what is sent."""
    found: dict[str, str] = {}
    if stub.method != "delete":
        identifier = f"id:\n  type: string\n  description: Id of the {stub.one}.\n"
        found[stub.model] = _schema(stub.model, article(stub.one), source, "id", identifier)
    if stub.lists:
        data = (
            f"data:\n  type: array\n  description: The {stub.many}.\n  items:\n"
            f"    $ref: '#/components/schemas/{stub.model}'\n"
        )
        counted = stub.paged and paging == "offset"
        name, text = f"{stub.model}List", f"a list of {stub.many}"
        required = "data, total, offset" if counted else "data"
        found[name] = _schema(name, text, source, required, data + (TOTAL if counted else ""))
    if stub.method in ("post", "put", "patch"):
        attribute = "name:\n  type: string\n  description: 'TODO: what it means.'\n"
        name, text = f"{stub.model}Request", f"{article(stub.one)} as it is sent"
        found[name] = _schema(name, text, source, "name", attribute)
    return found


def _schema(name: str, text: str, source: str, required: str, attributes: str) -> str:
    text = text[0].upper() + text[1:]
    body = f"type: object\ndescription: {text}.\n{source}required: [{required}]\nproperties:\n"
    return f"{name}:\n{textwrap.indent(body + textwrap.indent(attributes, '  '), '  ')}"
