"""Reading the contract, and holding values to its schemas."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from wren_async.sandbox.checking import BodyRules, check_body, check_headers, check_query
from wren_async.sandbox.contract import Contract, ContractError, load, resolve
from wren_async.sandbox.schema import Schema, is_reasonable

OPENAPI = Path(__file__).parents[2] / "openapi"
THINGS: dict[str, Any] = {
    "security": [{"key": []}],
    "paths": {
        "/things/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "getThing", "responses": {"200": {"description": "it"}}, "security": []},
            "put": {
                "operationId": "putThing",
                "parameters": [
                    {
                        "name": "at",
                        "in": "query",
                        "required": True,
                        "schema": {"type": "string", "format": "date-time"},
                    },
                    {"name": "whole", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "X-Count", "in": "header", "required": True, "schema": {"type": "integer"}},
                    {"name": "Key", "in": "header", "x-role": "subaccount", "schema": {"maxLength": 1}},
                ],
                "requestBody": {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}},
                "responses": {"204": {"description": "done"}},
            },
        },
        "/things/new": {"get": {"operationId": "newThing", "responses": {}, "security": [{}, {"key": []}]}},
        "/things/{id}/parts/{part}": {"get": {"operationId": "getPart", "responses": {}}},
    },
}


@pytest.fixture
def things() -> Contract:
    return Contract("things", THINGS, "/v9")


def test_both_contracts_are_read_once() -> None:
    assert load("wren") is load("wren")
    for api, prefix in (("wren", ""), ("cnaught", "/v1")):
        stated = re.findall(r"operationId: (\w+)", (OPENAPI / f"{api}.yaml").read_text())
        assert set(load(api, prefix).operations) == set(stated) != set()
    with pytest.raises(ContractError, match="neither packaged"):
        load("nobody")


def test_paths(things: Contract) -> None:
    found = things.find("/v9/things/a%2Fb%20%C3%A4")
    assert found is not None
    assert set(found) == {"GET", "PUT"}
    assert found["GET"].path == {"id": "a/b ä"}
    exact = things.find("/v9/things/new")
    assert exact is not None
    assert exact["GET"].operation.id == "newThing"
    part = things.find("/v9/things/1/parts/2")
    assert part is not None
    assert part["GET"].path == {"id": "1", "part": "2"}
    for path in ("/things/1", "/v9/things/", "/v9/things/%ff", "/v9/things", "/v9/things/1/parts", "/v9/others/1"):
        assert things.find(path) is None


def test_who_must_show_a_token(things: Contract) -> None:
    kinds = {name: (op.secured, op.public) for name, op in things.operations.items()}
    assert kinds == {
        "getThing": (False, True),
        "putThing": (True, False),
        "newThing": (False, False),
        "getPart": (True, False),
    }


def test_parameters(things: Contract) -> None:
    operation = things.operations["putThing"]
    good = {"at": "2026-07-01T12:00:00.5+02:00", "whole": "true"}
    assert check_query(operation, good, frozenset()) == (good, {})
    assert check_query(operation, {}, frozenset())[1] == {"at": ["is required"]}
    for wrong in ("2026-07-01", "2026-07-01T12:00:00", "yesterday", "2026-13-01T12:00:00Z"):
        assert check_query(operation, {"at": wrong}, frozenset())[1] == {"at": ["must be a valid date-time"]}
    assert check_query(operation, {**good, "whole": "maybe"}, frozenset())[1] == {"whole": ["must be of type boolean"]}
    assert check_headers(operation, {"key": "far too long"}) == {"X-Count": ["is required"]}
    assert check_headers(operation, {"x-count": "many"}) == {"X-Count": ["must be of type integer"]}
    assert check_headers(operation, {"x-count": "3"}) == {}


def test_binary_bodies(things: Contract) -> None:
    operation = things.operations["putThing"]
    assert check_body(operation, "image/png", b"png") == (None, {})
    assert check_body(operation, "", b"") == (None, {})
    assert set(check_body(operation, "text/plain", b"x")[1]) == {"Content-Type"}
    assert check_body(things.operations["getThing"], "", b"ignored") == (None, {})


def test_bodies_by_other_rules() -> None:
    operation = load("wren").operations["createOffsetOrder"]
    form = "application/x-www-form-urlencoded"
    long_name = b"tons=1&onBehalfOfName=" + b"n" * 201
    assert check_body(operation, form, long_name)[1] == {"onBehalfOfName": ["must have at most 200 characters"]}
    unchecked = BodyRules(unchecked=frozenset({"onBehalfOfName"}))
    assert check_body(operation, form, long_name, unchecked) == ({"tons": 1, "onBehalfOfName": "n" * 201}, {})
    of_another_type = b'{"tons": 1, "onBehalfOfName": 1}'
    assert set(check_body(operation, "application/json", of_another_type, unchecked)[1]) == {"onBehalfOfName"}
    strict = check_body(operation, form, b"tons=1&dryRun=true&note=1", BodyRules(strict_forms=True))
    assert strict[1] == {"tons": ["must be of type number"], "dryRun": ["must be of type boolean"]}


def test_documents_that_cannot_be_served() -> None:
    twice = {
        "paths": {"/a": {"get": {"operationId": "a", "responses": {}}, "put": {"operationId": "a", "responses": {}}}}
    }
    with pytest.raises(ContractError, match="called a"):
        Contract("twice", twice, "")
    with pytest.raises(ContractError, match="contains itself"):
        resolve({"a": {"b": {"$ref": "#/a"}}}, {"$ref": "#/a"})
    with pytest.raises(ContractError, match="names nothing"):
        resolve({}, {"$ref": "#/a"})


def test_references() -> None:
    document = {"a/b": {"type": "integer", "description": "far"}, "list": [{"$ref": "#/a~1b", "description": "near"}]}
    assert resolve(document, document["list"]) == [{"type": "integer", "description": "near"}]


@pytest.mark.parametrize(
    ("schema", "value", "messages"),
    [
        ({"type": "integer"}, Decimal("20.0"), []),
        ({"type": "integer"}, Decimal("20.5"), ["must be of type integer"]),
        ({"type": "integer"}, True, ["must be of type integer"]),
        ({"type": "number"}, Decimal("0.1"), []),
        ({"type": ["number", "null"]}, "1", ["must be of type number or null"]),
        ({"minimum": 1}, 0, ["must be at least 1"]),
        ({"maximum": 1}, 2, ["must be at most 1"]),
        ({"minLength": 1}, "", ["must have at least 1 characters"]),
        ({"format": "uri"}, "https://example.com/a", []),
        ({"format": "uri"}, "example", ["must be a valid uri"]),
        ({"format": "uri"}, "https://exa mple.com", ["must be a valid uri"]),
        ({"format": "uri"}, "http://[", ["must be a valid uri"]),
        ({"format": "uri"}, 1, []),
        ({"format": "date-time"}, 1, []),
        ({"format": "decimal"}, 1, []),
        ({"additionalProperties": False}, {"a": 1}, ["has an attribute that is not known"]),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, "a", ["must be of type integer"]),
        ({"oneOf": [{"enum": [1]}, {"type": "null"}]}, 2, ["must be one of 1"]),
        ({"oneOf": [{"type": "integer"}, {"minimum": 1}]}, 1, ["is not valid"]),
        ({"enum": ["a", "b"]}, "c", ["must be one of a, b"]),
    ],
)
def test_what_is_said_of_wrong_values(schema: dict[str, Any], value: Any, messages: list[str]) -> None:
    assert [message for found in Schema(schema).check(value).values() for message in found] == messages


def test_each_missing_attribute_is_named_once() -> None:
    inner = {"type": "object", "required": ["a", "b"], "properties": {"a": {}, "b": {}}}
    schema = Schema({"allOf": [inner, inner], "properties": {"inner": inner}})
    assert schema.check({"inner": {"a": 1}}) == {
        "a": ["is required"],
        "b": ["is required"],
        "inner.b": ["is required"],
    }


def test_forms_are_read_by_the_types_of_the_schema() -> None:
    properties = {
        "count": {"oneOf": [{"type": "integer"}, {"type": "null"}]},
        "price": {"type": "number"},
        "fine": {"type": "boolean"},
        "name": {"type": "string"},
    }
    schema = Schema({"allOf": [{"properties": properties}], "type": "object"})
    sent = {"count": "3", "price": "0.10", "fine": "TRUE", "name": "3", "other": "3"}
    assert schema.parse_form(sent) == {"count": 3, "price": Decimal("0.10"), "fine": True, "name": "3", "other": "3"}
    odd = {"count": "three", "price": "NaN", "fine": "yes"}
    assert schema.parse_form(odd) == odd
    assert schema.parse_form({"price": "12"}) == {"price": 12}
    assert schema.with_integers({"count": Decimal("3.0"), "price": Decimal("3.0")}) == {
        "count": 3,
        "price": Decimal("3.0"),
    }


def test_numbers_of_any_size() -> None:
    assert is_reasonable({"a": [1, Decimal("0.5"), None, "x", True]})
    for number in (10**50, Decimal("1e999"), Decimal("1e-9999"), -(10**50)):
        assert not is_reasonable({"a": [number]})
