"""The Wren API that the sandbox plays: its operations, its way of refusing, and its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, localcontext
from typing import TypeAlias

import attrs

from wren_async.sandbox.checking import BodyRules
from wren_async.sandbox.exchange import JSON, Handler, SandboxAnswer, SandboxRequest
from wren_async.sandbox.world import World, newest
from wren_async.sandbox.wren.accounts import WrenAccount, WrenAccounts
from wren_async.sandbox.wren.behaviours import WrenBehaviours
from wren_async.sandbox.wren.casing import camel
from wren_async.sandbox.wren.catalogue import presets
from wren_async.sandbox.wren.checkout import Checkout
from wren_async.sandbox.wren.credits import Credits
from wren_async.sandbox.wren.history import History, certificate_page, timestamp
from wren_async.sandbox.wren.orders import Group, GroupBook, plain
from wren_async.sandbox.wren.refusal import WrenRefusedError, text_of
from wren_async.sandbox.wren.wallet import Cashier

_EXACT = Context(prec=150)
"""Digits enough for the largest and smallest numbers that a request may hold."""
_ForAccount: TypeAlias = Callable[[WrenAccount, SandboxRequest], SandboxAnswer]


class WrenApi:
    """Wren, with its state in memory."""

    def __init__(self, world: World, behaviours: WrenBehaviours | None = None) -> None:
        self.behaviours = behaviours or WrenBehaviours()
        self._world = world
        self.accounts = WrenAccounts(self.behaviours)
        self.book = GroupBook()
        self.cashier = Cashier(world, self.behaviours)
        checkout = Checkout(world, self.behaviours, self.book, self.cashier)
        history = History(world, self.behaviours, self.book)
        credit = Credits(world, self.behaviours, self.cashier)
        self._checkout = checkout
        self._history = history
        self.operations: Mapping[str, Handler] = {
            "createOffsetOrder": self._for_account(checkout.offset_order),
            "listOffsetOrders": self._for_account(lambda account, _: history.offset_orders(account)),
            "listPublicOffsetOrders": self._answering(lambda _: history.public_offset_orders()),
            "getOffsetOrderCertificate": self._for_account(history.certificate),
            "createProjectOrder": self._for_account(checkout.project_order),
            "createTreeOrder": self._for_account(checkout.tree_order),
            "listTreeOrders": self._for_account(lambda account, _: history.tree_orders(account)),
            "previewTreeOrder": self._answering(self._preview),
            "listPortfolios": self._answering(self._portfolios),
            "listPurchases": self._for_account(history.purchases),
            "listProjectDonations": self._for_account(lambda account, _: history.donations(account)),
            "topUpCredits": self._for_account(credit.top_up),
            "getCreditBalance": self._for_account(lambda account, _: credit.balance(account)),
            "listCreditLedger": self._for_account(credit.ledger),
        }

    def rules(self) -> BodyRules:
        """The rules for requests that the behaviours set, beyond the contract."""
        clamped = {"limit"} if self.behaviours.ledger_limits == "clamp" else set[str]()
        taken = {"onBehalfOfName", "onBehalfOfEmail"} if self.behaviours.long_on_behalf_of == "take" else set[str]()
        return BodyRules(
            unchecked=frozenset(clamped | taken),
            closed=self.behaviours.unknown_attributes == "refuse",
            strict_forms=self.behaviours.form_values == "strict",
        )

    def authenticate(self, request: SandboxRequest, *, required: bool) -> SandboxRequest | SandboxAnswer:
        """The request with the account behind its token, if it needs or has one; or the refusal."""
        if request.operation == "previewTreeOrder" and self.behaviours.preview_is_public:
            required = False
        try:
            account = self.accounts.find(request)
        except WrenRefusedError as refused:
            return self.refuse(refused.status, message=refused.message)
        if account is None and required:
            return self.refuse(self.behaviours.missing_token_status, message="No token was sent")
        return attrs.evolve(request, account=account)

    def refuse(self, status: int, *, message: str | None = None) -> SandboxAnswer:
        """An error as Wren words it: one text for people."""
        words = message or text_of(status)
        headers = {"WWW-Authenticate": 'Basic realm="wren"'} if status == 401 else {}
        return SandboxAnswer(status=status, body={self.behaviours.error_key: words}, headers=headers)

    def invalid(self, operation: str, errors: Mapping[str, list[str]]) -> SandboxAnswer:
        """The refusal of a request that breaks the contract."""
        return self.refuse(400, message="; ".join(f"{name} {', '.join(texts)}" for name, texts in errors.items()))

    def begin(self, request: SandboxRequest) -> SandboxAnswer | None:
        """Never a refusal: Wren has no idempotency keys, so that a slow request stands in the way of no other."""

    def end(self, request: SandboxRequest) -> None:
        """Nothing was begun."""

    def certificate_page(self, group_id: str) -> SandboxAnswer | None:
        """The page to which purchases link; None for an unknown group."""
        group = self.book.get(group_id)
        return None if group is None else certificate_page(group)

    def fulfil(self, group_id: str) -> None:
        """Mark a group as fulfilled: its trees are planted, or its credits retired."""
        self.book[group_id].state = "fulfilled"
        self._world.changed(f"order {group_id} fulfilled")

    def refund(self, group_id: str) -> None:
        """Take an order back: what a wallet paid returns to it. Wren offers no operation for this."""
        group = self.book[group_id]
        if group.state == "refunded":
            raise ValueError(f"order {group_id} is refunded already")
        group.state = "refunded"
        if group.by_credits:
            self.cashier.refund(group.account, group.basket.cents, group_id)
        self._world.changed(f"order {group_id} refunded")

    @property
    def orders(self) -> list[Group]:
        """Every order that was placed, oldest first."""
        return list(self.book)

    def state(self, latest: int | None = None) -> dict[str, JSON]:
        """Accounts, orders and ledgers as plain values; of orders and ledgers the `latest` ones, or all."""
        return {
            "accounts": [_account_state(account, latest) for account in self.accounts],
            "orders": [_group_state(group) for group in newest(self.book, latest)],
        }

    def _preview(self, request: SandboxRequest) -> SandboxAnswer:
        return self._checkout.tree_preview(self.accounts.find(request), request)

    def _portfolios(self, request: SandboxRequest) -> SandboxAnswer:
        account = self.accounts.find(request)
        default_id = self.behaviours.default_portfolio_id
        portfolios = presets(default_id) if account is None else account.portfolios(default_id)
        shown = [portfolio.body() for portfolio in portfolios.values()]
        if "expanded" in request.query:
            shown = [camel(body) for body in shown]
        return SandboxAnswer(body={"portfolios": [*shown]})

    def _for_account(self, act: _ForAccount) -> Handler:
        return self._answering(lambda request: act(self.accounts.of(request), request))

    def _answering(self, act: Handler) -> Handler:
        def handle(request: SandboxRequest) -> SandboxAnswer:
            try:
                with localcontext(_EXACT):
                    answer = act(request)
            except WrenRefusedError as refused:
                return self.refuse(refused.status, message=refused.message)
            return self._extended(answer)

        return handle

    def _extended(self, answer: SandboxAnswer) -> SandboxAnswer:
        if not self.behaviours.extra_members or not isinstance(answer.body, dict):
            return answer
        return attrs.evolve(answer, body={**answer.body, **self.behaviours.extra_members})


def _account_state(account: WrenAccount, latest: int | None) -> dict[str, JSON]:
    return {
        "token": account.token,
        "team": account.team,
        "name": account.name,
        "user_id": account.user_id,
        "balance_cents": account.wallet.balance_cents,
        "card": account.card.value,
        "may_write": account.may_write,
        "ledger": [
            {
                "id": entry.id,
                "at": timestamp(entry.at),
                "amount_cents": entry.amount_cents,
                "kind": entry.kind,
                "order_group_id": entry.order_group_id,
                "stripe_charge_id": entry.stripe_charge_id,
            }
            for entry in newest(account.wallet.entries, latest)
        ],
    }


def _group_state(group: Group) -> dict[str, JSON]:
    basket = group.basket
    return {
        "id": group.id,
        "kind": basket.kind,
        "state": group.state,
        "account": group.account.token,
        "at": timestamp(group.at),
        "cents": basket.cents,
        "charged": group.charged,
        "currency": group.currency,
        "payment_method": "credits" if group.by_credits else "stripe",
        "tons": None if basket.tons is None else plain(basket.tons),
        "trees": basket.trees,
        "note": group.note,
        "on_behalf_of_name": group.on_behalf_of_name,
        "on_behalf_of_email": group.on_behalf_of_email,
        "receipt_email": group.receipt_email,
        "rows": [
            {"id": row.id, "project_id": row.share.project_id, "cents": plain(row.share.cents)} for row in group.rows
        ],
    }
