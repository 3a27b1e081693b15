"""Arguments are checked before anything is sent, and the error says what to do."""

from __future__ import annotations

import enum
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wren_async import UNSET, InvalidArgument, UsageError
from wren_async._generated.cnaught.operations import orders, quotes
from wren_async._generated.wren.operations import offset_orders, wallet
from wren_async.core import arguments, numbers
from wren_async.core.operation import Call
from wren_async.models import cnaught, wren
from wren_async.models.cnaught import VehicleType


def refusal(check: Callable[..., object], *values: object, **bounds: object) -> str:
    with pytest.raises(InvalidArgument) as caught:
        check("amount", *values, **bounds)
    assert caught.value.argument == "amount"
    return str(caught.value)


CHECKS: list[Callable[..., Any]] = [
    arguments.decimal,
    arguments.integer,
    arguments.text,
    arguments.boolean,
    arguments.moment,
    lambda name, value, **more: arguments.choice(name, value, VehicleType, **more),
    lambda name, value, **more: arguments.instance(name, value, cnaught.NotificationConfig, **more),
]


@pytest.mark.parametrize("check", CHECKS)
def test_unset_passes_and_none_passes_only_where_the_api_takes_null(check: Callable[..., Any]) -> None:
    assert check("amount", UNSET) is UNSET
    assert check("amount", None, nullable=True) is None
    assert refusal(check, None) == "amount: None is not allowed; leave the argument out"


@pytest.mark.parametrize("value", [0.1, float("nan"), "0.1", True, [1]])
def test_a_decimal_takes_no_float_text_or_bool(value: object) -> None:
    assert "takes a Decimal or an int" in refusal(arguments.decimal, value)


def test_the_error_about_a_float_shows_the_remedy() -> None:
    assert refusal(arguments.decimal, 0.1).endswith('write Decimal("0.1")')


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_a_decimal_must_be_finite(value: str) -> None:
    assert "must be a finite number" in refusal(arguments.decimal, Decimal(value), above=0)


@given(value=(st.decimals(allow_nan=False, allow_infinity=False) | st.integers()).filter(numbers.is_bounded))
@settings(max_examples=100, deadline=None)
def test_a_decimal_or_int_within_the_bounds_passes_unchanged(value: Decimal | int) -> None:
    found = arguments.decimal("amount", value)
    assert found == value
    assert isinstance(found, Decimal)


@pytest.mark.parametrize(
    "value",
    [Decimal("1e30"), Decimal("1E+999999999"), Decimal("1E-999999999"), 10**5000, 2**64],
    ids=["1e30", "overflow", "underflow", "10**5000", "2**64"],
)
def test_a_number_that_no_order_can_mean_is_refused_before_it_is_sent(value: Any) -> None:
    for build in (
        lambda: offset_orders.create_offset_order(tons=value, payment_method="credits"),
        lambda: orders.create_order_by_amount(amount_kg=value),
        lambda: orders.create_order_by_price(total_price_usd_cents=value),
        lambda: quotes.create_quote(amount_kg=value),
        lambda: wallet.list_credit_ledger(limit=value),
    ):
        with pytest.raises(InvalidArgument, match=r"^\w+: (is far out of range|takes an int, not Decimal)"):
            build()


@pytest.mark.parametrize("year", [1, 9999])
def test_a_time_that_utc_cannot_tell_is_refused(year: int) -> None:
    with pytest.raises(InvalidArgument, match=f"^since: lies in the year {year}"):
        arguments.moment("since", datetime(year, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))))


@pytest.mark.parametrize("check", [arguments.decimal, arguments.integer])
def test_numbers_keep_their_bounds(check: Callable[..., Any]) -> None:
    assert refusal(check, 0, above=0) == "amount: must be more than 0, not 0"
    assert refusal(check, -1, minimum=0) == "amount: must be 0 or more, not -1"
    assert check("amount", 1, above=0) == 1
    assert check("amount", 0, minimum=0) == 0


def test_an_integer_takes_no_float_decimal_text_or_bool() -> None:
    for value in (1.0, Decimal(1), "1", True):
        assert "takes an int" in refusal(arguments.integer, value)
    assert refusal(arguments.integer, 201, maximum=200) == "amount: must be 200 or less, not 201"
    assert arguments.integer("amount", 200, maximum=200) == 200


def test_text_is_measured_in_characters() -> None:
    assert arguments.text("amount", "🌳" * 200, max_length=200) == "🌳" * 200
    assert refusal(arguments.text, "a" * 201, max_length=200).endswith("200 characters or fewer, not 201")
    assert refusal(arguments.text, "", min_length=1).endswith("1 characters or more, not 0")
    assert "takes a str" in refusal(arguments.text, b"bytes")


def test_half_a_character_is_refused() -> None:
    assert "surrogate" in refusal(arguments.text, "a\ud83d")


def test_a_boolean_is_true_or_false_and_nothing_like_it() -> None:
    for value in (1, 0, "true", ""):
        assert "takes True or False" in refusal(arguments.boolean, value)
    assert arguments.boolean("amount", False) is False


def test_a_presence_flag_is_sent_only_when_true() -> None:
    assert arguments.flag("expanded", True) == "true"
    assert arguments.flag("expanded", False) is UNSET
    assert arguments.flag("expanded", UNSET) is UNSET
    assert "takes True or False" in refusal(arguments.flag, "false")


def test_a_choice_is_closed_on_writing_and_hints_at_the_nearest() -> None:
    assert arguments.choice("vehicle", "school_bus", VehicleType) is VehicleType.SCHOOL_BUS
    assert arguments.choice("vehicle", VehicleType.SCHOOL_BUS, VehicleType) is VehicleType.SCHOOL_BUS
    assert refusal(arguments.choice, "schoolbus", VehicleType).endswith("not 'schoolbus'; did you mean 'school_bus'?")
    assert "did you mean" not in refusal(arguments.choice, "zeppelin", VehicleType)
    assert "takes one of" in refusal(arguments.choice, 3, VehicleType)


def test_an_open_enum_is_closed_on_writing_even_to_values_it_has_read() -> None:
    seen = wren.PaymentMethod("barter")
    assert "takes one of stripe, credits" in refusal(arguments.choice, seen, wren.PaymentMethod)


def test_a_member_of_another_enum_is_judged_by_its_text() -> None:
    class Payment(enum.StrEnum):
        CARD = "stripe"

    assert arguments.choice("amount", Payment.CARD, wren.PaymentMethod) is wren.PaymentMethod.STRIPE


def test_a_moment_must_know_its_offset() -> None:
    aware = datetime(2024, 1, 1, tzinfo=UTC)
    assert arguments.moment("amount", aware) is aware
    assert "must be aware" in refusal(arguments.moment, datetime(2024, 1, 1))
    assert "takes a datetime" in refusal(arguments.moment, "2024-01-01")


def test_a_model_within_a_request_must_be_that_model() -> None:
    assert "takes NotificationConfig, not dict" in refusal(
        arguments.instance, {"url": "https://example.com"}, cnaught.NotificationConfig
    )


@pytest.mark.parametrize("value", ["", ".", "..", " a", "a ", "a\n", "\ta"])
def test_an_id_that_would_leave_its_place_in_the_path_is_refused(value: str) -> None:
    assert "is no id" in refusal(arguments.identifier, value)


@pytest.mark.parametrize("value", [None, 7, UNSET, b"x"])
def test_an_id_is_text(value: object) -> None:
    assert "takes a str" in refusal(arguments.identifier, value)


@pytest.mark.parametrize("value", ["Gre28Fc35bt3", "a/b", "a b", "ä", "%2F", "...", "?x=1", "#"])
def test_any_other_text_is_an_id(value: str) -> None:
    assert arguments.identifier("amount", value) == value


def test_the_refusal_is_a_usage_error_a_value_error_and_pickles() -> None:
    with pytest.raises(ValueError, match="must be more than 0") as caught:
        arguments.decimal("amount_kg", 0, above=0)
    assert isinstance(caught.value, UsageError)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(copy, InvalidArgument)
    assert (copy.argument, copy.problem) == ("amount_kg", "must be more than 0, not 0")


def test_builders_check_each_argument_and_name_it() -> None:
    from wren_async._generated.cnaught.operations import orders
    from wren_async._generated.wren.operations import offset_orders, wallet

    cases: list[tuple[Callable[[], Call[Any]], str]] = [
        (lambda: orders.create_order_by_amount(amount_kg=0.5), "amount_kg"),  # type: ignore[arg-type]
        (lambda: orders.create_order_by_amount(amount_kg=0), "amount_kg"),
        (lambda: orders.create_order_by_amount(amount_kg=1, metadata="m" * 513), "metadata"),
        (lambda: orders.create_order_by_amount(amount_kg=1, idempotency_key=""), "idempotency_key"),
        (lambda: orders.create_order_by_amount(amount_kg=1, idempotency_key="k" * 513), "idempotency_key"),
        (lambda: orders.list_orders(limit=101), "limit"),
        (lambda: orders.list_orders(limit=0), "limit"),
        (lambda: orders.get_order(""), "order_id"),
        (lambda: wallet.top_up_credits(amount_in_usd_cents=99), "amount_in_usd_cents"),
        (lambda: wallet.list_credit_ledger(limit=201), "limit"),
        (lambda: offset_orders.create_offset_order(tons=1, payment_method="visa"), "payment_method"),  # type: ignore[arg-type]
        (
            lambda: offset_orders.create_offset_order(tons=1, payment_method="stripe", on_behalf_of_name="n" * 201),
            "on_behalf_of_name",
        ),
    ]
    for build, argument in cases:
        with pytest.raises(InvalidArgument) as caught:
            build()
        assert caught.value.argument == argument


def test_an_argument_that_must_be_sent_cannot_be_unset() -> None:
    from wren_async._generated.cnaught.operations import orders
    from wren_async.core import codec

    try:
        call = orders.create_order_by_amount(amount_kg=UNSET)  # type: ignore[arg-type]
    except InvalidArgument:
        return
    with pytest.raises(codec.Unwritable):
        codec.encode(call.body)
