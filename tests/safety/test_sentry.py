"""Sentry, which replaces `httpx.AsyncClient.send`, sees our calls, and takes no proof that nothing was sent.

Its changes to httpx stay for the rest of a process, so each test is a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from typing import Any

import httpx
import pytest

from tests.raw_server import RawServer, Step, answer, read_and_close, refused
from wren_async import OutcomeUnknown, WrenClient

from .clients import LIVE, wren

CHILD = """
import asyncio, json, sys
import httpx, sentry_sdk
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
from sentry_sdk.integrations.httpx import HttpxIntegration
from sentry_sdk.transport import Transport
from wren_async import AiohttpBackend, CallError, Timing, WrenClient

events = []

class Kept(Transport):
    def capture_envelope(self, envelope):
        events.extend(item.payload.json for item in envelope.items if item.payload.json)

async def sleep(_):
    pass

async def main(url, backend):
    # By itself it looks through all that is installed, which takes seconds here.
    chosen = {"integrations": [AioHttpIntegration(), HttpxIntegration()], "auto_enabling_integrations": False}
    sentry_sdk.init("http://key@localhost/1", transport=Kept, traces_sample_rate=1.0, **chosen)
    made = {"default": lambda: None, "own": httpx.AsyncClient, "aiohttp": AiohttpBackend}[backend]()
    with sentry_sdk.start_transaction(name="checkout"):
        client = WrenClient("TOKEN", base_url=url, http_client=made, timing=Timing(sleep=sleep), retries=1)
        async with client:
            try:
                await client.offset_orders.create(tons=1, payment_method="credits", reference="ride-7")
                end = "placed"
            except CallError as error:
                end = type(error).__name__
        if backend == "own":
            await made.aclose()
        sentry_sdk.capture_message("done")
    told = [event for event in events if event.get("message") == "done"][0]
    spans = [event for event in events if event.get("type") == "transaction"][0]["spans"]
    print(json.dumps({"end": end, "breadcrumbs": told["breadcrumbs"]["values"], "spans": spans}))

asyncio.run(main(sys.argv[1], sys.argv[2]))
""".replace("TOKEN", LIVE)


async def watched(server: RawServer, backend: str = "default") -> dict[str, Any]:
    command = [sys.executable, "-c", CHILD, server.url, backend]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    shown, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert LIVE not in shown.decode()
    told: dict[str, Any] = json.loads(shown)
    return told


def requests_seen(told: dict[str, Any]) -> list[Any]:
    return [each["data"]["http.response.status_code"] for each in told["breadcrumbs"] if each["type"] == "http"]


@pytest.mark.parametrize("backend", ["default", "own", "aiohttp"])
async def test_sentry_sees_a_call_over_each_backend(backend: str) -> None:
    async with RawServer(answer()) as server:
        told = await watched(server, backend)
    assert told["end"] == "placed"
    assert requests_seen(told) == [200]
    spans = [span for span in told["spans"] if span["op"] == "http.client"]
    assert [span["description"] for span in spans] == [f"POST {server.url}/api/offset-orders"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("script", "end", "sent"),
    [
        ([refused()], "NotSent", 0),
        ([read_and_close(), answer()], "OutcomeUnknown", 1),
        ([answer(500, {}), answer()], "OutcomeUnknown", 1),
    ],
    ids=["refused", "lost", "500"],
)
@pytest.mark.parametrize("backend", ["default", "own"])
async def test_under_sentry_what_is_proof_stays_proof_and_nothing_is_sent_twice(
    backend: str, script: list[Step], end: str, sent: int
) -> None:
    async with RawServer(*script) as server:
        told = await watched(server, backend)
        assert (told["end"], len(server.requests)) == (end, sent)


async def test_sentry_gets_our_warnings_as_breadcrumbs_with_their_facts() -> None:
    async with RawServer(read_and_close()) as server:
        told = await watched(server)
    (crumb,) = [each for each in told["breadcrumbs"] if each["category"].startswith("wren_async")]
    assert crumb["level"] == "warning"
    assert "ride-7" in crumb["message"]
    assert crumb["data"]["event"] == "outcome_unknown"


# --- other things that replace `AsyncClient.send` ---------------------------------------------------------------------


def replace_send(monkeypatch: pytest.MonkeyPatch, module: str) -> list[str]:
    """Let `AsyncClient.send` try a closed port first, then send, and raise the first failure where that fails too."""
    really, seen = httpx.AsyncClient.send, list[str]()

    async def send(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        seen.append(str(request.url))
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            extensions = request.extensions
            url = request.url.copy_with(port=closed.getsockname()[1])
            first_try = httpx.Request(request.method, url, content=request.content, extensions=extensions)
            try:
                return await really(self, first_try, **options)
            except httpx.ConnectError as first:
                request.extensions = {}
                try:
                    return await really(self, request, **options)
                except httpx.TransportError:
                    raise first from None

    send.__module__ = module
    monkeypatch.setattr(httpx.AsyncClient, "send", send)
    return seen


async def order(client: WrenClient) -> object:
    return await client.offset_orders.create(tons=1, payment_method="credits")


async def test_whoever_passes_for_sentry_and_tries_a_second_way_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = replace_send(monkeypatch, "sentry_sdk.integrations.httpx")
    async with RawServer(read_and_close(), answer()) as server, wren(server) as client:
        with pytest.raises(OutcomeUnknown):
            await order(client)
        assert (len(seen), len(server.requests)) == (1, 1)


async def test_the_default_backend_goes_past_what_is_not_known_to_send_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = replace_send(monkeypatch, "some_monitor")
    async with RawServer(answer()) as server, wren(server) as client:
        await order(client)
    assert seen == []
