"""Metrics as Prometheus reads them: the text says what happened, and is text that its parsers take."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from tests.raw_server import RawServer, answer, read_and_close
from wren_async import OutcomeUnknown
from wren_async.batch.events import Ended, Ending, Event, Progress
from wren_async.batch.journal.contract import State, Totals
from wren_async.telemetry import PrometheusMetrics
from wren_async.telemetry.measurements import ORDERS

from .clients import KEY, LIVE, cnaught, wren

LINE = re.compile(r'[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? [0-9.e+-]+')


def values(metrics: PrometheusMetrics) -> dict[str, float]:
    lines = [line for line in metrics.text().splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines)
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_what_clients_do_is_counted() -> None:
    metrics = PrometheusMetrics()
    async with RawServer(answer(), answer(503, {}), answer(), read_and_close()) as server:
        async with cnaught(server, telemetry=metrics) as client:
            await client.orders.create(amount_kg=1)
            await client.orders.create(amount_kg=1)
        async with wren(server, telemetry=metrics) as client:
            with pytest.raises(OutcomeUnknown):
                await client.offset_orders.create(tons=1, payment_method="credits", reference="ride-7")
    found = values(metrics)
    orders = 'wren_async_orders_total{wren_async_operation="%s",wren_async_outcome="%s"}'
    assert found[orders % ("createOrder", "succeeded")] == 2
    assert found[orders % ("createOffsetOrder", "unknown")] == 1
    assert found['wren_async_spent_cents_total{wren_async_operation="createOrder"}'] == 50
    assert found['wren_async_retries_total{wren_async_operation="createOrder"}'] == 1
    assert found["wren_async_limiter_in_flight"] == 0
    server_labels = f'server_address="127.0.0.1",server_port="{server.port}"'
    place = f'http_request_method="POST",http_response_status_code="200",{server_labels}'
    assert found[f"http_client_request_duration_seconds_count{{{place}}}"] == 2
    assert found[f'http_client_request_duration_seconds_bucket{{{place},le="+Inf"}}'] == 2
    for secret in (KEY, LIVE, "ride-7"):
        assert secret not in metrics.text()


async def test_buckets_add_up() -> None:
    metrics = PrometheusMetrics()
    async with RawServer(otherwise=answer()) as server, wren(server, telemetry=metrics) as client:
        for _ in range(20):
            await client.credits.balance()
    buckets = [value for name, value in values(metrics).items() if "_bucket{" in name]
    assert len(buckets) == 15
    assert buckets == sorted(buckets)
    assert buckets[-1] == 20


def test_each_metric_has_its_help_and_its_type_before_its_values() -> None:
    metrics = PrometheusMetrics()
    metrics._record(ORDERS, 1, {"a": "b"})
    assert metrics.text() == (
        "# HELP wren_async_orders_total Calls that spend money, by operation and outcome.\n"
        "# TYPE wren_async_orders_total counter\n"
        'wren_async_orders_total{a="b"} 1\n'
    )


def test_labels_cannot_forge_a_line() -> None:
    metrics = PrometheusMetrics()
    metrics._record(ORDERS, 1, {"a": 'x"} 9\nforged{b="\\'})
    (name,) = values(metrics)
    assert name == r'wren_async_orders_total{a="x\"} 9\nforged{b=\"\\"}'


def test_without_anything_measured_the_text_is_empty() -> None:
    assert PrometheusMetrics().text() == ""


# --- batches ----------------------------------------------------------------------------------------------------------


def totals(**orders: int) -> Totals:
    return Totals(
        orders={State(name): count for name, count in orders.items()},
        spent_cents=700,
        reserved_cents=50,
        planned_cents=1000,
        spent_grams=0,
        reserved_grams=0,
        planned_grams=0,
        pending_cents=250,
    )


async def test_a_run_of_a_batch_is_measured_while_its_events_pass() -> None:
    metrics = PrometheusMetrics()
    progress = Progress(
        totals=totals(pending=3, placed=6, undecided=1), in_flight=2, limit=8, seconds=1, rate=1, seconds_left=3
    )
    ended = Ended(ending=Ending.DONE, message="done", totals=totals(placed=9, undecided=1))
    closed: list[bool] = []

    async def run() -> AsyncIterator[Event]:
        try:
            yield progress
            yield ended
        finally:
            closed.append(True)

    seen: list[Event] = []
    async for event in metrics.watch(run()):
        seen.append(event)
        found = values(metrics)
        assert found['wren_async_batch_money_cents{wren_async_money="reserved"}'] == 50
        assert found['wren_async_batch_money_cents{wren_async_money="spent"}'] == 700
        assert found['wren_async_batch_orders{wren_async_state="undecided"}'] == 1
        assert found['wren_async_batch_orders{wren_async_state="pending"}'] == (3 if event is progress else 0)
        assert found["wren_async_batch_in_flight"] == (2 if event is progress else 0)
    assert seen == [progress, ended]
    assert closed == [True]


async def test_leaving_a_measured_run_ends_the_run() -> None:
    closed: list[bool] = []

    async def run() -> AsyncIterator[Event]:
        try:
            yield Ended(ending=Ending.DONE, message="done", totals=totals())
            raise AssertionError("nobody asked for more")
        finally:
            closed.append(True)

    events = PrometheusMetrics().watch(run())
    await anext(events)
    await events.aclose()
    assert closed == [True]


def test_a_worker_whose_events_are_elsewhere_tells_its_totals() -> None:
    metrics = PrometheusMetrics()
    metrics.note_totals(totals(placed=4))
    metrics.note_totals(totals(placed=5))
    assert values(metrics)['wren_async_batch_orders{wren_async_state="placed"}'] == 5
