# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 0a973c664304a80f630357fe4c8a861700875ce29c1c7bf9b54a4042208a40b4

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
