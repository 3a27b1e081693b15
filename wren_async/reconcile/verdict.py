"""The values of reconciling: what is to be settled, what was looked at, and the verdict with its evidence."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from wren_async.core import arguments
from wren_async.core.client import BaseClient
from wren_async.core.operation import Call
from wren_async.core.printable import printable
from wren_async.core.request import body_of
from wren_async.core.timing import Timing
from wren_async.core.values import UNSET, given
from wren_async.errors import InvalidArgument, OutcomeUnknown

T = TypeVar("T")
OrderT = TypeVar("OrderT")


def _aware(_: object, attribute: attrs.Attribute[Any], value: datetime | None) -> None:
    arguments.moment(attribute.name, value, nullable=True)


def _own_reference(lost: Unsettled[Any]) -> str | None:
    return given(lost.call.reference)


def _own_key(lost: Unsettled[Any]) -> str | None:
    return given(lost.call.idempotency_key)


@attrs.frozen(kw_only=True)
class Unsettled(Generic[T]):
    """A write that may have been carried out, as an `OutcomeUnknown` or a journal remembers it.

    After a crash nobody knows when the last byte was sent. Then give the moment at which the new process began as
    `last_sent`: the old one sent nothing later.
    """

    call: Call[T]
    reference: str | None = attrs.field(default=attrs.Factory(_own_reference, takes_self=True))
    """The text by which it can be found; the call's own if left out."""
    key: str | None = attrs.field(default=attrs.Factory(_own_key, takes_self=True))
    """Its idempotency key; the call's own if left out."""
    first_sent: datetime | None = attrs.field(default=None, validator=_aware)
    """When its first sending began at the earliest. Without it, a key is never trusted."""
    last_sent: datetime | None = attrs.field(default=None, validator=_aware)
    """When its last byte was sent at the latest. Without it, absence never proves anything."""
    accepted: bool = False
    """Whether a success was answered that could not be read. Then the verdict is never `NotPlaced`."""
    cents: int | None = None
    """What it is expected to cost, in US cents; it helps to find the id of an order of Wren's."""

    @classmethod
    def of(cls, error: OutcomeUnknown) -> Unsettled[Any]:
        """What an error tells of its call."""
        return Unsettled(
            call=error.call,
            reference=error.reference,
            key=error.idempotency_key,
            first_sent=error.first_sent,
            last_sent=error.last_sent,
            accepted=error.accepted,
        )

    @property
    def body(self) -> Mapping[str, object]:
        """What the call sends, by its names on the wire; nothing where that is no JSON object."""
        return body_of(self.call)

    @property
    def repeat(self) -> Call[T]:
        """The very call again, with its reference and its key."""
        call = self.call
        if self.reference is not None and call.operation.reference is not None:
            call = attrs.evolve(call, reference=self.reference)
        if self.key is not None and call.operation.idempotency_header is not None:
            call = attrs.evolve(call, idempotency_key=self.key)
        return call


@attrs.frozen(kw_only=True)
class Present:
    """The present moment by two clocks, so that one clock that is set neither makes an absence count as proof nor lets
    a key be trusted for longer."""

    here: datetime
    """By this machine's clock."""
    there: datetime | None = None
    """By the server's, as its answers are dated; `None` where it dated none."""

    def least_since(self, moment: datetime) -> float:
        """Seconds since `moment` by the clock that counts fewer."""
        return min(self._since(moment))

    def most_since(self, moment: datetime) -> float:
        """Seconds since `moment` by the clock that counts more."""
        return max(self._since(moment))

    @property
    def apart(self) -> float:
        """Seconds between the two clocks."""
        return abs((self.here - self.there).total_seconds()) if self.there else 0.0

    def _since(self, moment: datetime) -> list[float]:
        return [(now - moment).total_seconds() for now in (self.here, self.there) if now is not None]


class Shows(enum.Enum):
    """What a list has shown of the text that carries references."""

    NO_ROWS = "no rows"
    NOTHING = "rows without the text"
    ATTRIBUTE = "the text's attribute, never filled"
    TEXTS = "texts, none with a reference"
    REFERENCES = "references"


@attrs.frozen(kw_only=True)
class Look:
    """One list that was looked through."""

    where: str
    """The list, such as `GET /api/offset-orders`."""
    rows: int = 0
    """Rows looked at."""
    shows: Shows = Shows.NO_ROWS
    to_the_end: bool = False
    """Whether it was read to its end, or so far back that the order would have come."""
    trouble: str | None = None
    """Why the walk broke off."""

    def __str__(self) -> str:
        if self.trouble is not None:
            return f"{self.where}: {self.rows} rows, then {self.trouble}"
        end = "to the end" if self.to_the_end else "not to the end"
        return f"{self.where}: {self.rows} rows, {end}, showing {self.shows.value}"


@attrs.frozen(kw_only=True)
class Charge:
    """A charge, order or subaccount that may be the one looked for. Another of the same amount or name looks alike."""

    where: str
    id: str | None
    cents: int | None = None
    at: datetime | None = None

    def __str__(self) -> str:
        cents = f" of {self.cents} cents" if self.cents is not None else ""
        at = f" at {self.at:%Y-%m-%d %H:%M:%S%z}" if self.at else ""
        return f"{printable(self.id, 60) if self.id else 'one without an id'} in {self.where}{cents}{at}"


@attrs.frozen(kw_only=True)
class Evidence:
    """What was looked at, when, and why it does or does not prove."""

    reason: str
    """Why the verdict is what it is, in a sentence."""
    present: Present
    """When it was looked at."""
    reference: str | None = None
    looks: tuple[Look, ...] = ()
    """The lists that were looked through."""
    accepted: bool = False
    """Whether a success was answered that nobody could read."""
    candidates: tuple[Charge, ...] = ()
    """What may be the order, for a person to look at: the newest twenty at most. It proves nothing."""

    def __str__(self) -> str:
        lines = [self.reason, *map(str, self.looks), *(f"perhaps {each}" for each in self.candidates)]
        seen = f"looked at {self.present.here:%Y-%m-%d %H:%M:%S%z}"
        return "; ".join([*lines, f"{seen} for reference {self.reference}" if self.reference else seen])


class How(enum.Enum):
    """How an order is known to have been placed."""

    FOUND = "found"
    """It was found in a list."""
    REPLAYED = "replayed"
    """The call was sent again with its idempotency key, and the server repeated its first answer."""
    SENT = "sent"
    """It was placed only now."""


@attrs.frozen(kw_only=True)
class Placed(Generic[OrderT]):
    """The write was carried out: the order was placed, or cancelled if that was asked for."""

    order: OrderT
    how: How
    evidence: Evidence


@attrs.frozen(kw_only=True)
class NotPlaced:
    """It was not placed. The same call may be sent again, with its reference and its key."""

    evidence: Evidence


@attrs.frozen(kw_only=True)
class CannotTell:
    """It may or may not have been placed. Send nothing: look again later, or let a person decide."""

    evidence: Evidence


Verdict: TypeAlias = Placed[OrderT] | NotPlaced | CannotTell
"""What reconciling answers."""


def subaccount_of(client: BaseClient, call: Call[Any]) -> str | None:
    """The subaccount that a call acts for."""
    return client._identity.subaccount_id if call.subaccount_id is UNSET else call.subaccount_id


def as_unsettled(lost: OutcomeUnknown | Unsettled[T], client: BaseClient) -> Unsettled[T]:
    """An error, or what a journal remembers, as one value, with what the client knows of other sendings of that order.

    Raises `InvalidArgument` for the error of a call to another server.
    """
    if not isinstance(lost, OutcomeUnknown):
        return _with_other_sendings(lost, client)
    if not lost.url.startswith(f"{client.base_url}/"):
        raise InvalidArgument("lost", f"was sent to {lost.url}; ask the client that sent it")
    return _with_other_sendings(_timed(lost, client._session.timing), client)


def _timed(error: OutcomeUnknown, timing: Timing) -> Unsettled[Any]:
    """What an error tells, with its times corrected by the monotonic clock: the wall clock may have been set since."""
    lost = Unsettled.of(error)
    if error.facts.monotonic is None or lost.first_sent is None or lost.last_sent is None:
        return lost
    now, here = timing.monotonic(), timing.utc()
    first, last = (here - timedelta(seconds=max(0.0, now - at)) for at in error.facts.monotonic)
    return attrs.evolve(lost, first_sent=min(lost.first_sent, first), last_sent=max(lost.last_sent, last))


def _with_other_sendings(lost: Unsettled[T], client: BaseClient) -> Unsettled[T]:
    """The write with its times widened to those of other calls with its reference: `last_sent` is that of the last."""
    if lost.reference is None:
        return lost
    session = client._session
    for other in session.references.sendings((subaccount_of(client, lost.call), lost.reference)):
        if other.open:
            lost = attrs.evolve(lost, last_sent=session.timing.utc())
        elif other.lost is not None:
            timed = _timed(other.lost, session.timing)
            lost = attrs.evolve(
                lost,
                first_sent=min(filter(None, (lost.first_sent, timed.first_sent)), default=None),
                last_sent=max(filter(None, (lost.last_sent, timed.last_sent)), default=None),
                accepted=lost.accepted or (timed.accepted and timed.key == lost.key),
            )
    return lost
