"""Topping up the wallet, its balance, and its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from wren_async.sandbox.exchange import JSON, SandboxAnswer, SandboxRequest
from wren_async.sandbox.world import World
from wren_async.sandbox.wren.accounts import TEST_BALANCE_CENTS, LedgerEntry, WrenAccount
from wren_async.sandbox.wren.behaviours import WrenBehaviours
from wren_async.sandbox.wren.body import integer
from wren_async.sandbox.wren.casing import camel
from wren_async.sandbox.wren.history import timestamp
from wren_async.sandbox.wren.orders import ceil
from wren_async.sandbox.wren.refusal import WrenRefusedError
from wren_async.sandbox.wren.wallet import Cashier

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
"""Entries on a page of the ledger, when nothing is said and at most."""
_CANNED = (("top_up", 10_000), ("deduction", -1_040), ("refund", 1_040))


class Credits:
    """What the API says about wallets."""

    def __init__(self, world: World, behaviours: WrenBehaviours, cashier: Cashier) -> None:
        self._world = world
        self._behaviours = behaviours
        self._cashier = cashier

    def top_up(self, account: WrenAccount, request: SandboxRequest) -> SandboxAnswer:
        """Charge the card and raise the wallet."""
        if not account.may_write:
            raise WrenRefusedError(403, "Topping up needs an account")
        cents = integer(request, "amountInUsdCents")
        charge_id = self._cashier.top_up(account, cents)
        balance = account.wallet.balance_cents
        if account.is_test:
            charge_id = f"test_{charge_id}"
            balance = balance if self._behaviours.test_top_up_adds else TEST_BALANCE_CENTS
        rate = Decimal(1) if account.is_test else self._behaviours.exchange_rate
        body: dict[str, JSON] = {"amountCharged": ceil(cents * rate), "id": charge_id, "creditBalance": balance}
        return SandboxAnswer(body=self._marked(account, body))

    def balance(self, account: WrenAccount) -> SandboxAnswer:
        """The balance, in US cents."""
        return SandboxAnswer(body=self._marked(account, {"creditBalanceUsdCents": account.wallet.balance_cents}))

    def ledger(self, account: WrenAccount, request: SandboxRequest) -> SandboxAnswer:
        """A page of the ledger, newest first."""
        limit = self._within(int(request.query.get("limit", DEFAULT_LIMIT)), "limit", 1, LARGEST_LIMIT)
        offset = self._within(int(request.query.get("offset", 0)), "offset", 0, None)
        entries = self._canned() if account.is_test else self._settled(account.wallet.entries)
        end = max(len(entries) - offset, 0)
        page = entries[max(end - limit, 0) : end]
        body: dict[str, JSON] = {
            "entries": [self._entry(entry) for entry in reversed(page)],
            "total": len(entries),
            "limit": limit,
            "offset": offset,
        }
        return SandboxAnswer(body=self._marked(account, body))

    def _within(self, value: int, name: str, least: int, most: int | None) -> int:
        kept = max(value, least) if most is None else min(max(value, least), most)
        if kept != value and self._behaviours.ledger_limits == "refuse":
            raise WrenRefusedError(400, f"{name} is out of range")
        return kept

    def _settled(self, entries: Sequence[LedgerEntry]) -> Sequence[LedgerEntry]:
        if not self._behaviours.ledger_lag:
            return entries
        latest = self._world.clock.now() - self._behaviours.ledger_lag
        return [entry for entry in entries if entry.at <= latest]

    def _canned(self) -> Sequence[LedgerEntry]:
        now = self._world.clock.now()
        return [
            LedgerEntry(
                id=number,
                at=now,
                amount_cents=cents,
                kind=kind,
                order_group_id=None if kind == "top_up" else "test_oo_sample",
                stripe_charge_id="test_ch_sample" if kind == "top_up" else None,
            )
            for number, (kind, cents) in enumerate(_CANNED, start=1)
        ]

    def _entry(self, entry: LedgerEntry) -> dict[str, JSON]:
        body: dict[str, JSON] = {
            "amount_usd_cents": entry.amount_cents,
            "type": entry.kind,
            "order_group_id": entry.order_group_id,
            "stripe_charge_id": entry.stripe_charge_id,
        }
        if self._behaviours.ledger_details:
            named: dict[str, JSON] = {
                "id": str(entry.id) if self._behaviours.row_ids == "string" else entry.id,
                "created_at": timestamp(entry.at),
            }
            body = {**named, **body}
        return camel(body) if self._behaviours.ledger_casing == "camel" else body

    def _marked(self, account: WrenAccount, body: dict[str, JSON]) -> dict[str, JSON]:
        marked = account.is_test and self._behaviours.test_flag_everywhere
        return {**body, "test": True} if marked else body
