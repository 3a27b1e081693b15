# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""An enum of the CNaught API."""

from __future__ import annotations

from wren_async.core.values import OpenStrEnum


class Equivalent(OpenStrEnum):
    """A comparison on the public impact page.

    `cars`: cars taken off the road. `homes`: yearly energy use of homes. `flights`: flights from Los Angeles to New
    York. `trees`: trees planted.
    """

    CARS = "cars"
    HOMES = "homes"
    FLIGHTS = "flights"
    TREES = "trees"
