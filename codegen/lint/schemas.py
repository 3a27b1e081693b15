"""Rules on schemas: what the generator can read, and what Python can name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from openapi_python_client.strings import ClassName

from codegen.contract import Contract, Node, is_null
from codegen.directions import reachable, received
from codegen.lint.problem import Problem
from codegen.model_views import member_name
from codegen.parsed import PREFIX
from codegen.walk import Place, SchemaSite, schemas

FORMATS: Final = {
    "string": frozenset({"date-time", "uri", "email", "binary"}),
    "number": frozenset({"decimal"}),
    "integer": frozenset({"int32", "int64"}),
}
MIXTURES: Final = ({"string", "integer"}, {"integer", "number"})
"""An id that is a text or a number, and a number that is usually whole, such as cents."""
KEYWORDS: Final = frozenset({"anyOf", "not", "if", "then", "else", "const", "patternProperties", "prefixItems"})


def as_contract(document: Node) -> Contract:
    """The document where functions want a contract."""
    return Contract(api="", source="", document=dict(document), sha256="")


def named(document: Node) -> Iterator[Problem]:
    """Named schemas are described, sourced, and unique as classes; objects and enums are named."""
    for site in schemas(document):
        if site.place is Place.NAMED:
            yield from (
                Problem.at(site.path, f"needs {key}") for key in ("description", "x-source") if not site.schema.get(key)
            )
            if "title" in site.schema:
                yield Problem.at(site.path, "a title would rename the class")
        elif "enum" in site.schema:
            yield Problem.at(site.path, "an enum must be named in components/schemas")
        elif "properties" in site.schema and site.place is not Place.PART:
            yield Problem.at(site.path, "an object must be named in components/schemas")
    classes = Counter(ClassName(name, PREFIX) for name in document.get("components", {}).get("schemas", {}))
    for name, count in classes.items():
        if count > 1:
            yield Problem.at(("components", "schemas", str(name)), "two schemas would be this class")


def composition(document: Node) -> Iterator[Problem]:
    """`allOf` adds details to a named object; `oneOf` allows null or lists the alternatives of a body."""
    bodies = _body_alternatives(document)
    for site in schemas(document):
        for word in sorted(KEYWORDS & set(site.schema)):
            yield Problem.at((*site.path, word), "is not supported")
        parts = site.schema.get("allOf", ())
        if len(parts) > 1 and site.place is not Place.NAMED:
            yield Problem.at((*site.path, "allOf"), "several parts make a new object, which must be named")
        if "oneOf" in site.schema:
            yield from _choice(site, bodies)


def _choice(site: SchemaSite, bodies: frozenset[str]) -> Iterator[Problem]:
    choices = site.schema["oneOf"]
    real = [choice for choice in choices if not is_null(choice)]
    if any("$ref" not in choice for choice in real):
        yield Problem.at((*site.path, "oneOf"), "may hold only $refs and {type: 'null'}")
    if len(real) > 1 and not (site.place is Place.BODY or (site.place is Place.NAMED and site.path[-1] in bodies)):
        yield Problem.at((*site.path, "oneOf"), "only the body of a request may have alternatives")


def _body_alternatives(document: Node) -> frozenset[str]:
    """Named schemas that a body refers to, and no answer."""
    contract = as_contract(document)
    sites = [site.schema for site in schemas(document) if site.place is Place.BODY]
    return reachable(contract, sites) - received(contract)


def types(document: Node) -> Iterator[Problem]:
    """Every type and format is one that has a Python type; a number is always a Decimal."""
    for site in schemas(document):
        declared = site.schema.get("type")
        found = [declared] if isinstance(declared, str) else list(declared or ())
        real = [each for each in found if each != "null"]
        if len(real) > 1 and set(real) not in MIXTURES:
            known = " or ".join(" and ".join(sorted(each)) for each in MIXTURES)
            yield Problem.at((*site.path, "type"), f"no mixture of types but {known}, not {', '.join(real)}")
        # The format of a number that is usually whole is that of its fractions.
        for each in real if set(real) != {"integer", "number"} else ["number"]:
            yield from _format(site, each)
        if real == ["array"] and "items" not in site.schema:
            yield Problem.at(site.path, "an array must say what its items are")


def _format(site: SchemaSite, declared: str) -> Iterator[Problem]:
    stated = site.schema.get("format")
    if declared == "number" and stated != "decimal":
        yield Problem.at(site.path, "a number must have format decimal: a float is not exact")
    elif stated is not None and stated not in FORMATS.get(declared, ()):
        yield Problem.at((*site.path, "format"), f"{stated} is no format of {declared} that has a Python type")


def enums(document: Node) -> Iterator[Problem]:
    """Enums are strings with names in Python; each value is explained; those that are received are open."""
    answers = received(as_contract(document))
    for site in schemas(document):
        if site.place is Place.NAMED and "enum" in site.schema:
            yield from (Problem.at(site.path, message) for message in _enum(site.schema))
            if site.path[-1] in answers and not site.schema.get("x-open"):
                yield Problem.at(site.path, "an enum in answers must have x-open: APIs add values")
        elif site.schema.get("x-open"):
            yield Problem.at((*site.path, "x-open"), "stands only on an enum")


def _enum(schema: Node) -> Iterator[str]:
    values = schema["enum"]
    if schema.get("type") != "string" or not all(isinstance(value, str) for value in values):
        yield "an enum must be of type string with nothing but strings; for null use oneOf with a $ref"
        return
    if len(varnames := schema.get("x-enum-varnames", values)) != len(values):
        yield "x-enum-varnames must name every value"
    members = Counter(map(member_name, varnames))
    yield from (f"several values would be the member {name}" for name, count in members.items() if count > 1)
    yield from (f"{name!r} is no name for a member" for name in members if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name))
    described = str(schema.get("description", ""))
    yield from (f"the description does not explain {value}" for value in values if value not in described)
