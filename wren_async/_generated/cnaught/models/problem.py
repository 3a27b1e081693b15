# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wren_async._generated.cnaught.models.problem_type import ProblemType
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Problem(Value):
    """What went wrong, as problem details (RFC 9457).

    Any attribute may be missing, and an answer of status 401 or 5xx may carry none of them. Decide by `type`, then by
    the status, never by `title`.
    """

    type: ProblemType | None = attrs.field(default=None, metadata={"lenient": True})
    """Which kind of problem it is. An unknown or missing one means no more than the status does."""
    title: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Short text for people; do not decide by it."""
    status: int | None = attrs.field(default=None, metadata={"lenient": True})
    """The HTTP status, repeated."""
    detail: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Longer text about this case; sent with `invalid-pagination`."""
    instance: str | None = attrs.field(default=None, metadata={"lenient": True})
    """URI of this case; never seen."""
    errors: Mapping[str, tuple[str, ...]] | None = attrs.field(default=None, hash=False, metadata={"lenient": True})
    """What is wrong with each attribute of the request, by its name; only sent with `invalid-parameters`."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
