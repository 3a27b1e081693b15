"""Kinds of change of a contract, with the verdict that each must get. Data: the tests run them.

A place is `S:Thing/properties/id` (a schema), `op:getThing/summary` (an operation) or `/info/title` (the document). An
edit puts a value there, drops what is there, or gives a key another name.
"""

from __future__ import annotations

import copy
from typing import Any

import attrs

BREAKING, ADDITIVE, NEUTRAL = "breaking", "additive", "neutral"
Edit = tuple[str, str, Any]
SOURCE = {"pages": ["https://example.com/docs"], "evidence": "docs", "seen": "2026-07"}
TEXT = {"type": "string", "description": "Text."}
NUMBER = {"type": "integer", "description": "A number."}
NOTHING = {"type": "object", "description": "New.", "x-source": SOURCE, "properties": {"a": TEXT, "b": TEXT}}


def ref(name: str, **beside: Any) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", **beside}


def put(place: str, value: Any) -> Edit:
    return ("put", place, value)


def drop(place: str) -> Edit:
    return ("drop", place, None)


def rename(place: str, name: str) -> Edit:
    """Another key in the same place of the same object."""
    return ("rename", place, name)


def references(old: str, new: str) -> Edit:
    """Let all references to one schema lead to another."""
    return ("references", old, new)


@attrs.frozen
class Case:
    name: str
    verdict: str
    kinds: tuple[str, ...]
    edits: tuple[Edit, ...]

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        changed = copy.deepcopy(document)
        for edit in self.edits:
            _apply(changed, edit)
        return changed


def case(name: str, verdict: str, kinds: str, *edits: Edit) -> Case:
    return Case(name, verdict, tuple(kinds.split()), edits)


def _apply(document: dict[str, Any], edit: Edit) -> None:
    action, place, value = edit
    if action == "references":
        _refer(document, f"#/components/schemas/{place}", f"#/components/schemas/{value}")
        return
    holder, key = _find(document, place)
    if action == "put" and isinstance(holder, list) and key == len(holder):
        holder.append(copy.deepcopy(value))
    elif action == "put":
        holder[key] = copy.deepcopy(value)
    elif action == "drop":
        del holder[key]
    else:
        items = [(value if each == key else each, item) for each, item in holder.items()]
        holder.clear()
        holder.update(items)


def _find(document: dict[str, Any], place: str) -> tuple[Any, Any]:
    where, _, rest = place.partition(":")
    if where == "S":
        node, parts = document["components"]["schemas"], rest.split("/")
    elif where == "op":
        node, parts = _operation(document, rest.partition("/")[0]), rest.split("/")[1:]
    else:
        node, parts = document, [each.replace("~1", "/") for each in place.strip("/").split("/")]
    for part in parts[:-1]:
        node = node[int(part) if isinstance(node, list) else part.replace("~1", "/")]
    last = parts[-1].replace("~1", "/")
    return node, (len(node) if last == "-" else int(last)) if isinstance(node, list) else last


def _operation(document: dict[str, Any], name: str) -> dict[str, Any]:
    for item in document["paths"].values():
        for node in item.values():
            if isinstance(node, dict) and node.get("operationId") == name:
                return node
    raise KeyError(name)


def _refer(node: Any, old: str, new: str) -> None:
    if isinstance(node, dict):
        if node.get("$ref") == old:
            node["$ref"] = new
        for each in node.values():
            _refer(each, old, new)
    elif isinstance(node, list):
        for each in node:
            _refer(each, old, new)


JSON_BODY = "content/application~1json"
NEW_OPERATION = {
    "operationId": "countThings",
    "tags": ["things"],
    "summary": "Count things.",
    "description": "Counts things.",
    "x-effect": "read",
    "x-source": SOURCE,
    "responses": {
        "200": {"description": "How many.", "content": {"application/json": {"schema": {"type": "integer"}}}},
    },
}
ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "x-python-name": "thing_id",
    "description": "Its id.",
    "schema": {"type": "string"},
}
PART = {"name": "part", "in": "path", "required": True, "description": "The part.", "schema": {"type": "string"}}
SHAPE = {"name": "shape", "in": "query", "description": "A shape.", "schema": {"type": "string"}}
BODY = {"required": True, "content": {"application/json": {"schema": ref("Hook")}}}

CASES: list[Case] = [
    # --- ways of writing the same ---------------------------------------------------------------------------------
    case("nothing at all", NEUTRAL, ""),
    case(
        "a scalar by reference",
        NEUTRAL,
        "",
        put("S:Name", TEXT),
        put("S:Thing/properties/name", ref("Name", description="Its name.")),
    ),
    case(
        "a reference within allOf",
        NEUTRAL,
        "",
        put("S:Thing/properties/state", {"allOf": [ref("State")], "description": "Where it stands."}),
    ),
    case("type as a list of one", NEUTRAL, "", put("S:Thing/properties/name/type", ["string"])),
    case(
        "null by oneOf instead of absence",
        NEUTRAL,
        "",
        put("S:Thing/properties/state", {"oneOf": [ref("State"), {"type": "null"}], "description": "Where it stands."}),
    ),
    case(
        "an optional answer that may be null", NEUTRAL, "", put("S:Thing/properties/nickname/type", ["string", "null"])
    ),
    case(
        "more than 0 as 1 or more, of whole numbers",
        NEUTRAL,
        "",
        drop("S:ThingRequest/properties/amount/minimum"),
        put("S:ThingRequest/properties/amount/exclusiveMinimum", 0),
    ),
    case(
        "a parameter shared by the path",
        NEUTRAL,
        "",
        drop("/paths/~1things~1{id}~1parts~1{part}/get/parameters/1"),
        put("/paths/~1things~1{id}~1parts~1{part}/parameters", [PART]),
    ),
    case("an example", NEUTRAL, "", put("S:Thing/properties/name/examples", ["Ann"])),
    case("required in another order", NEUTRAL, "", put("S:Thing/required", ["name", "id"])),
    case("an integer's format", NEUTRAL, "server-check-changed", put("S:Thing/properties/count/format", "int64")),
    # --- operations -----------------------------------------------------------------------------------------------
    case("an operation is added", ADDITIVE, "operation-added", put("/paths/~1count", {"get": NEW_OPERATION})),
    case(
        "an operation is removed",
        BREAKING,
        "operation-removed attribute-added",
        drop("/paths/~1things~1{id}~1parts~1{part}/get"),
        put("S:Order/properties/part", ref("Part", description="A part.")),
    ),
    case(
        "an operation gets another name",
        BREAKING,
        "operation-renamed operation-id-changed",
        put("op:getThing/operationId", "fetchThing"),
    ),
    case(
        "an operation keeps its name in Python",
        NEUTRAL,
        "operation-id-changed",
        put("op:getThing/x-python-name", "get_thing"),
        put("op:getThing/operationId", "fetchThing"),
    ),
    case(
        "an operation gets a name in Python",
        BREAKING,
        "operation-renamed",
        put("op:getThing/x-python-name", "fetch_thing"),
    ),
    case("an operation moves to another tag", BREAKING, "operation-renamed", put("op:getThing/tags", ["orders"])),
    case("another path", NEUTRAL, "route-changed", rename("/paths/~1payments", "/pay")),
    case("another method", NEUTRAL, "route-changed", rename("/paths/~1things~1{id}/put", "patch")),
    case(
        "a status is added",
        NEUTRAL,
        "status-added",
        put("op:getThing/responses/400", {"$ref": "#/components/responses/Bad"}),
    ),
    case("a status is removed", NEUTRAL, "status-removed", drop("op:createThing/responses/409")),
    case(
        "success has another status",
        NEUTRAL,
        "status-added status-removed",
        rename("op:createThing/responses/201", "200"),
    ),
    case(
        "an answer has a header",
        NEUTRAL,
        "answers-changed",
        put("op:getPicture/responses/200/headers", {"ETag": {"description": "A tag.", "schema": {"type": "string"}}}),
    ),
    case("an operation is deprecated", ADDITIVE, "deprecated", put("op:getThing/deprecated", True)),
    case("an operation is no longer deprecated", NEUTRAL, "deprecation-lifted", drop("op:deleteThing/deprecated")),
    case("another summary", NEUTRAL, "description-changed", put("op:getThing/summary", "Get a thing.")),
    case("another description", NEUTRAL, "description-changed", put("op:getThing/description", "Returns it.")),
    case(
        "another source",
        NEUTRAL,
        "source-changed",
        put("op:getThing/x-source", {**SOURCE, "pages": ["https://example.com/new"]}),
    ),
    case("a reading is inferred", NEUTRAL, "source-changed", put("op:getThing/x-inferred", 3)),
    # --- effects --------------------------------------------------------------------------------------------------
    case("repeatable becomes once", BREAKING, "effect-stricter", put("op:replaceThing/x-effect", "once")),
    case(
        "keyed becomes once",
        BREAKING,
        "effect-stricter argument-removed",
        put("op:createOrder/x-effect", "once"),
        drop("op:createOrder/parameters"),
    ),
    case(
        "repeatable becomes keyed",
        BREAKING,
        "effect-stricter argument-added",
        put("op:replaceThing/x-effect", "keyed"),
        put("op:replaceThing/parameters", [{"$ref": "#/components/parameters/Key"}]),
    ),
    case("a read becomes a write", BREAKING, "effect-stricter", put("op:getThing/x-effect", "repeatable")),
    case("a call begins to spend money", ADDITIVE, "spends", put("op:replaceThing/x-spends", True)),
    case("a call spends money no more", ADDITIVE, "spends-no-more", drop("op:createPayment/x-spends")),
    case("once becomes repeatable", ADDITIVE, "effect-milder", put("op:createPayment/x-effect", "repeatable")),
    case(
        "once becomes keyed",
        ADDITIVE,
        "effect-milder argument-added",
        put("op:createPayment/x-effect", "keyed"),
        put("op:createPayment/parameters", [{"$ref": "#/components/parameters/Key"}]),
    ),
    case("a write becomes a calculation", ADDITIVE, "effect-milder", put("op:replaceThing/x-effect", "compute")),
    case("a read is a calculation", NEUTRAL, "effect-changed", put("op:getPart/x-effect", "compute")),
    case("the dry run goes", BREAKING, "dry-run-removed", drop("op:createPayment/x-effect-when")),
    case(
        "the dry run is asked for otherwise",
        BREAKING,
        "dry-run-changed",
        put("op:createPayment/x-effect-when/value", False),
    ),
    case(
        "a dry run is added",
        ADDITIVE,
        "dry-run-added",
        put("op:replaceThing/x-effect-when", {"attribute": "name", "value": "x"}),
    ),
    # --- credentials and servers ----------------------------------------------------------------------------------
    case("a token is needed where none was", BREAKING, "credentials-required", drop("op:getPicture/security")),
    case("a token is needed where it was optional", BREAKING, "credentials-required", drop("op:listThings/security")),
    case("no token is needed any more", ADDITIVE, "credentials-optional", put("op:getThing/security", [])),
    case(
        "a token becomes optional", ADDITIVE, "credentials-optional", put("op:getThing/security", [{}, {"token": []}])
    ),
    case(
        "a token is taken where none was",
        NEUTRAL,
        "credentials-changed",
        put("op:getPicture/security", [{}, {"token": []}]),
    ),
    case("another server", NEUTRAL, "servers-changed", put("/servers/0/url", "https://other.example.com")),
    case(
        "another security scheme",
        NEUTRAL,
        "security-changed",
        put("/components/securitySchemes/token", {"type": "http", "scheme": "basic"}),
    ),
    case("another title", NEUTRAL, "description-changed", put("/info/title", "Store API")),
    case("another version", NEUTRAL, "description-changed", put("/info/version", "2")),
    case("another description of a tag", NEUTRAL, "description-changed", put("/tags/0/description", "Goods.")),
    # --- paging ---------------------------------------------------------------------------------------------------
    case("paging is told otherwise", NEUTRAL, "paging-changed", put("op:listThings/x-paging/id", "name")),
    case("paging goes", NEUTRAL, "paging-changed", drop("op:listOrders/x-paging")),
    # --- parameters -----------------------------------------------------------------------------------------------
    case("an optional parameter is added", ADDITIVE, "argument-added", put("op:listThings/parameters/-", SHAPE)),
    case(
        "a required parameter is added",
        BREAKING,
        "required-argument-added",
        put("op:listThings/parameters/-", {**SHAPE, "required": True}),
    ),
    case("a parameter is removed", BREAKING, "argument-removed", drop("op:listThings/parameters/1")),
    case("a parameter is required", BREAKING, "argument-required", put("op:listThings/parameters/0/required", True)),
    case("a parameter is optional", ADDITIVE, "argument-optional", drop("op:getPart/parameters/2/required")),
    case(
        "a parameter is renamed on the wire and in Python",
        BREAKING,
        "argument-renamed wire-name-changed",
        put("op:listThings/parameters/0/name", "limits"),
    ),
    case(
        "a parameter is renamed on the wire alone",
        NEUTRAL,
        "wire-name-changed",
        put("op:listThings/parameters/0/name", "max"),
        put("op:listThings/parameters/0/x-python-name", "limit"),
    ),
    case(
        "a parameter is renamed in Python alone",
        BREAKING,
        "argument-renamed",
        put("op:listThings/parameters/0/x-python-name", "at_most"),
    ),
    case(
        "a parameter has another type",
        BREAKING,
        "argument-type-changed",
        put("op:listThings/parameters/0/schema", {"type": "string"}),
    ),
    case(
        "a parameter may be a text too",
        ADDITIVE,
        "argument-widened",
        put("op:listOrders/parameters/1/schema", {"type": "number", "format": "decimal", "minimum": 0}),
    ),
    case(
        "a time becomes a text",
        BREAKING,
        "argument-type-changed",
        put("op:listThings/parameters/5/schema", {"type": "string"}),
    ),
    case(
        "a choice becomes a text",
        ADDITIVE,
        "argument-widened",
        put("op:listThings/parameters/4/schema", {"type": "string"}),
    ),
    case(
        "a text becomes a choice",
        BREAKING,
        "argument-narrowed",
        put("op:listThings/parameters/1/schema", ref("Colour")),
    ),
    case(
        "a flag becomes a text",
        BREAKING,
        "argument-type-changed",
        put(
            "op:listThings/parameters/3",
            {"name": "expanded", "in": "query", "description": "Show all.", "schema": {"type": "string"}},
        ),
    ),
    case(
        "a parameter has a higher maximum",
        ADDITIVE,
        "argument-limits-widened",
        put("op:listThings/parameters/0/schema/maximum", 200),
    ),
    case(
        "a parameter has a lower maximum",
        BREAKING,
        "argument-limits-narrowed",
        put("op:listThings/parameters/0/schema/maximum", 50),
    ),
    case(
        "a parameter has another default",
        NEUTRAL,
        "server-check-changed",
        put("op:listThings/parameters/0/schema/default", 50),
    ),
    case(
        "a parameter has a pattern",
        NEUTRAL,
        "server-check-changed",
        put("op:listThings/parameters/1/schema/pattern", "^c_"),
    ),
    case(
        "a parameter is described otherwise",
        NEUTRAL,
        "description-changed",
        put("op:listThings/parameters/1/description", "Where to go on."),
    ),
    case(
        "a parameter of the path is renamed",
        BREAKING,
        "argument-renamed",
        put("/paths/~1things~1{id}/parameters/0/x-python-name", "id_of_thing"),
    ),
    case(
        "parameters of the path are swapped",
        BREAKING,
        "argument-order-changed",
        put("op:getPart/parameters/0", PART),
        put("op:getPart/parameters/1", ID),
    ),
    case(
        "a parameter of the path is added",
        BREAKING,
        "required-argument-added route-changed",
        rename("/paths/~1payments", "/payments/{kind}"),
        put(
            "op:createPayment/parameters",
            [{"name": "kind", "in": "path", "required": True, "description": "Which.", "schema": {"type": "string"}}],
        ),
    ),
    case("a parameter is deprecated", ADDITIVE, "deprecated", put("op:listThings/parameters/2/deprecated", True)),
    # --- headers and their roles ----------------------------------------------------------------------------------
    case(
        "the key goes by another header",
        NEUTRAL,
        "header-changed",
        put("/components/parameters/Key/name", "Request-Id"),
    ),
    case(
        "the subaccount goes by another header",
        NEUTRAL,
        "header-changed",
        put("/components/parameters/Branch/name", "X-Shop-Branch"),
    ),
    case("no subaccount any more", BREAKING, "argument-removed", drop("op:createThing/parameters/1")),
    case(
        "a subaccount is added",
        ADDITIVE,
        "argument-added",
        put("op:createOrder/parameters/-", {"$ref": "#/components/parameters/Branch"}),
    ),
    case(
        "keys are shorter", BREAKING, "argument-limits-narrowed", put("/components/parameters/Key/schema/maxLength", 32)
    ),
    case(
        "keys are longer", ADDITIVE, "argument-limits-widened", put("/components/parameters/Key/schema/maxLength", 255)
    ),
    # --- what is sent ---------------------------------------------------------------------------------------------
    case("an optional argument is added", ADDITIVE, "argument-added", put("S:ThingRequest/properties/shape", TEXT)),
    case(
        "a required argument is added",
        BREAKING,
        "required-argument-added",
        put("S:ThingRequest/properties/shape", TEXT),
        put("S:ThingRequest/required", ["weightKg", "shape"]),
    ),
    case(
        "an argument that must be given for its cost is added",
        BREAKING,
        "required-argument-added",
        put("S:ThingRequest/properties/method", {**TEXT, "x-explicit": True}),
    ),
    case("an argument is removed", BREAKING, "argument-removed", drop("S:ThingRequest/properties/shown")),
    case(
        "an argument is renamed",
        BREAKING,
        "argument-renamed wire-name-changed",
        rename("S:ThingRequest/properties/label", "labels"),
    ),
    case(
        "an argument becomes something else",
        BREAKING,
        "argument-removed argument-added",
        rename("S:ThingRequest/properties/label", "purpose"),
    ),
    case(
        "an argument is renamed on the wire alone",
        NEUTRAL,
        "wire-name-changed",
        rename("S:ThingRequest/properties/label", "tag"),
        put("S:ThingRequest/properties/tag/x-python-name", "label"),
    ),
    case(
        "an argument is required", BREAKING, "argument-required", put("S:ThingRequest/required", ["weightKg", "label"])
    ),
    case("an argument is optional", ADDITIVE, "argument-optional", put("S:ThingRequest/required", [])),
    case(
        "an argument must be given for its cost",
        BREAKING,
        "argument-required",
        put("S:ThingRequest/properties/label/x-explicit", True),
    ),
    case(
        "an argument need not be given any more",
        ADDITIVE,
        "argument-optional",
        drop("S:PaymentRequest/properties/method/x-explicit"),
    ),
    case(
        "an argument may be null",
        ADDITIVE,
        "argument-widened",
        put("S:ThingRequest/properties/label/type", ["string", "null"]),
    ),
    case(
        "an argument may not be null",
        BREAKING,
        "argument-narrowed",
        put("S:ThingRequest/properties/note/type", "string"),
    ),
    case(
        "an argument has another type",
        BREAKING,
        "argument-type-changed",
        put("S:ThingRequest/properties/shown/type", "string"),
    ),
    case(
        "an integer may have a fraction",
        ADDITIVE,
        "argument-widened",
        put(
            "S:OrderByNumber/properties/number",
            {"type": "number", "format": "decimal", "minimum": 1, "description": "How many."},
        ),
    ),
    case(
        "a number must be whole",
        BREAKING,
        "argument-narrowed",
        put(
            "S:ThingRequest/properties/weightKg",
            {"type": "integer", "exclusiveMinimum": 0, "description": "Weight in kilograms."},
        ),
    ),
    case(
        "a text becomes a time",
        BREAKING,
        "argument-type-changed",
        put(
            "S:ThingRequest/properties/label",
            {"type": "string", "format": "date-time", "description": "What is written on it."},
        ),
    ),
    case(
        "a text becomes an enum",
        BREAKING,
        "argument-narrowed",
        put("S:ThingRequest/properties/label", ref("Colour", description="What is written on it.")),
    ),
    case(
        "an enum becomes a text",
        ADDITIVE,
        "argument-widened",
        put("S:ThingRequest/properties/colour", {"type": "string", "description": "Its colour."}),
    ),
    case(
        "a minimum is raised",
        BREAKING,
        "argument-limits-narrowed",
        put("S:PaymentRequest/properties/amountUsdCents/minimum", 200),
    ),
    case(
        "a minimum is lowered",
        ADDITIVE,
        "argument-limits-widened",
        put("S:PaymentRequest/properties/amountUsdCents/minimum", 50),
    ),
    case(
        "a minimum goes",
        ADDITIVE,
        "argument-limits-widened",
        drop("S:PaymentRequest/properties/amountUsdCents/minimum"),
    ),
    case(
        "a maximum is added",
        BREAKING,
        "argument-limits-narrowed",
        put("S:PaymentRequest/properties/amountUsdCents/maximum", 10000),
    ),
    case(
        "0 is allowed",
        ADDITIVE,
        "argument-limits-widened",
        drop("S:ThingRequest/properties/weightKg/exclusiveMinimum"),
        put("S:ThingRequest/properties/weightKg/minimum", 0),
    ),
    case(
        "an interval moves",
        BREAKING,
        "argument-limits-narrowed",
        put("S:ThingRequest/properties/amount/minimum", 5),
        put("S:ThingRequest/properties/amount/maximum", 50),
    ),
    case(
        "a text may be longer",
        ADDITIVE,
        "argument-limits-widened",
        put("S:ThingRequest/properties/label/maxLength", 40),
    ),
    case(
        "a text must be shorter",
        BREAKING,
        "argument-limits-narrowed",
        put("S:ThingRequest/properties/label/maxLength", 10),
    ),
    case("a text may be empty", ADDITIVE, "argument-limits-widened", drop("S:ThingRequest/properties/label/minLength")),
    case(
        "a text may not be empty",
        BREAKING,
        "argument-limits-narrowed",
        put("S:OrderByNumber/properties/note/minLength", 1),
    ),
    case(
        "what was sent is the server's alone",
        BREAKING,
        "argument-removed",
        put("S:ThingRequest/properties/shown/readOnly", True),
    ),
    case(
        "what was the server's alone may be sent",
        ADDITIVE,
        "argument-added",
        drop("S:ThingRequest/properties/id/readOnly"),
    ),
    case(
        "an argument is described otherwise",
        NEUTRAL,
        "description-changed",
        put("S:ThingRequest/properties/label/description", "Written on it."),
    ),
    case("an argument is deprecated", ADDITIVE, "deprecated", put("S:ThingRequest/properties/label/deprecated", True)),
    case("the reference goes", BREAKING, "argument-removed", drop("S:ThingRequest/properties/note/x-role")),
    case(
        "the reference travels elsewhere",
        NEUTRAL,
        "reference-moved",
        drop("S:PaymentRequest/properties/note/x-role"),
        put("S:PaymentRequest/properties/method/x-role", "reference"),
    ),
    case(
        "a reference is added", ADDITIVE, "argument-added", put("S:OrderByNumber/properties/note/x-role", "reference")
    ),
    case("a nested object has another attribute", ADDITIVE, "argument-added", put("S:Hook/properties/topic", TEXT)),
    case(
        "a nested object needs another attribute",
        BREAKING,
        "required-argument-added",
        put("S:Hook/properties/topic", TEXT),
        put("S:Hook/required", ["url", "topic"]),
    ),
    case("a nested object loses an attribute", BREAKING, "argument-removed", drop("S:Hook/properties/secret")),
    case(
        "an attribute of a nested object is required",
        BREAKING,
        "argument-required",
        put("S:Hook/required", ["url", "secret"]),
    ),
    case("an attribute of a nested object is optional", ADDITIVE, "argument-optional", drop("S:Hook/required")),
    case(
        "an attribute of a nested object is shorter",
        NEUTRAL,
        "server-check-changed",
        put("S:Hook/properties/secret/maxLength", 10),
    ),
    case(
        "a nested object is another",
        BREAKING,
        "argument-type-changed model-added argument-added",
        put("S:Other", NOTHING),
        put("S:ThingSettings/properties/hook", ref("Other", description="Whom to tell.")),
        put("S:ThingSettings/properties/spare", ref("Hook", description="A spare.")),
    ),
    # --- bodies ---------------------------------------------------------------------------------------------------
    case(
        "a body is added",
        BREAKING,
        "required-argument-added argument-added",
        put("/paths/~1things~1{id}/delete/requestBody", BODY),
    ),
    case(
        "another alternative of the same family",
        ADDITIVE,
        "builder-added model-added",
        put("S:OrderByVolume", {**NOTHING, "properties": {"volume": NUMBER}}),
        put("S:OrderRequest/oneOf/-", ref("OrderByVolume")),
    ),
    case(
        "an alternative goes",
        BREAKING,
        "builder-removed builder-renamed model-removed",
        put("S:OrderRequest/oneOf", [ref("OrderByNumber")]),
        drop("S:OrderByWeight"),
    ),
    case(
        "a third, unlike alternative renames every builder",
        BREAKING,
        "builder-renamed builder-added model-added",
        put("S:Basket", {**NOTHING, "properties": {"basket": NUMBER}}),
        put("S:OrderRequest/oneOf/-", ref("Basket")),
    ),
    case(
        "one body becomes two",
        BREAKING,
        "builder-renamed builder-added model-added",
        put(
            "S:Either",
            {"description": "Either.", "x-source": SOURCE, "oneOf": [ref("PaymentRequest"), ref("PaymentByName")]},
        ),
        put("S:PaymentByName", {**NOTHING, "properties": {"owner": TEXT}}),
        put("op:createPayment/requestBody/content/application~1json/schema", ref("Either")),
    ),
    case(
        "another media type of an upload",
        ADDITIVE,
        "argument-widened media-type-changed",
        put("op:uploadPicture/requestBody/content/image~1webp", {"schema": {"type": "string", "format": "binary"}}),
    ),
    case(
        "a media type of an upload goes",
        BREAKING,
        "argument-narrowed media-type-changed",
        drop("op:uploadPicture/requestBody/content/image~1jpeg"),
    ),
    case(
        "a form instead of JSON beside it",
        NEUTRAL,
        "media-type-changed",
        put("op:replaceThing/requestBody/content/application~1x-www-form-urlencoded", {"schema": ref("ThingSettings")}),
    ),
    # --- what is read ---------------------------------------------------------------------------------------------
    case("an attribute is added", ADDITIVE, "attribute-added", put("S:Thing/properties/extra", TEXT)),
    case(
        "a required attribute is added",
        ADDITIVE,
        "attribute-added",
        put("S:Payment/properties/method", TEXT),
        put("S:Payment/required", ["id", "amountUsdCents", "method"]),
    ),
    case("an attribute is removed", BREAKING, "attribute-removed", drop("S:Thing/properties/weightKg")),
    case(
        "an attribute is renamed",
        BREAKING,
        "attribute-renamed wire-name-changed",
        rename("S:Thing/properties/createdAt", "created"),
    ),
    case(
        "an attribute is renamed on the wire alone",
        NEUTRAL,
        "wire-name-changed",
        rename("S:Thing/properties/weightKg", "weight"),
        put("S:Thing/properties/weight/x-python-name", "weight_kg"),
        put("S:Thing/properties/weight/x-aliases", ["weightKg"]),
    ),
    case(
        "an attribute is renamed in Python alone",
        BREAKING,
        "attribute-renamed",
        put("S:Thing/properties/name/x-python-name", "title"),
    ),
    case("an attribute may be absent", BREAKING, "answer-nullable", put("S:Thing/required", ["id"])),
    case(
        "an attribute may be null", BREAKING, "answer-nullable", put("S:Thing/properties/name/type", ["string", "null"])
    ),
    case(
        "an attribute may be null by oneOf",
        BREAKING,
        "answer-nullable attribute-added",
        put("S:Thing/required", ["id", "name", "grade"]),
        put("S:Payment/properties/grade", ref("Grade", description="How good.")),
        put("S:Order/properties/id", {"oneOf": [ref("Identifier"), {"type": "null"}], "description": "Its id."}),
        put("S:Identifier", TEXT),
    ),
    case(
        "an attribute is always there", ADDITIVE, "answer-narrowed", put("S:Thing/required", ["id", "name", "weightKg"])
    ),
    case(
        "an attribute has another type",
        BREAKING,
        "answer-type-changed",
        put("S:Payment/properties/amountUsdCents/type", "string"),
    ),
    case(
        "an integer gets a fraction",
        BREAKING,
        "answer-type-changed",
        put(
            "S:Order/properties/priceUsdCents",
            {"type": "number", "format": "decimal", "description": "Its price in US cents."},
        ),
    ),
    case(
        "a text is read as a time", BREAKING, "answer-type-changed", put("S:Thing/properties/link/format", "date-time")
    ),
    case("a time is read as a text", BREAKING, "answer-type-changed", drop("S:Order/properties/placedOn/format")),
    case(
        "a text is read as an open enum",
        ADDITIVE,
        "answer-narrowed",
        put("S:Payment/properties/id", ref("Grade", description="Its id.")),
    ),
    case(
        "a text is read as a closed enum",
        BREAKING,
        "answer-type-changed",
        put("S:Payment/properties/id", ref("Colour", description="Its id.")),
    ),
    case(
        "an enum is read as a text",
        BREAKING,
        "answer-widened",
        put("S:Thing/properties/state", {"type": "string", "description": "Where it stands."}),
    ),
    case(
        "a text may also be a number",
        BREAKING,
        "answer-widened",
        put("S:Thing/properties/name/type", ["string", "integer"]),
    ),
    case("a number is never meant any more", ADDITIVE, "answer-narrowed", put("S:Part/properties/code/type", "string")),
    case("anything is always a text", ADDITIVE, "answer-narrowed", put("S:Part/properties/payload/type", "string")),
    case(
        "a text may be anything", BREAKING, "answer-widened", put("S:Payment/properties/id", {"description": "Its id."})
    ),
    case(
        "a list holds something else",
        BREAKING,
        "answer-type-changed",
        put("S:OrderList/properties/rows/items", ref("Payment")),
    ),
    case(
        "a list may hold nulls",
        BREAKING,
        "answer-widened",
        put("S:ThingList/properties/data/items", {"oneOf": [ref("Thing"), {"type": "null"}]}),
    ),
    case(
        "a list becomes one thing",
        BREAKING,
        "answer-type-changed",
        put("S:OrderList/properties/rows", ref("Order", description="The orders.")),
    ),
    case(
        "a map holds something else",
        BREAKING,
        "answer-type-changed",
        put("S:Part/properties/labels/additionalProperties", {"type": "string"}),
    ),
    case(
        "an attribute is read leniently", ADDITIVE, "leniency-added", put("S:Thing/properties/weightKg/x-lenient", True)
    ),
    case("an attribute is read strictly", BREAKING, "leniency-removed", drop("S:Thing/properties/count/x-lenient")),
    case("an alias is added", ADDITIVE, "alias-added", put("S:Thing/properties/weightKg/x-aliases", ["weight_kg"])),
    case("an alias goes", BREAKING, "alias-removed", put("S:Thing/properties/nickname/x-aliases", ["nick"])),
    case("aliases change places", NEUTRAL, "", put("S:Thing/properties/nickname/x-aliases", ["nick", "nick_name"])),
    case("a bare array is read too", ADDITIVE, "bare-array-added", put("S:OrderList/x-bare-array", "rows")),
    case("a bare array is no longer read", BREAKING, "bare-array-removed", drop("S:ThingList/x-bare-array")),
    case("an attribute is deprecated", ADDITIVE, "deprecated", put("S:Thing/properties/link/deprecated", True)),
    case(
        "an attribute is described otherwise",
        NEUTRAL,
        "description-changed",
        put("S:Thing/properties/name/description", "What it is called."),
    ),
    case(
        "an attribute of a part of allOf is removed",
        BREAKING,
        "attribute-removed",
        drop("S:ThingDetails/allOf/1/properties/grade"),
    ),
    case(
        "the answer is another",
        BREAKING,
        "answer-type-changed answers-changed",
        put(f"op:getThing/responses/200/{JSON_BODY}/schema", ref("Order")),
    ),
    case(
        "a list in place of a page",
        BREAKING,
        "answer-type-changed answers-changed",
        put(f"op:listOrders/responses/200/{JSON_BODY}/schema", {"type": "array", "items": ref("Order")}),
    ),
    case(
        "an answer where none was",
        BREAKING,
        "answer-type-changed answers-changed",
        put("op:uploadPicture/responses/204/content", {"application/json": {"schema": ref("Payment")}}),
    ),
    case(
        "no answer where one was",
        BREAKING,
        "answer-type-changed answers-changed",
        drop("op:createThing/responses/201/content"),
    ),
    case(
        "bytes in place of an object",
        BREAKING,
        "answer-type-changed answers-changed attribute-added",
        put(
            "op:getPart/responses/200/content", {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}
        ),
        put("S:Order/properties/part", ref("Part", description="A part.")),
    ),
    case(
        "more of a thing, as a class that has all of it",
        BREAKING,
        "answer-type-changed answers-changed",
        put(f"op:createThing/responses/201/{JSON_BODY}/schema", ref("ThingDetails")),
    ),
    # --- classes and enums ----------------------------------------------------------------------------------------
    case(
        "a class is renamed",
        BREAKING,
        "model-renamed answers-changed",
        rename("S:Order", "Purchase"),
        references("Order", "Purchase"),
    ),
    case("an enum is renamed", BREAKING, "enum-renamed", rename("S:State", "Status"), references("State", "Status")),
    case(
        "a class is removed",
        BREAKING,
        "model-removed attribute-removed argument-removed",
        drop("S:Order/properties/thing"),
        drop("S:ThingSettings/properties/hook"),
        drop("S:Hook"),
    ),
    case("a class is described otherwise", NEUTRAL, "description-changed", put("S:Thing/description", "Something.")),
    case(
        "a class has another source",
        NEUTRAL,
        "source-changed",
        put("S:Thing/x-source", {**SOURCE, "evidence": "inferred"}),
    ),
    case("a member is added", ADDITIVE, "member-added", put("S:State/enum/-", "lost")),
    case("a member is removed", BREAKING, "member-removed", put("S:State/enum", ["new", "old"])),
    case(
        "a member that is sent is added",
        ADDITIVE,
        "member-added",
        put("S:Colour/enum/-", "green"),
        put("S:Colour/x-enum-varnames/-", "GREEN"),
    ),
    case(
        "a member that is sent is removed",
        BREAKING,
        "member-removed",
        put("S:Colour/enum", ["red", "blue"]),
        put("S:Colour/x-enum-varnames", ["RED", "BLUE"]),
    ),
    case(
        "a member is renamed", BREAKING, "member-renamed", put("S:Colour/x-enum-varnames", ["RED", "CRIMSON", "BLUE"])
    ),
    case(
        "a member has another value", BREAKING, "member-value-changed", put("S:Colour/enum", ["red", "crimson", "blue"])
    ),
    case("members in another order", NEUTRAL, "", put("S:State/enum", ["sold", "old", "new"])),
    case("an enum is closed", BREAKING, "open-enum-removed", drop("S:State/x-open")),
    case("an enum is opened", ADDITIVE, "open-enum-added", put("S:Colour/x-open", True)),
    case(
        "an enum is described otherwise",
        NEUTRAL,
        "description-changed",
        put("S:State/description", "`new`, `old`, `sold`."),
    ),
    # --- several at once ------------------------------------------------------------------------------------------
    case(
        "a class and its attributes go together",
        BREAKING,
        "model-removed operation-removed",
        drop("/paths/~1payments"),
        drop("S:Payment"),
        drop("S:PaymentRequest"),
    ),
    case(
        "additions do not excuse a removal",
        BREAKING,
        "attribute-added attribute-removed",
        drop("S:Payment/properties/amountUsdCents"),
        put("S:Payment/required", ["id"]),
        put("S:Payment/properties/when", {"type": "string", "format": "date-time", "description": "When."}),
    ),
]
