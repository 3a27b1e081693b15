"""From a call to the request on the wire, without a network."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import NoneType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import attrs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wren_async import Call, CNaughtClient, Effect, InvalidArgument, Operation
from wren_async._generated.cnaught.operations import impact, orders, subaccounts
from wren_async._generated.cnaught.operations import portfolios as cnaught_portfolios
from wren_async._generated.wren.operations import offset_orders, portfolios, wallet
from wren_async.core.auth import Credentials
from wren_async.core.identity import Identity
from wren_async.core.operation import ReferenceField, When
from wren_async.core.reference import carried
from wren_async.core.request import Prepared, fingerprint, prepare
from wren_async.http.secret import Secret

TOKEN = "cnaught_fake_key"
ME = Identity(
    base_url="https://api.example/v1", credentials=Credentials(Secret(TOKEN)), user_agent="wren-async/0 python/3"
)
laws = settings(max_examples=200, deadline=None)


def keys() -> Callable[[], str]:
    count = itertools.count(1)
    return lambda: f"key-{next(count)}"


def ready(call: Call[Any], identity: Identity = ME, draw_key: Callable[[], str] | None = None) -> Prepared[Any]:
    return prepare(call, identity, draw_key=draw_key or keys())


def url(call: Call[Any]) -> str:
    return ready(call).request.url


def headers(call: Call[Any], identity: Identity = ME) -> dict[str, str]:
    pairs = ready(call, identity).request.headers
    names = [name.lower() for name, _ in pairs]
    assert len(set(names)) == len(names), "no header is sent twice"
    return {name.lower(): value for name, value in pairs}


def body(call: Call[Any]) -> Any:
    content = ready(call).request.content
    assert isinstance(content, bytes)
    return json.loads(content, parse_float=Decimal)


def operation(**changes: Any) -> Operation[Any]:
    return Operation(**{"id": "x", "method": "POST", "path": "/x", "answer": NoneType, **changes})


OFFSET: dict[str, Any] = {"tons": Decimal("0.45"), "payment_method": "credits"}

# --- address --------------------------------------------------------------------------------------------------------


@laws
@given(id=st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=20))
def test_any_id_is_one_segment_of_the_path_and_decodes_back(id: str) -> None:
    assume(id == id.strip() and id not in (".", ".."))
    parts = urlsplit(url(orders.cancel_order(id)))
    *before, segment, last = parts.path.split("/")
    assert (before, last) == (["", "v1", "orders"], "cancel")
    assert unquote(segment) == id
    assert (parts.netloc, parts.query, parts.fragment) == ("api.example", "", "")


@pytest.mark.parametrize("id", ["{id}", "{other}", "a/../b", "%2e%2e", "a?b=c", "a#b"])
def test_an_id_never_changes_the_address_around_it(id: str) -> None:
    assert unquote(urlsplit(url(orders.get_order(id))).path) == f"/v1/orders/{id}"


def test_a_hand_made_call_without_its_path_argument_is_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        ready(Call(operation=operation(method="GET", path="/things/{id}", effect=Effect.READ)))
    assert caught.value.argument == "id"


def test_query_arguments_left_out_are_not_sent() -> None:
    assert url(orders.list_orders()) == "https://api.example/v1/orders"
    assert url(orders.list_orders(limit=5)) == "https://api.example/v1/orders?limit=5"


@laws
@given(cursor=st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=20))
def test_any_query_value_decodes_back(cursor: str) -> None:
    query = urlsplit(url(orders.list_orders(starting_after=cursor))).query
    assert parse_qs(query, keep_blank_values=True, strict_parsing=True) == {"starting_after": [cursor]}


def test_times_are_sent_in_utc() -> None:
    start = datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    query = parse_qs(urlsplit(url(impact.get_impact_data(from_=start, to=datetime(2024, 2, 1, tzinfo=UTC)))).query)
    assert query == {"from": ["2024-01-01T00:00:00.000000Z"], "to": ["2024-02-01T00:00:00.000000Z"]}


def test_a_presence_flag_is_left_out_when_false() -> None:
    assert url(portfolios.list_portfolios(expanded=True)).endswith("?expanded=true")
    assert url(portfolios.list_portfolios(expanded=False)).endswith("/api/portfolios")


@pytest.mark.parametrize("value", [1.5, Decimal("1.5"), b"x", ["a"], datetime(2024, 1, 1)])
def test_a_query_value_that_could_be_misread_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ready(Call(operation=operation(method="GET", effect=Effect.READ), query={"since": value}))
    assert caught.value.argument == "since"


# --- headers --------------------------------------------------------------------------------------------------------


def test_a_request_names_its_types_and_its_sender() -> None:
    found = headers(orders.create_order_by_amount(amount_kg=1))
    assert found["content-type"] == "application/json"
    # CNaught's errors are problem details: a server that negotiates answers with them only where they are named.
    assert found["accept"] == "application/json, application/problem+json"
    assert found["user-agent"] == "wren-async/0 python/3"
    assert "content-type" not in headers(orders.cancel_order("x"))
    assert headers(offset_orders.get_offset_order_certificate("ch_1"))["accept"] == "*/*"


def test_the_token_travels_apart_from_the_other_headers_and_only_where_it_is_wanted() -> None:
    request = ready(orders.list_orders()).request
    assert request.authorization == Secret(f"Bearer {TOKEN}")
    assert "authorization" not in {name.lower() for name, _ in request.headers}
    assert TOKEN not in repr(request)
    assert ready(offset_orders.list_public_offset_orders()).request.authorization is None
    assert ready(portfolios.list_portfolios()).request.authorization is not None


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "\x00", " a", "a ", "", "ü", "a\x7f", 7, None])
def test_a_header_value_that_could_break_the_request_is_refused_and_not_shown(value: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ready(orders.list_orders(headers={"X-Trace": value}))
    assert "X-Trace" in caught.value.argument
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "X Trace", "X-Trace:", "X-Trace\r\n", "ü"])
def test_a_header_name_that_could_break_the_request_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        ready(orders.list_orders(headers={name: "1"}))


@pytest.mark.parametrize("name", ["Authorization", "authorization", "COOKIE", "Host", "Content-Length", "Connection"])
def test_headers_that_are_the_clients_cannot_be_given(name: str) -> None:
    with pytest.raises(InvalidArgument, match="set by the client"):
        ready(orders.list_orders(headers={name: "x"}))


@pytest.mark.parametrize("name", ["Idempotency-Key", "idempotency-key", "X-Subaccount-Id"])
def test_headers_that_have_an_argument_cannot_be_given_past_it(name: str) -> None:
    with pytest.raises(InvalidArgument, match="argument of its own"):
        ready(orders.create_order_by_amount(amount_kg=1, headers={name: "x"}))


@laws
@given(
    key=st.text(max_size=8)
    | st.sampled_from(["a\r\nb", "a\nb", "\r", " a", "a "])
    | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=512)
)
def test_an_idempotency_key_is_sent_exactly_or_refused(key: str) -> None:
    try:
        found = headers(orders.create_order_by_amount(amount_kg=1, idempotency_key=key))["idempotency-key"]
    except InvalidArgument:
        assert not (key.isascii() and key.isprintable() and key == key.strip() and 1 <= len(key) <= 512)
        return
    assert found == key
    assert "\r" not in found
    assert "\n" not in found


@pytest.mark.parametrize("name", ["User-Agent", "user-agent", "ACCEPT", "x-trace"])
def test_a_callers_header_takes_the_place_of_ours_and_of_the_clients_in_any_casing(name: str) -> None:
    client = attrs.evolve(ME, headers={"X-Trace": "client"})
    assert headers(orders.list_orders(headers={name: "mine"}), client)[name.lower()] == "mine"


# --- idempotency key and subaccount ---------------------------------------------------------------------------------


def test_a_keyed_write_gets_a_key_once_and_keeps_a_given_one() -> None:
    call = orders.create_order_by_amount(amount_kg=1)
    first = ready(call)
    assert first.key == dict(first.request.headers)["Idempotency-Key"] == "key-1"
    assert first.call.idempotency_key == "key-1"
    assert ready(first.call, draw_key=lambda: "another").key == "key-1"
    assert headers(orders.cancel_order("x", idempotency_key="mine"))["idempotency-key"] == "mine"


def test_operations_without_keys_send_none() -> None:
    for call in (
        orders.list_orders(),
        subaccounts.delete_subaccount("s"),
        subaccounts.update_subaccount("s", name="n"),
    ):
        assert "idempotency-key" not in headers(call)
        assert ready(call).key is None


def test_an_empty_key_is_refused_because_repeats_would_go_without_one() -> None:
    keyed = operation(effect=Effect.KEYED, idempotency_header="Idempotency-Key")
    with pytest.raises(InvalidArgument) as caught:
        ready(Call(operation=keyed, idempotency_key=""))
    assert caught.value.argument == "idempotency_key"


def test_a_key_for_an_operation_that_takes_none_is_refused_rather_than_ignored() -> None:
    with pytest.raises(InvalidArgument) as caught:
        ready(Call(operation=operation(), idempotency_key="mine"))
    assert caught.value.argument == "idempotency_key"


def test_a_hand_made_keyed_operation_without_a_key_header_is_never_repeated() -> None:
    assert ready(Call(operation=operation(effect=Effect.KEYED))).effect is Effect.ONCE


def test_the_subaccount_is_the_clients_unless_the_call_says_otherwise() -> None:
    client = attrs.evolve(ME, subaccount_id="5nubL0NS")
    assert headers(orders.list_orders(), client)["x-subaccount-id"] == "5nubL0NS"
    assert headers(orders.list_orders(subaccount_id="other"), client)["x-subaccount-id"] == "other"
    assert "x-subaccount-id" not in headers(orders.list_orders(subaccount_id=None), client)
    assert "x-subaccount-id" not in headers(cnaught_portfolios.list_portfolios(), client)
    assert "x-subaccount-id" not in headers(orders.list_orders())


@pytest.mark.parametrize("bad", ["", "a\r\nb", " a"])
def test_an_empty_or_broken_subaccount_is_refused_rather_than_billed_to_the_parent(bad: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ready(orders.create_order_by_amount(amount_kg=1, subaccount_id=bad))
    assert caught.value.argument == "subaccount_id"


def test_a_subaccount_for_an_operation_that_takes_none_is_refused_rather_than_ignored() -> None:
    with pytest.raises(InvalidArgument) as caught:
        ready(Call(operation=operation(), subaccount_id="5nubL0NS"))
    assert caught.value.argument == "subaccount_id"


# --- body and effect ------------------------------------------------------------------------------------------------


def test_the_body_has_wire_names_exact_numbers_and_nothing_unset() -> None:
    assert body(offset_orders.create_offset_order(**OFFSET, reference=None)) == {
        "tons": Decimal("0.45"),
        "paymentMethod": "credits",
    }


def test_a_call_without_a_body_sends_none() -> None:
    assert ready(orders.cancel_order("x")).request.content is None


def test_a_live_order_is_sent_once_and_a_dry_run_is_a_computation() -> None:
    assert ready(offset_orders.create_offset_order(**OFFSET)).effect is Effect.ONCE
    assert ready(offset_orders.create_offset_order(**OFFSET, dry_run=False)).effect is Effect.ONCE
    assert ready(offset_orders.create_offset_order(**OFFSET, dry_run=True)).effect is Effect.COMPUTE


@pytest.mark.parametrize(
    ("sent", "effect"),
    [
        (b'{"tons": 1, "dryRun": true}', Effect.COMPUTE),
        (b'{"tons": 1, "dryRun": false}', Effect.ONCE),
        (b'{"tons": 1, "dryRun": "true"}', Effect.ONCE),
        (b'{"tons": 1, "dryRun": 1}', Effect.ONCE),
        (b'{"tons": 1, "dryRun": true, "dryRun": false}', Effect.ONCE),
        (b'{"order": {"dryRun": true}}', Effect.ONCE),
        (b'[{"dryRun": true}]', Effect.ONCE),
        (b"tons=1&dryRun=true", Effect.ONCE),
        (b"", Effect.ONCE),
        (b"\xff", Effect.ONCE),
    ],
)
def test_a_dry_run_is_recognised_by_the_bytes_that_are_sent(sent: bytes, effect: Effect) -> None:
    rehearsal = operation(compute_when=When(attribute="dryRun", value=True))
    prepared = ready(Call(operation=rehearsal, body=sent))
    assert prepared.effect is effect
    assert prepared.request.content == sent


async def test_a_stream_is_sent_as_it_is_and_not_twice() -> None:
    async def image() -> AsyncIterator[bytes]:
        yield b"png"

    stream = image()
    prepared = ready(subaccounts.upload_subaccount_logo("s", body=stream, content_type="image/png"))
    assert prepared.request.content is stream
    assert not prepared.can_repeat
    assert dict(prepared.request.headers)["Content-Type"] == "image/png"
    assert ready(subaccounts.upload_subaccount_logo("s", body=b"png", content_type="image/png")).can_repeat


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("Infinity"), 0.5])
def test_a_number_that_is_not_exact_and_finite_is_refused_before_it_is_sent(number: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"\$\.amount_kg"):
        ready(Call(operation=operation(), body={"amount_kg": number}))


# --- references -----------------------------------------------------------------------------------------------------


def test_a_live_order_carries_a_reference_of_its_own_beside_the_users_text() -> None:
    prepared = ready(offset_orders.create_offset_order(**OFFSET, note="lunch"))
    reference = prepared.call.reference
    assert isinstance(reference, str)
    sent = json.loads(prepared.request.content)  # type: ignore[arg-type]
    assert sent["note"].endswith(" lunch")
    assert carried(sent["note"]) == reference
    assert prepared.name == reference


def test_two_orders_carry_two_references() -> None:
    draw = keys()
    call = offset_orders.create_offset_order(**OFFSET)
    assert ready(call, draw_key=draw).call.reference != ready(call, draw_key=draw).call.reference


def test_sending_a_prepared_call_again_keeps_its_reference() -> None:
    prepared = ready(offset_orders.create_offset_order(**OFFSET))
    assert ready(prepared.call, draw_key=lambda: "other").request == prepared.request


def test_the_callers_own_reference_is_used_and_none_sends_none() -> None:
    assert body(offset_orders.create_offset_order(**OFFSET, reference="ride-7"))["note"] == "[ref:ride-7]"
    assert "note" not in body(offset_orders.create_offset_order(**OFFSET, reference=None))


def test_a_dry_run_and_a_top_up_carry_none() -> None:
    assert "note" not in body(offset_orders.create_offset_order(**OFFSET, dry_run=True))
    assert body(wallet.top_up_credits(amount_in_usd_cents=10000)) == {"amountInUsdCents": 10000}


def test_a_keyed_order_carries_a_reference_only_when_asked() -> None:
    assert "metadata" not in body(orders.create_order_by_amount(amount_kg=1))
    asked = orders.create_order_by_amount(amount_kg=1, metadata="m", reference="r1")
    assert body(asked)["metadata"] == "[ref:r1] m"
    assert body(orders.create_order_by_amount(amount_kg=1, metadata=None, reference="r1"))["metadata"] == "[ref:r1]"


def test_text_and_reference_together_stay_within_the_limit() -> None:
    with pytest.raises(InvalidArgument) as caught:
        ready(orders.create_order_by_amount(amount_kg=1, metadata="m" * 512, reference="r1"))
    assert caught.value.argument == "metadata"


def test_a_reference_leaves_the_numbers_of_the_body_exact() -> None:
    tons = Decimal("0.1000000000000000000000000000000000000001")
    call = offset_orders.create_offset_order(tons=tons, payment_method="credits")
    assert body(call)["tons"] == tons


@pytest.mark.parametrize("bad", ["", " ", "a[b"])
def test_a_reference_that_is_none_is_refused_rather_than_replaced(bad: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ready(offset_orders.create_offset_order(**OFFSET, reference=bad))
    assert caught.value.argument == "reference"


@pytest.mark.parametrize("sent", [b"tons=1&paymentMethod=stripe", b"[]", b"7", b"\xff", {"note": 7}])
def test_a_body_that_cannot_carry_a_reference_is_refused_with_the_remedy(sent: object) -> None:
    marked = operation(reference=ReferenceField(attribute="note"))
    with pytest.raises(InvalidArgument, match="reference=None"):
        ready(Call(operation=marked, body=sent))
    assert ready(Call(operation=marked, body=sent, reference=None)).effect is Effect.ONCE


async def test_a_stream_or_no_body_cannot_carry_a_reference_either() -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"{}"

    marked = operation(reference=ReferenceField(attribute="note"))
    for call in (Call(operation=marked, body=stream()), Call(operation=marked)):
        with pytest.raises(InvalidArgument, match="reference=None"):
            ready(call)


def test_a_reference_for_an_operation_that_cannot_carry_one_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no field that could carry one"):
        ready(Call(operation=operation(), reference="r1"))


# --- what a key stands for ------------------------------------------------------------------------------------------


def test_the_fingerprint_tells_apart_everything_that_an_idempotency_key_is_bound_to() -> None:
    call = orders.create_order_by_amount(amount_kg=1, idempotency_key="k")

    def of(call: Call[Any], identity: Identity = ME) -> bytes:
        return fingerprint(ready(call, identity), identity)

    others = [
        of(orders.create_order_by_amount(amount_kg=2, idempotency_key="k")),
        of(orders.create_order_by_amount(amount_kg=1, idempotency_key="k", subaccount_id="s")),
        of(orders.create_order_by_price(total_price_usd_cents=1, idempotency_key="k")),
        of(orders.cancel_order("x", idempotency_key="k")),
        of(call, attrs.evolve(ME, base_url="https://other.example/v1")),
        of(call, attrs.evolve(ME, credentials=Credentials(Secret("another_fake_key")))),
    ]
    assert of(call) == of(orders.create_order_by_amount(amount_kg=1, idempotency_key="k"))
    assert of(call, attrs.evolve(ME, subaccount_id="s")) == others[1]
    assert len({of(call), *others}) == len(others) + 1


def test_a_prepared_call_says_whom_it_acts_for() -> None:
    """An error's call, sent again by another copy of the client, must not order for another account."""
    scoped = CNaughtClient("key", base_url="http://127.0.0.1/v1").for_subaccount("5nubL0NS")
    sent = prepare(orders.create_order_by_amount(amount_kg=1), scoped._identity, draw_key=lambda: "drawn")
    assert sent.call.subaccount_id == "5nubL0NS"
    parent = CNaughtClient("key", base_url="http://127.0.0.1/v1")
    again = prepare(sent.call, parent._identity, draw_key=lambda: "drawn again")
    assert again.request.headers == sent.request.headers
    unscoped = prepare(orders.create_order_by_amount(amount_kg=1), parent._identity, draw_key=lambda: "drawn")
    assert prepare(unscoped.call, scoped._identity, draw_key=lambda: "x").request.headers == unscoped.request.headers


@pytest.mark.parametrize(
    ("body", "effect"),
    [
        (b'{"tons": 1, "dryRun": true}', Effect.COMPUTE),
        (b'{"tons": 1, "dryRun": false, "dryRun": true}', Effect.ONCE),
        (b'{"tons": 1, "dryRun": true, "dry\\u0052un": true}', Effect.ONCE),
        (b'{"tons": 1, "inner": {"dryRun": true}}', Effect.ONCE),
    ],
)
def test_a_dry_run_is_one_for_every_reader_of_the_bytes(body: bytes, effect: Effect) -> None:
    call = Call(operation=offset_orders.CREATE_OFFSET_ORDER, body=body, reference=None)
    identity = CNaughtClient("key", base_url="http://127.0.0.1/v1")._identity
    assert prepare(call, identity, draw_key=lambda: "drawn").effect is effect


@pytest.mark.parametrize(
    "call",
    [
        Call(operation=Operation(id="x", method="POST", path="/a\nb", answer=NoneType)),
        Call(operation=Operation(id="x", method="POST", path="/a b", answer=NoneType)),
        Call(operation=Operation(id="x", method="POST", path="/\u00fc", answer=NoneType)),
        Call(operation=Operation(id="x", method="GET", path="/{id}", answer=NoneType), path={"id": "a" * 70_000}),
        Call(operation=Operation(id="x", method="GET", path="/x", answer=NoneType), query={"q": "\ud800"}),
        Call(operation=Operation(id="x", method="GET", path="/x", answer=NoneType), query={"q": "a" * 70_000}),
    ],
    ids=["line break", "space", "umlaut", "long id", "surrogate", "long query"],
)
def test_an_address_that_cannot_be_sent_is_refused_before_anything_is(call: Call[None]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        prepare(call, ME, draw_key=lambda: "k")
    assert len(str(caught.value)) < 200
