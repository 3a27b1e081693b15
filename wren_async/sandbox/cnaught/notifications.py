"""Notifications on their way to the URLs that orders name. They are only kept here; the server posts them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import attrs

from wren_async.sandbox.codec import encode
from wren_async.sandbox.exchange import JSON

GIVEN_UP_AFTER = timedelta(hours=24)
"""How long a notification is tried before it is given up."""


@attrs.define(kw_only=True)
class Notification:
    """One change of an order's state, to be posted to `url` until it answers 200."""

    id: int
    order_id: str
    state: str
    url: str
    body: dict[str, JSON]
    created_on: datetime
    attempts: list[int | None] = attrs.field(factory=list)
    """The status that each attempt met; None where no answer came."""

    @property
    def delivered(self) -> bool:
        """Whether the receiver answered 200; any other status, 204 too, counts as a failure."""
        return bool(self.attempts) and self.attempts[-1] == 200

    @property
    def content(self) -> bytes:
        """The body as it is posted."""
        return encode(self.body)

    def plain(self) -> dict[str, JSON]:
        """The notification as JSON, for the control API."""
        return {
            "id": self.id,
            "order_id": self.order_id,
            "state": self.state,
            "url": self.url,
            "body": self.body,
            "created_on": self.created_on.isoformat(),
            "attempts": [*self.attempts],
        }


@attrs.define
class Outbox:
    """The notifications of an account: those still to be sent, those delivered, and those given up."""

    waiting: dict[int, Notification] = attrs.field(factory=dict)
    delivered: list[Notification] = attrs.field(factory=list)
    given_up: list[Notification] = attrs.field(factory=list)
    _last_id: int = 0

    def __iter__(self) -> Iterator[Notification]:
        return iter(sorted([*self.waiting.values(), *self.delivered, *self.given_up], key=lambda note: note.id))

    def post(self, *, order_id: str, state: str, url: str, body: dict[str, JSON], now: datetime) -> None:
        """Add a notification, to be sent from now on."""
        self._last_id += 1
        self.waiting[self._last_id] = Notification(
            id=self._last_id, order_id=order_id, state=state, url=url, body=body, created_on=now
        )

    def due(self, now: datetime) -> list[Notification]:
        """What is to be sent, oldest first. Notifications tried for 24 hours are given up."""
        for notification in [*self.waiting.values()]:
            if now - notification.created_on >= GIVEN_UP_AFTER:
                self.given_up.append(self.waiting.pop(notification.id))
        return [*self.waiting.values()]

    def attempted(self, notification_id: int, status: int | None) -> None:
        """Note how the receiver answered. After a 200 the notification counts as delivered, and is not sent again."""
        notification = self.waiting.get(notification_id)
        if notification is None:
            return
        notification.attempts.append(status)
        if notification.delivered:
            self.delivered.append(self.waiting.pop(notification_id))
