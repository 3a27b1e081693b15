# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""An enum of the CNaught API."""

from __future__ import annotations

from enum import StrEnum


class VehicleType(StrEnum):
    """Vehicle of a journey by road.

    `passenger_car_van_or_suv`: a passenger car, van or sport utility vehicle; the one for rides. `small_bus`: a small
    bus. `school_bus`: a school bus. `coach_bus`: a coach.
    """

    PASSENGER_CAR_VAN_OR_SUV = "passenger_car_van_or_suv"
    SMALL_BUS = "small_bus"
    SCHOOL_BUS = "school_bus"
    COACH_BUS = "coach_bus"
