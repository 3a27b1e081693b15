# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TreeOrder(Value):
    """One order of trees.

    Its fulfilment status and payment details come under names that are not documented. No attribute of it is certain to
    be there.
    """

    id: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Id of the order."""
    amount_of_trees: int | None = attrs.field(
        default=None, metadata={"wire": "amountOfTrees", "aliases": ("amount_of_trees",), "lenient": True}
    )
    """Number of trees of the order."""
    created_at: datetime | None = attrs.field(
        default=None, metadata={"wire": "createdAt", "aliases": ("created_at",), "lenient": True}
    )
    """When the order was made."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
