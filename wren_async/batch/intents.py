"""Order intents: what a batch is to buy, one frozen class for each type of order.

An intent is checked when it is made, by the same builders that make its call, so that a bad one never reaches a
journal. Its canonical JSON is the same however its numbers were written, and so is its digest.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar, Final, Literal, TypeAlias, get_args

import attrs

from wren_async._generated.wren.models import PaymentMethod
from wren_async.batch.units import plain
from wren_async.cnaught import Orders, Quotes
from wren_async.core.operation import Call
from wren_async.core.reference import check_text, token
from wren_async.errors import InvalidArgument
from wren_async.wren import OffsetOrders, ProjectOrders, TreeOrders

Api: TypeAlias = Literal["wren", "cnaught"]
Payment: TypeAlias = PaymentMethod | Literal["stripe", "credits"]

_LONGEST_REFERENCE: Final = "r" * 48
_LONGEST_ID: Final = 200
"""Characters of an order's own number: a report shows it whole."""
_MOST_PLACES: Final = 30
_MOST: Final[Mapping[str, int]] = {
    "tons": 10**6,
    "amount_kg": 10**9,
    "amount_in_usd_cents": 10**11,
    "total_price_usd_cents": 10**11,
    "amount_of_trees": 10**9,
}
"""What one order may be at most: no account means more, and the sums of a million orders still fit a journal."""
_MOST_OTHERWISE: Final = 10**15
"""The largest number of anything else, such as an id."""


def _exact(value: Decimal | int) -> Decimal:
    # Anything else is left for the builder, whose refusal names the argument and the remedy.
    return Decimal(value) if type(value) is int else value  # type: ignore[return-value]


class _Order:
    """What all intents have: the builder of their call, by which they are checked when they are made."""

    __slots__ = ()

    kind: ClassVar[str]
    """The type of order, as files and journals name it."""
    api: ClassVar[Api]
    _place: ClassVar[Callable[..., Call[Any]]]

    def __attrs_post_init__(self) -> None:
        _check(self)

    def call(self, reference: str, key: str) -> Call[Any]:
        """The order with its reference and, where the API has them, its idempotency key."""
        keyed = {"idempotency_key": key} if self.api == "cnaught" else {}
        return self._place(**_given(self, but=_NOT_SENT), **keyed, reference=reference)


class _PricedOrder(_Order):
    """An order whose price the API tells."""

    __slots__ = ()

    _ask: ClassVar[Callable[..., Call[Any]]]

    def price_call(self) -> Call[Any]:
        """What asks what the order would cost: a dry run or a quote. It buys nothing."""
        return self._ask(**_given(self, but=_NOT_PRICED))


@attrs.frozen(kw_only=True)
class WrenOffset(_PricedOrder):
    """Carbon offsets by weight, from Wren."""

    kind: ClassVar[str] = "wren.offset"
    api: ClassVar[Api] = "wren"
    _place: ClassVar[Callable[..., Call[Any]]] = staticmethod(OffsetOrders.create)
    _ask: ClassVar[Callable[..., Call[Any]]] = staticmethod(partial(OffsetOrders.create, dry_run=True))

    tons: Decimal = attrs.field(converter=_exact)
    """Tonnes of CO2e."""
    payment_method: Payment
    """`stripe` charges the card, `credits` the wallet."""
    portfolio_id: int | None = None
    """Wren's default portfolio if left out."""
    note: str | None = None
    on_behalf_of_name: str | None = None
    on_behalf_of_email: str | None = None
    external_id: str | None = None
    """Your own number of the order, such as an invoice's. It is not sent; it comes back in the report."""


@attrs.frozen(kw_only=True)
class WrenProject(_PricedOrder):
    """An amount of money for one project, through Wren."""

    kind: ClassVar[str] = "wren.project"
    api: ClassVar[Api] = "wren"
    _place: ClassVar[Callable[..., Call[Any]]] = staticmethod(ProjectOrders.create)
    _ask: ClassVar[Callable[..., Call[Any]]] = staticmethod(partial(ProjectOrders.create, dry_run=True))

    project_id: int
    amount_in_usd_cents: int
    """US cents, 100 or more."""
    payment_method: Payment
    """`stripe` charges the card, `credits` the wallet."""
    note: str | None = None
    on_behalf_of_name: str | None = None
    on_behalf_of_email: str | None = None
    external_id: str | None = None
    """Your own number of the order, such as an invoice's. It is not sent; it comes back in the report."""


@attrs.frozen(kw_only=True)
class WrenTrees(_PricedOrder):
    """Trees to be planted, through Wren."""

    kind: ClassVar[str] = "wren.trees"
    api: ClassVar[Api] = "wren"
    _place: ClassVar[Callable[..., Call[Any]]] = staticmethod(TreeOrders.create)
    _ask: ClassVar[Callable[..., Call[Any]]] = staticmethod(partial(TreeOrders.create, dry_run=True))

    amount_of_trees: int
    payment_method: Payment
    """`stripe` charges the card, `credits` the wallet."""
    note: str | None = None
    on_behalf_of_name: str | None = None
    on_behalf_of_email: str | None = None
    external_id: str | None = None
    """Your own number of the order, such as an invoice's. It is not sent; it comes back in the report."""


@attrs.frozen(kw_only=True)
class CNaughtMass(_PricedOrder):
    """Carbon credits by mass, from CNaught."""

    kind: ClassVar[str] = "cnaught.mass"
    api: ClassVar[Api] = "cnaught"
    _place: ClassVar[Callable[..., Call[Any]]] = staticmethod(Orders.create)
    _ask: ClassVar[Callable[..., Call[Any]]] = staticmethod(Quotes.create)

    amount_kg: Decimal = attrs.field(converter=_exact)
    """Kilograms of CO2e. Whole ones are what CNaught documents."""
    description: str | None = None
    """Public: it stands on the certificate."""
    metadata: str | None = None
    """Private text, which shares its 512 characters with the reference."""
    portfolio_id: str | None = None
    subaccount_id: str | None = None
    """The client's subaccount, or its account, if left out."""
    external_id: str | None = None
    """Your own number of the order, such as an invoice's. It is not sent; it comes back in the report."""


@attrs.frozen(kw_only=True)
class CNaughtPrice(_Order):
    """Carbon credits for an amount of money, from CNaught, which quotes no mass for a price."""

    kind: ClassVar[str] = "cnaught.price"
    api: ClassVar[Api] = "cnaught"
    _place: ClassVar[Callable[..., Call[Any]]] = staticmethod(Orders.create_by_price)

    total_price_usd_cents: int
    """US cents; CNaught charges this or a little less."""
    description: str | None = None
    """Public: it stands on the certificate."""
    metadata: str | None = None
    """Private text, which shares its 512 characters with the reference."""
    portfolio_id: str | None = None
    subaccount_id: str | None = None
    """The client's subaccount, or its account, if left out."""
    external_id: str | None = None
    """Your own number of the order, such as an invoice's. It is not sent; it comes back in the report."""


Intent: TypeAlias = WrenOffset | WrenProject | WrenTrees | CNaughtMass | CNaughtPrice
"""An order to place."""

ORDER_TYPES: Final[Mapping[str, type[Intent]]] = {each.kind: each for each in get_args(Intent)}
"""The types of orders by their names, as the column `kind` of a file has them."""

Form: TypeAlias = Literal["decimal", "integer", "text"]


def forms(order_type: type[Intent]) -> dict[str, Form]:
    """The attributes of a type of order and what each holds, in their order."""
    return dict(_FORMS[order_type.kind])


def required(order_type: type[Intent]) -> tuple[str, ...]:
    """The attributes that an order of this type must have."""
    return tuple(field.name for field in attrs.fields(order_type) if field.default is attrs.NOTHING)


def canonical(intent: Intent) -> str:
    """The intent as JSON with one spelling: sorted names, numbers with a fraction as plain decimal text."""
    return _json(intent)


def digest(canonical_intent: str) -> str:
    """SHA-256 of an intent's canonical JSON."""
    return hashlib.sha256(canonical_intent.encode()).hexdigest()


def restore(canonical_intent: str) -> Intent:
    """The intent that `canonical` wrote. It was checked when it was made, and is not checked again.

    Raises `InvalidArgument` for a text that is no intent.
    """
    try:
        values = json.loads(canonical_intent)
        order_type = ORDER_TYPES[values.pop("kind")]
        intent = order_type.__new__(order_type)
        for name, form in _FORMS[order_type.kind].items():
            object.__setattr__(intent, name, _read(values[name], form) if name in values else None)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise InvalidArgument("intent", f"{canonical_intent[:100]!r} is no order intent: {error}") from None
    return intent


def api_of(canonical_intent: str) -> Api:
    """The API that an intent's canonical JSON is for."""
    return ORDER_TYPES[json.loads(canonical_intent)["kind"]].api


def price_question(intent: Intent) -> str:
    """What its price depends on: intents with the same text here cost the same."""
    return _json(intent, but=_NOT_PRICED)


_NOT_SENT: Final = frozenset({"external_id"})
"""Attributes that neither API has a field for."""
_NOT_PRICED: Final = (
    frozenset({"note", "description", "metadata", "on_behalf_of_name", "on_behalf_of_email"}) | _NOT_SENT
)
"""Attributes that change nothing about the price."""


def _form(field_type: object) -> Form:
    held = {field_type, *get_args(field_type)}
    return "decimal" if Decimal in held else "integer" if int in held else "text"


_FORMS: Final[Mapping[str, Mapping[str, Form]]] = {
    name: {field.name: _form(field.type) for field in attrs.fields(attrs.resolve_types(order_type))}
    for name, order_type in ORDER_TYPES.items()
}


def _given(intent: _Order, *, but: Collection[str] = ()) -> dict[str, Any]:
    """The attributes that an intent has, without some."""
    given = ((name, getattr(intent, name)) for name in _FORMS[intent.kind] if name not in but)
    return {name: value for name, value in given if value is not None}


def _json(intent: Intent, *, but: Collection[str] = ()) -> str:
    given = {
        name: plain(value) if isinstance(value, Decimal) else value for name, value in _given(intent, but=but).items()
    }
    return json.dumps({"kind": intent.kind, **given}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _read(value: Any, form: Form) -> Any:
    return Decimal(value) if form == "decimal" else value


def _check(intent: _Order) -> None:
    for name, value in _given(intent).items():
        if isinstance(value, Decimal | int):
            _check_size(name, value)
    _check_external_id(intent)
    call = intent.call(_LONGEST_REFERENCE, _LONGEST_REFERENCE)
    field = call.operation.reference
    if field is not None:
        text = getattr(call.body, field.attribute) or ""
        check_text(text, attribute=field.attribute)
        room = (field.max_length or sys.maxsize) - len(token(_LONGEST_REFERENCE)) - 1
        if len(text) > room:
            problem = f"must have {room} characters or fewer, because the reference goes there too"
            raise InvalidArgument(field.attribute, problem)
    if call.subaccount_id == "":
        raise InvalidArgument("subaccount_id", "is empty; leave it out, or give the id as the API answered it")


def _check_external_id(intent: _Order) -> None:
    """Refuse a number of the order that a report could not show as it is. No builder checks it, as it is not sent."""
    given: object = getattr(intent, "external_id", None)
    if given is None:
        return
    if not isinstance(given, str):
        raise InvalidArgument("external_id", f"takes text, such as 'R-1001', not {type(given).__name__}")
    if not given.strip() or len(given) > _LONGEST_ID or not given.isprintable():
        raise InvalidArgument("external_id", f"takes 1 to {_LONGEST_ID} printable characters on one line")


def _check_size(name: str, value: Decimal | int) -> None:
    """Refuse a number that no order has, before anything is done with its digits."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            return  # the builder's refusal names the argument and the remedy
        if int(value.as_tuple().exponent) <= -_MOST_PLACES:
            raise InvalidArgument(name, f"must have fewer than {_MOST_PLACES} digits after the point")
    most = _MOST.get(name, _MOST_OTHERWISE)
    if not -most <= value <= most:
        raise InvalidArgument(name, f"must be {most:,} or less; no single order is for more")
