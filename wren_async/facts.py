"""What every error of a call carries. It loads with the first error: a program needs the exceptions even without."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from wren_async.core.operation import Call


@attrs.frozen(kw_only=True)
class CallFacts:
    """What is known of a call that did not succeed."""

    method: str
    url: str
    attempts: int
    """Attempts begun, the first included."""
    call: Call[Any]
    """The call with its key and reference. Sending it again repeats a keyed write safely."""
    idempotency_key: str | None = None
    reference: str | None = None
    """The text by which a placed order can be found again."""
    first_sent: datetime | None = None
    """When the first attempt that may have reached the server was begun, by this machine's clock."""
    last_sent: datetime | None = None
    """When the last such attempt ended, by this machine's clock. No byte was sent later."""
    accepted: bool = False
    """Whether some attempt was answered with a success."""
    status: int | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    """Headers of the last answer, names in lower case."""
    body: object = attrs.field(default=None, repr=False)
    """Body of the last answer, decoded where it was JSON."""
    raw: bytes = attrs.field(default=b"", repr=False)
    """Body of the last answer as it came, without any token of ours."""
