"""Placing, reading, listing and cancelling orders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal

import attrs

from wren_async.sandbox.cnaught import quotes
from wren_async.sandbox.cnaught.accounts import Caller, CNaughtAccounts, unit_price
from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.fields import Fields
from wren_async.sandbox.cnaught.operations.quotes import require_rides
from wren_async.sandbox.cnaught.order_service import OrderService, OrderTerms
from wren_async.sandbox.cnaught.orders import Order
from wren_async.sandbox.cnaught.paging import PageRequest, page
from wren_async.sandbox.cnaught.problems import CNaughtRefusedError, forbidden, invalid_parameters
from wren_async.sandbox.exchange import Handler, SandboxAnswer, SandboxRequest
from wren_async.sandbox.world import World


@attrs.frozen
class OrderOperations:
    """The five operations on orders."""

    world: World
    behaviours: CNaughtBehaviours
    accounts: CNaughtAccounts
    order_service: OrderService

    def by_id(self) -> Mapping[str, Handler]:
        """The handlers, by the `operationId` in the contract."""
        return {
            "listOrders": self.list_orders,
            "createOrder": self.create_order,
            "createRideOrder": self.create_ride_order,
            "getOrder": self.get_order,
            "cancelOrder": self.cancel_order,
        }

    def list_orders(self, request: SandboxRequest) -> SandboxAnswer:
        """A page of the caller's orders."""
        caller = self.accounts.caller(request)
        orders, lag = caller.account.orders, self.behaviours.order_list_lag
        youngest = self.world.clock.now() - lag
        ids = page(
            caller.orders(),
            PageRequest.read(request.query, self.behaviours),
            self.behaviours,
            visible=(lambda order_id: orders[order_id].created_on <= youngest) if lag else None,
        )
        return SandboxAnswer(body={"data": [orders[order_id].body(self.behaviours) for order_id in ids]})

    def create_order(self, request: SandboxRequest) -> SandboxAnswer:
        """An order by mass or by price."""
        caller, fields = self._buyer(request), Fields(request.body)
        by_mass = fields.has("amount_kg")
        if by_mass == fields.has("total_price_usd_cents"):
            fields.fault("amount_kg", "exactly one of amount_kg and total_price_usd_cents must be given")
            fields.done()
        wanted = fields.amount("amount_kg" if by_mass else "total_price_usd_cents")
        terms = self._terms(caller, fields)
        cost = unit_price(terms.portfolio, "api", self.behaviours)
        if by_mass:
            quote = quotes.by_mass(orderable(wanted, self.behaviours), cost)
        else:
            quote = quotes.by_price(wanted, cost)
            if not quote.amount_kg:
                raise CNaughtRefusedError(invalid_parameters({"total_price_usd_cents": ["buys less than a kilogram"]}))
        return self._ordered(self.order_service.place(caller.account, quote, terms))

    def create_ride_order(self, request: SandboxRequest) -> SandboxAnswer:
        """An order for a ride. It buys what the ride quote says, a fraction of a kilogram included."""
        require_rides(self.behaviours)
        caller, fields = self._buyer(request), Fields(request.body)
        distance = fields.amount("distance_km")
        terms = self._terms(caller, fields)
        quote = quotes.ride(distance, unit_price(terms.portfolio, "api", self.behaviours))
        return self._ordered(self.order_service.place(caller.account, quote, terms))

    def get_order(self, request: SandboxRequest) -> SandboxAnswer:
        """One order."""
        order = self.accounts.caller(request).order(request.path["id"])
        return SandboxAnswer(body=order.body(self.behaviours))

    def cancel_order(self, request: SandboxRequest) -> SandboxAnswer:
        """Cancel one order."""
        caller = self.accounts.caller(request)
        order = caller.order(request.path["id"])
        self.order_service.cancel(caller.account, order)
        return SandboxAnswer(body=order.body(self.behaviours))

    def _buyer(self, request: SandboxRequest) -> Caller:
        caller = self.accounts.caller(request)
        if not self.behaviours.billing_set_up:
            raise CNaughtRefusedError(forbidden("Billing is not set up"))
        return caller

    def _terms(self, caller: Caller, fields: Fields) -> OrderTerms:
        metadata, description = fields.text("metadata"), fields.text("description")
        portfolio_id, callback_url = fields.text("portfolio_id"), fields.notification_url()
        fields.done()
        return OrderTerms(
            portfolio=caller.portfolio(portfolio_id),
            subaccount_id=caller.subaccount_id,
            metadata=metadata,
            description=description,
            callback_url=callback_url,
        )

    def _ordered(self, order: Order) -> SandboxAnswer:
        return SandboxAnswer(status=201, body=order.body(self.behaviours))


def orderable(amount_kg: Decimal, behaviours: CNaughtBehaviours) -> Decimal:
    """The mass that an order of `amount_kg` is answered with: rounded down to whole kilograms, or kept."""
    if behaviours.fractional_amounts == "keep":
        return amount_kg
    whole = amount_kg.to_integral_value(ROUND_FLOOR)
    if not whole:
        raise CNaughtRefusedError(invalid_parameters({"amount_kg": ["must be at least 1"]}))
    return whole
