"""Calls the sandbox's CNaught without a server, and holds every answer to the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml
from jsonschema import Draft202012Validator

from wren_async.sandbox.checking import check_body
from wren_async.sandbox.cnaught import CNaughtApi, CNaughtBehaviours
from wren_async.sandbox.codec import JSON_TYPE
from wren_async.sandbox.contract import load
from wren_async.sandbox.exchange import SandboxAnswer, SandboxRequest
from wren_async.sandbox.world import World

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
ENCODER = msgspec.json.Encoder(decimal_format="number")


@cache
def contract() -> dict[str, Any]:
    path = Path(__file__).parents[2] / "openapi" / "cnaught.yaml"
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


@cache
def contract_operations() -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for item in contract()["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    }


@cache
def validator(operation: str, status: int) -> Draft202012Validator | None:
    response = contract_operations()[operation]["responses"][str(status)]
    if "$ref" in response:
        response = contract()["components"]["responses"][response["$ref"].rpartition("/")[2]]
    if "content" not in response:
        return None
    (media,) = response["content"].values()
    return Draft202012Validator({**media["schema"], "components": contract()["components"]})


class Driver:
    """One sandbox with a stopped clock."""

    def __init__(self, *, conform: bool = True, **behaviours: Any) -> None:
        self.world = World()
        self.world.clock.set(START)
        self.behaviours = CNaughtBehaviours(**behaviours)
        self.api = CNaughtApi(self.world, self.behaviours)
        self.conform = conform

    def request(
        self,
        operation: str,
        *,
        id: str | None = None,
        body: Any = None,
        raw: bytes = b"",
        mode: str = "live",
        subaccount: str | None = None,
        idempotency_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> SandboxRequest:
        key = self.behaviours.live_key if mode == "live" else self.behaviours.test_key
        sent = {"authorization": f"Bearer {key}", **(headers or {})}
        if subaccount is not None:
            sent["x-subaccount-id"] = subaccount
        if idempotency_key is not None:
            sent["idempotency-key"] = idempotency_key
        path = {} if id is None else {"id": id}
        return SandboxRequest(operation=operation, path=path, query=query, headers=sent, body=body, raw=raw)

    def answer(self, operation: str, **parts: Any) -> SandboxAnswer:
        return self.carry_out(self.request(operation, **parts))

    def carry_out(self, request: SandboxRequest) -> SandboxAnswer:
        answer = self._refused(request) or self.api.operations[request.operation](request)
        if self.conform:
            check(request.operation, answer)
        return answer

    def _refused(self, request: SandboxRequest) -> SandboxAnswer | None:
        """What the server answers to a body that the contract does not allow: no handler sees it."""
        if request.body is None:
            return None
        operation = load("cnaught", "/v1").operations[request.operation]
        _, errors = check_body(operation, JSON_TYPE, ENCODER.encode(request.body), self.api.rules())
        return self.api.invalid(request.operation, errors) if errors else None

    def ok(self, operation: str, **parts: Any) -> Any:
        answer = self.answer(operation, **parts)
        assert answer.status < 300, answer
        return answer.body

    def refusal(self, operation: str, **parts: Any) -> Any:
        answer = self.answer(operation, **parts)
        assert answer.status >= 400, answer
        return answer.body

    def order(self, amount_kg: Any = 10, **parts: Any) -> Any:
        return self.ok("createOrder", body={"amount_kg": amount_kg}, **parts)

    def subaccount(self, **attributes: Any) -> Any:
        return self.ok("createSubaccount", body={"name": "Marketing Department", **attributes})

    def session(self, **changes: Any) -> Any:
        return self.ok("createCheckoutSession", body=session_body(**changes))


def session_body(**changes: Any) -> dict[str, Any]:
    body = {
        "amount_kg": 100,
        "success_url": "https://shop.example.com/thanks?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example.com/cart",
    }
    return {**body, **changes}


def check(operation: str, answer: SandboxAnswer) -> None:
    """Hold an answer to what the contract says of its operation and status."""
    assert str(answer.status) in contract_operations()[operation]["responses"], (operation, answer)
    schema = validator(operation, answer.status)
    if schema is None:
        assert answer.body is None
    else:
        schema.validate(json.loads(ENCODER.encode(answer.body)))


def problem(body: Any) -> tuple[str | None, int]:
    """The end of a problem's type, and its status."""
    return body.get("type", "/").rpartition("/")[2] or None, body["status"]
