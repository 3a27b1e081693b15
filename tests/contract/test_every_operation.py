"""Every operation of both contracts, called through the public clients over HTTP, and what went over the wire.

What is expected is worked out from the contracts, not from the generated code. The contracts' examples give the
arguments where they can; the table has the rest. An operation without either fails, and so does a forgotten argument.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote

import attrs
import from_examples
import httpx
import pytest
import yaml

from wren_async import CNaughtClient, Document, OffsetPage, Page, RetryPolicy, WrenClient
from wren_async.models import cnaught, wren
from wren_async.models.cnaught import NotificationConfig
from wren_async.sandbox import Sandbox

OPENAPI = Path(__file__).parents[2] / "openapi"
PNG = b"\x89PNG\r\n\x1a\n fake"
MODELS = {"wren": wren, "cnaught": cnaught}
TRACE = "contract-test"


@attrs.frozen(kw_only=True)
class Use:
    """One way to call an operation through the facade."""

    method: str
    ids: tuple[str, ...] = ()
    """Names of things that the sandbox holds, or ids from the contract, for the path arguments in their order."""
    required: Mapping[str, Any] = attrs.field(factory=dict)
    optional: Mapping[str, Any] = attrs.field(factory=dict)
    always: Mapping[str, str] = attrs.field(factory=dict)
    """Query arguments that the facade sends unasked."""
    excluded: frozenset[str] = frozenset()
    """Arguments that exclude one of `optional`."""
    raw: bytes | None = None
    """The body, where it is not JSON."""


NOTIFY = {"notification_config": NotificationConfig(url="https://www.example.com/callback")}
ORDER_TEXTS = {
    "metadata": "example metadata",
    "description": "On behalf of Jane Smith",
    "portfolio_id": "ixmZSK",
    **NOTIFY,
}
BUYER = {"on_behalf_of_name": "Jane Customer", "on_behalf_of_email": "jane@example.com"}

WREN: Mapping[str, list[Use]] = {
    "createOffsetOrder": [
        Use(
            method="offset_orders.create",
            required={"tons": Decimal("0.45"), "payment_method": "credits"},
            optional={
                "portfolio_id": 2,
                "note": "Monthly offset",
                "dry_run": False,
                "send_receipt_email": True,
                **BUYER,
            },
        )
    ],
    "getOffsetOrderCertificate": [Use(method="offset_orders.certificate", ids=("group",))],
    "createProjectOrder": [
        Use(
            method="project_orders.create",
            required={"project_id": 18, "amount_in_usd_cents": 2500, "payment_method": "stripe"},
            optional={"note": "Q1", "dry_run": False, "send_receipt_email": False, **BUYER},
        )
    ],
    "createTreeOrder": [
        Use(
            method="tree_orders.create",
            required={"amount_of_trees": 10, "payment_method": "credits"},
            optional={"note": "Tree planting order", "dry_run": False, **BUYER},
        )
    ],
    "listPortfolios": [Use(method="portfolios.list", optional={"expanded": True})],
    "listCreditLedger": [
        Use(
            method="credits.ledger",
            optional={"limit": 5, "offset": 1},
            always={"limit": "200", "offset": "0"},
        )
    ],
}

CNAUGHT: Mapping[str, list[Use]] = {
    "listOrders": [
        Use(
            method="orders.list",
            optional={"limit": 5, "starting_after": "<order>"},
            always={"limit": "100"},
            excluded=frozenset({"ending_before"}),
        ),
        Use(
            method="orders.list",
            optional={"limit": 5, "ending_before": "<order>"},
            always={"limit": "100"},
            excluded=frozenset({"starting_after"}),
        ),
    ],
    "createOrder": [
        Use(method="orders.create", required={"amount_kg": Decimal("100.5")}, optional=ORDER_TEXTS),
        Use(method="orders.create_by_price", required={"total_price_usd_cents": 3190}, optional=ORDER_TEXTS),
    ],
    "createRideOrder": [
        Use(method="orders.create_ride", required={"distance_km": Decimal("10.5")}, optional=ORDER_TEXTS)
    ],
    "getOrder": [Use(method="orders.get", ids=("order",))],
    "cancelOrder": [Use(method="orders.cancel", ids=("order",))],
    "createRideQuote": [
        Use(method="quotes.ride", required={"distance_km": Decimal("10.5")}, optional={"portfolio_id": "ixmZSK"})
    ],
    "listSubaccounts": [
        Use(
            method="subaccounts.list",
            optional={"limit": 5, "starting_after": "<subaccount>"},
            always={"limit": "100"},
            excluded=frozenset({"ending_before"}),
        ),
        Use(
            method="subaccounts.list",
            optional={"limit": 5, "ending_before": "<subaccount>"},
            always={"limit": "100"},
            excluded=frozenset({"starting_after"}),
        ),
    ],
    "getSubaccount": [Use(method="subaccounts.get", ids=("subaccount",))],
    "updateSubaccount": [
        Use(
            method="subaccounts.update",
            ids=("subaccount",),
            required={"name": "Sales"},
            optional={"email": None, "default_portfolio_id": "ixmZSK"},
        )
    ],
    "deleteSubaccount": [Use(method="subaccounts.delete", ids=("unused",))],
    "setSubaccountLogoFromUrl": [
        Use(
            method="subaccounts.logo.set_from_url",
            ids=("subaccount",),
            required={"logo_url": "https://example.com/logo.png"},
        )
    ],
    "uploadSubaccountLogo": [
        Use(
            method="subaccounts.logo.upload",
            ids=("subaccount", "image"),
            required={"content_type": "image/png"},
            raw=PNG,
        )
    ],
    "removeSubaccountLogo": [Use(method="subaccounts.logo.remove", ids=("subaccount",))],
    "createCheckoutSession": [
        Use(
            method="checkout_sessions.create",
            required={
                "amount_kg": 100,
                "success_url": "https://example.com/done?id={CHECKOUT_SESSION_ID}",
                "cancel_url": "https://example.com/cancelled",
            },
            optional={"description": "On behalf of Jane Smith", "portfolio_id": "ixmZSK", **NOTIFY},
        )
    ],
    "getCheckoutSession": [Use(method="checkout_sessions.get", ids=("session",))],
    "getProject": [Use(method="projects.get", ids=("project",))],
}

# --- the contracts --------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Stated:
    """What a contract states of one operation."""

    api: str
    path: str
    method: str
    node: Mapping[str, Any] = attrs.field(repr=False)
    document: Mapping[str, Any] = attrs.field(repr=False)

    loaded: ClassVar[dict[str, dict[str, Stated]]] = {}

    @classmethod
    def of(cls, api: str) -> dict[str, Stated]:
        if api not in cls.loaded:
            document = yaml.safe_load((OPENAPI / f"{api}.yaml").read_text())
            cls.loaded[api] = {
                node["operationId"]: cls(api=api, path=path, method=method.upper(), node=node, document=document)
                for path, methods in document["paths"].items()
                for method, node in methods.items()
                if method in ("get", "post", "put", "patch", "delete")
            }
        return cls.loaded[api]

    def follow(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            for step in node["$ref"].removeprefix("#/").split("/"):
                node = self.document[step] if step == "components" else node[step]
        return node

    @property
    def parameters(self) -> list[Mapping[str, Any]]:
        return [self.follow(each) for each in self.node.get("parameters", [])]

    def role(self, role: str) -> str | None:
        return next((each["name"] for each in self.parameters if each.get("x-role") == role), None)

    @property
    def query(self) -> dict[str, str]:
        """Wire names of the query arguments by their names in Python."""
        return {python_name(each["name"], each): each["name"] for each in self.parameters if each["in"] == "query"}

    @property
    def media(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.node.get("requestBody", {}).get("content", {})
        return found

    def bodies(self) -> list[Mapping[str, Any]]:
        """The schemas that a JSON body may follow."""
        schema = self.media.get("application/json", {}).get("schema")
        return [] if schema is None else [self.follow(each) for each in schema.get("oneOf", [schema])]

    @property
    def success(self) -> tuple[int, str | None]:
        """Status and schema of the answer."""
        status = next(each for each in self.node["responses"] if each.startswith("2"))
        content = self.follow(self.node["responses"][status]).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        reference = schema.get("$ref") or schema.get("items", {}).get("$ref") or ""
        return int(status), reference.rpartition("/")[2] or None

    @property
    def wants_token(self) -> bool:
        return self.node.get("security", self.document.get("security")) != []


def python_name(wire: str, node: Mapping[str, Any]) -> str:
    name = str(node.get("x-python-name", wire))
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def properties(schema: Mapping[str, Any]) -> dict[str, str]:
    """Wire names of a body's attributes by their names in Python."""
    return {python_name(wire, node): wire for wire, node in schema["properties"].items()}


def needed(schema: Mapping[str, Any]) -> set[str]:
    explicit = [wire for wire, node in schema["properties"].items() if node.get("x-explicit")]
    return {python_name(wire, schema["properties"][wire]) for wire in [*schema.get("required", []), *explicit]}


def table(api: str, own: Mapping[str, list[Use]]) -> dict[str, list[Use]]:
    """The rows written here, and those that the contract's examples give."""
    return {**own, **{name: [Use(**way) for way in found] for name, found in from_examples.ways(api, own).items()}}


TABLES = {"wren": table("wren", WREN), "cnaught": table("cnaught", CNAUGHT)}


def uses() -> Iterator[Any]:
    for api, table in TABLES.items():
        for operation, ways in table.items():
            for index, use in enumerate(ways):
                for whole in (False, True):
                    extent = "all arguments" if whole else "only required"
                    yield pytest.param(api, operation, use, whole, id=f"{api}.{use.method}[{index}] with {extent}")


# --- the wire -------------------------------------------------------------------------------------------------------


class Recorder(httpx.AsyncHTTPTransport):
    """Keeps what it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[httpx.Request] = []
        self.bodies: list[bytes] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(await request.aread())
        self.sent.append(request)
        return await super().handle_async_request(request)


@attrs.define
class Bench:
    """Clients over a recorded wire, and the things that the sandbox holds for them."""

    sandbox: Sandbox
    wire: Recorder
    clients: Mapping[str, Any]
    held: dict[str, Any] = attrs.field(factory=dict[str, Any])


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(check_answers=True) as sandbox:
        yield sandbox


@pytest.fixture
async def bench(server: Sandbox) -> AsyncIterator[Bench]:
    server.reset()
    wire = Recorder()
    async with httpx.AsyncClient(transport=wire) as http:
        clients = {
            "wren": WrenClient(server.wren.live_token, base_url=server.wren.base_url, http_client=http),
            "cnaught": CNaughtClient(server.cnaught.api_key, base_url=server.cnaught.base_url, http_client=http),
        }
        yield Bench(server, wire, clients)


async def furnish(bench: Bench, *, whole: bool) -> None:
    """Put into the sandbox what the calls refer to."""
    buyer, held = bench.clients["cnaught"], bench.held
    subaccount = (await buyer.subaccounts.create(name="Marketing")).id
    owner = subaccount if whole else None
    held.update(
        subaccount=subaccount,
        order=(await buyer.orders.create(amount_kg=10, subaccount_id=owner)).id,
        session=(
            await buyer.checkout_sessions.create(
                amount_kg=100, success_url="https://a.example", cancel_url="https://a.example"
            )
        ).id,
        unused=(await buyer.subaccounts.create(name="Unused")).id,
        group=(await bench.clients["wren"].offset_orders.create(tons=1, payment_method="credits")).id,
        portfolio="oH5hlq",
        project="I0UbDH",
        category="hkgyn3",
        image=PNG,
    )


def filled(value: Any, held: Mapping[str, Any]) -> Any:
    return held[value.strip("<>")] if isinstance(value, str) and value.startswith("<") else value


def wire_value(value: Any) -> Any:
    if isinstance(value, NotificationConfig):
        return {"url": value.url}
    return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}" if isinstance(value, datetime) else value


# --- the tests ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", TABLES)
def test_the_table_has_every_operation_of_the_contract_and_no_other(api: str) -> None:
    assert set(TABLES[api]) == set(Stated.of(api))


@pytest.mark.parametrize(("api", "operation"), [(api, each) for api, table in TABLES.items() for each in table])
def test_the_table_forgets_no_argument_and_no_alternative_of_an_operation(api: str, operation: str) -> None:
    stated = Stated.of(api)[operation]
    bodies, ways = stated.bodies(), TABLES[api][operation]
    assert len(ways) >= len(bodies)
    for use, body in zip(ways, bodies, strict=False):
        assert set(use.required) == needed(body)
        assert set(use.required) | set(use.optional) == set(properties(body))
    for use in ways:
        assert use.excluded | (set(use.optional) & set(stated.query)) == set(stated.query)
        assert len(use.ids) == stated.path.count("{") + (use.raw is not None)


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
@pytest.mark.parametrize(("api", "operation", "use", "whole"), list(uses()))
async def test_an_operation_goes_over_the_wire_as_the_contract_states(
    bench: Bench, api: str, operation: str, use: Use, whole: bool
) -> None:
    stated = Stated.of(api)[operation]
    await furnish(bench, whole=whole)
    bench.wire.sent.clear()
    bench.wire.bodies.clear()
    arguments, options = arguments_of(stated, use, bench.held, whole=whole)
    answer = await operator.attrgetter(use.method)(bench.clients[api])(
        *(bench.held.get(name, name) for name in use.ids), **arguments, **options
    )
    assert len(bench.wire.sent) == 1, "one attempt, one request"
    check_address(bench, stated, use, arguments)
    check_headers(bench, stated, arguments, whole=whole)
    check_body(bench, stated, use, arguments)
    check_answer(bench, stated, answer)


def arguments_of(
    stated: Stated, use: Use, held: Mapping[str, Any], *, whole: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    arguments = {
        name: filled(value, held) for name, value in {**use.required, **(use.optional if whole else {})}.items()
    }
    if not whole:
        return arguments, {}
    if stated.role("subaccount"):
        arguments["subaccount_id"] = held["subaccount"]
    if stated.role("idempotency-key"):
        arguments["idempotency_key"] = "contract-test-key"
    if reference_attribute(stated):
        arguments["reference"] = "contract-1"
    return arguments, {
        "timeout": 9.0,
        "deadline": 20.0,
        "retries": RetryPolicy(retries=0),
        "headers": {"X-Trace": TRACE},
    }


def reference_attribute(stated: Stated) -> str | None:
    return next(
        (
            wire
            for body in stated.bodies()
            for wire, node in body["properties"].items()
            if node.get("x-role") == "reference"
        ),
        None,
    )


def check_address(bench: Bench, stated: Stated, use: Use, arguments: Mapping[str, Any]) -> None:
    request = bench.wire.sent[0]
    assert request.method == stated.method
    path, _, query = request.url.raw_path.decode().partition("?")
    prefix = "/v1" if stated.api == "cnaught" else ""
    values = iter(bench.held.get(name, name) for name in use.ids)
    assert unquote(path) == prefix + re.sub(r"{\w+}", lambda _: next(values), stated.path)
    given = {stated.query[name]: wire_value(value) for name, value in arguments.items() if name in stated.query}
    expected = {**use.always, **{name: "true" if value is True else str(value) for name, value in given.items()}}
    assert dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))) == expected


def check_headers(bench: Bench, stated: Stated, arguments: Mapping[str, Any], *, whole: bool) -> None:
    request, sandbox = bench.wire.sent[0], bench.sandbox
    names = [name.decode().lower() for name, _ in request.headers.raw]
    assert len(set(names)) == len(names), "no header comes twice"
    token = sandbox.wren.live_token if stated.api == "wren" else sandbox.cnaught.api_key
    assert request.headers.get("authorization") == (f"Bearer {token}" if stated.wants_token else None)
    assert request.headers["user-agent"].startswith("wren-async/")
    assert request.headers.get("x-trace") == (TRACE if whole else None)
    assert request.headers.get("x-subaccount-id") == arguments.get("subaccount_id")
    key = request.headers.get("idempotency-key")
    if stated.role("idempotency-key"):
        assert key == arguments["idempotency_key"] if whole else re.fullmatch(r"[0-9a-f-]{36}", key or "")
    else:
        assert key is None


def check_body(bench: Bench, stated: Stated, use: Use, arguments: Mapping[str, Any]) -> None:
    request, raw = bench.wire.sent[0], bench.wire.bodies[0]
    if use.raw is not None:
        assert (raw, request.headers["content-type"]) == (use.raw, arguments["content_type"])
        return
    schema = next((each for each in stated.bodies() if set(use.required) <= set(properties(each))), None)
    if schema is None:
        assert raw == b""
        assert "content-type" not in request.headers
        return
    assert request.headers["content-type"] == "application/json"
    body = json.loads(raw, parse_float=Decimal)
    expected = {properties(schema)[name]: wire_value(v) for name, v in arguments.items() if name in properties(schema)}
    marked = reference_attribute(stated)
    if marked and stated.node["x-effect"] == "once" and "reference" not in arguments:
        assert re.fullmatch(r"\[ref:[0-9a-f]{32}\]", body.pop(marked)), "a live order carries a reference unasked"
    elif marked and "reference" in arguments:
        expected[marked] = f"[ref:contract-1] {expected[marked]}"
    assert body == expected
    for wire, node in schema["properties"].items():
        if wire in body and body[wire] is not None:
            check_kind(body[wire], node)


def check_kind(value: object, node: Mapping[str, Any]) -> None:
    kinds = {"integer": int, "number": int | Decimal, "string": str, "boolean": bool}
    kind = node.get("type")
    for each in [kind] if isinstance(kind, str) else kind or []:
        if each in kinds and each != "null":
            assert isinstance(value, kinds[each])
            assert isinstance(value, bool) == (each == "boolean")


def check_answer(bench: Bench, stated: Stated, answer: object) -> None:
    status, schema = stated.success
    assert bench.sandbox.requests[-1].status == status
    assert bench.sandbox.requests[-1].operation == stated.node["operationId"]
    if status == 204:
        assert answer is None
    elif schema is None:
        assert isinstance(answer, Document)
        assert answer.content
    elif "x-paging" in stated.node:
        assert isinstance(answer, Page | OffsetPage)
        assert not any(unknown(item) for item in answer)
    elif isinstance(answer, tuple):
        assert all(type(item).__name__ == schema for item in answer)
        assert not any(unknown(item) for item in answer)
    else:
        assert isinstance(answer, getattr(MODELS[stated.api], schema))
        assert not unknown(answer)


def unknown(value: object) -> list[object]:
    """Fields that the sandbox sent and the models do not know, wherever they are."""
    if isinstance(value, tuple):
        return [each for item in value for each in unknown(item)]
    if not attrs.has(type(value)):
        return []
    inner = [getattr(value, field.name) for field in attrs.fields(type(value)) if field.name != "extra_fields"]
    return [*getattr(value, "extra_fields", {}), *(each for item in inner for each in unknown(item))]
