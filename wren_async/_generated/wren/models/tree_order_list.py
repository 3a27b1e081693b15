# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs

from wren_async._generated.wren.models.tree_order import TreeOrder
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TreeOrderList(Value):
    """The caller's tree orders. The server may send the bare array instead."""

    __bare_array__: ClassVar[str] = "tree_orders"

    tree_orders: tuple[TreeOrder, ...] = attrs.field(metadata={"wire": "treeOrders"})
    """The tree orders, in no documented order."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
