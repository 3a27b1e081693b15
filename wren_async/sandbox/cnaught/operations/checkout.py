"""Making and reading checkout sessions."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wren_async.sandbox.cnaught import quotes
from wren_async.sandbox.cnaught.accounts import CNaughtAccounts, unit_price
from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.checkout import CheckoutSession
from wren_async.sandbox.cnaught.fields import Fields
from wren_async.sandbox.cnaught.operations.orders import orderable
from wren_async.sandbox.cnaught.problems import CNaughtRefusedError, invalid_parameters, not_found
from wren_async.sandbox.exchange import Handler, SandboxAnswer, SandboxRequest
from wren_async.sandbox.world import World


@attrs.frozen
class CheckoutOperations:
    """The two operations on checkout sessions."""

    world: World
    behaviours: CNaughtBehaviours
    accounts: CNaughtAccounts

    def by_id(self) -> Mapping[str, Handler]:
        """The handlers, by the `operationId` in the contract."""
        return {
            "createCheckoutSession": self.create_checkout_session,
            "getCheckoutSession": self.get_checkout_session,
        }

    def create_checkout_session(self, request: SandboxRequest) -> SandboxAnswer:
        """A new payment page. It takes no idempotency key: sending it again makes another."""
        caller, fields = self.accounts.caller(request), Fields(request.body)
        amount_kg = fields.amount("amount_kg")
        success_url = fields.required_web_url("success_url", secure=True)
        cancel_url = fields.required_web_url("cancel_url", secure=True)
        description, notification_url = fields.text("description"), fields.notification_url()
        portfolio_id = fields.text("portfolio_id")
        fields.done()
        portfolio, now = caller.portfolio(portfolio_id), self.world.clock.now()
        quote = quotes.by_mass(
            orderable(amount_kg, self.behaviours), unit_price(portfolio, "checkout", self.behaviours)
        )
        self._require_minimum(quote.price_usd_cents)
        session = CheckoutSession(
            id=self.world.ids.short(10),
            created_on=now,
            expires_on=now + self.behaviours.checkout_lifetime,
            amount_kg=quote.amount_kg,
            price_usd_cents=quote.price_usd_cents,
            success_url=success_url,
            cancel_url=cancel_url,
            portfolio=portfolio,
            subaccount_id=caller.subaccount_id,
            description=description,
            notification_url=notification_url,
        )
        caller.account.sessions[session.id] = session
        self.world.changed(f"checkout session {session.id} opened for {session.price_usd_cents} cents")
        return SandboxAnswer(status=201, body=session.body(now, self.behaviours))

    def get_checkout_session(self, request: SandboxRequest) -> SandboxAnswer:
        """One checkout session."""
        session = self.accounts.of(request).sessions.get(request.path["id"])
        if session is None:
            raise CNaughtRefusedError(not_found("checkout session"))
        return SandboxAnswer(body=session.body(self.world.clock.now(), self.behaviours))

    def _require_minimum(self, price_usd_cents: int) -> None:
        minimum = self.behaviours.checkout_minimum_usd_cents
        if price_usd_cents < minimum:
            raise CNaughtRefusedError(invalid_parameters({"amount_kg": [f"must come to at least {minimum} cents"]}))
