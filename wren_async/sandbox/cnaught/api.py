"""CNaught as the sandbox plays it: operations, authentication, and test controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import attrs

from wren_async.sandbox.checking import BodyRules
from wren_async.sandbox.cnaught import problems
from wren_async.sandbox.cnaught.accounts import CNaughtAccount, CNaughtAccounts, Mode
from wren_async.sandbox.cnaught.answers import finished
from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.checkout import checkout_page
from wren_async.sandbox.cnaught.notifications import Outbox
from wren_async.sandbox.cnaught.operations.catalogue import CatalogueOperations
from wren_async.sandbox.cnaught.operations.checkout import CheckoutOperations
from wren_async.sandbox.cnaught.operations.impact import ImpactOperations
from wren_async.sandbox.cnaught.operations.orders import OrderOperations
from wren_async.sandbox.cnaught.operations.quotes import QuoteOperations
from wren_async.sandbox.cnaught.operations.subaccounts import SubaccountOperations
from wren_async.sandbox.cnaught.order_service import OrderService
from wren_async.sandbox.cnaught.orders import Order
from wren_async.sandbox.cnaught.problems import CNaughtRefusedError, Problem
from wren_async.sandbox.cnaught.subaccounts import LOGO_OPERATIONS
from wren_async.sandbox.exchange import CONTENT_TYPE, JSON, Handler, SandboxAnswer, SandboxRequest
from wren_async.sandbox.world import World, newest


class CNaughtApi:
    """The 29 operations of CNaught with their state, and what tests may do to it.

    Handlers answer. What tests do, such as `fulfil`, raises `CNaughtRefusedError` where it cannot be done.
    """

    operations: Mapping[str, Handler]
    """Every handler, by the `operationId` in the contract."""

    def __init__(self, world: World, behaviours: CNaughtBehaviours | None = None) -> None:
        self.world = world
        self.behaviours = behaviours or CNaughtBehaviours()
        self.outbox = Outbox()
        self._accounts = CNaughtAccounts.opened(world.clock.now(), self.behaviours)
        self._order_service = OrderService(world, self.behaviours, self.outbox)
        if self.behaviours.sample_order:
            self._order_service.enter_sample_order(self._accounts.by_mode[Mode.SANDBOX])
        self.operations = {name: self._answering(handler) for name, handler in self._handlers().items()}

    def _handlers(self) -> Mapping[str, Handler]:
        world, behaviours, accounts = self.world, self.behaviours, self._accounts
        return {
            **OrderOperations(world, behaviours, accounts, self._order_service).by_id(),
            **QuoteOperations(behaviours, accounts).by_id(),
            **ImpactOperations(world, behaviours, accounts).by_id(),
            **SubaccountOperations(world, behaviours, accounts).by_id(),
            **CheckoutOperations(world, behaviours, accounts).by_id(),
            **CatalogueOperations(behaviours, accounts).by_id(),
        }

    def _answering(self, handler: Handler) -> Handler:
        def carry_out(request: SandboxRequest) -> SandboxAnswer:
            try:
                return finished(request.operation, handler(request), self.behaviours)
            except CNaughtRefusedError as refused:
                return self._refusal(refused.problem)

        def answer(request: SandboxRequest) -> SandboxAnswer:
            try:
                account = self._accounts.of(request)
                self._order_service.fulfil_due(account)
                return account.idempotency.answer(request, self.world.clock.now(), carry_out)
            except CNaughtRefusedError as refused:
                return self._refusal(refused.problem)

        return answer

    def _refusal(self, problem: Problem) -> SandboxAnswer:
        return problem.answer(self.behaviours.problem_media_type)

    # What the server asks before and around an operation

    def rules(self) -> BodyRules:
        """The rules for requests that the behaviours set, beyond the contract."""
        clamped = {"limit"} if self.behaviours.limits == "clamp" else set[str]()
        taken = {"from", "to"} if self.behaviours.bare_dates == "take" else set[str]()
        return BodyRules(unchecked=frozenset(clamped | taken), closed=self.behaviours.unknown_attributes == "refuse")

    def authenticate(self, request: SandboxRequest, *, required: bool = True) -> SandboxRequest | SandboxAnswer:
        """The request with the account behind its key, if it needs or has one; or the refusal."""
        if not required and "authorization" not in request.headers:
            return request
        try:
            return attrs.evolve(request, account=self._accounts.of(request))
        except CNaughtRefusedError as refused:
            return self._refusal(refused.problem)

    def refuse(
        self,
        status: int,
        *,
        title: str | None = None,
        detail: str | None = None,
        type: str | None = None,
        errors: Mapping[str, Sequence[str]] | None = None,
    ) -> SandboxAnswer:
        """A problem of any status; of the documented type of that status unless `type` names the end of another."""
        if type is not None:
            problem = Problem(status=status, title=problems.TITLES.get(type, type), type=type)
        else:
            problem = problems.of_status(status)
        return self._refusal(attrs.evolve(problem, title=title or problem.title, detail=detail, errors=errors))

    def invalid(self, operation: str, errors: Mapping[str, list[str]]) -> SandboxAnswer:
        """The refusal of a request that the contract does not allow: messages by field.

        No source says how a body of another content type is refused. The contract supposes a 415 for logos alone.
        """
        if set(errors) == {CONTENT_TYPE} and operation in LOGO_OPERATIONS:
            return self.refuse(415, detail=f"Content-Type {', '.join(errors[CONTENT_TYPE])}")
        return self._refusal(problems.invalid_parameters(errors))

    def begin(self, request: SandboxRequest) -> SandboxAnswer | None:
        """Mark the request's idempotency key as in progress, when the answer is to be delayed.

        Until `end`, every other request with the key is refused with 409, and so is the handler of this one: call
        `end` first where the delay comes before the commit. Returns the refusal when the key is already in
        progress; then `end` must not be called.
        """
        try:
            self._accounts.of(request).idempotency.begin(request)
        except CNaughtRefusedError as refused:
            return self._refusal(refused.problem)
        return None

    def end(self, request: SandboxRequest) -> None:
        """Remove the mark that `begin` set."""
        with suppress(CNaughtRefusedError):
            self._accounts.of(request).idempotency.end(request)

    # What tests and the control API do

    def fulfil(self, order_id: str) -> dict[str, JSON]:
        """Match a placed order of either mode to credits; its notification goes to the outbox."""
        account, order = self._accounts.with_order(order_id)
        self._order_service.fulfil(account, order)
        return order.body(self.behaviours)

    def cancel(self, order_id: str) -> dict[str, JSON]:
        """Cancel an order of either mode, as CNaught itself may."""
        account, order = self._accounts.with_order(order_id)
        self._order_service.cancel(account, order)
        return order.body(self.behaviours)

    def complete(self, session_id: str) -> dict[str, JSON]:
        """Pay an open checkout session; returns the order that it leads to."""
        account, session = self._accounts.with_session(session_id)
        return self._order_service.complete(account, session).body(self.behaviours)

    def expire(self, session_id: str) -> dict[str, JSON]:
        """End an open checkout session before its time; returns the session."""
        _, session = self._accounts.with_session(session_id)
        self._order_service.expire(session)
        return session.body(self.world.clock.now(), self.behaviours)

    def checkout_page(self, session_id: str) -> str:
        """The payment page of a session in HTML; its buttons post to `…/complete` and `…/expire`."""
        _, session = self._accounts.with_session(session_id)
        return checkout_page(session, self.world.clock.now())

    def return_url(self, session_id: str) -> str:
        """Where the payment page sends the buyer: to the session's URL of success once complete, else the other."""
        _, session = self._accounts.with_session(session_id)
        return session.return_url(self.world.clock.now())

    @property
    def orders(self) -> list[Order]:
        """Every order of production, then every one of sandbox mode, oldest first."""
        return [order for account in self._accounts.by_mode.values() for order in account.orders]

    def state(self, latest: int | None = None) -> dict[str, JSON]:
        """Everything that both modes hold, oldest first, as plain values; of each list the `latest` ones, or all."""
        state: dict[str, JSON] = {
            mode.value: self._account_state(held, latest) for mode, held in self._accounts.by_mode.items()
        }
        state["outbox"] = {
            "waiting": [note.plain() for note in newest(self.outbox.waiting.values(), latest)],
            "delivered": [note.plain() for note in newest(self.outbox.delivered, latest)],
            "given_up": [note.plain() for note in newest(self.outbox.given_up, latest)],
        }
        return state

    def _account_state(self, account: CNaughtAccount, latest: int | None) -> JSON:
        now, behaviours = self.world.clock.now(), self.behaviours
        return {
            "orders": [order.body(behaviours) for order in newest(account.orders, latest)],
            "subaccounts": [subaccount.body(now, behaviours) for subaccount in newest(account.subaccounts, latest)],
            "checkout_sessions": [
                session.body(now, behaviours) for session in newest(account.sessions.values(), latest)
            ],
            "invoice": [attrs.asdict(line) for line in newest(account.invoice, latest)],
            "idempotency_keys": len(account.idempotency),
        }
