# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""Emissions and prices of things, without ordering."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, Unpack

from wren_async._generated.cnaught import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation
from wren_async.core.values import UNSET, Unset

__all__ = [
    "CREATE_AIR_FREIGHT_QUOTE",
    "CREATE_FLIGHT_QUOTE",
    "CREATE_GROUND_FREIGHT_QUOTE",
    "CREATE_GROUND_TRANSPORT_QUOTE",
    "CREATE_OFFICE_SPACE_QUOTE",
    "CREATE_QUOTE",
    "CREATE_RIDE_QUOTE",
    "CREATE_TRAIN_QUOTE",
    "create_air_freight_quote",
    "create_flight_quote",
    "create_ground_freight_quote",
    "create_ground_transport_quote",
    "create_office_space_quote",
    "create_quote",
    "create_ride_quote",
    "create_train_quote",
]


CREATE_QUOTE: Final[Operation[models.Quote]] = Operation(
    id="createQuote",
    method="POST",
    path="/quotes",
    answer=Lazy(lambda: models.Quote),
    effect=Effect.COMPUTE,
    content_type="application/json",
    subaccount_header="X-Subaccount-Id",
)


def create_quote(
    *,
    amount_kg: Decimal | int,
    portfolio_id: str | None | Unset = UNSET,
    source: models.QuoteSource | Literal["api", "checkout"] | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Quote]:
    """Price a mass of CO2e.

    Returns the price in US cents of offsetting a mass in kilograms of CO2e. Nothing is ordered and nothing charged; a
    quote is not kept and may be asked for again. A value that is not above 0 is refused with status 400. With a
    subaccount the quote is made for it.

    Args:
        amount_kg: Mass to offset, in kilograms of CO2e, above 0.
        portfolio_id: Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or
            account.
        source: Through which channel the order would be placed; prices can differ between the two. Left out: `api`.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It calculates and keeps nothing, so it is tried again after a failure.

    Source: api-reference (2023); CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration tests
    """
    return Call(
        operation=CREATE_QUOTE,
        body=models.MassQuoteRequest(
            amount_kg=arguments.decimal("amount_kg", amount_kg, above=0),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
            source=arguments.choice("source", source, models.QuoteSource, nullable=True),
        ),
        subaccount_id=subaccount_id,
        **options,
    )


CREATE_RIDE_QUOTE: Final[Operation[models.Quote]] = Operation(
    id="createRideQuote",
    method="POST",
    path="/quotes/ride",
    answer=Lazy(lambda: models.Quote),
    effect=Effect.COMPUTE,
    content_type="application/json",
    subaccount_header="X-Subaccount-Id",
    deprecated="Use `create_ground_transport_quote` with the vehicle type `passenger_car_van_or_suv`.",
)


def create_ride_quote(
    *,
    distance_km: Decimal | int,
    portfolio_id: str | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Quote]:
    """Price the offset of a vehicle ride.

    .. deprecated:: 0.1
        Use `create_ground_transport_quote` with the vehicle type `passenger_car_van_or_suv`.

    Returns the emissions of a vehicle ride of some length in kilometres, and their price in US cents. Nothing is
    ordered and nothing charged; a quote is not kept and may be asked for again. A value that is not above 0 is refused
    with status 400. With a subaccount the quote is made for it.

    Args:
        distance_km: Length of the ride in kilometres, above 0.
        portfolio_id: Portfolio to price the credits from. Left out or null: the default portfolio. Not stated for
            rides, but its successor takes it.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It calculates and keeps nothing, so it is tried again after a failure.

    Source: api-reference (2023); docs.cnaught.com, RequestRideQuote; CNaught Node SDK, git history to 3.0 (2024-12)
    """
    return Call(
        operation=CREATE_RIDE_QUOTE,
        body=models.RideQuoteRequest(
            distance_km=arguments.decimal("distance_km", distance_km, above=0),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
        ),
        subaccount_id=subaccount_id,
        **options,
    )


CREATE_GROUND_TRANSPORT_QUOTE: Final[Operation[models.Quote]] = Operation(
    id="createGroundTransportQuote",
    method="POST",
    path="/quotes/ground-transport",
    answer=Lazy(lambda: models.Quote),
    effect=Effect.COMPUTE,
    content_type="application/json",
    subaccount_header="X-Subaccount-Id",
)


def create_ground_transport_quote(
    *,
    distance_km: Decimal | int,
    vehicle_type: models.VehicleType | Literal["passenger_car_van_or_suv", "small_bus", "school_bus", "coach_bus"],
    portfolio_id: str | None | Unset = UNSET,
    source: models.QuoteSource | Literal["api", "checkout"] | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Quote]:
    """Price the offset of a journey by road.

    Returns the emissions of a journey by road and their price in US cents. Nothing is ordered and nothing charged; a
    quote is not kept and may be asked for again. A value that is not above 0 is refused with status 400. With a
    subaccount the quote is made for it.

    Args:
        distance_km: Distance in kilometres, above 0.
        vehicle_type: Vehicle the journey is made with.
        portfolio_id: Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or
            account.
        source: Through which channel the order would be placed; prices can differ between the two. Left out: `api`.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It calculates and keeps nothing, so it is tried again after a failure.

    Source: CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration tests
    """
    return Call(
        operation=CREATE_GROUND_TRANSPORT_QUOTE,
        body=models.GroundTransportQuoteRequest(
            distance_km=arguments.decimal("distance_km", distance_km, above=0),
            vehicle_type=arguments.choice("vehicle_type", vehicle_type, models.VehicleType),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
            source=arguments.choice("source", source, models.QuoteSource, nullable=True),
        ),
        subaccount_id=subaccount_id,
        **options,
    )


CREATE_FLIGHT_QUOTE: Final[Operation[models.Quote]] = Operation(
    id="createFlightQuote",
    method="POST",
    path="/quotes/flight",
    answer=Lazy(lambda: models.Quote),
    effect=Effect.COMPUTE,
    content_type="application/json",
    subaccount_header="X-Subaccount-Id",
)


def create_flight_quote(
    *,
    distance_km: Decimal | int,
    portfolio_id: str | None | Unset = UNSET,
    source: models.QuoteSource | Literal["api", "checkout"] | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Quote]:
    """Price the offset of a flight.

    Returns the emissions of a flight and their price in US cents. Nothing is ordered and nothing charged; a quote is
    not kept and may be asked for again. A value that is not above 0 is refused with status 400. With a subaccount the
    quote is made for it.

    Args:
        distance_km: Distance in kilometres, above 0.
        portfolio_id: Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or
            account.
        source: Through which channel the order would be placed; prices can differ between the two. Left out: `api`.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It calculates and keeps nothing, so it is tried again after a failure.

    Source: docs.cnaught.com, RequestFlightQuote; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0,
    integration tests
    """
    return Call(
        operation=CREATE_FLIGHT_QUOTE,
        body=models.FlightQuoteRequest(
            distance_km=arguments.decimal("distance_km", distance_km, above=0),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
            source=arguments.choice("source", source, models.QuoteSource, nullable=True),
        ),
        subaccount_id=subaccount_id,
        **options,
    )


CREATE_TRAIN_QUOTE: Final[Operation[models.Quote]] = Operation(
    id="createTrainQuote",
    method="POST",
    path="/quotes/train",
    answer=Lazy(lambda: models.Quote),
    effect=Effect.COMPUTE,
    content_type="application/json",
    subaccount_header="X-Subaccount-Id",
)


def create_train_quote(
    *,
    distance_km: Decimal | int,
    portfolio_id: str | None | Unset = UNSET,
    source: models.QuoteSource | Literal["api", "checkout"] | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Quote]:
    """Price the offset of a journey by train.

    Returns the emissions of a journey by train and their price in US cents. Nothing is ordered and nothing charged; a
    quote is not kept and may be asked for again. A value that is not above 0 is refused with status 400. With a
    subaccount the quote is made for it.

    Args:
        distance_km: Distance in kilometres, above 0.
        portfolio_id: Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or
            account.
        source: Through which channel the order would be placed; prices can differ between the two. Left out: `api`.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It calculates and keeps nothing, so it is tried again after a failure.

    Source: CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration tests
    """
    return Call(
        operation=CREATE_TRAIN_QUOTE,
        body=models.TrainQuoteRequest(
            distance_km=arguments.decimal("distance_km", distance_km, above=0),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
            source=arguments.choice("source", source, models.QuoteSource, nullable=True),
        ),
        subaccount_id=subaccount_id,
        **options,
    )


CREATE_AIR_FREIGHT_QUOTE: Final[Operation[models.Quote]] = Operation(
    id="createAirFreightQuote",
    method="POST",
    path="/quotes/air-freight",
    answer=Lazy(lambda: models.Quote),
    effect=Effect.COMPUTE,
    content_type="application/json",
    subaccount_header="X-Subaccount-Id",
)


def create_air_freight_quote(
    *,
    freight_mass_kg: Decimal | int,
    distance_km: Decimal | int,
    portfolio_id: str | None | Unset = UNSET,
    source: models.QuoteSource | Literal["api", "checkout"] | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Quote]:
    """Price the offset of freight carried by air.

    Returns the emissions of freight carried by air and their price in US cents. Nothing is ordered and nothing charged;
    a quote is not kept and may be asked for again. A value that is not above 0 is refused with status 400. With a
    subaccount the quote is made for it.

    Args:
        freight_mass_kg: Mass of the freight in kilograms, above 0.
        distance_km: Distance in kilometres, above 0.
        portfolio_id: Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or
            account.
        source: Through which channel the order would be placed; prices can differ between the two. Left out: `api`.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It calculates and keeps nothing, so it is tried again after a failure.

    Source: CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration tests
    """
    return Call(
        operation=CREATE_AIR_FREIGHT_QUOTE,
        body=models.AirFreightQuoteRequest(
            freight_mass_kg=arguments.decimal("freight_mass_kg", freight_mass_kg, above=0),
            distance_km=arguments.decimal("distance_km", distance_km, above=0),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
            source=arguments.choice("source", source, models.QuoteSource, nullable=True),
        ),
        subaccount_id=subaccount_id,
        **options,
    )


CREATE_GROUND_FREIGHT_QUOTE: Final[Operation[models.Quote]] = Operation(
    id="createGroundFreightQuote",
    method="POST",
    path="/quotes/ground-freight",
    answer=Lazy(lambda: models.Quote),
    effect=Effect.COMPUTE,
    content_type="application/json",
    subaccount_header="X-Subaccount-Id",
)


def create_ground_freight_quote(
    *,
    freight_mass_kg: Decimal | int,
    distance_km: Decimal | int,
    portfolio_id: str | None | Unset = UNSET,
    source: models.QuoteSource | Literal["api", "checkout"] | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Quote]:
    """Price the offset of freight carried over land.

    Returns the emissions of freight carried over land and their price in US cents. Nothing is ordered and nothing
    charged; a quote is not kept and may be asked for again. A value that is not above 0 is refused with status 400.
    With a subaccount the quote is made for it.

    Args:
        freight_mass_kg: Mass of the freight in kilograms, above 0.
        distance_km: Distance in kilometres, above 0.
        portfolio_id: Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or
            account.
        source: Through which channel the order would be placed; prices can differ between the two. Left out: `api`.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It calculates and keeps nothing, so it is tried again after a failure.

    Source: CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration tests
    """
    return Call(
        operation=CREATE_GROUND_FREIGHT_QUOTE,
        body=models.GroundFreightQuoteRequest(
            freight_mass_kg=arguments.decimal("freight_mass_kg", freight_mass_kg, above=0),
            distance_km=arguments.decimal("distance_km", distance_km, above=0),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
            source=arguments.choice("source", source, models.QuoteSource, nullable=True),
        ),
        subaccount_id=subaccount_id,
        **options,
    )


CREATE_OFFICE_SPACE_QUOTE: Final[Operation[models.Quote]] = Operation(
    id="createOfficeSpaceQuote",
    method="POST",
    path="/quotes/office-space",
    answer=Lazy(lambda: models.Quote),
    effect=Effect.COMPUTE,
    content_type="application/json",
    subaccount_header="X-Subaccount-Id",
)


def create_office_space_quote(
    *,
    square_footage: Decimal | int,
    portfolio_id: str | None | Unset = UNSET,
    source: models.QuoteSource | Literal["api", "checkout"] | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Quote]:
    """Price the offset of office space.

    Returns the emissions of office space and their price in US cents. Nothing is ordered and nothing charged; a quote
    is not kept and may be asked for again. A value that is not above 0 is refused with status 400. With a subaccount
    the quote is made for it.

    Args:
        square_footage: Floor area in square feet, above 0.
        portfolio_id: Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or
            account.
        source: Through which channel the order would be placed; prices can differ between the two. Left out: `api`.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It calculates and keeps nothing, so it is tried again after a failure.

    Source: CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration tests
    """
    return Call(
        operation=CREATE_OFFICE_SPACE_QUOTE,
        body=models.OfficeSpaceQuoteRequest(
            square_footage=arguments.decimal("square_footage", square_footage, above=0),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
            source=arguments.choice("source", source, models.QuoteSource, nullable=True),
        ),
        subaccount_id=subaccount_id,
        **options,
    )
