"""A mock that knows nothing but the exported contract answers our clients for every operation."""

from __future__ import annotations

import operator
import re
from typing import Any

import httpx
import pytest
from test_every_operation import OPENAPI, PNG, TABLES, Stated, Use, filled

from codegen.contract import Contract, operations, resolve
from codegen.export import exported
from wren_async import CNaughtClient, WrenClient

HELD = dict.fromkeys(("subaccount", "order", "session", "unused", "group", "portfolio", "project", "category"), "a1")
PAGED = {"listCreditLedger": {"offset": 0}, "listOrders": {}, "listSubaccounts": {}}
"""What a mock that repeats one page can still answer: the first page, asked for without a cursor."""


def mock(api: str, prefix: str) -> httpx.MockTransport:
    """Answers each operation with the first example of its success."""
    contract = Contract.load(OPENAPI / f"{api}.yaml")
    document = exported(contract)
    routes = [
        (each.method, re.compile(prefix + re.sub(r"{\w+}", "[^/]+", each.path)), _answer(document, each.node))
        for each in operations(document)
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        for method, path, found in sorted(routes, key=lambda each: "[^/]" in each[1].pattern):
            if method.upper() == request.method and path.fullmatch(request.url.path):
                return httpx.Response(**found)
        return httpx.Response(404)

    return httpx.MockTransport(answer)


def _answer(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    status = next(each for each in node["responses"] if each.startswith("2"))
    content = resolve(document, node["responses"][status]).get("content", {})
    for kind, media in content.items():
        if not kind.endswith("json"):
            return {"status_code": int(status), "content": b"bytes", "headers": {"Content-Type": "application/pdf"}}
        example = resolve(document, next(iter(media["examples"].values())))
        return {"status_code": int(status), "json": example["value"]}
    return {"status_code": int(status)}


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
@pytest.mark.parametrize(("api", "operation"), [(api, each) for api, table in TABLES.items() for each in table])
async def test_a_mock_of_the_export_answers_every_operation(api: str, operation: str) -> None:
    prefix = "/v1" if api == "cnaught" else ""
    async with httpx.AsyncClient(transport=mock(api, prefix)) as http:
        clients: dict[str, Any] = {
            "wren": WrenClient("5f0c0000-feed-4dad-beef-00000000f00d", http_client=http),
            "cnaught": CNaughtClient("fake-cnaught-key-0000", http_client=http),
        }
        for use in TABLES[api][operation]:
            answer = await operator.attrgetter(use.method)(clients[api])(
                *({**HELD, "image": PNG}.get(name, name) for name in use.ids), **arguments(operation, use)
            )
            status = Stated.of(api)[operation].success[0]
            assert (answer is None) == (status == 204)


def arguments(operation: str, use: Use) -> dict[str, Any]:
    if operation in PAGED:
        return PAGED[operation]
    return {name: filled(value, HELD) for name, value in {**use.required, **use.optional}.items()}
