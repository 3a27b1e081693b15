"""The generated code works: classes, operations and builders of both APIs."""

from __future__ import annotations

import enum
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import attrs
import pytest

from codegen.contract import Contract
from wren_async._generated.cnaught import models as cnaught
from wren_async._generated.cnaught.operations import checkout_sessions, impact, orders, quotes, subaccounts
from wren_async._generated.wren import models as wren
from wren_async._generated.wren.operations import offset_orders, portfolios, project_donations, project_orders, wallet
from wren_async.core.operation import Call, Effect, Operation, ReferenceField, When
from wren_async.core.values import UNSET, OpenStrEnum
from wren_async.errors import InvalidArgument

ROOT = Path(__file__).resolve().parents[2]
APIS = ("wren", "cnaught")


def models(api: str) -> ModuleType:
    return importlib.import_module(f"wren_async._generated.{api}.models")


def modules(api: str) -> Iterator[ModuleType]:
    package = importlib.import_module(f"wren_async._generated.{api}.operations")
    for found in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{found.name}")


def operations(api: str) -> dict[str, Operation[Any]]:
    found = [each for module in modules(api) for each in vars(module).values() if isinstance(each, Operation)]
    assert len({each.id for each in found}) == len(found)
    return {each.id: each for each in found}


def classes() -> list[type]:
    return [getattr(models(api), name) for api in APIS for name in models(api).__all__]


def builders() -> list[Any]:
    found = [getattr(module, name) for api in APIS for module in modules(api) for name in module.__all__]
    return [each for each in found if inspect.isfunction(each)]


@pytest.mark.parametrize("api", APIS)
def test_there_is_an_operation_for_each_of_the_contract(api: str) -> None:
    contract = Contract.load(ROOT / "openapi" / f"{api}.yaml")
    found = operations(api)
    assert set(found) == {each.id for each in contract.operations()}
    for each in contract.operations():
        operation = found[each.id]
        assert (operation.method, operation.path) == (each.method.upper(), each.path)
        assert operation.effect == each.node["x-effect"]
        assert (operation.deprecated is not None) == bool(each.node.get("deprecated"))


@pytest.mark.parametrize("api", APIS)
def test_there_is_a_class_for_each_object_and_enum(api: str) -> None:
    schemas = Contract.load(ROOT / "openapi" / f"{api}.yaml").schemas
    assert set(models(api).__all__) == set(schemas)


@pytest.mark.parametrize("found", [each for each in classes() if attrs.has(each)], ids=lambda found: found.__name__)
def test_models_are_frozen_slotted_and_resolvable(found: type) -> None:
    assert found.__doc__
    assert "__slots__" in vars(found)
    assert set(get_type_hints(found)) >= {each.name for each in attrs.fields(found)}
    sample = found(**{each.name: "x" for each in attrs.fields(found) if each.default is attrs.NOTHING})
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(sample, attrs.fields(found)[0].name, "y")
    assert hash(sample) == hash(attrs.evolve(sample))


@pytest.mark.parametrize("found", [each for each in classes() if not attrs.has(each)], ids=lambda found: found.__name__)
def test_enums_have_plain_members(found: type[enum.StrEnum]) -> None:
    assert issubclass(found, enum.StrEnum)
    assert found.__doc__
    assert all(name == name.upper() and name.isidentifier() for name in found.__members__)


def test_enums_of_answers_are_open_and_problem_types_have_short_names() -> None:
    assert issubclass(cnaught.OrderState, OpenStrEnum)
    assert cnaught.OrderState("refunded") == "refunded"
    assert cnaught.ProblemType.NOT_FOUND == "https://api.cnaught.com/v1/errors/not-found"
    assert not issubclass(cnaught.VehicleType, OpenStrEnum)


@pytest.mark.parametrize("build", builders(), ids=lambda build: build.__name__)
def test_builders_are_documented(build: Any) -> None:
    doc = inspect.getdoc(build) or ""
    arguments = list(inspect.signature(build).parameters)
    assert all(f"\n    {name}: " in doc for name in arguments), doc
    assert "\nSource: " in doc
    assert get_type_hints(build)["return"]


def test_a_wren_order() -> None:
    call = offset_orders.create_offset_order(tons=2, payment_method="credits", dry_run=True, timeout=5)
    body = wren.OffsetOrderRequest(tons=Decimal(2), payment_method=wren.PaymentMethod.CREDITS, dry_run=True)
    assert call == Call(operation=offset_orders.CREATE_OFFSET_ORDER, body=body, timeout=5)
    assert call.operation.effect is Effect.ONCE
    assert call.operation.compute_when == When(attribute="dryRun", value=True)
    assert call.operation.reference == ReferenceField(attribute="note")
    assert attrs.fields(wren.OffsetOrderRequest).dry_run.metadata["wire"] == "dryRun"


def test_a_wren_order_needs_a_payment_method() -> None:
    with pytest.raises(TypeError, match="payment_method"):
        offset_orders.create_offset_order(tons=1)  # type: ignore[call-arg]


def test_credentials_of_operations() -> None:
    assert offset_orders.LIST_PUBLIC_OFFSET_ORDERS.credentials == "none"
    assert portfolios.LIST_PORTFOLIOS.credentials == "optional"
    assert wallet.TOP_UP_CREDITS.credentials == "required"


def test_a_flag_is_sent_only_when_true() -> None:
    assert portfolios.list_portfolios(expanded=True).query == {"expanded": "true"}
    assert portfolios.list_portfolios(expanded=False).query == {"expanded": UNSET}


def test_a_cnaught_order_by_amount_or_by_price() -> None:
    by_amount = orders.create_order_by_amount(amount_kg=Decimal("10.5"), idempotency_key="k", subaccount_id="s")
    by_price = orders.create_order_by_price(total_price_usd_cents=3190, metadata=None, reference="r-1")
    assert by_amount.operation is by_price.operation is orders.CREATE_ORDER
    assert by_amount.body == cnaught.OrderByAmount(amount_kg=Decimal("10.5"))
    assert (by_amount.idempotency_key, by_amount.subaccount_id) == ("k", "s")
    assert by_price.body == cnaught.OrderByPrice(total_price_usd_cents=3190, metadata=None)
    assert by_price.reference == "r-1"
    assert orders.CREATE_ORDER.reference == ReferenceField(attribute="metadata", max_length=512)
    assert orders.CREATE_ORDER.idempotency_header == "Idempotency-Key"
    assert orders.CREATE_ORDER.subaccount_header == "X-Subaccount-Id"


def test_paths_queries_and_answers() -> None:
    assert orders.get_order("Gre28Fc35bt3").path == {"id": "Gre28Fc35bt3"}
    start = datetime(2024, 1, 1, tzinfo=UTC)
    assert impact.get_impact_data(from_=start).query == {"from": start, "to": UNSET}
    assert subaccounts.DELETE_SUBACCOUNT.answer is type(None)
    assert offset_orders.GET_OFFSET_ORDER_CERTIFICATE.answer is bytes


def test_an_answer_is_the_class_itself_whichever_way_it_was_given() -> None:
    assert orders.CREATE_ORDER.answer is cnaught.Order
    assert project_donations.LIST_PROJECT_DONATIONS.answer == tuple[wren.ProjectDonation, ...]
    given = attrs.evolve(orders.CREATE_ORDER, answer=cnaught.Order)
    assert given.answer is cnaught.Order
    assert given == orders.CREATE_ORDER
    assert hash(given) == hash(orders.CREATE_ORDER)
    assert given != attrs.evolve(given, answer=cnaught.Quote)


@pytest.mark.parametrize("api", APIS)
def test_operations_can_be_pickled(api: str) -> None:
    for operation in operations(api).values():
        copied = pickle.loads(pickle.dumps(operation))
        assert copied == operation
        assert copied.answer == operation.answer


def test_an_upload() -> None:
    call = subaccounts.upload_subaccount_logo("s", body=b"png", content_type="image/png")
    assert (call.body, call.content_type, call.operation.content_type) == (b"png", "image/png", None)


def test_a_bare_array_is_named_by_its_attribute_in_python() -> None:
    assert wren.TreeOrderList.__bare_array__ == "tree_orders"


BAD: list[tuple[Any, dict[str, Any], str]] = [
    (offset_orders.create_offset_order, {"tons": 0.5, "payment_method": "credits"}, "tons"),
    (offset_orders.create_offset_order, {"tons": 0, "payment_method": "credits"}, "tons"),
    (offset_orders.create_offset_order, {"tons": Decimal("NaN"), "payment_method": "credits"}, "tons"),
    (offset_orders.create_offset_order, {"tons": 1, "payment_method": "credit"}, "payment_method"),
    (offset_orders.create_offset_order, {"tons": 1, "payment_method": "stripe", "note": None}, "note"),
    (
        offset_orders.create_offset_order,
        {"tons": 1, "payment_method": "stripe", "on_behalf_of_name": "x" * 201},
        "on_behalf_of_name",
    ),
    (
        project_orders.create_project_order,
        {"project_id": 1, "amount_in_usd_cents": 99, "payment_method": "stripe"},
        "amount_in_usd_cents",
    ),
    (wallet.top_up_credits, {"amount_in_usd_cents": 100.0}, "amount_in_usd_cents"),
    (wallet.list_credit_ledger, {"limit": 201}, "limit"),
    (portfolios.list_portfolios, {"expanded": "false"}, "expanded"),
    (orders.create_order_by_amount, {"amount_kg": 1, "metadata": "x" * 513}, "metadata"),
    (orders.create_order_by_amount, {"amount_kg": 1, "idempotency_key": ""}, "idempotency_key"),
    (orders.create_order_by_amount, {"amount_kg": 1, "notification_config": {"url": "x"}}, "notification_config"),
    (orders.get_order, {"order_id": ""}, "order_id"),
    (orders.list_orders, {"limit": 0}, "limit"),
    (quotes.create_ground_transport_quote, {"distance_km": 1, "vehicle_type": "tram"}, "vehicle_type"),
    (impact.get_impact_data, {"from_": datetime(2024, 1, 1)}, "from_"),
    (checkout_sessions.get_checkout_session, {"session_id": 5}, "session_id"),
]


@pytest.mark.parametrize(("build", "arguments", "named"), BAD)
def test_builders_refuse_bad_arguments(build: Any, arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidArgument, match=named):
        build(**arguments)
