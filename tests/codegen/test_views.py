"""Decisions that the templates print: types, names, docstrings, signatures."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from codegen.alternatives import suffixes
from codegen.contract import Contract
from codegen.generate import generate
from codegen.prose import docstring, escape, paragraphs
from codegen.shapes import UnsupportedSchema


def generated(document: dict[str, Any]) -> dict[str, str]:
    contract = Contract(api="small", source="openapi/small.yaml", document=document, sha256="0" * 64)
    return generate([contract])


def fields(source: str, model: str) -> dict[str, str]:
    """Annotated attributes of a class, with their defaults, as code."""
    tree = ast.parse(source)
    found = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == model)
    return {
        ast.unparse(each.target): ast.unparse(each).partition(": ")[2]
        for each in found.body
        if isinstance(each, ast.AnnAssign)
    }


@pytest.mark.parametrize(
    ("node", "code"),
    [
        ({"type": "string"}, "str | None = None"),
        ({"type": "integer"}, "int | None = None"),
        ({"type": "number", "format": "decimal"}, "Decimal | None = None"),
        ({"type": "boolean"}, "bool | None = None"),
        ({"type": "string", "format": "date-time"}, "datetime | None = None"),
        ({"type": "string", "format": "uri"}, "str | None = None"),
        ({"type": ["string", "integer", "null"]}, "str | int | None = None"),
        ({"$ref": "#/components/schemas/State"}, "State | None = None"),
        ({"allOf": [{"$ref": "#/components/schemas/State"}]}, "State | None = None"),
        ({"oneOf": [{"$ref": "#/components/schemas/State"}, {"type": "null"}]}, "State | None = None"),
        ({"type": "array", "items": {"type": ["string", "null"]}}, "tuple[str | None, ...] | None = None"),
        (
            {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
            "Mapping[str, tuple[str, ...]] | None = attrs.field(default=None, hash=False)",
        ),
        ({}, "JSON | None = attrs.field(default=None, hash=False)"),
        (
            {"type": "string", "x-lenient": True, "x-aliases": ["old"]},
            "str | None = attrs.field(default=None, metadata={'aliases': ('old',), 'lenient': True})",
        ),
    ],
)
def test_types_of_answers(document: dict[str, Any], node: dict[str, Any], code: str) -> None:
    document["components"]["schemas"]["Thing"]["properties"]["extra"] = {**node, "description": "Something."}
    assert fields(generated(document)["small/models/thing.py"], "Thing")["extra"] == code


def test_presence_in_answers_and_requests(document: dict[str, Any]) -> None:
    thing = document["components"]["schemas"]["Thing"]
    thing["properties"]["gone"] = {"type": ["string", "null"], "description": "May be null."}
    thing["required"].append("gone")
    bodies = [document["paths"]["/things"][method]["responses"]["200"]["content"] for method in ("get", "post")]
    for body, value in zip(bodies, ({"data": [{"id": "a", "gone": None}]}, {"id": "a", "gone": "g"}), strict=True):
        body["application/json"]["examples"]["one"]["value"] = value
    request = document["components"]["schemas"]["ThingRequest"]["properties"]
    request["paidBy"] = {"type": "string", "description": "Who pays.", "x-explicit": True}
    request["isNew"] = {"type": "boolean", "description": "Whether it is new."}
    request["shown"] = {"type": "string", "description": "Set by the server.", "readOnly": True}
    files = generated(document)
    assert fields(files["small/models/thing.py"], "Thing") == {
        "id": "str",
        "state": "State | None = None",
        "gone": "str | None = None",
        "extra_fields": "Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, "
        "metadata={'extra': True})",
    }
    assert fields(files["small/models/thing_request.py"], "ThingRequest") == {
        "weight_kg": "Decimal = attrs.field(metadata={'wire': 'weightKg'})",
        "note": "str | None | Unset = UNSET",
        "paid_by": "str = attrs.field(metadata={'wire': 'paidBy'})",
        "is_new": "bool | Unset = attrs.field(default=UNSET, metadata={'wire': 'isNew'})",
    }


def test_attributes_of_allof_are_merged(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    size = {"type": "integer", "description": "Size."}
    schemas["ThingDetails"] = {
        "description": "A thing in full.",
        "x-source": schemas["Thing"]["x-source"],
        "allOf": [
            {"$ref": "#/components/schemas/Thing"},
            {"type": "object", "required": ["size"], "properties": {"size": size}},
        ],
    }
    reference = {"$ref": "#/components/schemas/ThingDetails"}
    schemas["ThingList"]["properties"]["best"] = {**reference, "description": "The best."}
    found = fields(generated(document)["small/models/thing_details.py"], "ThingDetails")
    assert list(found) == ["id", "state", "size", "extra_fields"]
    assert found["size"] == "int"


def test_a_builder_in_full(document: dict[str, Any]) -> None:
    source = generated(document)["small/operations/things.py"]
    start = source.index("CREATE_THING: Final")
    assert source[start : source.index("DELETE_THING: Final")].strip() == BUILDER.strip()


BUILDER = '''
CREATE_THING: Final[Operation[models.Thing]] = Operation(
    id="createThing",
    method="POST",
    path="/things",
    answer=Lazy(lambda: models.Thing),
    effect=Effect.KEYED,
    content_type="application/json",
    idempotency_header="Idempotency-Key",
    reference=ReferenceField(attribute="note", max_length=9),
)


def create_thing(
    *,
    weight_kg: Decimal | int,
    note: str | None | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    reference: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Thing]:
    """Create a thing.

    Creates a thing of `weight_kg` kilograms.

    Args:
        weight_kg: Weight in kilograms.
        note: Private text.
        idempotency_key: A key. Left out, each sending gets a key of its own.
        reference: Your own mark on this order, sent within `note` so that the order can be found again; `None` sends
            none.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    Every attempt carries the same idempotency key, so it is tried again after a failure and acts once. If no attempt
    gets an answer it raises `OutcomeUnknown`; sending that error's call again is safe.

    Source: https://example.com/docs
    """
    return Call(
        operation=CREATE_THING,
        body=models.ThingRequest(
            weight_kg=arguments.decimal("weight_kg", weight_kg, above=0),
            note=arguments.text("note", note, max_length=9, nullable=True),
        ),
        idempotency_key=arguments.text("idempotency_key", idempotency_key, min_length=1, max_length=64),
        reference=reference,
        **options,
    )
'''


def test_a_limit_without_a_check_is_refused(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["ThingRequest"]["properties"]["weightKg"]["maximum"] = 5
    with pytest.raises(UnsupportedSchema, match=r"no check of \['maximum'\] for the argument weight_kg"):
        generated(document)


def test_text_of_the_contract_cannot_leave_its_docstring(document: dict[str, Any]) -> None:
    hostile = 'Ends """ early\\ and "quotes"'
    document["components"]["schemas"]["Thing"]["description"] = hostile
    document["components"]["schemas"]["Thing"]["properties"]["id"]["description"] = hostile
    document["paths"]["/things"]["post"].update(summary=hostile, description=hostile)
    document["components"]["schemas"]["ThingRequest"]["properties"]["note"]["description"] = hostile
    files = generated(document)
    module = ast.parse(files["small/models/thing.py"])
    thing = next(node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Thing")
    assert ast.get_docstring(thing) == hostile
    ast.parse(files["small/operations/things.py"])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["OrderByAmount"], [""]),
        (["OrderByAmount", "OrderByPrice"], ["_by_amount", "_by_price"]),
        (["CardOrder", "WalletOrder"], ["_card_order", "_wallet_order"]),
        (["Order", "OrderByPrice"], ["_order", "_order_by_price"]),
    ],
)
def test_suffixes_tell_alternatives_apart(names: list[str], expected: list[str]) -> None:
    assert suffixes(names) == expected


def test_docstrings() -> None:
    assert docstring("Short.") == '"""Short."""'
    long = docstring(f"First sentence. {'Word ' * 30}", 4)
    assert long.startswith('"""First sentence.\n\n    Word Word')
    assert long.endswith('\n    """')
    assert max(map(len, long.splitlines())) <= 120
    wide = docstring("word " * 60, 4)
    assert max(map(len, f"    {wide}".splitlines())) <= 120
    assert paragraphs("One.\n- a\n- b", 2) == "  One.\n\n  - a\n  - b"
    assert escape('say "x"') == 'say "x\\"'
