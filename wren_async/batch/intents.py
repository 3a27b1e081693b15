"""Order intents: what a batch is to buy, one frozen value for each kind of order.

An intent is checked when it is made, by the same builders that make its call, so that a bad one never reaches a
journal. Its canonical JSON is the same however its numbers were written, and so is its digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, TypeAlias, TypeVar, get_args

import attrs

from wren_async._generated.wren.models import PaymentMethod
from wren_async.cnaught import Orders, Quotes
from wren_async.core.operation import Call
from wren_async.core.reference import token
from wren_async.core.values import UNSET, Unset
from wren_async.errors import InvalidArgument
from wren_async.wren import OffsetOrders, ProjectOrders, TreeOrders

Api: TypeAlias = Literal["wren", "cnaught"]
Payment: TypeAlias = PaymentMethod | Literal["stripe", "credits"]

V = TypeVar("V")

_LONGEST_REFERENCE: Final = "r" * 48
_MOST_DIGITS: Final = 30


def _exact(value: Decimal | int) -> Decimal:
    # Anything else is left for the builder, whose refusal names the argument and the remedy.
    return Decimal(value) if type(value) is int else value  # type: ignore[return-value]


def _set(value: V | None) -> V | Unset:
    return UNSET if value is None else value


@attrs.frozen(kw_only=True)
class WrenOffset:
    """Carbon offsets by weight, from Wren."""

    kind: ClassVar[str] = "wren.offset"
    api: ClassVar[Api] = "wren"

    tons: Decimal = attrs.field(converter=_exact)
    """Tonnes of CO2e."""
    payment_method: Payment
    """`stripe` charges the card, `credits` the wallet."""
    portfolio_id: int | None = None
    """Wren's default portfolio if left out."""
    note: str | None = None
    on_behalf_of_name: str | None = None
    on_behalf_of_email: str | None = None

    def __attrs_post_init__(self) -> None:
        _check(self)

    def call(self, reference: str, key: str) -> Call[Any]:
        """The order. Wren has no idempotency keys, so `key` is not sent."""
        return OffsetOrders.create(
            tons=self.tons,
            payment_method=self.payment_method,
            portfolio_id=_set(self.portfolio_id),
            note=_set(self.note),
            on_behalf_of_name=_set(self.on_behalf_of_name),
            on_behalf_of_email=_set(self.on_behalf_of_email),
            reference=reference,
        )

    def price_call(self) -> Call[Any]:
        """A dry run: what the order would cost. It buys nothing."""
        return OffsetOrders.create(
            tons=self.tons,
            payment_method=self.payment_method,
            portfolio_id=_set(self.portfolio_id),
            dry_run=True,
        )


@attrs.frozen(kw_only=True)
class WrenProject:
    """An amount of money for one project, through Wren."""

    kind: ClassVar[str] = "wren.project"
    api: ClassVar[Api] = "wren"

    project_id: int
    amount_in_usd_cents: int
    """US cents, 100 or more."""
    payment_method: Payment
    """`stripe` charges the card, `credits` the wallet."""
    note: str | None = None
    on_behalf_of_name: str | None = None
    on_behalf_of_email: str | None = None

    def __attrs_post_init__(self) -> None:
        _check(self)

    def call(self, reference: str, key: str) -> Call[Any]:
        """The order. Wren has no idempotency keys, so `key` is not sent."""
        return ProjectOrders.create(
            project_id=self.project_id,
            amount_in_usd_cents=self.amount_in_usd_cents,
            payment_method=self.payment_method,
            note=_set(self.note),
            on_behalf_of_name=_set(self.on_behalf_of_name),
            on_behalf_of_email=_set(self.on_behalf_of_email),
            reference=reference,
        )

    def price_call(self) -> Call[Any]:
        """A dry run: what the order would cost. It buys nothing."""
        return ProjectOrders.create(
            project_id=self.project_id,
            amount_in_usd_cents=self.amount_in_usd_cents,
            payment_method=self.payment_method,
            dry_run=True,
        )


@attrs.frozen(kw_only=True)
class WrenTrees:
    """Trees to be planted, through Wren."""

    kind: ClassVar[str] = "wren.trees"
    api: ClassVar[Api] = "wren"

    amount_of_trees: int
    payment_method: Payment
    """`stripe` charges the card, `credits` the wallet."""
    note: str | None = None
    on_behalf_of_name: str | None = None
    on_behalf_of_email: str | None = None

    def __attrs_post_init__(self) -> None:
        _check(self)

    def call(self, reference: str, key: str) -> Call[Any]:
        """The order. Wren has no idempotency keys, so `key` is not sent."""
        return TreeOrders.create(
            amount_of_trees=self.amount_of_trees,
            payment_method=self.payment_method,
            note=_set(self.note),
            on_behalf_of_name=_set(self.on_behalf_of_name),
            on_behalf_of_email=_set(self.on_behalf_of_email),
            reference=reference,
        )

    def price_call(self) -> Call[Any]:
        """A dry run: what the order would cost. It buys nothing."""
        return TreeOrders.create(amount_of_trees=self.amount_of_trees, payment_method=self.payment_method, dry_run=True)


@attrs.frozen(kw_only=True)
class CNaughtMass:
    """Carbon credits by mass, from CNaught."""

    kind: ClassVar[str] = "cnaught.mass"
    api: ClassVar[Api] = "cnaught"

    amount_kg: Decimal = attrs.field(converter=_exact)
    """Kilograms of CO2e. Whole ones are what CNaught documents."""
    description: str | None = None
    """Public: it stands on the certificate."""
    metadata: str | None = None
    """Private text, which shares its 512 characters with the reference."""
    portfolio_id: str | None = None
    subaccount_id: str | None = None
    """The client's subaccount, or its account, if left out."""

    def __attrs_post_init__(self) -> None:
        _check(self)

    def call(self, reference: str, key: str) -> Call[Any]:
        """The order with its reference and its idempotency key."""
        return Orders.create(
            amount_kg=self.amount_kg,
            description=_set(self.description),
            metadata=_set(self.metadata),
            portfolio_id=_set(self.portfolio_id),
            subaccount_id=_set(self.subaccount_id),
            reference=reference,
            idempotency_key=key,
        )

    def price_call(self) -> Call[Any]:
        """A quote. It buys nothing."""
        return Quotes.create(
            amount_kg=self.amount_kg,
            portfolio_id=_set(self.portfolio_id),
            subaccount_id=_set(self.subaccount_id),
        )


@attrs.frozen(kw_only=True)
class CNaughtPrice:
    """Carbon credits for an amount of money, from CNaught."""

    kind: ClassVar[str] = "cnaught.price"
    api: ClassVar[Api] = "cnaught"

    total_price_usd_cents: int
    """US cents; CNaught charges this or a little less."""
    description: str | None = None
    """Public: it stands on the certificate."""
    metadata: str | None = None
    """Private text, which shares its 512 characters with the reference."""
    portfolio_id: str | None = None
    subaccount_id: str | None = None
    """The client's subaccount, or its account, if left out."""

    def __attrs_post_init__(self) -> None:
        _check(self)

    def call(self, reference: str, key: str) -> Call[Any]:
        """The order with its reference and its idempotency key."""
        return Orders.create_by_price(
            total_price_usd_cents=self.total_price_usd_cents,
            description=_set(self.description),
            metadata=_set(self.metadata),
            portfolio_id=_set(self.portfolio_id),
            subaccount_id=_set(self.subaccount_id),
            reference=reference,
            idempotency_key=key,
        )

    def price_call(self) -> None:
        """Nothing to ask: the price is given, and CNaught quotes no mass for a price."""
        return


Intent: TypeAlias = WrenOffset | WrenProject | WrenTrees | CNaughtMass | CNaughtPrice
"""An order to place."""

KINDS: Final[Mapping[str, type[Intent]]] = {kind.kind: kind for kind in get_args(Intent)}
"""The kinds of intents by their names."""

Form: TypeAlias = Literal["decimal", "integer", "text"]


def forms(kind: type[Intent]) -> dict[str, Form]:
    """The attributes of a kind of intent and what each holds, in their order."""
    return dict(_FORMS[kind.kind])


def required(kind: type[Intent]) -> tuple[str, ...]:
    """The attributes that an intent of this kind must have."""
    return tuple(field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING)


def canonical(intent: Intent) -> str:
    """The intent as JSON with one spelling: sorted names, numbers with a fraction as plain decimal text."""
    given = {name: _plain(getattr(intent, name)) for name in _FORMS[intent.kind] if getattr(intent, name) is not None}
    return json.dumps({"kind": intent.kind, **given}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(canonical_intent: str) -> str:
    """SHA-256 of an intent's canonical JSON."""
    return hashlib.sha256(canonical_intent.encode()).hexdigest()


def parse(canonical_intent: str) -> Intent:
    """The intent of a canonical JSON text. Raises `InvalidArgument` for any other text."""
    try:
        values = json.loads(canonical_intent)
        kind = KINDS[values.pop("kind")]
        return kind(**{name: _read(value, _FORMS[kind.kind][name]) for name, value in values.items()})
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise InvalidArgument("intent", f"{canonical_intent[:100]!r} is no order intent: {error}") from None


def restore(canonical_intent: str) -> Intent:
    """The intent that `canonical` wrote: quicker than `parse`, because what was checked once is not checked again."""
    try:
        values = json.loads(canonical_intent)
        kind = KINDS[values.pop("kind")]
        intent = kind.__new__(kind)
        for name, form in _FORMS[kind.kind].items():
            object.__setattr__(intent, name, _read(values[name], form) if name in values else None)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise InvalidArgument("intent", f"{canonical_intent[:100]!r} is no order intent: {error}") from None
    return intent


def api_of(canonical_intent: str) -> Api:
    """The API that an intent's canonical JSON is for."""
    return KINDS[json.loads(canonical_intent)["kind"]].api


def price_question(intent: Intent) -> str:
    """What its price depends on: intents with the same text here cost the same."""
    names = _FORMS[intent.kind].keys() - _PRICELESS
    given = {name: _plain(getattr(intent, name)) for name in names if getattr(intent, name) is not None}
    return json.dumps({"kind": intent.kind, **given}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


_PRICELESS: Final = frozenset({"note", "description", "metadata", "on_behalf_of_name", "on_behalf_of_email"})


def _form(field_type: object) -> Form:
    held = {field_type, *get_args(field_type)}
    return "decimal" if Decimal in held else "integer" if int in held else "text"


_FORMS: Final[Mapping[str, Mapping[str, Form]]] = {
    name: {field.name: _form(field.type) for field in attrs.fields(attrs.resolve_types(kind))}
    for name, kind in KINDS.items()
}


def _plain(value: object) -> object:
    if not isinstance(value, Decimal):
        return value
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _read(value: Any, form: Form) -> Any:
    return Decimal(value) if form == "decimal" else value


def _check(intent: Intent) -> None:
    for name in _FORMS[intent.kind]:
        value = getattr(intent, name)
        if isinstance(value, Decimal) and value.is_finite() and not _is_modest(value):
            raise InvalidArgument(name, f"must have {_MOST_DIGITS} digits or fewer, not {value}")
    call = intent.call(_LONGEST_REFERENCE, _LONGEST_REFERENCE)
    field = call.operation.reference
    if field is not None and field.max_length is not None:
        room = field.max_length - len(token(_LONGEST_REFERENCE)) - 1
        if len(getattr(call.body, field.attribute) or "") > room:
            problem = f"must have {room} characters or fewer, because the reference goes there too"
            raise InvalidArgument(field.attribute, problem)
    if call.subaccount_id == "":
        raise InvalidArgument("subaccount_id", "is empty; leave it out, or give the id as the API answered it")


def _is_modest(value: Decimal) -> bool:
    return value.adjusted() < _MOST_DIGITS and int(value.as_tuple().exponent) > -_MOST_DIGITS
