"""CNaught as the sandbox plays it: the operations, the doors to them, and the levers of tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import attrs

from wren_async.sandbox.cnaught import problems
from wren_async.sandbox.cnaught.accounts import Account, Accounts, Mode
from wren_async.sandbox.cnaught.answers import finished
from wren_async.sandbox.cnaught.checkout import checkout_page
from wren_async.sandbox.cnaught.desk import OrderDesk
from wren_async.sandbox.cnaught.notifications import Outbox
from wren_async.sandbox.cnaught.operations.catalogue import CatalogueOperations
from wren_async.sandbox.cnaught.operations.checkout import CheckoutOperations
from wren_async.sandbox.cnaught.operations.impact import ImpactOperations
from wren_async.sandbox.cnaught.operations.orders import OrderOperations
from wren_async.sandbox.cnaught.operations.quotes import QuoteOperations
from wren_async.sandbox.cnaught.operations.subaccounts import SubaccountOperations
from wren_async.sandbox.cnaught.orders import Order
from wren_async.sandbox.cnaught.problems import Problem, RefusedError
from wren_async.sandbox.cnaught.settings import CNaughtSettings
from wren_async.sandbox.cnaught.subaccounts import LOGO_OPERATIONS
from wren_async.sandbox.exchange import CONTENT_TYPE, JSON, Handler, SandboxAnswer, SandboxRequest
from wren_async.sandbox.world import World


class CNaughtApi:
    """The 29 operations of CNaught with their state, and what tests may do to it.

    Handlers answer. The steps of tests, such as `fulfil` and `complete`, raise `RefusedError` when they cannot be done.
    """

    operations: Mapping[str, Handler]
    """Every handler, by the `operationId` in the contract."""

    def __init__(self, world: World, settings: CNaughtSettings | None = None) -> None:
        self.world = world
        self.settings = settings or CNaughtSettings()
        self.outbox = Outbox()
        self._accounts = Accounts.opened(world.clock.now(), self.settings)
        self._desk = OrderDesk(world, self.settings, self.outbox)
        if self.settings.sample_order:
            self._desk.enter_sample_order(self._accounts.by_mode[Mode.SANDBOX])
        self.operations = {name: self._answering(handler) for name, handler in self._handlers().items()}

    def _handlers(self) -> Mapping[str, Handler]:
        world, settings, accounts = self.world, self.settings, self._accounts
        return {
            **OrderOperations(world, settings, accounts, self._desk).by_id(),
            **QuoteOperations(settings, accounts).by_id(),
            **ImpactOperations(world, settings, accounts).by_id(),
            **SubaccountOperations(world, settings, accounts).by_id(),
            **CheckoutOperations(world, settings, accounts).by_id(),
            **CatalogueOperations(settings, accounts).by_id(),
        }

    def _answering(self, handler: Handler) -> Handler:
        def carry_out(request: SandboxRequest) -> SandboxAnswer:
            try:
                return finished(request.operation, handler(request), self.settings)
            except RefusedError as refused:
                return self._refusal(refused.problem)

        def answer(request: SandboxRequest) -> SandboxAnswer:
            try:
                account = self._accounts.of(request)
                self._desk.settle(account)
                return account.idempotency.answer(request, self.world.clock.now(), carry_out)
            except RefusedError as refused:
                return self._refusal(refused.problem)

        return answer

    def _refusal(self, problem: Problem) -> SandboxAnswer:
        return problem.answer(self.settings.problem_media_type)

    # What the server asks before and around an operation

    @property
    def unchecked(self) -> frozenset[str]:
        """Query parameters whose range the contract leaves to the API, as the settings say."""
        clamped = {"limit"} if self.settings.limits == "clamp" else set[str]()
        taken = {"from", "to"} if self.settings.bare_dates == "take" else set[str]()
        return frozenset(clamped | taken)

    @property
    def closed(self) -> bool:
        """Whether attributes that the contract does not know are refused."""
        return self.settings.unknown_attributes == "refuse"

    def authenticate(self, request: SandboxRequest, *, required: bool = True) -> SandboxAnswer | None:
        """None when the request bears one of the two keys, or needs none and has none; else the refusal."""
        if not required and "authorization" not in request.headers:
            return None
        try:
            self._accounts.of(request)
        except RefusedError as refused:
            return self._refusal(refused.problem)
        return None

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
        except RefusedError as refused:
            return self._refusal(refused.problem)
        return None

    def end(self, request: SandboxRequest) -> None:
        """Take the mark of `begin` away."""
        with suppress(RefusedError):
            self._accounts.of(request).idempotency.end(request)

    # What tests and the control API do

    def fulfil(self, order_id: str) -> dict[str, JSON]:
        """Match a placed order of either mode to credits; its notification goes to the outbox."""
        account, order = self._accounts.with_order(order_id)
        self._desk.fulfil(account, order)
        return order.body(self.settings)

    def cancel(self, order_id: str) -> dict[str, JSON]:
        """Cancel an order of either mode, as CNaught itself may."""
        account, order = self._accounts.with_order(order_id)
        self._desk.cancel(account, order)
        return order.body(self.settings)

    def complete(self, session_id: str) -> dict[str, JSON]:
        """Pay an open checkout session; returns the order that it leads to."""
        account, session = self._accounts.with_session(session_id)
        return self._desk.complete(account, session).body(self.settings)

    def expire(self, session_id: str) -> dict[str, JSON]:
        """End an open checkout session before its time; returns the session."""
        _, session = self._accounts.with_session(session_id)
        self._desk.expire(session)
        return session.body(self.world.clock.now(), self.settings)

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

    def settle(self) -> None:
        """Fulfil the orders that are due by `fulfil_after`. Requests do it too; a server may do it now and then."""
        for account in self._accounts.by_mode.values():
            self._desk.settle(account)

    def state(self) -> dict[str, JSON]:
        """Everything that both modes hold, oldest first, as plain values."""
        state: dict[str, JSON] = {
            mode.value: self._account_state(held) for mode, held in self._accounts.by_mode.items()
        }
        state["outbox"] = {
            "waiting": [note.plain() for note in self.outbox.waiting.values()],
            "delivered": [note.plain() for note in self.outbox.delivered],
            "given_up": [note.plain() for note in self.outbox.given_up],
        }
        return state

    def _account_state(self, account: Account) -> JSON:
        now, settings = self.world.clock.now(), self.settings
        return {
            "orders": [order.body(settings) for order in account.orders],
            "subaccounts": [subaccount.body(now, settings) for subaccount in account.subaccounts],
            "checkout_sessions": [session.body(now, settings) for session in account.sessions.values()],
            "invoice": [attrs.asdict(line) for line in account.invoice],
            "idempotency_keys": len(account.idempotency),
        }
