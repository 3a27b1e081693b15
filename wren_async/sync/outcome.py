"""The outcome of a write whose caller was interrupted."""

from __future__ import annotations

from typing import Any

from wren_async.core.operation import Call
from wren_async.core.reply import Reply
from wren_async.core.sending.session import Outcome
from wren_async.sync.portal import Portal


class SyncOutcome:
    """The outcome of a write whose caller was interrupted, by Ctrl-C or a signal, while it was on the wire."""

    def __init__(self, outcome: Outcome, portal: Portal) -> None:
        self._outcome = outcome
        self._portal = portal

    def __repr__(self) -> str:
        stands = "unknown" if self.unknown else "decided" if self.decided else "on the wire"
        return f"<SyncOutcome {self.name!r} {stands}>"

    @property
    def name(self) -> str:
        """Its name in `client.outcomes`: the reference, or else the idempotency key."""
        return self._outcome.name

    @property
    def call(self) -> Call[Any]:
        """The call with its key and reference."""
        return self._outcome.call

    @property
    def decided(self) -> bool:
        """Whether the attempt on the wire has ended."""
        return self._outcome.decided

    @property
    def unknown(self) -> bool:
        """Whether it ended, and nobody knows whether the write was carried out."""
        return self._outcome.unknown

    @property
    def error(self) -> BaseException | None:
        """The error, where the outcome is decided and is one."""
        return self._outcome.error

    def reply(self) -> Reply[Any]:
        """Wait for the reply. Raises what the call would have raised, such as `OutcomeUnknown`. Sends nothing, and
        works after the client was closed, too."""
        return self._outcome.result() if self.decided else self._portal.run(self._outcome.reply())
