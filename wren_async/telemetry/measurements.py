"""From the events of calls and batches to measurements: what is counted, in which unit, under which name.

Names and attributes of requests are those of OpenTelemetry's stable conventions for HTTP clients. Ours begin with
`wren_async`. No attribute holds a reference, an id or a text of a server: each has few values.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import attrs

from wren_async.batch.events import Ended, Event, Progress
from wren_async.batch.journal.contract import State, Totals
from wren_async.core.telemetry import AttemptBegan, AttemptEnded, CallBegan, CallEnded, CallEvents, CallOutcome, Retry

Attributes: TypeAlias = Mapping[str, str | int]
Record: TypeAlias = "Callable[[Instrument, float, Attributes], object]"
"""Takes one measurement. What it means to a counter is an increment, to a gauge the value from now on."""


class Kind(enum.Enum):
    """How measurements of an instrument add up."""

    COUNTER = enum.auto()
    UP_DOWN = enum.auto()
    GAUGE = enum.auto()
    HISTOGRAM = enum.auto()


@attrs.frozen(eq=False)
class Instrument:
    """What is measured."""

    name: str
    kind: Kind
    unit: str
    description: str
    buckets: tuple[float, ...] = ()


CENT: Final = "{US_cent}"
REQUEST_DURATION: Final = Instrument(
    "http.client.request.duration",
    Kind.HISTOGRAM,
    "s",
    "Duration of HTTP client requests.",
    (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)
IN_FLIGHT: Final = Instrument(
    "wren_async.limiter.in_flight", Kind.UP_DOWN, "{request}", "Requests that are on the wire."
)
WAITING: Final = Instrument(
    "wren_async.limiter.waiting", Kind.UP_DOWN, "{call}", "Calls that wait for a place on the wire."
)
RETRIES: Final = Instrument("wren_async.retries", Kind.COUNTER, "{retry}", "Attempts after the first.")
ORDERS: Final = Instrument(
    "wren_async.orders", Kind.COUNTER, "{order}", "Calls that spend money, by operation and outcome."
)
SPENT: Final = Instrument("wren_async.spent", Kind.COUNTER, CENT, "What the answers to such calls say was charged.")
BATCH_ORDERS: Final = Instrument("wren_async.batch.orders", Kind.GAUGE, "{order}", "Orders of a batch, by state.")
BATCH_MONEY: Final = Instrument(
    "wren_async.batch.money",
    Kind.GAUGE,
    CENT,
    "Money of a batch: spent, reserved for what is in doubt, still to spend.",
)
BATCH_IN_FLIGHT: Final = Instrument(
    "wren_async.batch.in_flight", Kind.GAUGE, "{order}", "Orders of a batch that are on the wire."
)
INSTRUMENTS: Final = (
    REQUEST_DURATION,
    IN_FLIGHT,
    WAITING,
    RETRIES,
    ORDERS,
    SPENT,
    BATCH_ORDERS,
    BATCH_MONEY,
    BATCH_IN_FLIGHT,
)


def request_attributes(call: CallBegan) -> dict[str, str | int]:
    """The method and the server, by the names of the conventions."""
    url = urlsplit(call.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    return {"http.request.method": call.method, "server.address": url.hostname or "", "server.port": port}


def answer_attributes(attempt: AttemptEnded) -> dict[str, str | int]:
    """The status, or why there is none, by the names of the conventions."""
    told: dict[str, str | int] = {}
    if attempt.status is not None:
        told["http.response.status_code"] = attempt.status
    if attempt.error_type is not None:
        told["error.type"] = attempt.error_type
    return told


class MeasuredCall(CallEvents):
    """Measures one call."""

    __slots__ = ("_call", "_record", "_request", "_waits")

    def __init__(self, call: CallBegan, record: Record) -> None:
        self._call = call
        self._record = record
        self._request = request_attributes(call)
        self._waits = False

    def queued(self) -> None:
        self._waits = True
        self._record(WAITING, 1, {})

    def attempt_began(self, attempt: AttemptBegan) -> Mapping[str, str] | None:
        self._waits_no_more()
        self._record(IN_FLIGHT, 1, {})
        return None

    def attempt_ended(self, attempt: AttemptEnded) -> None:
        self._record(IN_FLIGHT, -1, {})
        self._record(REQUEST_DURATION, attempt.took, {**self._request, **answer_attributes(attempt)})

    def retry_follows(self, retry: Retry) -> None:
        self._record(RETRIES, 1, {"wren_async.operation": self._call.operation})

    def ended(self, call: CallEnded) -> None:
        self._waits_no_more()
        if not self._call.spends:
            return
        operation = {"wren_async.operation": call.operation}
        self._record(ORDERS, 1, {**operation, "wren_async.outcome": call.outcome.value})
        if (cents := _charged(call)) is not None:
            self._record(SPENT, cents, operation)

    def _waits_no_more(self) -> None:
        if self._waits:
            self._waits = False
            self._record(WAITING, -1, {})


def _charged(call: CallEnded) -> int | None:
    """US cents that an answer says were charged for a call."""
    repeats_an_earlier_call = call.replayed and call.attempts == 1
    if call.outcome is not CallOutcome.SUCCEEDED or repeats_an_earlier_call:
        return None
    if getattr(call.answer, "currency", "USD") != "USD":
        return None
    cents = getattr(call.answer, "price_usd_cents", getattr(call.answer, "amount_charged", None))
    return cents if isinstance(cents, int) else None


def measure_totals(totals: Totals, record: Record, batch: str | None = None) -> None:
    """Measure how far a batch is. Its name tells it from the others, where a process places several."""
    which = _batch_attributes(batch)
    for state in State:
        record(BATCH_ORDERS, totals.orders.get(state, 0), {**which, "wren_async.state": state.value})
    money = {"spent": totals.spent_cents, "reserved": totals.reserved_cents, "pending": totals.pending_cents}
    for name, cents in money.items():
        record(BATCH_MONEY, cents, {**which, "wren_async.money": name})


async def measured_events(
    events: AsyncIterator[Event], record: Record, batch: str | None = None
) -> AsyncGenerator[Event, None]:
    """The events of a run, each measured on its way."""
    which = _batch_attributes(batch)
    try:
        async for event in events:
            match event:
                case Progress():
                    measure_totals(event.totals, record, batch)
                    record(BATCH_IN_FLIGHT, event.in_flight, which)
                case Ended():
                    measure_totals(event.totals, record, batch)
                    record(BATCH_IN_FLIGHT, 0, which)
            yield event
    finally:
        # Also where it ends in an error: nothing follows that would say so.
        record(BATCH_IN_FLIGHT, 0, which)
        if isinstance(events, AsyncGenerator):
            await events.aclose()


def _batch_attributes(batch: str | None) -> dict[str, str | int]:
    return {} if batch is None else {"wren_async.batch": batch}
