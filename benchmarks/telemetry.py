"""What telemetry costs a call: the same order, answered at once in this process, with and without somebody watching.

    python benchmarks/telemetry.py [--rounds 40]

OpenTelemetry is measured without an SDK, where its spans and metrics do nothing, and with one that throws all away.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from wren_async import CNaughtClient
from wren_async.http.exchange import Answer, Progress, WireRequest
from wren_async.telemetry import CallEvents, OpenTelemetry, PrometheusMetrics, Telemetry

CALLS = 200
ORDER = b'{"id":"order_1","amount_kg":10,"price_usd_cents":25,"state":"placed","created_on":null}'


class AtOnce:
    """A backend that answers every request with an order."""

    async def exchange(self, request: WireRequest, progress: Progress) -> Answer:
        progress.sending = True
        return Answer(status=200, body=ORDER)

    async def aclose(self) -> None:
        """There is nothing to close."""


def watchers() -> Mapping[str, Telemetry | None]:
    """Who watches, by name."""
    tracers, meters = TracerProvider(), MeterProvider(metric_readers=[InMemoryMetricReader()])
    return {
        "nobody": None,
        "events that nobody looks at": lambda _: CallEvents(),
        "`PrometheusMetrics()`": PrometheusMetrics(),
        "`OpenTelemetry()`, no SDK": OpenTelemetry(),
        "`OpenTelemetry()`, with SDK": OpenTelemetry(tracer_provider=tracers, meter_provider=meters),
    }


async def microseconds(telemetry: Telemetry | None) -> float:
    """CPU time of one order."""
    async with CNaughtClient("benchmark", http_client=AtOnce(), telemetry=telemetry) as client:
        await client.orders.create(amount_kg=10)
        began = time.process_time()
        for _ in range(CALLS):
            await client.orders.create(amount_kg=10)
        return (time.process_time() - began) / CALLS * 1e6


def main() -> None:
    """Measure in rounds, and print the best of each, because a busy machine only makes it slower."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    rounds, watching = parser.parse_args().rounds, watchers()
    found: dict[str, list[float]] = {name: [] for name in watching}
    for _ in range(rounds):
        for name, telemetry in watching.items():
            found[name].append(asyncio.run(microseconds(telemetry)))
    print("| who watches | µs a call |\n|---|---|")
    for name, times in found.items():
        print(f"| {name} | {min(times):.0f} |")


if __name__ == "__main__":
    main()
