# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ProjectImpact(Value):
    """What an order for a project achieves."""

    tons: Decimal | None = None
    """Weight offset, in tonnes of CO2e. Absent for a project without a price per tonne."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
