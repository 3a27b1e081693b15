"""The lint finds every fault that is planted in a small contract, and none in ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codegen.contract import Contract
from codegen.lint import lint

ROOT = Path(__file__).resolve().parents[2]
Document = dict[str, Any]
TEXT = {"type": "string", "description": "Text."}


def schema(document: Document, name: str) -> Document:
    return document["components"]["schemas"][name]


def attribute(document: Document, name: str, wire: str) -> Document:
    return schema(document, name)["properties"][wire]


def listing(document: Document) -> Document:
    return document["paths"]["/things"]["get"]


def creating(document: Document) -> Document:
    return document["paths"]["/things"]["post"]


def deleting(document: Document) -> Document:
    return document["paths"]["/things/{id}"]["delete"]


def add(document: Document, name: str, wire: str, node: Any) -> None:
    schema(document, name)["properties"][wire] = node


def json_body(document: Document) -> Document:
    return creating(document)["requestBody"]["content"]["application/json"]


FAULTS: list[tuple[str, Callable[[Document], Any], str]] = [
    # references and structure
    (
        "external",
        lambda d: add(d, "Thing", "x", {"$ref": "other.yaml#/X"}),
        "not in this document",
    ),
    ("dangling", lambda d: add(d, "Thing", "x", {"$ref": "#/components/schemas/X"}), "names nothing"),
    ("boolean", lambda d: add(d, "Thing", "x", True), "{} allows any value"),
    ("openapi", lambda d: d.update(openapi="3.0.3"), "must be 3.1.0"),
    ("invalid", lambda d: listing(d).pop("responses"), "responses"),
    # extensions
    ("unknown", lambda d: listing(d).update({"x-retry": True}), "no known extension"),
    ("misplaced", lambda d: attribute(d, "Thing", "id").update({"x-effect": "read"}), "may stand on operation"),
    ("effect value", lambda d: listing(d).update({"x-effect": "safe"}), "must be one of read"),
    ("source keys", lambda d: listing(d).update({"x-source": {"pages": ["a"]}}), "must have pages, evidence and seen"),
    ("source evidence", lambda d: listing(d)["x-source"].update(evidence="rumour"), "unknown evidence: rumour"),
    ("source pages", lambda d: listing(d)["x-source"].update(pages=[]), "pages must be a list"),
    ("inferred", lambda d: listing(d).update({"x-inferred": "maybe"}), "number of an open question"),
    ("role", lambda d: attribute(d, "ThingRequest", "note").update({"x-role": "mark"}), "must be one of idempotency"),
    ("python name", lambda d: attribute(d, "Thing", "id").update({"x-python-name": "the id"}), "no name in snake_case"),
    # operations
    ("no operationId", lambda d: listing(d).pop("operationId"), "needs an operationId"),
    ("operationId case", lambda d: listing(d).update(operationId="list_things"), "in camelCase"),
    ("operationId twice", lambda d: listing(d).update(operationId="createThing"), "createThing"),
    ("no tag", lambda d: listing(d).update(tags=[]), "exactly one tag"),
    ("two tags", lambda d: listing(d).update(tags=["things", "other"]), "exactly one tag"),
    ("undeclared tag", lambda d: listing(d).update(tags=["other"]), "not among the document's tags"),
    ("builtin tag", lambda d: listing(d).update(tags=["credits"]), "is a builtin"),
    ("tag case", lambda d: listing(d).update(tags=["Things"]), "no module name"),
    ("no summary", lambda d: listing(d).pop("summary"), "needs summary"),
    ("no source", lambda d: listing(d).pop("x-source"), "needs x-source"),
    ("no effect", lambda d: listing(d).pop("x-effect"), "needs x-effect"),
    ("writing GET", lambda d: listing(d).update({"x-effect": "once"}), "a GET reads"),
    ("keyed without key", lambda d: deleting(d).update({"x-effect": "keyed"}), "if and only if"),
    ("key without keyed", lambda d: creating(d).update({"x-effect": "once"}), "if and only if"),
    ("spending read", lambda d: listing(d).update({"x-spends": True}), "what only does read spends nothing"),
    (
        "effect-when on keyed",
        lambda d: creating(d).update({"x-effect-when": {"attribute": "note", "value": True}}),
        "only where x-effect is once",
    ),
    (
        "effect-when of nothing",
        lambda d: creating(d).update({"x-effect-when": {"attribute": "dryRun", "value": True}}),
        "dryRun is no attribute",
    ),
    ("parameter text", lambda d: listing(d)["parameters"][0].pop("description"), "needs a description"),
    ("header role", lambda d: listing(d)["parameters"][0].update({"in": "header"}), "headers, and nothing else"),
    ("header format", lambda d: d["components"]["parameters"]["Key"]["schema"].update(format="uri"), "plain string"),
    ("array parameter", lambda d: listing(d)["parameters"][1].update(schema={"type": "array"}), "must be a scalar"),
    ("flag", lambda d: listing(d)["parameters"][1].update(allowEmptyValue=True), "presence counts"),
    ("path template", lambda d: deleting(d)["parameters"][0].update(name="other"), "other is not in the path"),
    ("path undeclared", lambda d: deleting(d).update(parameters=[]), "id is not declared"),
    (
        "media types",
        lambda d: creating(d)["requestBody"]["content"].update({"text/csv": {"schema": TEXT}}),
        "must share one schema",
    ),
    ("body without name", lambda d: json_body(d).update(schema={"type": "string"}), "body must be named"),
    ("no success", lambda d: deleting(d).update(responses={"404": {"$ref": "#/components/responses/Bad"}}), "success"),
    ("inline error", lambda d: deleting(d)["responses"].update({"404": {"description": "No."}}), "must be a $ref"),
    ("inferred status", lambda d: listing(d).update({"x-inferred-statuses": [500]}), "500 is not among"),
    ("option name", lambda d: add(d, "ThingRequest", "timeout", TEXT), "timeout is an option of every call"),
    ("reference name", lambda d: add(d, "ThingRequest", "reference", TEXT), "reference is an option of every call"),
    ("deprecated", lambda d: deleting(d).update(deprecated=True), "what to use in place"),
    ("cookie", lambda d: listing(d)["parameters"][1].update({"in": "cookie"}), "cookies are not supported"),
    (
        "form first",
        lambda d: creating(d)["requestBody"].update(
            content={"application/x-www-form-urlencoded": json_body(d), "application/json": json_body(d)}
        ),
        "must come first",
    ),
    (
        "two answers",
        lambda d: creating(d)["responses"]["200"]["content"].update({"text/csv": {"schema": TEXT}}),
        "must have one media type",
    ),
    (
        "status range",
        lambda d: listing(d)["responses"].update({"4XX": {"$ref": "#/components/responses/Bad"}}),
        "three digits",
    ),
    (
        "argument twice",
        lambda d: listing(d)["parameters"][1].update({"x-python-name": "limit"}),
        "limit and after would both be the argument limit",
    ),
    # paging
    ("paging kind", lambda d: listing(d)["x-paging"].update(kind="page"), "kind must be cursor or offset"),
    ("paging keys", lambda d: listing(d)["x-paging"].pop("id"), "and nothing else"),
    ("paging parameter", lambda d: listing(d)["x-paging"].update(after="cursor"), "cursor is no query parameter"),
    ("paging items", lambda d: listing(d)["x-paging"].update(items="rows"), "rows is no attribute of the answer"),
    ("paging id", lambda d: listing(d)["x-paging"].update(id="key"), "key is no attribute of an item"),
    # schemas
    ("schema text", lambda d: schema(d, "Thing").pop("description"), "needs description"),
    ("schema source", lambda d: schema(d, "Thing").pop("x-source"), "needs x-source"),
    ("title", lambda d: schema(d, "Thing").update(title="Other"), "rename the class"),
    ("inline enum", lambda d: add(d, "Thing", "x", {"type": ["string", "null"], "enum": ["a", None]}), "must be named"),
    ("inline object", lambda d: add(d, "Thing", "x", {"type": "object", "properties": {}}), "object must be named"),
    ("class twice", lambda d: d["components"]["schemas"].update(thing=schema(d, "Thing")), "two schemas"),
    ("anyOf", lambda d: add(d, "Thing", "x", {"anyOf": [{"type": "string"}], "description": "X."}), "not supported"),
    ("oneOf", lambda d: add(d, "Thing", "x", {"oneOf": [{"type": "string"}], "description": "X."}), "may hold only"),
    (
        "alternatives",
        lambda d: add(
            d,
            "Thing",
            "x",
            {"oneOf": [{"$ref": "#/components/schemas/Fault"}, {"$ref": "#/components/schemas/State"}]},
        ),
        "only the body",
    ),
    ("float", lambda d: add(d, "Thing", "x", {"type": "number", "description": "X."}), "format decimal"),
    ("format", lambda d: attribute(d, "Thing", "id").update(format="date"), "date is no format"),
    ("mixture", lambda d: add(d, "Thing", "x", {"type": ["string", "boolean"], "description": "X."}), "no mixture"),
    ("mixed enum", lambda d: schema(d, "State").update(enum=["new", 1]), "nothing but strings"),
    ("member twice", lambda d: schema(d, "State").update(enum=["new", "New"]), "several values"),
    ("member name", lambda d: schema(d, "State").update(enum=["new", "1st"]), "no name for a member"),
    ("value unexplained", lambda d: schema(d, "State").update(enum=["new", "used"]), "does not explain used"),
    ("closed enum", lambda d: schema(d, "State").pop("x-open"), "must have x-open"),
    ("open text", lambda d: attribute(d, "Thing", "id").update({"x-open": True}), "may stand on schema"),
    ("open object", lambda d: schema(d, "Thing").update({"x-open": True}), "stands only on an enum"),
    ("member names", lambda d: schema(d, "State").update({"x-enum-varnames": ["NEW"]}), "must name every value"),
    ("any items", lambda d: schema(d, "ThingList")["properties"]["data"].pop("items"), "what its items are"),
    # attributes
    ("attribute text", lambda d: attribute(d, "Thing", "id").pop("description"), "needs a description"),
    ("reserved", lambda d: add(d, "Thing", "extraFields", TEXT), "extra_fields is reserved"),
    ("type name", lambda d: add(d, "Thing", "int", TEXT), "int is reserved"),
    ("keyword", lambda d: add(d, "Thing", "from", TEXT), "keyword with an underscore"),
    ("collision", lambda d: [add(d, "Thing", each, TEXT) for each in ("fooBar", "foo_bar")], "would both be foo_bar"),
    ("required", lambda d: schema(d, "Thing").update(required=["id", "key"]), "key is no attribute"),
    ("alias", lambda d: attribute(d, "Thing", "state").update({"x-aliases": ["id"]}), "id is an attribute already"),
    ("unused", lambda d: d["components"]["schemas"].update(Lone=dict(schema(d, "Thing"))), "used by no operation"),
    (
        "both ways",
        lambda d: add(d, "ThingList", "x", {"$ref": "#/components/schemas/ThingRequest", "description": "X."}),
        "is sent and received",
    ),
    ("lenient request", lambda d: attribute(d, "ThingRequest", "note").update({"x-lenient": True}), "about reading"),
    ("explicit answer", lambda d: attribute(d, "Thing", "id").update({"x-explicit": True}), "about sending"),
    ("lenient required", lambda d: attribute(d, "Thing", "id").update({"x-lenient": True}), "cannot be required"),
    ("limits", lambda d: attribute(d, "Thing", "id").update(maxLength=3), "not held to limits"),
    ("bare array", lambda d: schema(d, "ThingList").update({"x-bare-array": "rows"}), "no attribute that holds"),
    # examples
    ("no example", lambda d: json_body(d).pop("examples"), "needs a whole example"),
    ("bad example", lambda d: json_body(d)["examples"]["one"].update(value={"note": 1}), "is a required property"),
    ("bad value", lambda d: attribute(d, "Thing", "id").update(examples=[1]), "is not of type 'string'"),
]


@pytest.mark.parametrize(("plant", "message"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_finds_a_planted_fault(document: Document, plant: Callable[[Document], Any], message: str) -> None:
    plant(document)
    found = [str(problem) for problem in lint(document)]
    assert any(message in problem for problem in found), found


def test_the_small_contract_is_free_of_faults(document: Document) -> None:
    assert lint(document) == []


@pytest.mark.parametrize("api", ["wren", "cnaught"])
def test_our_contracts_are_free_of_faults(api: str) -> None:
    assert lint(Contract.load(ROOT / "openapi" / f"{api}.yaml").document) == []


def test_reports_all_faults_at_once_with_their_places(document: Document) -> None:
    listing(document).pop("x-effect")
    attribute(document, "Thing", "id").pop("description")
    assert [str(problem) for problem in lint(document)] == [
        "$.components.schemas.Thing.properties.id: needs a description",
        "$.paths./things.get: needs x-effect: read, compute, repeatable, keyed, once; where unsure, once",
    ]


def test_a_document_that_breaks_openapi_still_shows_its_other_faults(document: Document) -> None:
    listing(document)["responses"] = []
    attribute(document, "Thing", "id").pop("description")
    found = [str(problem) for problem in lint(document)]
    assert "$.components.schemas.Thing.properties.id: needs a description" in found
    assert any(problem.startswith("$.paths./things.get.responses") for problem in found)


def test_leaves_the_document_alone(document: Document) -> None:
    before = repr(document)
    lint(document)
    assert repr(document) == before


def test_data_in_examples_is_not_taken_for_the_contract(document: Document) -> None:
    json_body(document)["examples"]["one"]["value"] = {"weightKg": 1, "x-foo": 1, "$ref": "#/nowhere"}
    assert lint(document) == []


def test_an_attribute_may_be_called_like_a_keyword(document: Document) -> None:
    for name in ("properties", "examples", "parameters", "x-wire"):
        add(document, "Thing", name, dict(TEXT))
    attribute(document, "Thing", "x-wire")["x-python-name"] = "wire"
    assert lint(document) == []
