"""What CNaught posts to a web app when an order changes its state."""

from __future__ import annotations

from collections.abc import Mapping

from wren_async._generated.cnaught import models
from wren_async.core import codec
from wren_async.errors import InvalidArgument


def parse_order_notification(body: bytes | str) -> models.Order:
    """Read the body of a notification that CNaught posts when an order changes its state.

    Notifications carry no signature, so anybody may send one: confirm it with `orders.get`. Answer it with exactly
    status 200, whatever the state, and expect the same one more than once. Raises `InvalidArgument` for a body that is
    no notification.

    Source: https://docs.cnaught.com
    """
    try:
        value = codec.parse(body.encode() if isinstance(body, str) else body)
        wrapped = value.get("order", value) if isinstance(value, Mapping) else value
        return codec.structure(wrapped, models.Order)
    except (codec.Unreadable, UnicodeEncodeError) as error:
        raise InvalidArgument("body", f"is no order notification: {error}") from None
