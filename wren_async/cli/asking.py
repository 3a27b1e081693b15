"""The question before money is spent."""

from __future__ import annotations

import sys
from decimal import Decimal

import attrs

from wren_async.batch.input.order_types import noted_apis
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Journal, State
from wren_async.batch.report.page import mass, usd
from wren_async.batch.report.rows import report_rows
from wren_async.cli.access import OPEN_STATES, Access
from wren_async.cli.exits import Stop


@attrs.define(kw_only=True)
class Ahead:
    """What a run may still buy."""

    orders: int = 0
    in_doubt: int = 0
    """Those of them that may have been placed already, and are placed again only where they prove not to have been."""
    cents: int = 0
    """What all of them are expected to cost, in USD cents."""
    grams: int = 0
    apis: set[Api] = attrs.field(factory=set[Api])
    servers: tuple[str, ...] = ()
    """Where they will be placed."""
    is_free: bool = False
    """Whether no money moves, because all go to Wren with a test token."""

    @property
    def question(self) -> str:
        """What to ask."""
        what = "1 order" if self.orders == 1 else f"{self.orders:,} orders"
        weight = f" ({mass(Decimal(self.grams) / 1000)} of CO2e)" if self.grams else ""
        doubt = (
            f"\n{self.in_doubt:,} of them may have been placed before, and are placed only if that proves not to be so."
            if self.in_doubt
            else ""
        )
        return f"Place {what} for about {usd(self.cents)}{weight} at {' and '.join(self.servers)}?{doubt}"


async def look_ahead(journal: Journal, clients: Access, *, in_doubt_only: bool = False) -> Ahead:
    """What a run of this batch may still buy; or what sending again the orders in doubt may."""
    totals = await journal.totals()
    number = totals.orders.get
    doubts = number(State.SENDING, 0) + number(State.UNDECIDED, 0)
    ahead = Ahead(orders=doubts, in_doubt=doubts, cents=totals.reserved_cents, grams=totals.reserved_grams)
    if not in_doubt_only:
        ahead.orders += number(State.PENDING, 0)
        ahead.cents += totals.pending_cents
        ahead.grams += totals.pending_grams
    apis = await noted_apis(journal)
    if apis is not None and len(apis) < 2:
        ahead.apis |= set(apis) if ahead.orders else set()
    else:
        async for row in report_rows(journal, *OPEN_STATES):
            ahead.apis.add(row.api)
    ahead.servers = tuple(clients.servers(ahead.apis))
    ahead.is_free = clients.is_free(ahead.apis)
    return ahead


def confirm(ahead: Ahead) -> None:
    """Ask at the terminal, and stop unless the answer is yes. What is free, or nothing, needs no question."""
    if ahead.is_free or not ahead.orders:
        return
    if not sys.stdin.isatty():
        raise Stop("nothing was placed: there is no terminal to ask at whether money may be spent; --yes says so")
    sys.stderr.write(f"{ahead.question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Stop("nothing was placed")
