"""What emissions weigh and what a mass costs.

Every estimate is linear; the factors give exactly the results that CNaught's own tests saw. A mass that comes out
with a fraction is rounded up to whole kilograms, so that no activity is offset for less than it emitted. The ride
quote is older than that rule and answers the fraction, with the price at the nearest cent.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

import attrs

from wren_async.sandbox.exchange import JSON

KG_PER_RIDE_KM = Decimal("0.24114")
KG_PER_KM: Mapping[str, Decimal] = {
    "passenger_car_van_or_suv": KG_PER_RIDE_KM,
    "small_bus": Decimal("0.52"),
    "school_bus": Decimal("0.745"),
    "coach_bus": Decimal("0.98"),
}
"""Kilograms of CO2e a kilometre, by vehicle type. Only the school bus is documented."""
KG_PER_FLIGHT_KM = Decimal("0.1")
KG_PER_TRAIN_KM = Decimal("0.038")
KG_PER_AIR_FREIGHT_KG_KM = Decimal("0.002")
KG_PER_GROUND_FREIGHT_KG_KM = Decimal("0.00014")
KG_PER_SQUARE_FOOT = Decimal("8.6")


@attrs.frozen
class Quote:
    """A mass and its price. Nothing is reserved by it."""

    amount_kg: Decimal
    price_usd_cents: int

    def body(self) -> dict[str, JSON]:
        """The quote as the API writes it."""
        return {"amount_kg": number(self.amount_kg), "price_usd_cents": self.price_usd_cents}


def number(value: Decimal) -> int | Decimal:
    """A JSON number without a needless fraction: 100 for 100.0."""
    whole = int(value)
    return whole if whole == value else value


def whole_kilograms(mass: Decimal) -> Decimal:
    """A mass in whole kilograms, rounded up."""
    return mass.to_integral_value(ROUND_CEILING)


def price(amount_kg: Decimal, unit_price: Decimal) -> int:
    """What a mass costs: whole cents, rounded up."""
    return int((amount_kg * unit_price).to_integral_value(ROUND_CEILING))


def by_mass(amount_kg: Decimal, unit_price: Decimal) -> Quote:
    """A quote for a mass, whose fraction is kept."""
    return Quote(amount_kg, price(amount_kg, unit_price))


def by_price(cents: Decimal, unit_price: Decimal) -> Quote:
    """The whole kilograms that a price buys, and what they cost: the asked price or a little less."""
    return by_mass((cents / unit_price).to_integral_value(ROUND_FLOOR), unit_price)


def estimate(mass: Decimal, unit_price: Decimal) -> Quote:
    """A quote for an estimated mass."""
    return by_mass(whole_kilograms(mass), unit_price)


def ride(distance_km: Decimal, unit_price: Decimal) -> Quote:
    """The older estimate of a ride: a mass with its fraction, and a price at the nearest cent."""
    mass = distance_km * KG_PER_RIDE_KM
    return Quote(mass, max(1, int((mass * unit_price).to_integral_value(ROUND_HALF_UP))))
