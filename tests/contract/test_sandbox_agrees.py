"""The contract and the sandbox agree: on the examples, on the statuses, and on what negotiation needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from wren_async.sandbox import CNaughtBehaviours, Sandbox, WrenBehaviours

OPENAPI = Path(__file__).parents[2] / "openapi"
METHODS = ("get", "put", "post", "delete", "patch")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
"""The characters of a URI by RFC 3986, to which other tools hold `format: uri`."""


@attrs.frozen
class Example:
    """An example of a request in a contract."""

    api: str
    operation: str
    method: str
    path: str
    media_type: str
    name: str
    value: Any
    schema: Any

    def __str__(self) -> str:
        return f"{self.operation}-{self.media_type}-{self.name}"


@cache
def document(api: str) -> Any:
    return yaml.safe_load((OPENAPI / f"{api}.yaml").read_text())


def resolved(api: str, node: Any) -> Any:
    while "$ref" in node:
        target = document(api)
        for part in node["$ref"][2:].split("/"):
            target = target[part]
        node = target
    return node


def operations(api: str) -> Iterator[tuple[str, str, Any]]:
    for path, item in document(api)["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def examples() -> Iterator[Example]:
    for api in ("wren", "cnaught"):
        for method, path, operation in operations(api):
            body = resolved(api, operation.get("requestBody", {}))
            for media_type, media in body.get("content", {}).items():
                for name, one in media.get("examples", {}).items():
                    value = resolved(api, one)["value"]
                    yield Example(api, operation["operationId"], method, path, media_type, name, value, media["schema"])


def statuses(api: str) -> dict[str, set[int]]:
    return {operation["operationId"]: {int(s) for s in operation["responses"]} for _, _, operation in operations(api)}


@cache
def strict() -> FormatChecker:
    checker = FormatChecker(formats=())
    checker.checks("uri")(lambda value: not isinstance(value, str) or URI.fullmatch(value) is not None)
    return checker


@pytest.mark.parametrize("example", list(examples()), ids=str)
def test_every_example_of_a_request_is_taken(example: Example) -> None:
    with Sandbox(check_answers=True) as sandbox:
        base, token = {
            "wren": (sandbox.wren.base_url, sandbox.wren.live_token),
            "cnaught": (sandbox.cnaught.base_url, sandbox.cnaught.api_key),
        }[example.api]
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=base, headers=headers, trust_env=False) as client:
            path = example.path
            if "{id}" in path:
                path = path.replace("{id}", client.post("/subaccounts", json={"name": "Marketing"}).json()["id"])
            match example.media_type:
                case "application/json":
                    content = json.dumps(example.value).encode()
                case "application/x-www-form-urlencoded":
                    content = str(httpx.QueryParams(example.value)).encode()
                case _:
                    content = str(example.value).encode()
            sent = {"Content-Type": example.media_type}
            answer = client.request(example.method, path, content=content, headers=sent)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("example", list(examples()), ids=str)
def test_every_example_fits_its_schema_for_strict_validators(example: Example) -> None:
    if example.schema.get("format") == "binary":
        return
    schema = {**example.schema, "components": document(example.api)["components"]}
    Draft202012Validator(schema, format_checker=strict()).validate(example.value)


def test_every_example_of_an_answer_fits_its_schema_for_strict_validators() -> None:
    for api in ("wren", "cnaught"):
        for _, _, operation in operations(api):
            for response in map(lambda node, api=api: resolved(api, node), operation["responses"].values()):
                for media in response.get("content", {}).values():
                    schema = {**media["schema"], "components": document(api)["components"]}
                    for one in media.get("examples", {}).values():
                        if schema.get("format") != "binary":
                            value = json.loads(json.dumps(resolved(api, one)["value"]))
                            Draft202012Validator(schema, format_checker=strict()).validate(value)


def test_statuses_that_no_source_states_are_among_the_answers() -> None:
    for api in ("wren", "cnaught"):
        for _, _, operation in operations(api):
            inferred = set(operation.get("x-inferred-statuses", ()))
            assert inferred <= statuses(api)[operation["operationId"]], operation["operationId"]


# What is refused at every operation, whatever it is asked: status and headers or body that lead there.
WRONG: tuple[dict[str, Any], ...] = (
    {"headers": {"Authorization": "Bearer nobody"}},
    {"headers": {"Authorization": ""}},
    {"content": b"{", "headers": {"Content-Type": "application/json"}},
    {"content": b"x", "headers": {"Content-Type": "text/plain"}},
    {"content": b""},
    {"params": {"limit": "x", "from": "x", "starting_after": "x", "offset": "-1"}},
    {"headers": {"X-Subaccount-Id": "unknown"}},
    {"headers": {"Idempotency-Key": "k" * 513}},
)
OTHER_READINGS: tuple[dict[str, Any], ...] = (
    {},
    {
        "wren": WrenBehaviours(unknown_token_status=403, missing_token_status=401, unsupported_in_test_mode_status=400),
        "cnaught": CNaughtBehaviours(ride_operations=404, delete_with_orders_status=400, billing_set_up=False),
    },
    {
        "wren": WrenBehaviours(no_wallet_status=402, insufficient_credits_status=400),
        "cnaught": CNaughtBehaviours(ride_operations=410, subaccounts_enabled=False, foreign_order_status=403),
    },
)


@pytest.mark.parametrize("readings", OTHER_READINGS, ids=["defaults", "others", "further"])
async def test_every_refusal_has_a_status_of_the_contract(readings: dict[str, Any]) -> None:
    sandbox = Sandbox(**readings)
    tokens = {
        "wren": (sandbox.wren.live_token, sandbox.wren.test_token),
        "cnaught": (sandbox.cnaught.api_key, sandbox.cnaught.test_key),
    }
    sandbox.wren_api.accounts[sandbox.wren.test_token].card = type(
        sandbox.wren_api.accounts[sandbox.wren.test_token].card
    ).NONE
    seen: set[tuple[str, int]] = set()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.asgi), base_url=sandbox.url) as client:
        for api, prefix in (("wren", ""), ("cnaught", "/v1")):
            known = statuses(api)
            for method, path, operation in operations(api):
                bodies = [one.value for one in examples() if one.operation == operation["operationId"]]
                for token in tokens[api]:
                    for wrong in (*WRONG, *({"json": body} for body in bodies if isinstance(body, dict))):
                        headers = {"Authorization": f"Bearer {token}", **wrong.get("headers", {})}
                        parts = {name: value for name, value in wrong.items() if name != "headers"}
                        target = prefix + path.replace("{id}", "unknown")
                        answer = await client.request(method, target, headers=headers, **parts)
                        assert answer.status_code in known[operation["operationId"]], (operation["operationId"], wrong)
                        seen.add((api, answer.status_code))
    assert len(seen) > 5


async def test_a_server_that_negotiates_sends_errors_to_those_who_take_problems_alone() -> None:
    sandbox = Sandbox(strict_accept=True)
    headers = {"Authorization": f"Bearer {sandbox.cnaught.api_key}"}
    transport = httpx.ASGITransport(sandbox.asgi)
    async with httpx.AsyncClient(transport=transport, base_url=sandbox.cnaught.base_url, headers=headers) as client:
        for accept, listed, missing in (
            ("application/json", 200, 406),
            ("application/problem+json", 406, 404),
            ("application/json, application/problem+json", 200, 404),
            ("application/*", 200, 404),
            ("*/*, application/problem+json;q=0", 200, 406),
            ("application/json;q=odd, application/problem+json; q=0.1", 200, 404),
            ("", 200, 404),
        ):
            answers = [await client.get(path, headers={"Accept": accept}) for path in ("/orders", "/orders/unknown")]
            assert [answer.status_code for answer in answers] == [listed, missing], accept
        assert (await client.get("/orders/unknown", headers={"Accept": "text/html"})).json()["message"]
    assert sandbox.requests[-1].status == 406
