"""What CNaught posts to a web app when an order changes its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wren_async._generated.cnaught import models
from wren_async.core import arguments, codec
from wren_async.errors import InvalidArgument

_LONGEST_ID: Final = 1000


def parse_order_notification(body: bytes | str) -> models.Order:
    """Read the body of a notification that CNaught posts when an order changes its state.

    Notifications carry no signature, so anybody may send one: confirm it with `orders.get`. Answer it with exactly
    status 200, whatever the state, and expect the same one more than once. Raises `InvalidArgument` for a body that is
    no notification.

    Source: https://docs.cnaught.com
    """
    if not isinstance(body, bytes | bytearray | memoryview | str):
        raise InvalidArgument("body", f"takes the body as it came, in bytes or text, not {type(body).__name__}")
    try:
        value = codec.parse(body.encode() if isinstance(body, str) else body)
        wrapped = value.get("order", value) if isinstance(value, Mapping) else value
        order = codec.structure(wrapped, models.Order)
        # Whoever forged it may have named what `orders.get` would refuse, as a mistake of the program.
        arguments.identifier("id", order.id)
    except (codec.Unreadable, UnicodeEncodeError, InvalidArgument) as error:
        raise InvalidArgument("body", f"is no order notification: {error}") from None
    if len(order.id) > _LONGEST_ID:
        raise InvalidArgument("body", f"is no order notification: $.id: is longer than {_LONGEST_ID} characters")
    return order
