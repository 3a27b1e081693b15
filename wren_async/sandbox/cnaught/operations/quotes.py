"""Quotes for masses and for activities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal

import attrs

from wren_async.sandbox.cnaught import quotes
from wren_async.sandbox.cnaught.accounts import CNaughtAccounts, unit_price
from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.fields import Fields
from wren_async.sandbox.cnaught.problems import CNaughtRefusedError, of_status
from wren_async.sandbox.cnaught.quotes import Quote
from wren_async.sandbox.exchange import Handler, SandboxAnswer, SandboxRequest


@attrs.frozen
class QuoteOperations:
    """The eight operations that price something and keep nothing."""

    behaviours: CNaughtBehaviours
    accounts: CNaughtAccounts

    def by_id(self) -> Mapping[str, Handler]:
        """The handlers, by the `operationId` in the contract."""
        return {
            "createQuote": self.create_quote,
            "createRideQuote": self.create_ride_quote,
            "createGroundTransportQuote": self._estimating(_ground_transport),
            "createFlightQuote": self._estimating(_flight),
            "createTrainQuote": self._estimating(_train),
            "createAirFreightQuote": self._estimating(_air_freight),
            "createGroundFreightQuote": self._estimating(_ground_freight),
            "createOfficeSpaceQuote": self._estimating(_office_space),
        }

    def create_quote(self, request: SandboxRequest) -> SandboxAnswer:
        """A quote for a mass."""
        return self._quoted(request, lambda fields: fields.amount("amount_kg"), quotes.by_mass)

    def create_ride_quote(self, request: SandboxRequest) -> SandboxAnswer:
        """The older quote for a ride."""
        require_rides(self.behaviours)
        return self._quoted(request, lambda fields: fields.amount("distance_km"), quotes.ride)

    def _estimating(self, emitted: Callable[[Fields], Decimal]) -> Handler:
        return lambda request: self._quoted(request, emitted, quotes.estimate)

    def _quoted(
        self,
        request: SandboxRequest,
        emitted: Callable[[Fields], Decimal],
        quote: Callable[[Decimal, Decimal], Quote],
    ) -> SandboxAnswer:
        caller, fields = self.accounts.caller(request), Fields(request.body)
        quantity, portfolio_id = emitted(fields), fields.text("portfolio_id")
        source: Literal["api", "checkout"] = "checkout" if fields.text("source") == "checkout" else "api"
        fields.done()
        cost = unit_price(caller.portfolio(portfolio_id), source, self.behaviours)
        return SandboxAnswer(body=quote(quantity, cost).body())


def require_rides(behaviours: CNaughtBehaviours) -> None:
    """Refuse a deprecated ride operation when the behaviours say that it is gone."""
    if behaviours.ride_operations != "served":
        raise CNaughtRefusedError(of_status(behaviours.ride_operations))


def _ground_transport(fields: Fields) -> Decimal:
    return fields.amount("distance_km") * quotes.KG_PER_KM[fields.required_text("vehicle_type")]


def _flight(fields: Fields) -> Decimal:
    return fields.amount("distance_km") * quotes.KG_PER_FLIGHT_KM


def _train(fields: Fields) -> Decimal:
    return fields.amount("distance_km") * quotes.KG_PER_TRAIN_KM


def _air_freight(fields: Fields) -> Decimal:
    return _freight(fields) * quotes.KG_PER_AIR_FREIGHT_KG_KM


def _ground_freight(fields: Fields) -> Decimal:
    return _freight(fields) * quotes.KG_PER_GROUND_FREIGHT_KG_KM


def _freight(fields: Fields) -> Decimal:
    return fields.amount("freight_mass_kg") * fields.amount("distance_km")


def _office_space(fields: Fields) -> Decimal:
    return fields.amount("square_footage") * quotes.KG_PER_SQUARE_FOOT
