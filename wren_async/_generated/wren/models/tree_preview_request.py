# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 e1ad6ca32cb768381d43881a00bdd5d0cf5c478dc0ccd294ed1a3d060ac997af

"""A model of the Wren API."""

from __future__ import annotations

import attrs

from wren_async.core.values import Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TreePreviewRequest(Value):
    """A number of trees to be priced."""

    amount_of_trees: int = attrs.field(metadata={"wire": "amountOfTrees"})
    """Number of trees, at least 1."""
