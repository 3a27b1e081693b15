"""The rules of reconciling, as pure functions of what was seen and of two clocks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from wren_async.core.operation import Call
from wren_async.errors import InvalidArgument
from wren_async.reconcile import KEY_TRUST
from wren_async.reconcile.verdict import CannotTell, Charge, Evidence, Look, NotPlaced, Present, Shows, Unsettled

_TOLERANCE: Final = 60.0
_MARGIN: Final = timedelta(days=1)
_KEYS: Final = uuid.UUID("4f4a1f6c-52ad-5a3c-9d1b-6a4f8f3f2c11")


def settle_seconds(settle_time: float) -> float:
    """A settle time, or `InvalidArgument`."""
    if isinstance(settle_time, bool) or not isinstance(settle_time, int | float) or not 0 <= settle_time < float("inf"):
        raise InvalidArgument("settle_time", f"takes seconds, zero or more, not {settle_time!r}")
    return float(settle_time)


def classify_absence(
    lost: Unsettled[Any],
    looks: Sequence[Look],
    present: Present,
    settle_time: float,
    *,
    doubts: Sequence[str] = (),
    candidates: Sequence[Charge] = (),
) -> NotPlaced | CannotTell:
    """The verdict on a write that was not found in any of these lists.

    `present` is when the lists were read, and `doubts` are further reasons why absence proves nothing.
    """
    against = [*doubts, *_doubts(lost, looks, present, settle_time)]
    evidence = Evidence(
        reason="; ".join(against)
        or f"{settle_time:g} s after its last byte it is in no list, and the lists carry references",
        present=present,
        reference=lost.reference,
        looks=tuple(looks),
        accepted=lost.accepted,
        candidates=tuple(candidates),
    )
    return CannotTell(evidence=evidence) if against else NotPlaced(evidence=evidence)


def _doubts(lost: Unsettled[Any], looks: Sequence[Look], present: Present, settle_time: float) -> Iterator[str]:
    if lost.reference is None:
        yield "it carried no reference, so no list can tell it from others"
    if lost.accepted:
        yield "the server answered with a success, which nobody could read"
    if lost.last_sent is None:
        yield "when its last byte was sent is not known"
    elif (passed := max(0.0, present.least_since(lost.last_sent))) < settle_time:
        yield f"only {passed:.0f} s have passed since its last byte, and {settle_time:g} s must: lists may lag"
    if not looks:
        yield "no list could show it"
    for look in looks:
        yield from _doubts_about(look)


def _doubts_about(look: Look) -> Iterator[str]:
    if look.trouble is not None or not look.to_the_end:
        yield f"{look.where} was not walked to its end"
    elif look.shows is not Shows.REFERENCES:
        yield f"{look.where} has not shown that it carries references"


def hides(look: Look) -> str | None:
    """Why a list may not show an order that was placed before; `None` where it would show it.

    This asks for less than `classify_absence`, because no sending of the order is known that a list could lag behind.
    """
    if look.trouble is not None or not look.to_the_end:
        return f"{look.where} could not be walked to its end"
    if look.shows is Shows.NOTHING:
        return (
            f"the {look.rows} rows of {look.where} do not show the text that carries references, "
            "so an order placed before would not be recognised"
        )
    return None


def key_trust_left(first_sent: datetime | None, present: Present) -> float:
    """Seconds for which a key is still trusted; zero or less when it is not.

    The server's clock counts, and this machine's clock may only shorten the time. Where the first sending lies in the
    future of one of them, that clock was wrong, and the key is not trusted.
    """
    if first_sent is None or present.there is None or present.least_since(first_sent) < -_TOLERANCE:
        return 0.0
    return KEY_TRUST - present.most_since(first_sent)


def horizon(first_sent: datetime | None, present: Present) -> datetime | None:
    """The time before which an order that was first sent at `first_sent` cannot have been made; `None` if not known.

    It is a day earlier, and earlier by what the two clocks differ, because this machine's clock may have been wrong.
    """
    if first_sent is None or present.there is None:
        return None
    return first_sent - _MARGIN - timedelta(seconds=present.apart)


def stable_key(call: Call[Any], reference: str, subaccount_id: str | None) -> str:
    """The idempotency key that belongs to a reference: the same in every process and after every restart."""
    return str(uuid.uuid5(_KEYS, "\n".join((call.operation.id, subaccount_id or "", reference))))
