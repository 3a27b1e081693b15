"""What one order of a client may be at most, seen while a batch is planned: a line is named, and nothing is sent."""

from __future__ import annotations

from decimal import Decimal

from wren_async.batch.input.pricing import Price
from wren_async.batch.intents import Intent, WrenTrees
from wren_async.core.ceilings import Ceilings


def above(ceilings: Ceilings, intent: Intent, price: Price) -> str | None:
    """Why an order of this price is above its client's ceilings, or `None` where it is not."""
    kilograms = Decimal(price.grams) / 1000
    if ceilings.kilograms is not None and kilograms > ceilings.kilograms:
        most = Decimal(ceilings.kilograms)
        return f"is for {kilograms:,f} kg, and the client's ceiling for one order is {most:,f} kg"
    if ceilings.usd_cents is not None and price.cents > ceilings.usd_cents:
        return f"would cost {price.cents:,} US cents, and the client's ceiling for one order is {ceilings.usd_cents:,}"
    if ceilings.trees is not None and isinstance(intent, WrenTrees) and intent.amount_of_trees > ceilings.trees:
        return f"is for {intent.amount_of_trees:,} trees, and the client's ceiling for one order is {ceilings.trees:,}"
    return None
