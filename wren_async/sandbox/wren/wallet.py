"""Moving money: paying for orders by card or from a wallet, topping up, refilling, refunding."""

from __future__ import annotations

from itertools import count

from wren_async.sandbox.world import World
from wren_async.sandbox.wren.accounts import Card, LedgerEntry, WrenAccount
from wren_async.sandbox.wren.behaviours import WrenBehaviours
from wren_async.sandbox.wren.refusal import WrenRefusedError


class Cashier:
    """Charges cards and moves the money of wallets. Every movement of a wallet becomes a ledger entry."""

    def __init__(self, world: World, behaviours: WrenBehaviours) -> None:
        self._world = world
        self._behaviours = behaviours
        self._entry_ids = count(901)

    def charge_card(self, account: WrenAccount, *, no_card_status: int = 400) -> str:
        """Charge the saved card; returns the id of the charge."""
        if account.card is Card.NONE:
            raise WrenRefusedError(no_card_status, "There is no payment method")
        if account.card is Card.DECLINED:
            raise WrenRefusedError(400, "The payment failed: the card was declined")
        return self.charge_id()

    def charge_id(self) -> str:
        """A new id that looks like one of Stripe's."""
        return f"ch_{self._world.ids.short(24)}"

    def top_up(self, account: WrenAccount, cents: int) -> str:
        """Charge the card and raise the wallet by the same sum; returns the id of the charge."""
        charge_id = self.charge_card(account)
        self._enter(account, cents, "top_up", charge_id=charge_id)
        return charge_id

    def give(self, account: WrenAccount, cents: int) -> None:
        """Raise the wallet as a top-up does, without a charge of the card: for tests."""
        self._enter(account, cents, "top_up", charge_id=self.charge_id())

    def can_pay(self, account: WrenAccount, cents: int) -> bool:
        """Whether the wallet, with its refills, can pay an amount."""
        refills = account.auto_refill is not None and account.card is Card.FINE
        return refills or account.wallet.balance_cents >= cents

    def deduct(self, account: WrenAccount, cents: int, group_id: str) -> None:
        """Take an amount from the wallet, which is refilled before and after where that is set up."""
        if account.is_test and not self._behaviours.test_balance_checked:
            self._enter(account, -cents, "deduction", group_id=group_id)
            return
        if not self.can_pay(account, cents):
            raise WrenRefusedError(self._behaviours.insufficient_credits_status, "Insufficient credits")
        self._refill(account, at_least=cents)
        self._enter(account, -cents, "deduction", group_id=group_id)
        self._refill(account, at_least=0)

    def refund(self, account: WrenAccount, cents: int, group_id: str) -> None:
        """Give an amount back to the wallet."""
        self._enter(account, cents * self._behaviours.refund_sign, "refund", group_id=group_id)

    def _refill(self, account: WrenAccount, at_least: int) -> None:
        refill = account.auto_refill
        if refill is None:
            return
        missing = max(at_least, refill.below_cents) - account.wallet.balance_cents
        if missing > 0 and account.card is Card.FINE:
            times = -(-missing // refill.amount_cents)
            self.top_up(account, times * refill.amount_cents)

    def _enter(
        self, account: WrenAccount, cents: int, kind: str, *, group_id: str | None = None, charge_id: str | None = None
    ) -> None:
        entry = LedgerEntry(
            id=next(self._entry_ids),
            at=self._world.clock.now(),
            amount_cents=cents,
            kind=kind,
            order_group_id=group_id,
            stripe_charge_id=charge_id,
        )
        account.wallet.enter(entry)
        if not account.is_test:
            self._world.changed(f"{kind} of {abs(cents)} cents, balance {account.wallet.balance_cents}")
