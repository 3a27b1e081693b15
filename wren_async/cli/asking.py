"""The question before money is spent."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Final

import attrs

from wren_async.batch.input.order_types import noted_apis
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Journal, State
from wren_async.batch.report.rows import report_rows
from wren_async.batch.report.wording import count
from wren_async.batch.units import mass, usd
from wren_async.cli import terminal
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
        weight = f" ({mass(Decimal(self.grams) / 1000)} of CO2e)" if self.grams else ""
        doubt = (
            f"\n{self.in_doubt:,} of them may have been placed before, and are placed only if that proves not to be so."
            if self.in_doubt
            else ""
        )
        where = " and ".join(self.servers)
        return f"Place {count(self.orders, 'order')} for about {usd(self.cents)}{weight} at {where}?{doubt}"


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


ASKS_FOR_A_CAP: Final = 100_000_000
"""US cents. A batch for more is a slip more often than a wish: it takes `--max-usd` to be placed."""


def objection(ahead: Ahead, cap: int | None) -> str | None:
    """Why a batch of this size is not placed without a cap, or `None` where it is."""
    if ahead.is_free or cap is not None or ahead.cents <= ASKS_FOR_A_CAP:
        return None
    return (
        f"it would cost about {usd(ahead.cents)}, which is more than {usd(ASKS_FOR_A_CAP)}: look at its amounts, and "
        "say with --max-usd what it may cost at most"
    )


def confirm(ahead: Ahead) -> None:
    """Ask at the terminal, and stop unless the answer is yes. What is free, or nothing, needs no question."""
    if ahead.is_free or not ahead.orders:
        return
    if not sys.stdin.isatty():
        raise Stop("nothing was placed: there is no terminal to ask at whether money may be spent; --yes says so")
    terminal.confirm(ahead.question, "nothing was placed")
