"""What an answer, an error or a verdict means for an order of a batch: pure functions."""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import attrs

from wren_async._generated.cnaught.models import Order
from wren_async._generated.wren.models import OffsetOrderReceipt, ProjectOrderReceipt, TreeOrderReceipt
from wren_async.batch.events import Ending
from wren_async.batch.intents import (
    Intent,
    api_of,
    digest,
    restore,
)
from wren_async.batch.journal.contract import Entry, JournalError, Result, Row, State
from wren_async.core.reply import Reply
from wren_async.errors import (
    AccessRefused,
    CallError,
    InvalidArgument,
    NotSent,
    OutcomeUnknown,
    PaymentRequired,
    RateLimited,
)
from wren_async.reconcile import KEY_TRUST, FoundOrder, How, Placed, Unsettled, Verdict
from wren_async.reconcile import NotPlaced as NotPlacedVerdict

ACCEPTED: Final = "placed, but its details could not be read: "
"""Begins the reason of an order to which the server answered a success that nobody could read."""


class Meaning(enum.Enum):
    """What an error means for the order that was sent."""

    UNDECIDED = enum.auto()
    """It may have been placed."""
    UNSENT = enum.auto()
    """Proof that nothing was sent."""
    LIMITED = enum.auto()
    """The server wants a pause first."""
    STOPPED = enum.auto()
    """Every other order would get the same error: the run stops, and this order is pending again."""
    REFUSED = enum.auto()


def meaning(error: CallError) -> Meaning:
    """What an error means, where no earlier sending of the order is in doubt."""
    match error:
        case OutcomeUnknown():
            return Meaning.UNDECIDED
        case NotSent():
            return Meaning.UNSENT
        case RateLimited():
            return Meaning.LIMITED
        case AccessRefused() | PaymentRequired():
            return Meaning.STOPPED
        case _:
            return Meaning.REFUSED


def ending(error: CallError) -> Ending:
    """Why the run stops after an error that every other order would get too."""
    return Ending.PAYMENT_REQUIRED if isinstance(error, PaymentRequired) else Ending.ACCESS_REFUSED


def placed(reply: Reply[Any], attempts: int, at: datetime) -> Result:
    """What a good answer, which came at this time, tells of its order."""
    return attrs.evolve(_details(reply.value), attempts=attempts, replayed=reply.replayed, last_sent=at)


def refused(error: CallError, attempts: int) -> Result:
    """What a refusal tells."""
    return Result(state=State.REFUSED, attempts=attempts, reason=error.reason)


def undecided(
    error: OutcomeUnknown, attempts: int, last_sent: datetime, reason: str = "", *, accepted: bool = False
) -> Result:
    """What is known of an order whose answer was lost, and of which nothing was sent after `last_sent`.

    It was `accepted` where any answer to it was a success, even if a later answer tells nothing.
    """
    told = ACCEPTED + error.reason if accepted or error.accepted else error.reason
    return Result(
        state=State.UNDECIDED,
        attempts=attempts,
        reason=f"{told}; {reason}" if reason else told,
        last_sent=last_sent,
    )


def pending(was: Result, attempts: int, reason: str) -> Result:
    """An order that is pending again. The times of earlier sendings stay: nothing is proven of those."""
    return Result(
        state=State.PENDING, attempts=attempts, reason=reason, first_sent=was.first_sent, last_sent=was.last_sent
    )


def in_doubt(entry: Entry, earliest: datetime, now: datetime, reason: str) -> Result:
    """An order that something other than this run may have sent, between `earliest` and now.

    Its key then counts as used since `earliest`, so that it is not trusted for too long.
    """
    return attrs.evolve(
        entry.result,
        state=State.UNDECIDED,
        reason=f"it may have been sent: {reason}",
        first_sent=earliest,
        last_sent=now,
    )


def looked_for_later(result: Result, now: datetime, reason: str) -> Result:
    """What is left open of an order that something else may be sending just now: its settle time begins anew."""
    if result.state not in (State.PENDING, State.UNDECIDED):
        return result
    told = result.reason if (result.reason or "").startswith(ACCEPTED) else reason
    return attrs.evolve(result, state=State.UNDECIDED, reconciled=False, reason=told, last_sent=now)


def placed_by_hand(was: Result, order_id: str, cents: int | None) -> Result:
    """An undecided order that was placed, as a person has found out. Raises `InvalidArgument`."""
    if not isinstance(order_id, str) or not order_id.isprintable() or order_id.split() != [order_id]:
        raise InvalidArgument("order_id", f"takes the order's id as its API shows it, not {order_id!r}")
    if cents is not None and (isinstance(cents, bool) or not isinstance(cents, int) or cents < 0):
        raise InvalidArgument("cents", f"takes US cents, an int of 0 or more, or None; not {cents!r}")
    return Result(
        state=State.PLACED,
        order_id=order_id,
        cents=cents,
        attempts=was.attempts,
        reconciled=True,
        reason="settled by a person",
    )


def given_up(was: Result) -> Result:
    """An undecided order that was not placed, as a person has found out, and is given up."""
    return Result(state=State.REFUSED, attempts=was.attempts, reconciled=True, reason="not placed, says a person")


def intent_of(row: Row) -> Intent:
    """The intent of an order, as it was planned. Raises `JournalError` where it is not: another would be bought."""
    if digest(row.intent) != row.digest:
        raise JournalError(
            f"order {row.position}: its intent is not the one that was planned, so the journal is damaged: nothing of "
            "it is sent"
        )
    return restore(row.intent)


def unsettled(entry: Entry, *, continues: bool) -> Unsettled[Any]:
    """An undecided order, in the form that reconciling asks for.

    A journal that continues a lost one does not know when its orders were sent, nor with which keys.
    """
    row, result = entry.row, entry.result
    elsewhere = continues and not result.attempts
    return Unsettled(
        call=intent_of(row).call(row.reference, row.key),
        reference=row.reference,
        key=row.key,
        first_sent=None if elsewhere else result.first_sent,
        last_sent=result.last_sent,
        accepted=(result.reason or "").startswith(ACCEPTED),
        cents=row.cents,
    )


def from_verdict(entry: Entry, verdict: Verdict[Any], now: datetime, *, repeated: bool) -> Result:
    """What a verdict that came now makes of an undecided order, which may have been `repeated` to reach it."""
    was = entry.result
    if isinstance(verdict, Placed):
        return attrs.evolve(
            _details(verdict.order),
            attempts=was.attempts,
            replayed=verdict.how is How.REPLAYED,
            reconciled=True,
            reason=verdict.evidence.reason,
            first_sent=was.first_sent,
            last_sent=was.last_sent,
        )
    if isinstance(verdict, NotPlacedVerdict):
        return attrs.evolve(was, state=State.PENDING, reconciled=True, reason=verdict.evidence.reason)
    reason = str(verdict.evidence)
    if verdict.evidence.accepted or (was.reason or "").startswith(ACCEPTED):
        reason = ACCEPTED + reason
    last_sent = now if repeated and _may_have_been_repeated(entry, now) else was.last_sent
    return attrs.evolve(was, state=State.UNDECIDED, reason=reason, last_sent=last_sent)


def _may_have_been_repeated(entry: Entry, now: datetime) -> bool:
    """Whether reconciling may have sent an order again: only one whose key is young enough to be trusted."""
    first_sent = entry.result.first_sent
    if first_sent is None or api_of(entry.row.intent) != "cnaught":
        return False
    return (now - first_sent).total_seconds() <= KEY_TRUST


def _details(value: Any) -> Result:
    match value:
        case Order():
            certificate = value.certificate_public_url or value.certificate_download_public_url
            return _placed(value.id, value.price_usd_cents, value.amount_kg, certificate=certificate)
        case OffsetOrderReceipt():
            return _placed_by_wren(value, value.tons)
        case ProjectOrderReceipt():
            return _placed_by_wren(value, value.impact.tons if value.impact else None)
        case TreeOrderReceipt():
            return _placed_by_wren(value, None)
        case FoundOrder():
            return _placed(value.id, value.cents, None if value.tons is None else value.tons * 1000)
        case _:
            raise TypeError(f"{type(value).__name__} is no order")


def _placed_by_wren(
    receipt: OffsetOrderReceipt | ProjectOrderReceipt | TreeOrderReceipt, tons: Decimal | None
) -> Result:
    kilograms = None if tons is None else tons * 1000
    if receipt.currency == "USD":
        return _placed(receipt.id, receipt.amount_charged, kilograms)
    told = f"charged {receipt.amount_charged} in the smallest unit of {receipt.currency}"
    return attrs.evolve(_placed(receipt.id, None, kilograms), reason=told)


def _placed(
    order_id: str | None, cents: int | None, kilograms: Decimal | None, *, certificate: str | None = None
) -> Result:
    return Result(state=State.PLACED, order_id=order_id, cents=cents, kilograms=kilograms, certificate=certificate)
