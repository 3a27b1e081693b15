"""The interface between calls and an HTTP library: one request in, one answer out, and a record of how far it got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from wren_async.http.exchange import Answer, Progress, WireRequest


@runtime_checkable
class Backend(Protocol):
    """An HTTP library as the client sees it. It sends a request once, follows no redirect and adds no credentials.

    It may have an attribute `max_in_flight`, the number of exchanges at a time that suits it.
    """

    async def exchange(self, request: WireRequest, progress: Progress) -> Answer:
        """Send `request` and read the whole answer, noting in `progress` how far it got.

        Raises `ExchangeFailed` where no whole answer comes. Cancelling it ends the exchange at once.
        """
        ...

    async def aclose(self) -> None:
        """Close what the backend itself has opened."""
        ...
