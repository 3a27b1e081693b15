# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 e1ad6ca32cb768381d43881a00bdd5d0cf5c478dc0ccd294ed1a3d060ac997af

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wren_async._generated.wren.models.portfolio import Portfolio
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class PortfolioList(Value):
    """The portfolios that can be ordered."""

    portfolios: tuple[Portfolio, ...]
    """The portfolios, in no documented order."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
