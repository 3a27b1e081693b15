"""Traces and metrics of OpenTelemetry, as its own SDK collects them, and the headers that carry a trace to a server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import attrs
import httpx
import pytest
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.raw_server import GOOD, RawServer, answer, read_and_close, refused, silent
from wren_async import AiohttpBackend, NotSent, OutcomeUnknown, WrenClient
from wren_async.batch.events import Ended, Ending, Event
from wren_async.batch.journal.contract import State, Totals
from wren_async.telemetry import OpenTelemetry

from .clients import KEY, LIVE, cnaught, wren


@attrs.define
class Collected:
    """An SDK whose exporters keep everything."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader
    tracers: TracerProvider
    meters: MeterProvider

    @property
    def telemetry(self) -> OpenTelemetry:
        return OpenTelemetry(tracer_provider=self.tracers, meter_provider=self.meters)

    @property
    def spans(self) -> list[ReadableSpan]:
        """By the time of their beginning."""
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def metric(self, name: str) -> dict[tuple[tuple[str, Any], ...], Any]:
        """The points of a metric by their attributes."""
        data = self.reader.get_metrics_data()
        metrics = data.resource_metrics[0].scope_metrics[0].metrics if data else []
        points = [point for metric in metrics if metric.name == name for point in metric.data.data_points]
        return {tuple(sorted((point.attributes or {}).items())): point for point in points}

    def values(self, name: str) -> dict[tuple[Any, ...], Any]:
        """The values of a counter or a gauge by the values of their attributes."""
        return {tuple(value for _, value in key): point.value for key, point in self.metric(name).items()}


@pytest.fixture
def collected() -> Iterator[Collected]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider(metric_readers=[reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    yield Collected(exporter, reader, tracers, meters)
    tracers.shutdown()
    meters.shutdown()


async def order(client: Any, **more: Any) -> object:
    return await client.offset_orders.create(tons=1, payment_method="credits", **more)


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


# --- spans ------------------------------------------------------------------------------------------------------------


async def test_a_call_is_a_span_and_each_attempt_a_client_span_below_it(collected: Collected) -> None:
    async with (
        RawServer(answer(503, {}), answer()) as server,
        cnaught(server, telemetry=collected.telemetry) as client,
    ):
        with collected.tracers.get_tracer("app").start_as_current_span("checkout"):
            await client.orders.create(amount_kg=1, reference="ride-7")
            assert trace.get_current_span().get_span_context().is_valid
    checkout, call, first, second = collected.spans
    assert [span.name for span in (checkout, call, first, second)] == [
        "checkout",
        "createOrder",
        "POST /orders",
        "POST /orders",
    ]
    assert call.parent == checkout.get_span_context()
    assert first.parent == second.parent == call.get_span_context()
    assert (call.kind, first.kind) == (SpanKind.INTERNAL, SpanKind.CLIENT)
    assert told(call) == {
        "wren_async.operation": "createOrder",
        "wren_async.effect": "keyed",
        "wren_async.reference": "ride-7",
        "wren_async.outcome": "succeeded",
        "wren_async.attempts": 2,
    }
    assert [event.name for event in call.events] == ["retry follows"]
    http = {
        "http.request.method": "POST",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "url.full": f"{server.url}/orders",
        "url.template": "/orders",
    }
    assert told(first) == {**http, "http.response.status_code": 503, "error.type": "503"}
    assert told(second) == {**http, "http.response.status_code": 200, "http.request.resend_count": 1}
    assert (call.status.status_code, first.status.status_code, second.status.status_code) == (
        StatusCode.UNSET,
        StatusCode.ERROR,
        StatusCode.UNSET,
    )


async def test_a_lost_order_is_an_error_with_its_type_and_its_outcome(collected: Collected) -> None:
    async with (
        RawServer(read_and_close()) as server,
        wren(server, telemetry=collected.telemetry) as client,
    ):
        with pytest.raises(OutcomeUnknown):
            await order(client, reference="ride-8")
    call, attempt = collected.spans
    assert told(call)["wren_async.outcome"] == "unknown"
    assert told(call)["error.type"] == "OutcomeUnknown"
    assert told(attempt)["error.type"] == "RemoteProtocolError"
    assert "http.response.status_code" not in told(attempt)
    assert call.status.status_code is attempt.status.status_code is StatusCode.ERROR


async def test_the_span_of_an_order_whose_caller_went_away_ends_with_its_outcome(collected: Collected) -> None:
    hold = asyncio.Event()
    async with (
        RawServer(answer(after=hold.wait)) as server,
        wren(server, telemetry=collected.telemetry) as client,
    ):
        task = asyncio.create_task(order(client, reference="ride-9"))
        await server.until(lambda s: s.requests)
        task.cancel()
        await asyncio.wait([task])
        assert collected.spans == []
        hold.set()
        await client.outcomes["ride-9"].reply()
    call, attempt = collected.spans
    assert (told(call)["wren_async.outcome"], told(call)["wren_async.caller_cancelled"]) == ("succeeded", True)
    assert attempt.parent == call.get_span_context()


async def test_no_span_is_left_open_and_no_context_attached_whenever_a_call_is_cancelled(
    collected: Collected, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry = collected.telemetry
    for write in (False, True):
        for ticks in range(200):
            collected.exporter.clear()
            async with RawServer(answer(500, {}), otherwise=answer()) as server:
                async with cnaught(server, telemetry=telemetry, retries=1) as client:
                    call = client.orders.create(amount_kg=1) if write else client.portfolios.list()
                    task = asyncio.create_task(call)
                    for _ in range(ticks):
                        await asyncio.sleep(0)
                    late = task.done()
                    task.cancel()
                    await asyncio.wait([task])
                names = [span.name for span in collected.spans]
                assert sum(not name.startswith(("POST", "GET")) for name in names) <= 1
                posts = [name for name in names if name.startswith(("POST", "GET"))]
                assert len(posts) >= len(server.requests), ticks
            if late:
                break
    assert context.get_current() == {}
    assert "Failed to detach" not in caplog.text
    assert collected.values("wren_async.limiter.in_flight") == {(): 0}


async def test_spans_hold_no_token_no_body_and_no_query(collected: Collected) -> None:
    said = {"title": f"no {KEY}", "secret": "of the body"}
    page = answer(200, {"entries": [], "total": 0, "limit": 7, "offset": 0})
    async with RawServer(answer(400, said), page) as server:
        async with cnaught(server, telemetry=collected.telemetry) as client:
            with pytest.raises(Exception, match="400"):
                await client.orders.create(amount_kg=1, description="for Jane Smith")
        async with wren(server, telemetry=collected.telemetry) as client:
            await client.credits.ledger(limit=7)
    shown = "".join(span.to_json() for span in collected.spans)
    assert len(collected.spans) == 4
    for secret in (KEY, LIVE, "of the body", "Jane Smith", "limit=7"):
        assert secret not in shown


# --- headers ----------------------------------------------------------------------------------------------------------

BACKENDS: list[Callable[[], Any]] = [lambda: None, AiohttpBackend]


@pytest.mark.parametrize("backend", BACKENDS, ids=["httpx", "aiohttp"])
async def test_each_attempt_carries_its_own_traceparent_and_no_baggage(
    collected: Collected, backend: Callable[[], Any]
) -> None:
    async with (
        RawServer(answer(500, {}), answer()) as server,
        cnaught(server, telemetry=collected.telemetry, http_client=backend()) as client,
    ):
        token = context.attach(baggage.set_baggage("customer", "jane"))
        await client.orders.create(amount_kg=1)
        context.detach(token)
    _, *attempts = collected.spans
    for request, span in zip(server.requests, attempts, strict=True):
        own = span.get_span_context()
        assert request.headers["traceparent"].startswith(f"00-{own.trace_id:032x}-{own.span_id:016x}-")
        assert "baggage" not in request.headers


async def test_a_propagator_of_the_callers_writes_what_it_wants(collected: Collected) -> None:
    telemetry = OpenTelemetry(tracer_provider=collected.tracers, propagator=propagate.get_global_textmap())
    async with RawServer(answer()) as server, wren(server, telemetry=telemetry) as client:
        token = context.attach(baggage.set_baggage("shop", "7"))
        await client.credits.balance()
        context.detach(token)
    assert server.requests[0].headers["baggage"] == "shop=7"


def instrument(monkeypatch: pytest.MonkeyPatch, collected: Collected, *, polite: bool) -> None:
    """Do to httpx what OpenTelemetry's instrumentation of it does; an impolite one looks at no suppression."""
    really = httpx.AsyncHTTPTransport.handle_async_request
    tracer = collected.tracers.get_tracer("httpx")

    async def traced(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        if polite and context.get_value(context._SUPPRESS_HTTP_INSTRUMENTATION_KEY):
            return await really(self, request)
        with tracer.start_as_current_span("httpx", kind=SpanKind.CLIENT):
            headers = httpx.Headers(request.headers)
            propagate.inject(headers)
            request.headers = headers
            return await really(self, request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", traced)


@pytest.mark.parametrize("polite", [True, False])
async def test_where_httpx_is_instrumented_too_no_header_comes_twice(
    collected: Collected, monkeypatch: pytest.MonkeyPatch, polite: bool
) -> None:
    instrument(monkeypatch, collected, polite=polite)
    async with RawServer(answer()) as server, wren(server, telemetry=collected.telemetry) as client:
        await order(client)
    assert server.requests[0].names.count("traceparent") == 1
    last = collected.spans[-1]
    assert f"{last.get_span_context().span_id:016x}" in server.requests[0].headers["traceparent"]
    assert [span.name for span in collected.spans[2:]] == ([] if polite else ["httpx"])
    if not polite:
        assert last.parent == collected.spans[1].get_span_context()


async def test_instrumentation_of_httpx_alone_sees_the_default_backend(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    instrument(monkeypatch, collected, polite=True)
    async with RawServer(answer()) as server, wren(server) as client:
        await order(client)
    assert [span.name for span in collected.spans] == ["httpx"]


# --- metrics ----------------------------------------------------------------------------------------------------------


async def test_the_duration_of_requests_is_measured_by_the_stable_conventions(collected: Collected) -> None:
    async with (
        RawServer(answer(503, {}), answer(), answer()) as server,
        cnaught(server, telemetry=collected.telemetry) as client,
    ):
        await client.orders.create(amount_kg=1)
        await client.orders.create(amount_kg=1)
    points = collected.metric("http.client.request.duration")
    place = {"http.request.method": "POST", "server.address": "127.0.0.1", "server.port": server.port}
    assert {
        tuple(sorted({**place, **more}.items())): count
        for more, count in (
            ({"http.response.status_code": 503, "error.type": "503"}, 1),
            ({"http.response.status_code": 200}, 2),
        )
    } == {key: point.count for key, point in points.items()}
    for point in points.values():
        assert point.explicit_bounds == (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


async def test_orders_are_counted_by_what_came_of_them_and_the_money_they_took(collected: Collected) -> None:
    script = [answer(), answer(400, {}), read_and_close(), refused()]
    async with (
        RawServer(*script) as server,
        wren(server, telemetry=collected.telemetry, retries=0) as client,
    ):
        await order(client)
        with pytest.raises(Exception, match="400"):
            await order(client)
        with pytest.raises(OutcomeUnknown):
            await order(client)
        with pytest.raises(NotSent):
            await order(client)
    assert collected.values("wren_async.orders") == {
        ("createOffsetOrder", "succeeded"): 1,
        ("createOffsetOrder", "refused"): 1,
        ("createOffsetOrder", "unknown"): 1,
        ("createOffsetOrder", "not_sent"): 1,
    }
    assert collected.values("wren_async.spent") == {("createOffsetOrder",): 2500}


@pytest.mark.parametrize(
    ("change", "cents"),
    [({}, {("createOffsetOrder",): 2500}), ({"currency": "JPY"}, {})],
    ids=["dollars", "yen are no cents"],
)
async def test_only_dollars_are_counted_as_spent(
    collected: Collected, change: dict[str, str], cents: dict[tuple[str], int]
) -> None:
    async with (
        RawServer(answer(200, {**GOOD, **change})) as server,
        wren(server, telemetry=collected.telemetry) as client,
    ):
        await order(client)
    assert collected.values("wren_async.spent") == cents


async def test_a_replayed_answer_is_not_counted_as_spent_again(collected: Collected) -> None:
    replay = answer(headers={"X-Idempotent-Replay": "true"})
    async with (
        RawServer(answer(), replay, read_and_close(), replay) as server,
        cnaught(server, telemetry=collected.telemetry) as client,
    ):
        await client.orders.create(amount_kg=10, idempotency_key="a")
        await client.orders.create(amount_kg=10, idempotency_key="a")
        assert collected.values("wren_async.spent") == {("createOrder",): 25}
        await client.orders.create(amount_kg=10, idempotency_key="b")
    assert collected.values("wren_async.spent") == {("createOrder",): 50}, "the lost answer came with the repeat"


async def test_the_limiter_is_measured_and_comes_back_to_nothing(collected: Collected) -> None:
    async with (
        RawServer(silent(), otherwise=answer()) as server,
        wren(server, max_in_flight=1, telemetry=collected.telemetry) as client,
    ):
        first = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: s.requests)
        others = [asyncio.create_task(client.credits.balance()) for _ in range(3)]
        await asyncio.sleep(0)
        assert collected.values("wren_async.limiter.in_flight") == {(): 1}
        assert collected.values("wren_async.limiter.waiting") == {(): 3}
        others.pop().cancel()
        first.cancel()
        await asyncio.gather(first, *others, return_exceptions=True)
    assert collected.values("wren_async.limiter.in_flight") == {(): 0}
    assert collected.values("wren_async.limiter.waiting") == {(): 0}


# --- what is loaded ---------------------------------------------------------------------------------------------------


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_library_does_not_load_opentelemetry_by_itself() -> None:
    code = (
        "import sys, wren_async.telemetry\n"
        "from wren_async.telemetry import CallEvents, PrometheusMetrics\n"
        "wren_async.WrenClient('t', telemetry=PrometheusMetrics())\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_by_default_the_global_providers_are_used() -> None:
    client = WrenClient(LIVE, telemetry=OpenTelemetry())
    assert repr(client).startswith("<WrenClient")


async def test_the_totals_of_a_batch_are_gauges(collected: Collected) -> None:
    totals = Totals(
        orders={State.PLACED: 9, State.UNDECIDED: 1},
        spent_cents=700,
        reserved_cents=50,
        planned_cents=1000,
        spent_grams=0,
        reserved_grams=0,
        planned_grams=0,
        pending_cents=250,
    )

    async def run() -> AsyncIterator[Event]:
        yield Ended(ending=Ending.DONE, message="done", totals=totals)

    telemetry = collected.telemetry
    assert [type(event) async for event in telemetry.watch(run())] == [Ended]
    assert collected.values("wren_async.batch.money") == {("spent",): 700, ("reserved",): 50, ("pending",): 250}
    assert collected.values("wren_async.batch.orders")["undecided",] == 1
    telemetry.note_totals(attrs.evolve(totals, spent_cents=750))
    assert collected.values("wren_async.batch.money")["spent",] == 750
