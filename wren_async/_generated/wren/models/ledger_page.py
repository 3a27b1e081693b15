# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wren_async._generated.wren.models.ledger_entry import LedgerEntry
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LedgerPage(Value):
    """A page of the wallet's ledger, newest entries first."""

    entries: tuple[LedgerEntry, ...]
    """The entries of the page, newest first."""
    total: int
    """Number of entries on all pages together."""
    limit: int
    """Greatest number of entries on a page, as the server used it."""
    offset: int
    """Number of entries skipped, as the server used it."""
    test: bool | None = attrs.field(default=None, metadata={"lenient": True})
    """Perhaps true when a test token was used; absent otherwise."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
