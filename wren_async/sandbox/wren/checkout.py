"""The three orders and the preview: from a request to a receipt."""

from __future__ import annotations

from decimal import Decimal

from wren_async.sandbox.exchange import JSON, SandboxAnswer, SandboxRequest
from wren_async.sandbox.world import World
from wren_async.sandbox.wren.accounts import WrenAccount
from wren_async.sandbox.wren.behaviours import WrenBehaviours
from wren_async.sandbox.wren.body import boolean, integer, number, text
from wren_async.sandbox.wren.casing import camel
from wren_async.sandbox.wren.catalogue import PROJECTS, WrenPortfolio
from wren_async.sandbox.wren.orders import (
    Basket,
    Group,
    GroupBook,
    ceil,
    offset_basket,
    plain,
    project_basket,
    tree_basket,
)
from wren_async.sandbox.wren.refusal import WrenRefusedError, below_minimum
from wren_async.sandbox.wren.wallet import Cashier

_TEST_PREFIXES = {"offset": "test_oo_", "project": "test_po_", "tree": "test_to_"}


class Checkout:
    """Places orders: prices them, takes the money, enters them in the book, and writes the receipt."""

    def __init__(self, world: World, behaviours: WrenBehaviours, book: GroupBook, cashier: Cashier) -> None:
        self._world = world
        self._behaviours = behaviours
        self._book = book
        self._cashier = cashier

    def offset_order(self, account: WrenAccount, request: SandboxRequest) -> SandboxAnswer:
        """An order for a number of tonnes of a portfolio."""
        portfolio = self._portfolio(account, request)
        tons = number(request, "tons")
        self._check_tons(tons)
        receipt = self._place(account, offset_basket(portfolio, tons), request)
        receipt["tons"] = plain(tons)
        embedded = self._embedded(portfolio)
        if embedded is not None:
            receipt["portfolio"] = embedded
        return SandboxAnswer(body=receipt)

    def project_order(self, account: WrenAccount, request: SandboxRequest) -> SandboxAnswer:
        """An order for one project, by money."""
        project = PROJECTS.get(integer(request, "projectId"))
        if project is None:
            raise WrenRefusedError(400, "There is no such project")
        basket = project_basket(project, integer(request, "amountInUsdCents"))
        receipt = self._place(account, basket, request)
        if basket.tons is not None:
            receipt["impact"] = {"tons": plain(basket.tons)}
        return SandboxAnswer(body=receipt)

    def tree_order(self, account: WrenAccount, request: SandboxRequest) -> SandboxAnswer:
        """An order for a number of trees."""
        basket = tree_basket(integer(request, "amountOfTrees"))
        receipt = self._place(account, basket, request)
        receipt["impact"] = {"trees": basket.trees}
        return SandboxAnswer(body=receipt)

    def tree_preview(self, account: WrenAccount | None, request: SandboxRequest) -> SandboxAnswer:
        """The price of a number of trees."""
        basket = tree_basket(integer(request, "amountOfTrees"))
        in_test = account is not None and account.is_test
        rate = Decimal(1) if in_test else self._behaviours.exchange_rate
        scale = 1 if self._behaviours.preview_unit == "cents" else 100
        body: dict[str, JSON] = {
            "amountOfTrees": basket.trees,
            "priceInUSD": plain(Decimal(basket.cents) / scale),
            "priceInUserCurrency": plain(Decimal(ceil(basket.cents * rate)) / scale),
        }
        if in_test and self._behaviours.test_flag_everywhere:
            body["test"] = True
        return SandboxAnswer(body=body)

    def _portfolio(self, account: WrenAccount, request: SandboxRequest) -> WrenPortfolio:
        default_id = self._behaviours.default_portfolio_id
        portfolio = account.portfolios(default_id).get(integer(request, "portfolioId", default_id))
        if portfolio is None:
            raise WrenRefusedError(400, "There is no such portfolio")
        return portfolio

    def _place(self, account: WrenAccount, basket: Basket, request: SandboxRequest) -> dict[str, JSON]:
        if not account.may_write:
            raise WrenRefusedError(403, "Ordering needs an account")
        self._check_note(request)
        by_credits = (text(request, "paymentMethod") or self._behaviours.default_payment_method) == "credits"
        dry_run = boolean(request, "dryRun")
        if not by_credits and (not dry_run or self._behaviours.dry_run_checks_minimum):
            self._check_minimum(basket)
        group_id = self._try_out(account, basket, by_credits) if dry_run else self._pay(account, basket, by_credits)
        charged, currency = self._charge(account, basket, by_credits)
        if group_id is not None and not dry_run and not account.is_test:
            self._enter(group_id, account, basket, request, charged=charged, currency=currency, by_credits=by_credits)
        receipt: dict[str, JSON] = {"id": group_id, "amountCharged": charged, "currency": currency}
        if by_credits:
            receipt |= {"paymentMethod": "credits", "creditsRemaining": self._remaining(account, basket, dry_run)}
        if account.is_test:
            receipt["test"] = True
        return receipt

    def _check_tons(self, tons: Decimal) -> None:
        most, decimals = self._behaviours.tons_limit, self._behaviours.tons_decimals
        if most is not None and tons > most:
            raise WrenRefusedError(400, f"tons must be at most {most}")
        if decimals is not None and (steps := tons.scaleb(decimals)) != steps.to_integral_value():
            raise WrenRefusedError(400, f"tons must have at most {decimals} decimals")

    def _check_note(self, request: SandboxRequest) -> None:
        most = self._behaviours.note_limit
        if most is not None and len(text(request, "note") or "") > most:
            raise WrenRefusedError(400, f"note must have at most {most} characters")

    def _check_minimum(self, basket: Basket) -> None:
        if basket.cents < self._behaviours.stripe_minimum_cents:
            raise below_minimum(self._behaviours.stripe_minimum_cents)

    def _pay(self, account: WrenAccount, basket: Basket, by_credits: bool) -> str:
        if by_credits:
            group_id = self._world.ids.uuid()
        else:
            group_id = self._cashier.charge_card(account, no_card_status=self._behaviours.no_wallet_status)
        if account.is_test:
            group_id = self._test_id(basket)
        if by_credits:
            self._cashier.deduct(account, basket.cents, group_id)
        return group_id

    def _try_out(self, account: WrenAccount, basket: Basket, by_credits: bool) -> str | None:
        if by_credits and self._behaviours.dry_run_checks_balance and not self._cashier.can_pay(account, basket.cents):
            raise WrenRefusedError(self._behaviours.insufficient_credits_status, "Insufficient credits")
        prefixed = account.is_test and self._behaviours.test_dry_run_id == "prefixed"
        return self._test_id(basket) if prefixed else None

    def _test_id(self, basket: Basket) -> str:
        return _TEST_PREFIXES[basket.kind] + self._world.ids.short()

    def _charge(self, account: WrenAccount, basket: Basket, by_credits: bool) -> tuple[int, str]:
        behaviours = self._behaviours
        kept_in_dollars = basket.kind == "project" and not behaviours.convert_project_orders
        if by_credits or account.is_test or kept_in_dollars:
            return basket.cents, "USD" if by_credits or account.is_test else behaviours.currency
        return ceil(basket.cents * behaviours.exchange_rate), behaviours.currency

    def _remaining(self, account: WrenAccount, basket: Basket, dry_run: bool) -> int:
        balance = account.wallet.balance_cents
        return balance - basket.cents if dry_run and self._behaviours.dry_run_credits == "hypothetical" else balance

    def _enter(
        self,
        group_id: str,
        account: WrenAccount,
        basket: Basket,
        request: SandboxRequest,
        *,
        charged: int,
        currency: str,
        by_credits: bool,
    ) -> None:
        group = Group(
            id=group_id,
            account=account,
            at=self._world.clock.now(),
            basket=basket,
            by_credits=by_credits,
            charged=charged,
            currency=currency,
            note=text(request, "note"),
            on_behalf_of_name=text(request, "onBehalfOfName"),
            on_behalf_of_email=text(request, "onBehalfOfEmail"),
            receipt_email=boolean(request, "sendReceiptEmail"),
        )
        self._book.enter(group)
        self._world.changed(f"{basket.kind} order {group_id} placed for {basket.cents} cents")

    def _embedded(self, portfolio: WrenPortfolio) -> dict[str, JSON] | None:
        body: dict[str, JSON] = {
            "id": portfolio.id,
            "name": portfolio.name,
            "description": portfolio.description,
            "cost_per_ton": portfolio.cost_per_ton,
        }
        match self._behaviours.embedded_portfolio:
            case "camel":
                return camel(body)
            case "snake":
                return body
        return None
