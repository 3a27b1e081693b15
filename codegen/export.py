"""`python -m codegen export`: the contract for other tools, in plain OpenAPI, so that their clients refuse nothing new.

What only our extensions say is said in schemas: an open enum takes any text, an alias is an attribute of its own, a
bare array is an alternative, and what is read leniently may be anything.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from codegen.contract import SCHEMAS, Contract, Node
from codegen.directions import reachable, received
from codegen.mistakes import mistakes as found_in
from codegen.mistakes import read_all, refuse
from codegen.parsed import GenerationFailed
from codegen.tree import write_pages
from codegen.walk import maps_names, nodes

KNOWN: Final = "Known"
"""What the enum of an open one is called beside it, such as `OrderStateKnown`."""
OBJECT: Final = "Object"
"""What the object of a bare array's envelope is called."""


def options(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--to", type=Path, default=Path("build/openapi"), help="the folder to write to")


def run(chosen: argparse.Namespace) -> int:
    """Write one JSON file for each API."""
    try:
        contracts = read_all(chosen.root)
        refuse(list(found_in(contracts)))
    except GenerationFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    made = {f"{each.api}.json": json.dumps(exported(each), indent=2, ensure_ascii=False) + "\n" for each in contracts}
    write_pages(chosen.to, made)
    sys.stdout.write("\n".join(str(chosen.to / name) for name in made) + "\n")
    return 0


def exported(contract: Contract) -> dict[str, Any]:
    """The document for other tools. Nothing of ours is left in it that begins with `x-`."""
    document = copy.deepcopy(contract.document)
    schemas = document["components"]["schemas"]
    answers = received(contract)
    for name in list(schemas):
        if name in answers:
            _loosen(schemas, name)
    used = reachable(attrs.evolve(contract, document=document), [document["paths"]])
    document["components"]["schemas"] = {name: schema for name, schema in schemas.items() if name in used}
    for path, node in list(nodes(document)):
        if not maps_names(path):
            for word in [word for word in node if str(word).startswith("x-")]:
                del node[word]  # type: ignore[attr-defined]
    return document


def _loosen(schemas: dict[str, Any], name: str) -> None:
    """Say by plain OpenAPI, in a schema that is received, what our extensions say there."""
    schema = schemas[name]
    for part in [schema, *schema.get("allOf", ())]:
        if isinstance(part, dict) and "properties" in part:
            part["properties"] = _attributes(part)
    if schema.get("x-open"):
        schemas[name + KNOWN] = schema
        text = f"{schema['description']} Values that are not listed may come."
        schemas[name] = {"description": text, "anyOf": [{"$ref": SCHEMAS + name + KNOWN}, {"type": "string"}]}
    if "x-bare-array" in schema:
        schemas[name + OBJECT] = schema
        array = _plain(schema["properties"][schema["x-bare-array"]])
        text = f"{schema['description']} Or the list alone."
        schemas[name] = {"description": text, "anyOf": [{"$ref": SCHEMAS + name + OBJECT}, array]}


def _attributes(schema: Node) -> dict[str, Any]:
    found: dict[str, Any] = {}
    needed = schema.get("required", ())
    for wire, node in schema["properties"].items():
        loose = {"description": node["description"]} if node.get("x-lenient") else node
        found[wire] = loose
        for alias in node.get("x-aliases", ()):
            found[alias] = {**_plain(loose), "description": f"Another spelling of `{wire}`."}
            if wire in needed:
                schema["required"].remove(wire)
    return found


def _plain(node: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that shares nothing, without the extensions that were dealt with."""
    return {key: value for key, value in copy.deepcopy(dict(node)).items() if key not in ("x-aliases", "x-lenient")}
