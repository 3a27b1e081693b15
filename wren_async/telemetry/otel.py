"""Calls, attempts and batches as spans and metrics of OpenTelemetry. Needs the extra `otel`."""

from __future__ import annotations

import contextvars
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Final

from opentelemetry import context, metrics, trace
from opentelemetry.propagators.textmap import Setter, TextMapPropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from wren_async.batch.events import Event
from wren_async.batch.journal.contract import Totals
from wren_async.core.client import __version__
from wren_async.core.telemetry import AttemptBegan, AttemptEnded, CallBegan, CallEnded, CallEvents, Retry
from wren_async.telemetry.measurements import (
    INSTRUMENTS,
    Attributes,
    Instrument,
    Kind,
    MeasuredCall,
    Record,
    answer_attributes,
    measure_totals,
    measured_events,
)

_SCOPE: Final = "wren_async"
_SCHEMA: Final = "https://opentelemetry.io/schemas/1.26.0"
_QUIET: Final = getattr(context, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", None)
"""Tells instrumentation of HTTP libraries that the requests of this context have spans and metrics already."""


class OpenTelemetry:
    """Spans and metrics of calls, for `CNaughtClient(telemetry=OpenTelemetry())`.

    Each call is a span, named after its operation, and each attempt a client span below it, by the stable conventions
    for HTTP. A call of which the caller was cancelled ends its span when the outcome of its write is known.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        propagator: TextMapPropagator | None = None,
    ) -> None:
        """Make one, and give it to as many clients as you like.

        Args:
            tracer_provider: Where spans go; the global provider unless given.
            meter_provider: Where metrics go; the global provider unless given.
            propagator: Writes the headers by which a server can tell to which trace a request belongs. By default
                `traceparent` and `tracestate`, and no baggage, which may hold what is not for the API's eyes.
        """
        self._tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider, _SCHEMA)
        self._propagator = propagator or TraceContextTextMapPropagator()
        self._record = _recorder(metrics.get_meter(_SCOPE, __version__, meter_provider, _SCHEMA))

    def __call__(self, call: CallBegan) -> CallEvents:
        """Trace and measure a call."""
        return _TracedCall(call, self._record, self._tracer, self._propagator)

    def watch(self, events: AsyncIterator[Event], *, batch: str | None = None) -> AsyncGenerator[Event, None]:
        """Measure a run of a batch: `async for event in telemetry.watch(batch.run())`.

        Where a process places several, give each a name as `batch`.
        """
        return measured_events(events, self._record, batch)

    def note_totals(self, totals: Totals, *, batch: str | None = None) -> None:
        """Measure how far a batch is, where its events are somewhere else."""
        measure_totals(totals, self._record, batch)


class _TracedCall(MeasuredCall):
    __slots__ = ("_attached", "_attempt", "_propagator", "_span", "_tracer")

    def __init__(self, call: CallBegan, record: Record, tracer: trace.Tracer, propagator: TextMapPropagator) -> None:
        super().__init__(call, record)
        self._tracer = tracer
        self._propagator = propagator
        self._attempt: trace.Span = trace.INVALID_SPAN
        self._attached: contextvars.Token[context.Context] | None = None
        told = {"wren_async.operation": call.operation, "wren_async.effect": call.effect.value}
        if call.reference is not None:
            told["wren_async.reference"] = call.reference
        self._span = tracer.start_span(call.operation, attributes=told)

    def queued(self) -> None:
        super().queued()
        self._span.add_event("waits for a free connection")

    def attempt_began(self, attempt: AttemptBegan) -> Mapping[str, str] | None:
        super().attempt_began(attempt)
        call = self._call
        told: dict[str, str | int] = {**self._request, "url.full": call.url, "url.template": call.path}
        if attempt.number > 1:
            told["http.request.resend_count"] = attempt.number - 1
        within = trace.set_span_in_context(self._span)
        self._attempt = self._tracer.start_span(
            f"{call.method} {call.path}", within, trace.SpanKind.CLIENT, attributes=told
        )
        within = trace.set_span_in_context(self._attempt, within)
        if _QUIET is not None:
            within = context.set_value(_QUIET, True, within)
        headers: dict[str, str] = {}
        self._propagator.inject(headers, within, _Setter())
        self._attached = context.attach(within)
        return headers

    def attempt_ended(self, attempt: AttemptEnded) -> None:
        if self._attached is not None:
            context.detach(self._attached)
            self._attached = None
        super().attempt_ended(attempt)
        for name, value in answer_attributes(attempt).items():
            self._attempt.set_attribute(name, value)
        if attempt.error_type is not None:
            self._attempt.set_status(trace.StatusCode.ERROR, attempt.reason or None)
        self._attempt.end()
        self._attempt = trace.INVALID_SPAN

    def retry_follows(self, retry: Retry) -> None:
        super().retry_follows(retry)
        self._span.add_event("retry follows", {"wren_async.wait": retry.wait})

    def ended(self, call: CallEnded) -> None:
        super().ended(call)
        self._span.set_attribute("wren_async.outcome", call.outcome.value)
        self._span.set_attribute("wren_async.attempts", call.attempts)
        if call.cancelled:
            self._span.set_attribute("wren_async.caller_cancelled", True)
        if call.error is not None:
            self._span.set_attribute("error.type", type(call.error).__qualname__)
            self._span.set_status(trace.StatusCode.ERROR, call.error.reason)
        self._span.end()


class _Setter(Setter[dict[str, str]]):
    def set(self, carrier: dict[str, str], key: str, value: str) -> None:
        carrier[key] = value


def _recorder(meter: metrics.Meter) -> Record:
    """What hands measurements on to the instruments of a meter."""
    add = {}
    for each in INSTRUMENTS:
        told = {"unit": each.unit, "description": each.description}
        match each.kind:
            case Kind.COUNTER:
                add[each] = meter.create_counter(each.name, **told).add
            case Kind.UP_DOWN:
                add[each] = meter.create_up_down_counter(each.name, **told).add
            case Kind.GAUGE:
                add[each] = meter.create_gauge(each.name, **told).set
            case Kind.HISTOGRAM:
                histogram = meter.create_histogram(each.name, **told, explicit_bucket_boundaries_advisory=each.buckets)
                add[each] = histogram.record

    def record(instrument: Instrument, value: float, attributes: Attributes) -> None:
        add[instrument](value, attributes)

    return record
