"""Reading and writing JSON: strict about types, exact about numbers, tolerant of what is new."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wren_async.core import codec, numbers
from wren_async.core.values import JSON, UNSET, Unset
from wren_async.models import cnaught, wren

CENTS = {"amount_usd_cents": -1040, "type": "deduction"}
ORDER = {"id": "Gre28Fc35bt3", "amount_kg": 10.5, "price_usd_cents": 2350}


def read(value: object, form: type[Any]) -> Any:
    return codec.decode(json.dumps(value).encode(), form)


def problems(raw: bytes | object, form: type[Any]) -> tuple[str, ...]:
    body = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    with pytest.raises(codec.Unreadable) as caught:
        codec.decode(body, form)
    return caught.value.problems


def entry(**changes: object) -> dict[str, object]:
    return {**CENTS, **changes}


# --- strictness -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "form", "problem"),
    [
        (None, str, "$: takes a string, not null"),
        (12, str, "$: takes a string, not a number"),
        (True, str, "$: takes a string, not true"),
        (["a"], str, "$: takes a string, not an array"),
        ("12", int, "$: takes a whole number, not a string"),
        (20.5, int, "$: takes a whole number, not 20.5"),
        (True, int, "$: takes a whole number, not true"),
        (None, int, "$: takes a whole number, not null"),
        ("0.1", Decimal, "$: takes a number, not a string"),
        (False, Decimal, "$: takes a number, not false"),
        (None, Decimal, "$: takes a number, not null"),
        (1, bool, "$: takes true or false, not a number"),
        ("true", bool, "$: takes true or false, not a string"),
        (1690000000, datetime, "$: takes a time as a string, not a number"),
        ("yesterday", datetime, "$: 'yesterday' is no time"),
        ("a", tuple[str, ...], "$: takes an array, not a string"),
        ({"a": 1}, tuple[str, ...], "$: takes an array, not an object"),
        ([], Mapping[str, str], "$: takes an object, not an array"),
        (None, wren.LedgerEntry, "$: takes an object, not null"),
        ([], wren.LedgerEntry, "$: takes an object, not an array"),
    ],
)
def test_a_wrong_type_is_a_fault_and_never_converted(value: object, form: type[Any], problem: str) -> None:
    assert problems(value, form) == (problem,)


@pytest.mark.parametrize(
    ("text", "number"), [("20.0", 20), ("2E1", 20), ("-1040.00", -1040), ("0e5", 0), ("1e3", 1000)]
)
def test_a_whole_number_may_be_written_with_a_fraction(text: str, number: int) -> None:
    found = codec.decode(text.encode(), int)
    assert found == number
    assert type(found) is int


def test_a_number_of_any_spelling_is_a_decimal_where_the_contract_wants_one() -> None:
    for text in ("20", "20.0", "2e1"):
        found = codec.decode(text.encode(), Decimal)
        assert found == 20
        assert type(found) is Decimal


@pytest.mark.parametrize("text", ["1e400", "1e999999999", "1E+99999999999999999"])
def test_a_number_bomb_in_an_integer_is_refused_before_it_is_made(text: str) -> None:
    problems(b"{}", wren.LedgerEntry)  # loads what reads it
    tracemalloc.start()
    try:
        assert problems(b'{"amount_usd_cents":' + text.encode() + b',"type":"refund"}', wren.LedgerEntry)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000, "as an int it would fill the memory"
    finally:
        tracemalloc.stop()


def test_required_attributes_may_be_neither_absent_nor_null() -> None:
    assert problems({"type": "top_up"}, wren.LedgerEntry) == ("$.amount_usd_cents: is missing",)
    assert problems(entry(amount_usd_cents=None), wren.LedgerEntry) == ("$.amount_usd_cents: takes a number, not null",)


def test_optional_attributes_may_be_absent_or_null_and_both_read_as_none() -> None:
    absent = read(ORDER, cnaught.Order)
    null = read({**ORDER, "metadata": None, "state": None, "project_allocations": None}, cnaught.Order)
    assert absent == null
    assert absent.metadata is None


def test_all_faults_are_named_at_once_with_their_json_paths() -> None:
    page = {
        "entries": [entry(), entry(amount_usd_cents="12"), {"type": None}, 7],
        "total": "4",
        "limit": 50,
        "offset": 0,
    }
    assert problems(page, wren.LedgerPage) == (
        "$.entries[1].amount_usd_cents: takes a number, not a string",
        "$.entries[2].amount_usd_cents: is missing",
        "$.entries[2].type: takes a string, not null",
        "$.entries[3]: takes an object, not a number",
        "$.total: takes a whole number, not a string",
    )


def test_a_fault_is_named_by_its_name_on_the_wire() -> None:
    receipt = {"amountCharged": "1040", "currency": "USD", "tons": 0.45}
    assert problems(receipt, wren.OffsetOrderReceipt) == ("$.amountCharged: takes a whole number, not a string",)


@attrs.frozen(kw_only=True)
class Price:
    """A model with two spellings of one attribute."""

    cost_per_ton: Decimal = attrs.field(metadata={"aliases": ("costPerTon",)})


def test_a_fault_under_the_second_spelling_is_named_by_that_spelling() -> None:
    assert problems({"costPerTon": "401.71"}, Price) == ("$.costPerTon: takes a number, not a string",)
    assert problems({}, Price) == ("$.cost_per_ton: is missing",)


def test_an_id_that_may_be_text_or_a_number_is_kept_as_it_came() -> None:
    assert read(entry(id="12"), wren.LedgerEntry).id == "12"
    assert read(entry(id=12), wren.LedgerEntry).id == 12


# --- numbers --------------------------------------------------------------------------------------------------------

EXACT = [
    "0.1",
    "1E-7",
    "401.71",
    "0.30000000000000004",
    "10.50",
    "-0.2099",
    "1" * 19 + "." + "1" * 21,
    "0." + "123456789" * 4,
    "1E+18",
    "1E-40",
]


@pytest.mark.parametrize("text", EXACT)
def test_decimals_are_exact_from_the_wire_and_back(text: str) -> None:
    found = codec.decode(text.encode(), Decimal)
    assert found == Decimal(text)
    assert str(found) == str(Decimal(text))
    assert codec.decode(codec.encode(found), Decimal) == Decimal(text)


@pytest.mark.parametrize("text", EXACT)
def test_decimals_are_written_as_json_numbers(text: str) -> None:
    body = codec.encode(cnaught.OrderByAmount(amount_kg=Decimal(text)))
    assert json.loads(body, parse_float=Decimal, parse_int=Decimal) == {"amount_kg": Decimal(text)}


@given(number=st.decimals(allow_nan=False, allow_infinity=False))
@settings(max_examples=200, deadline=None)
def test_a_finite_decimal_survives_the_wire_or_is_refused_on_both_ways(number: Decimal) -> None:
    if numbers.is_bounded(number):
        assert codec.decode(codec.encode(number), Decimal) == number
        return
    with pytest.raises(codec.Unwritable, match="out of bounds"):
        codec.encode(number)
    assert problems(str(number).encode(), Decimal)


@given(number=st.integers())
@settings(max_examples=100, deadline=None)
def test_an_int_survives_the_wire_or_is_refused_on_both_ways(number: int) -> None:
    if numbers.is_bounded(number):
        assert codec.decode(codec.encode(number), int) == number
        return
    with pytest.raises(codec.Unwritable, match="out of bounds"):
        codec.encode(number)
    assert problems(str(number).encode(), int) == ("$: takes a whole number of 64 bits, not a larger one",)


@pytest.mark.parametrize(
    "text", ["1E+999999999", "1E-999999999", "1e30", "1e19", "1e-41", "1" * 41, "0." + "1" * 41, "1" * 4000]
)
@pytest.mark.parametrize("attribute", ["amount_kg", "price_usd_cents", "new"])
def test_no_number_of_an_answer_is_larger_smaller_or_longer_than_the_bounds(text: str, attribute: str) -> None:
    """Any of them would be half a gigabyte as an int, or stop a sum with an `Overflow`, once a model held it."""
    others = {name: value for name, value in ORDER.items() if name != attribute}
    raw = json.dumps(others).encode()[:-1] + f', "{attribute}": {text}}}'.encode()
    if attribute == "new" and text.isdigit():
        # What is kept unread stays what it is: an int of some thousand digits is no danger to anyone.
        assert codec.decode(raw, cnaught.Order).extra_fields == {"new": int(text)}
    else:
        assert re.search("40 digits|64 bits", problems(raw, cnaught.Order)[0])


@pytest.mark.parametrize("text", ["0e999999999", "0E-999999999", "-0.000e-99"])
def test_nothing_is_nothing_with_any_exponent(text: str) -> None:
    found = codec.decode(text.encode(), Decimal)
    assert found == 0
    assert len(format(found, "f")) < 100


def test_values_that_lie_too_deep_are_refused_wherever_they_hide() -> None:
    deep = b"[" * 500 + b"]" * 500
    for raw in (deep, b'{"id":"x","amount_kg":1,"price_usd_cents":2,"new":' + deep + b"}"):
        assert problems(raw, cnaught.Order) == ("$: more than 64 objects and arrays lie within each other",)
    assert problems(b'{"detail":"x","errors":' + deep + b"}", cnaught.Problem)


def test_some_hundred_faults_of_a_million_are_named() -> None:
    found = problems(b"[" + b"1," * 1_000_000 + b"1]", tuple[str, ...])
    assert found[0] == "$[0]: takes a string, not a number"
    assert len(found) <= 101
    rows = [{"type": index} for index in range(1_000)]
    found = problems({"entries": rows, "total": "1", "limit": 1, "offset": 0}, wren.LedgerPage)
    assert len(found) <= 101
    assert found[-1] == "$: and more, which are not told"


@pytest.mark.parametrize(
    ("value", "form"),
    [("x" * 10**6, datetime), ("\x1b[2J\u202e" * 10, datetime), ({"\x1b[2J" + "k" * 10**6: 1}, Mapping[str, str])],
)
def test_a_fault_repeats_little_of_what_was_sent_and_nothing_that_a_terminal_obeys(value: object, form: Any) -> None:
    (found,) = problems(value, form)
    assert len(found) < 400
    assert found.isprintable()


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_numbers_that_are_not_finite_are_refused_on_writing_with_their_place(number: str) -> None:
    with pytest.raises(codec.Unwritable, match=r"^\$\.amount_kg: .*(NaN|Infinity) is no JSON number"):
        codec.encode(cnaught.OrderByAmount(amount_kg=Decimal(number)))


@pytest.mark.parametrize("number", [0.1, float("nan"), float("inf")])
def test_floats_are_refused_on_writing_wherever_they_hide(number: float) -> None:
    with pytest.raises(codec.Unwritable, match=r"^\$\.rides\[1\]\.km: a float is inexact"):
        codec.encode({"rides": [{"km": 1}, {"km": number}]})


@pytest.mark.parametrize("raw", [b"NaN", b"Infinity", b"-Infinity", b'{"amount_kg": NaN}'])
def test_numbers_that_json_lacks_are_refused_on_reading(raw: bytes) -> None:
    assert problems(raw, cnaught.Order)[0].startswith("$: not JSON")


# --- bodies that are no JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"<html><title>502 Bad Gateway</title></html>",
        b'{"id": "x"',
        b"{} {}",
        b"{'id': 1}",
        b'"\xff"',
        b'{"\xfe\xff": 1}',
        b'{"id": "\xc3"}',
        b'"\\ud800"',
        b"1e" + b"9" * 30,
        b"1e-" + b"9" * 30,
        b'{"id": "x", "amount_kg": 1e-' + b"9" * 30 + b"}",
        b"1" * 5000,
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_what_is_no_json_is_unreadable_and_nothing_worse(raw: bytes) -> None:
    assert problems(raw, cnaught.Order)[0].startswith("$: ")


@given(raw=st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_bytes_whatever_raise_anything_but_unreadable(raw: bytes) -> None:
    try:
        found = codec.decode(raw, cnaught.Order)
    except codec.Unreadable:
        return
    assert isinstance(found, cnaught.Order)


def test_values_nested_too_deeply_or_in_a_circle_cannot_be_written() -> None:
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(codec.Unwritable):
        codec.encode({"a": circle})


@pytest.mark.parametrize("value", [object(), {"a": object()}, "\ud800", {"a": "\udfff"}])
def test_what_json_cannot_say_cannot_be_written(value: object) -> None:
    with pytest.raises(codec.Unwritable):
        codec.encode(value)


def test_of_two_equal_names_the_last_counts_as_in_every_json_reader() -> None:
    raw = b'{"amount_usd_cents": 1, "type": "refund", "amount_usd_cents": 2}'
    assert codec.decode(raw, wren.LedgerEntry).amount_usd_cents == json.loads(raw)["amount_usd_cents"] == 2


def test_bytes_and_nothing_are_not_read_as_json() -> None:
    assert codec.decode(b"%PDF-1.7 \xff", bytes) == b"%PDF-1.7 \xff"
    assert codec.decode(b"", type(None)) is None


# --- what is new, odd or spelled otherwise --------------------------------------------------------------------------


def test_unknown_values_of_open_enums_are_kept_and_written_back() -> None:
    order = read({**ORDER, "state": "paused"}, cnaught.Order)
    assert order.state == "paused"
    assert isinstance(order.state, cnaught.OrderState)
    assert not order.state.known
    assert json.loads(codec.encode(order))["state"] == "paused"
    assert read({**ORDER, "state": "placed"}, cnaught.Order).state is cnaught.OrderState.PLACED


def test_a_value_of_an_open_enum_is_still_a_string() -> None:
    assert problems({**ORDER, "state": 3}, cnaught.Order) == ("$.state: takes a string, not a number",)


def test_unknown_fields_are_kept_exactly_and_written_back() -> None:
    sent = b'{"id":"x","amount_kg":1,"price_usd_cents":2,"rating":{"score":0.1,"by":["a",null,1e-7]}}'
    order = codec.decode(sent, cnaught.Order)
    assert order.extra_fields == {"rating": {"score": Decimal("0.1"), "by": ["a", None, Decimal("1e-7")]}}
    assert codec.decode(codec.encode(order), cnaught.Order) == order
    assert b'"score":0.1' in codec.encode(order)


def test_a_lenient_attribute_that_cannot_be_read_is_none_and_its_raw_value_is_kept() -> None:
    odd = entry(id={"v": 1}, created_at="yesterday")
    found = read(odd, wren.LedgerEntry)
    assert (found.id, found.created_at) == (None, None)
    assert found.extra_fields == {"id": {"v": 1}, "created_at": "yesterday"}
    assert codec.decode(codec.encode(found), wren.LedgerEntry) == found


@pytest.mark.parametrize(("sent", "kept"), [("-10.5", Decimal("-10.5")), ("-10.0", -10), ("-10", -10), ("-1e1", -10)])
def test_a_fraction_of_a_cent_is_kept_and_whole_cents_are_an_int(sent: str, kept: object) -> None:
    row = f'{{"amount_usd_cents": {sent}, "type": "deduction"}}'
    page = codec.decode(f'{{"entries": [{row}], "total": 1, "limit": 1, "offset": 0}}'.encode(), wren.LedgerPage)
    assert repr(page.entries[0].amount_usd_cents) == repr(kept)
    order = codec.decode(f'{{"amount_paid_by_customer": {sent}}}'.encode(), wren.OffsetOrder)
    assert repr(order.amount_paid_by_customer) == repr(kept)
    assert order.extra_fields == {}


LENIENT = [
    (model, field)
    for model in (getattr(api, name) for api in (wren, cnaught) for name in api.__all__)
    for field in (attrs.fields(model) if attrs.has(model) else ())
    if field.metadata.get("lenient")
]
PLAIN = {str: "x", int: 1, int | Decimal: 1, Decimal: 1, bool: True, datetime: "2022-08-01T18:00:00Z"}


def required_of(model: type[Any]) -> dict[str, object]:
    """The least that a model is read of."""
    hints = get_type_hints(model)
    needed = [field for field in attrs.fields(model) if field.default is attrs.NOTHING]
    return {field.metadata.get("wire", field.name): least(hints[field.name]) for field in needed}


def least(form: Any) -> object:
    if attrs.has(form):
        return required_of(form)
    return [] if get_origin(form) is tuple else PLAIN.get(form, "x")


@pytest.mark.parametrize(("model", "field"), LENIENT, ids=lambda each: getattr(each, "__name__", "") or each.name)
def test_whatever_was_sent_in_the_place_of_a_lenient_attribute_is_there_somewhere(model: Any, field: Any) -> None:
    """It is read, or it stands under its name on the wire among the fields that were not: never is it nothing."""
    name = field.metadata.get("wire", field.name)
    for odd in (12.5, "odd", {"odd": [1]}, ["odd"], True):
        found = read({**required_of(model), name: odd}, model)
        if getattr(found, field.name) is None:
            assert found.extra_fields[name] == (Decimal("12.5") if odd == 12.5 else odd)


def test_an_odd_row_does_not_end_the_walk_through_a_list() -> None:
    page = read(
        {"entries": [entry(id=1), entry(id=[2])], "total": 2, "limit": 50, "offset": 0, "test": "yes"}, wren.LedgerPage
    )
    assert [each.id for each in page.entries] == [1, None]
    assert page.extra_fields == {"test": "yes"}


def test_a_lenient_object_with_a_fault_inside_is_kept_whole() -> None:
    receipt = {"amountCharged": 1, "currency": "USD", "tons": 1, "portfolio": ["?"]}
    found = read(receipt, wren.OffsetOrderReceipt)
    assert found.portfolio is None
    assert found.extra_fields == {"portfolio": ["?"]}


@pytest.mark.parametrize("name", ["homes_annual_energy_usage", "homes_annual_energy usages"])
def test_both_spellings_of_the_homes_are_read(name: str) -> None:
    others = {"cars_off_the_road": 10, "trees_planted": 30, "flights_lax_to_nyc": 12}
    assert read({**others, name: 4}, cnaught.ImpactEquivalents).homes_annual_energy_usage == 4


def test_of_two_spellings_the_one_with_a_value_counts() -> None:
    both = read({"id": 21, "name": "Trailblazer", "cost_per_ton": None, "costPerTon": 401.71}, wren.Portfolio)
    assert both.cost_per_ton == Decimal("401.71")
    assert read({"id": 21, "name": "T", "cost_per_ton": 1, "costPerTon": 2}, wren.Portfolio).cost_per_ton == 1


@pytest.mark.parametrize("name", ["cost_per_ton", "costPerTon"])
def test_both_casings_of_wrens_lists_are_read(name: str) -> None:
    found = read({"id": 21, "name": "Trailblazer", name: 401.71, "projects": []}, wren.Portfolio)
    assert found.cost_per_ton == Decimal("401.71")
    assert found.extra_fields == {}


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (wren.OffsetOrderList, "offsetOrders"),
        (wren.PublicOffsetOrderList, "offsetOrders"),
        (wren.TreeOrderList, "treeOrders"),
    ],
)
def test_a_list_comes_enveloped_or_bare(form: type[Any], name: str) -> None:
    rows = [{"id": "a"}, {"id": "b"}]
    assert read(rows, form) == read({name: rows}, form)
    assert problems(7, form) == ("$: takes an object, not a number",)


def test_a_bare_array_is_no_envelope_where_the_contract_does_not_say_so() -> None:
    assert problems([ORDER], cnaught.OrderList) == ("$: takes an object, not an array",)


# --- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2022-08-01T18:00:00.000000Z", datetime(2022, 8, 1, 18, tzinfo=UTC)),
        ("2023-09-26T00:18:51.764508Z", datetime(2023, 9, 26, 0, 18, 51, 764508, tzinfo=UTC)),
        ("2023-09-26T00:18:51.7645081Z", datetime(2023, 9, 26, 0, 18, 51, 764508, tzinfo=UTC)),
        ("2023-09-26T00:18:51.7Z", datetime(2023, 9, 26, 0, 18, 51, 700000, tzinfo=UTC)),
        ("2023-09-26T02:18:51+02:00", datetime(2023, 9, 26, 0, 18, 51, tzinfo=UTC)),
        ("2023-09-26T00:18:51", datetime(2023, 9, 26, 0, 18, 51, tzinfo=UTC)),
        ("2023-09-26T00:18:51.764508", datetime(2023, 9, 26, 0, 18, 51, 764508, tzinfo=UTC)),
        ("0001-01-01T00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_are_aware_and_read_as_utc_where_they_do_not_say(text: str, moment: datetime) -> None:
    found = codec.decode(json.dumps(text).encode(), datetime)
    assert found == moment
    assert found.utcoffset() is not None


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_utc_cannot_tell_is_a_fault_and_not_a_surprise_later(text: str) -> None:
    assert problems({**ORDER, "created_on": text}, cnaught.Order) == (
        f"$.created_on: '{text}' is no time that UTC can tell",
    )


@given(moment=st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))
@settings(max_examples=100, deadline=None)
def test_every_time_is_written_in_utc_with_six_digits_and_read_back(moment: datetime) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(hours=-7)))
    text = codec.instant(elsewhere)
    assert len(text) == len("2022-08-01T18:00:00.000000Z")
    assert text.endswith("Z")
    assert codec.decode(codec.encode(elsewhere), datetime) == moment


# --- requests -------------------------------------------------------------------------------------------------------


def test_unset_is_not_sent_and_none_is_sent_as_null() -> None:
    left_out = cnaught.SubaccountUpdateRequest(name="Marketing")
    cleared = cnaught.SubaccountUpdateRequest(name="Marketing", email=None)
    assert json.loads(codec.encode(left_out)) == {"name": "Marketing"}
    assert json.loads(codec.encode(cleared)) == {"name": "Marketing", "email": None}


@pytest.mark.parametrize("body", [{"email": UNSET}, cnaught.OrderByAmount(amount_kg=UNSET)])  # type: ignore[arg-type]
def test_unset_in_a_place_that_is_sent_is_refused_rather_than_sent_as_text(body: object) -> None:
    with pytest.raises(codec.Unwritable, match="UNSET"):
        codec.encode(body)


def test_requests_are_written_by_their_wire_names() -> None:
    request = wren.ProjectOrderRequest(
        project_id=18, amount_in_usd_cents=2500, payment_method=wren.PaymentMethod.CREDITS
    )
    assert json.loads(codec.encode(request)) == {"projectId": 18, "amountInUsdCents": 2500, "paymentMethod": "credits"}


@attrs.frozen(kw_only=True)
class Tree:
    """A model that holds itself."""

    name: str
    parts: tuple[Tree, ...] | Unset = UNSET
    label: str | Unset | None = UNSET
    extra_fields: Mapping[str, JSON] = attrs.field(factory=dict[str, JSON], hash=False, metadata={"extra": True})


def test_a_model_may_hold_itself() -> None:
    tree = Tree(name="a", parts=(Tree(name="b", label=None), Tree(name="c")))
    assert codec.decode(codec.encode(tree), Tree) == tree
    assert problems({"name": "a", "parts": [{"name": "b", "parts": [{}]}]}, Tree) == (
        "$.parts[0].parts[0].name: is missing",
    )


def test_a_fault_far_below_is_found_in_one_reading_of_what_is_above_it() -> None:
    raw = b'{"name":"a","parts":[' * 30 + b'{"name":7}' + b"]}" * 30
    assert problems(raw, Tree) == ("$" + ".parts[0]" * 30 + ".name: takes a string, not a number",)
