# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 e1ad6ca32cb768381d43881a00bdd5d0cf5c478dc0ccd294ed1a3d060ac997af

"""A model of the Wren API."""

from __future__ import annotations

import attrs

from wren_async.core.values import Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TopUpRequest(Value):
    """An amount to add to the wallet."""

    amount_in_usd_cents: int = attrs.field(metadata={"wire": "amountInUsdCents"})
    """Amount to charge and add, in US cents; at least 100."""
