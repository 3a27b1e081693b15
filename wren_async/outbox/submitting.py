"""Writing an order within the caller's own transaction, by whichever driver the caller uses.

All of them call one function of the database, so that there is one place that decides what is new.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from wren_async.batch.input.ceilings import above
from wren_async.batch.input.pricing import Price
from wren_async.batch.intents import (
    CNaughtMass,
    CNaughtPrice,
    Intent,
    WrenOffset,
    WrenProject,
    WrenTrees,
    canonical,
    digest,
)
from wren_async.core.ceilings import Ceilings
from wren_async.core.reference import attach
from wren_async.errors import InvalidArgument, ReferenceReused
from wren_async.outbox.drivers import call_over, call_within
from wren_async.outbox.names import MAIN, check_name, sent_reference
from wren_async.outbox.store import Known, NewOrder, Submitted

_FUNCTION: Final = "SELECT is_new, known_digest, known_intent FROM wren_async.outbox_submit"


def new_order(intent: Intent, reference: str, name: str = MAIN, submitted: datetime | None = None) -> NewOrder:
    """An order as it is submitted to an outbox. Raises `InvalidArgument` for one that could not be sent so."""
    sent = sent_reference(check_name(name), reference)
    if not isinstance(intent, CNaughtMass | CNaughtPrice | WrenOffset | WrenProject | WrenTrees):
        raise InvalidArgument("intent", f"takes an order such as CNaughtMass(amount_kg=12), not {intent!r}")
    key = str(uuid.uuid4())
    call = intent.call(sent, key)
    if (field := call.operation.reference) is not None:
        text = getattr(call.body, field.attribute) or None
        attach(text, sent, attribute=field.attribute, max_length=field.max_length)
    wanted = canonical(intent)
    _check_storable("intent", wanted)
    _check_storable("reference", reference)
    return NewOrder(
        outbox=name,
        reference=reference,
        intent=wanted,
        digest=digest(wanted),
        key=key,
        api=intent.api,
        submitted=submitted or datetime.now(UTC),
    )


def above_ceilings(ceilings: Ceilings, intent: Intent) -> str | None:
    """Why an order is above its client's ceilings by what it names itself, before its price is known."""
    return above(ceilings, intent, _named_price(intent))


def _named_price(intent: Intent) -> Price:
    """What an order itself says of its cost and its mass."""
    match intent:
        case CNaughtMass():
            return Price(cents=0, grams=int(intent.amount_kg * 1000))
        case WrenOffset():
            return Price(cents=0, grams=int(intent.tons * 1_000_000))
        case CNaughtPrice():
            return Price(cents=intent.total_price_usd_cents, grams=0)
        case WrenProject():
            return Price(cents=intent.amount_in_usd_cents, grams=0)
        case _:
            return Price(cents=0, grams=0)


def _check_storable(name: str, text: str) -> None:
    """Refuse what no database keeps: NULs, and halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(name, "has half of a character (a lone surrogate), which cannot be stored") from None
    if "\0" in text or "\\u0000" in text:
        raise InvalidArgument(name, "has a NUL character, which cannot be stored")


def submitted(order: NewOrder, known: Known) -> Submitted:
    """What a submission came to. Raises `ReferenceReused` where another order has the reference."""
    if known.digest != order.digest:
        there = known.intent or "one whose details were pruned"
        raise ReferenceReused(order.reference, f"{there} there and {order.intent} here")
    return Submitted(reference=order.reference, is_new=known.is_new)


def submit_within(connection: Any, intent: Intent, *, reference: str, name: str = MAIN) -> Submitted:
    """Write an order within the open transaction of a synchronous connection. It blocks, and needs no `Outbox`.

    The order is there once your transaction commits, and was never ordered where it rolls back. The tables must be
    there: `Outbox(...)` makes them when it is first opened.

    Args:
        connection: `psycopg.Connection`, SQLAlchemy's `Session` or `Connection`, or anything with a `cursor()` that
            takes `%s`, such as Django's `django.db.connection`.
        intent: What to buy.
        reference: Your own mark on it, as with `Outbox.submit`.
        name: The name of the outbox.

    Raises `ReferenceReused` where another order has the reference; `InvalidArgument`, also for a connection that would
    commit each statement by itself; `InvalidConfiguration` where the tables are missing; and the driver's own errors.
    """
    order = new_order(intent, reference, name)
    return submitted(order, _known(call_within(connection, _FUNCTION, _values(order))))


async def submit_over(connection: Any, order: NewOrder) -> Known:
    """Write an order over an asynchronous connection of psycopg, SQLAlchemy or asyncpg, in its open transaction."""
    return _known(await call_over(connection, _FUNCTION, _values(order)))


def _values(order: NewOrder) -> dict[str, str]:
    return {
        "reference": order.reference,
        "intent": order.intent,
        "digest": order.digest,
        "key": order.key,
        "api": order.api,
        "outbox": order.outbox,
    }


def _known(row: Sequence[Any]) -> Known:
    return Known(is_new=bool(row[0]), digest=str(row[1]), intent=None if row[2] is None else str(row[2]))
