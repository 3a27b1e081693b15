"""What an outbox may spend in a day and in a month, over all the processes that place its orders. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from wren_async.batch.intents import CNaughtPrice, Intent
from wren_async.batch.units import mass, usd
from wren_async.errors import InvalidArgument


def _amount(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    takes = "an int of US cents" if attribute.name.startswith("cents") else "an int or a Decimal"
    good = isinstance(value, int if attribute.name.startswith("cents") else int | Decimal)
    if value is not None and (not good or isinstance(value, bool) or not Decimal(value).is_finite() or value < 0):
        raise InvalidArgument(attribute.name, f"takes {takes}, 0 or more, or None; not {value!r}")


@attrs.frozen(kw_only=True)
class OutboxCaps:
    """What may not be exceeded in a day or a month, in UTC. `None` is no cap.

    An order counts from before it is sent, on the day on which it was first taken up, and undecided orders count as
    spent. What does not fit waits for the next day or month; what would not fit into an empty one is refused. The
    outbox keeps its caps: they hold for every process that places, also for one that gives none.
    """

    cents_per_day: int | None = attrs.field(default=None, validator=_amount)
    cents_per_month: int | None = attrs.field(default=None, validator=_amount)
    kilograms_per_day: Decimal | int | None = attrs.field(default=None, validator=_amount)
    """Kilograms of CO2e. Orders by price are refused beside it: their mass is known only once they are placed."""
    kilograms_per_month: Decimal | int | None = attrs.field(default=None, validator=_amount)

    def to_json(self) -> str:
        """The caps as text, for a note."""
        given = {name: value for name, value in attrs.asdict(self).items() if value is not None}
        return json.dumps({name: str(value) for name, value in given.items()}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> OutboxCaps:
        """The caps that `to_json` wrote."""
        given: dict[str, Any] = {
            name: int(value) if name.startswith("cents") else Decimal(value) for name, value in json.loads(text).items()
        }
        return cls(**given)

    @property
    def any(self) -> bool:
        """Whether anything is capped."""
        return self != OutboxCaps()

    def refusal(self, intent: Intent) -> str | None:
        """Why an order cannot be held to these caps, if that is so."""
        if isinstance(intent, CNaughtPrice) and (self.kilograms_per_day, self.kilograms_per_month) != (None, None):
            return (
                "is an order by price, whose mass CNaught tells only once it is placed, and the outbox caps kilograms: "
                "cap its cents instead, or order by amount_kg"
            )
        return None

    def room(self, spent: Spent) -> Room:
        """What is left beside what is spent or reserved."""
        return Room(
            cents=_least(_left(self.cents_per_day, spent.cents_today), _left(self.cents_per_month, spent.cents_month)),
            grams=_least(
                _left(_grams(self.kilograms_per_day), spent.grams_today),
                _left(_grams(self.kilograms_per_month), spent.grams_month),
            ),
        )

    def never_fits(self, cents: int, grams: int) -> str | None:
        """Why an order would not fit into an empty day or month, if that is so."""
        room = self.room(Spent())
        if room.cents is not None and cents > room.cents:
            return f"costs {usd(cents)}, and the outbox may spend {usd(room.cents)} in a day or month"
        if room.grams is not None and grams > room.grams:
            asked, most = (mass(Decimal(each) / 1000) for each in (grams, room.grams))
            return f"is for {asked}, and the outbox may buy {most} in a day or month"
        return None


@attrs.frozen(kw_only=True)
class Spent:
    """What is spent or reserved."""

    cents_today: int = 0
    grams_today: int = 0
    cents_month: int = 0
    grams_month: int = 0


@attrs.define(kw_only=True)
class Room:
    """What may still be spent. `None` is any amount."""

    cents: int | None
    grams: int | None

    def reserve(self, cents: int, grams: int) -> bool:
        """Take an order's part of it, if it fits."""
        if (self.cents is not None and cents > self.cents) or (self.grams is not None and grams > self.grams):
            return False
        self.cents = None if self.cents is None else self.cents - cents
        self.grams = None if self.grams is None else self.grams - grams
        return True


def day_of(moment: datetime) -> str:
    """The day of a time in UTC, as it is stored: `2026-07-01`. Its first seven characters are the month."""
    return moment.astimezone(UTC).date().isoformat()


def until_tomorrow(moment: datetime) -> float:
    """Seconds until the next day begins in UTC."""
    here = moment.astimezone(UTC)
    tomorrow = (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (tomorrow - here).total_seconds()


def _grams(kilograms: Decimal | int | None) -> int | None:
    return None if kilograms is None else int(kilograms * 1000)


def _left(most: int | None, spent: int) -> int | None:
    return None if most is None else most - spent


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)
