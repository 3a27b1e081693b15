"""Metrics and traces: `OpenTelemetry()`, `PrometheusMetrics()`, or events for whatever else you use.

    from wren_async import CNaughtClient
    from wren_async.telemetry import OpenTelemetry

    async with CNaughtClient(telemetry=OpenTelemetry()) as cnaught:
        ...

The names below load when they are first used; only `OpenTelemetry` needs the extra `otel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._lazy import is_installed, lazy

if TYPE_CHECKING:
    from wren_async.core.telemetry import (
        AttemptBegan,
        AttemptEnded,
        CallBegan,
        CallEnded,
        CallEvents,
        CallOutcome,
        Retry,
        Telemetry,
    )
    from wren_async.telemetry.otel import OpenTelemetry
    from wren_async.telemetry.prometheus import PrometheusMetrics

_HOMES = {
    "wren_async.core.telemetry": (
        "AttemptBegan AttemptEnded CallBegan CallEnded CallEvents CallOutcome Retry Telemetry"
    ),
    "wren_async.telemetry.otel": "OpenTelemetry",
    "wren_async.telemetry.prometheus": "PrometheusMetrics",
}
__all__ = [
    "AttemptBegan",
    "AttemptEnded",
    "CallBegan",
    "CallEnded",
    "CallEvents",
    "CallOutcome",
    "PrometheusMetrics",
    "Retry",
    "Telemetry",
]
if is_installed("opentelemetry"):
    # Not without: whoever takes `*`, and measures for Prometheus, needs no extra.
    __all__ += ["OpenTelemetry"]

__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
