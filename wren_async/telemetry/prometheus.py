"""Metrics as Prometheus reads them, kept in this process and written as text, without a library."""

from __future__ import annotations

import bisect
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Final

from wren_async.batch.events import Event
from wren_async.batch.journal.contract import Totals
from wren_async.core.telemetry import CallBegan, CallEvents
from wren_async.telemetry.measurements import (
    CENT,
    INSTRUMENTS,
    Attributes,
    Instrument,
    Kind,
    MeasuredCall,
    measure_totals,
    measured_events,
)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_TYPES: Final = {Kind.COUNTER: "counter", Kind.UP_DOWN: "gauge", Kind.GAUGE: "gauge", Kind.HISTOGRAM: "histogram"}
_UNITS: Final = {"s": "_seconds", CENT: "_cents"}
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = tuple[tuple[str, str], ...]


class PrometheusMetrics:
    """Counts what clients and batches do, for an endpoint such as `/metrics`.

    Give one to all clients of a process, `CNaughtClient(telemetry=metrics)`, and serve `metrics.text()` as
    `metrics.content_type`.
    """

    content_type: Final = CONTENT_TYPE

    def __init__(self) -> None:
        self._values: dict[Instrument, dict[Labels, float]] = {each: {} for each in INSTRUMENTS}
        self._buckets: dict[tuple[Instrument, Labels], list[int]] = {}

    def __call__(self, call: CallBegan) -> CallEvents:
        """Measure a call."""
        return MeasuredCall(call, self._record)

    def watch(self, events: AsyncIterator[Event], *, batch: str | None = None) -> AsyncGenerator[Event, None]:
        """Measure a run of a batch: `async for event in metrics.watch(batch.run())`.

        Where a process places several, give each a name as `batch`.
        """
        return measured_events(events, self._record, batch)

    def note_totals(self, totals: Totals, *, batch: str | None = None) -> None:
        """Measure how far a batch is, where its events are told elsewhere: `note_totals(await batch.totals())`."""
        measure_totals(totals, self._record, batch)

    def text(self) -> str:
        """All metrics, in the text format of Prometheus."""
        return "".join(f"{line}\n" for instrument in INSTRUMENTS for line in self._lines(instrument))

    def _record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        labels = tuple((name.replace(".", "_"), str(attributes[name])) for name in sorted(attributes))
        values = self._values[instrument]
        values[labels] = value + (0 if instrument.kind is Kind.GAUGE else values.get(labels, 0))
        if instrument.kind is Kind.HISTOGRAM:
            counts = self._buckets.setdefault((instrument, labels), [0] * (len(instrument.buckets) + 1))
            counts[bisect.bisect_left(instrument.buckets, value)] += 1

    def _lines(self, instrument: Instrument) -> Iterator[str]:
        values = dict(self._values[instrument])  # a copy, because another thread may ask for the text
        if not values:
            return
        name = instrument.name.replace(".", "_") + _UNITS.get(instrument.unit, "")
        if instrument.kind is Kind.COUNTER:
            name += "_total"
        yield f"# HELP {name} {instrument.description}"
        yield f"# TYPE {name} {_TYPES[instrument.kind]}"
        for labels, value in values.items():
            if instrument.kind is Kind.HISTOGRAM:
                yield from self._histogram(name, instrument, labels, value)
            else:
                yield f"{name}{_shown(labels)} {value:.17g}"

    def _histogram(self, name: str, instrument: Instrument, labels: Labels, total: float) -> Iterator[str]:
        count = 0
        for bound, here in zip((*instrument.buckets, "+Inf"), self._buckets[instrument, labels], strict=True):
            count += here
            yield f"{name}_bucket{_shown((*labels, ('le', str(bound))))} {count}"
        yield f"{name}_sum{_shown(labels)} {total:.17g}"
        yield f"{name}_count{_shown(labels)} {count}"


def _shown(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels) + "}" if labels else ""
