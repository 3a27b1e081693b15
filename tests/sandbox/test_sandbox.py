"""The sandbox as an object, as a process, and as clients that are not ours meet it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import threading
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.loop_time import until
from wren_async.sandbox import CNaughtBehaviours, Sandbox, WrenBehaviours
from wren_async.sandbox.admission import hostname, is_loopback
from wren_async.sandbox.checking import ContractViolation
from wren_async.sandbox.contract import Contract, load
from wren_async.sandbox.exchange import SandboxAnswer


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(check_answers=True) as running:
        yield running


def call(sandbox: Sandbox, method: str, path: str, body: Any = None, **headers: str) -> Any:
    with httpx.Client(base_url=sandbox.wren.base_url, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {sandbox.wren.live_token}", **headers}
        answer = client.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()


def test_it_serves_from_a_thread(sandbox: Sandbox) -> None:
    call(sandbox, "POST", "/api/offset-orders", {"tons": 1, "paymentMethod": "credits", "note": "ref 1"})
    (order,) = sandbox.orders
    assert (order.api, order.cents, order.reference, order.state) == ("wren", 2311, "ref 1", "placed")
    assert [entry.amount_cents for entry in sandbox.ledger] == [-2311]
    (request,) = sandbox.requests
    assert (request.operation, request.status, request.raw[:7]) == ("createOffsetOrder", 200, b'{"tons"')
    assert sandbox.requests.of("createOffsetOrder") == sandbox.requests[:] == [sandbox.requests[-1]]
    assert set(sandbox.state()) == {"wren", "cnaught"}


def test_sandboxes_do_not_disturb_each_other(sandbox: Sandbox) -> None:
    with Sandbox() as other:
        call(other, "POST", "/api/offset-orders", {"tons": 1})
        assert (len(other.orders), len(sandbox.orders)) == (1, 0)
        assert other.port != sandbox.port


def test_it_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with Sandbox() as sandbox:
        call(sandbox, "GET", "/api/portfolios")
    sandbox.stop()
    assert threading.active_count() == before


def test_a_port_that_is_taken(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="address already in use"):
        Sandbox(port=sandbox.port).start()


async def test_it_serves_from_the_running_loop() -> None:
    async with (
        Sandbox(seed=7) as sandbox,
        httpx.AsyncClient(base_url=sandbox.cnaught.base_url, trust_env=False) as http,
    ):
        headers = {"Authorization": f"Bearer {sandbox.cnaught.test_key}"}
        answer = await http.post("/orders", json={"amount_kg": 10}, headers=headers)
        assert answer.json()["id"].endswith("_sandbox")
        assert [order.id for order in sandbox.orders] == [answer.json()["id"]]


def test_behaviours_are_kept_over_a_reset() -> None:
    sandbox = Sandbox(
        wren=WrenBehaviours(currency="EUR"), cnaught=CNaughtBehaviours(checkout_base_url="https://pay.example.com")
    )
    sandbox.wren_api.behaviours.currency = "JPY"
    sandbox.reset()
    assert sandbox.wren_api.behaviours.currency == "EUR"
    assert sandbox.cnaught_api.behaviours.checkout_base_url == "https://pay.example.com"
    assert sandbox.url == "http://127.0.0.1"
    assert Sandbox(host="::1", port=80).url == "http://[::1]:80"


async def test_an_answer_against_the_contract_is_noticed() -> None:
    sandbox = Sandbox(check_answers=True)
    handlers: Any = sandbox.wren_api.operations
    transport = httpx.ASGITransport(sandbox.asgi)
    headers = {"Authorization": f"Bearer {sandbox.wren.live_token}"}
    async with httpx.AsyncClient(transport=transport, base_url=sandbox.url, headers=headers) as client:
        for answer in (
            SandboxAnswer(body={"creditBalanceUsdCents": "1"}),
            SandboxAnswer(body={}),
            SandboxAnswer(status=201, body={}),
            SandboxAnswer(body=b"", media_type="text/html"),
        ):
            handlers["getCreditBalance"] = lambda _, answer=answer: answer
            with pytest.raises(ContractViolation):
                await client.get("/api/credits/balance")


async def test_an_operation_without_a_handler_is_a_501_with_its_name() -> None:
    sandbox = Sandbox(check_answers=True)
    handlers: Any = sandbox.wren_api.operations
    del handlers["getCreditBalance"]
    headers = {"Authorization": f"Bearer {sandbox.wren.live_token}"}
    transport = httpx.ASGITransport(sandbox.asgi)
    async with httpx.AsyncClient(transport=transport, base_url=sandbox.url, headers=headers) as client:
        answer = await client.get("/api/credits/balance")
        said = "the sandbox has no handler for getCreditBalance (GET /api/credits/balance)"
        assert (answer.status_code, answer.json()) == (501, {"message": said})
        assert (await client.get("/api/credits/ledger")).status_code == 200


async def test_it_starts_with_an_operation_that_nobody_handles_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = {"operationId": "getImpactReport", "responses": {}, "security": []}
    longer = Contract("wren", {"paths": {"/api/impact-reports/{id}": {"get": operation}}}, "")
    monkeypatch.setattr("wren_async.sandbox.contract.load", lambda api, prefix="": longer)
    sandbox = Sandbox()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.asgi), base_url=sandbox.url) as client:
        answer = await client.get("/api/impact-reports/1")
    assert answer.status_code == 501
    assert "getImpactReport" in answer.json()["message"]


def test_the_sandbox_handles_every_operation_of_both_contracts() -> None:
    sandbox = Sandbox()
    assert set(sandbox.wren_api.operations) == set(load("wren").operations)
    assert set(sandbox.cnaught_api.operations) == set(load("cnaught", "/v1").operations)


async def test_only_http_is_served() -> None:
    with pytest.raises(RuntimeError, match="websocket"):
        await Sandbox().asgi({"type": "websocket"}, None, None)  # type: ignore[arg-type]


class Receiver:
    """Takes notifications, and answers with the given statuses in turn."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: list[Any] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        self.bodies.append(json.loads(await reader.readexactly(length)))
        status = self.statuses.pop(0)
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


async def test_notifications_are_posted_until_a_200_comes() -> None:
    receiver = Receiver(500, 204, 200, 200)
    server = await asyncio.start_server(receiver, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with Sandbox() as sandbox, httpx.AsyncClient(base_url=sandbox.cnaught.base_url, trust_env=False) as client:
        sandbox.delivery.retry_seconds = 0.01
        headers = {"Authorization": f"Bearer {sandbox.cnaught.api_key}"}
        ids = []
        for _ in range(2):
            body = {"amount_kg": 10, "notification_config": {"url": url}}
            ids.append((await client.post("/orders", json=body, headers=headers)).json()["id"])
        sandbox.fulfil(ids[0])
        outbox = sandbox.cnaught_api.outbox
        await until(lambda: not outbox.waiting)
        await asyncio.to_thread(sandbox.cancel, ids[1])
        await until(lambda: not outbox.waiting)
        assert [note.attempts for note in outbox.delivered] == [[500, 204, 200], [200]]
        assert [body["order"]["state"] for body in receiver.bodies] == ["fulfilled"] * 3 + ["cancelled"]
        assert [(note.order_id, note.state) for note in sandbox.notifications] == [
            (ids[0], "fulfilled"),
            (ids[1], "cancelled"),
        ]
        assert json.loads(sandbox.notifications[1].content) == receiver.bodies[-1]
    server.close()
    await server.wait_closed()


async def test_notifications_go_nowhere_but_to_this_machine() -> None:
    async with Sandbox() as sandbox, httpx.AsyncClient(base_url=sandbox.cnaught.base_url, trust_env=False) as client:
        sandbox.delivery.retry_seconds = 0.01
        headers = {"Authorization": f"Bearer {sandbox.cnaught.api_key}"}
        for url in ("https://shop.example.com/hook", "http://127.0.0.1:1/"):
            body = {"amount_kg": 10, "notification_config": {"url": url}}
            order = (await client.post("/orders", json=body, headers=headers)).json()
            sandbox.fulfil(order["id"])
        notes = sandbox.cnaught_api.outbox.waiting.values()
        await until(lambda: all(note.attempts for note in notes))
        assert {status for note in notes for status in note.attempts} == {None}


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("localhost", True),
        ("LOCALHOST.:80", True),
        ("wren.localhost", True),
        ("127.8.8.8:80", True),
        ("[::1]:8765", True),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("", False),
        ("user@localhost", False),
        ("localhost/path", False),
        ("[::1", False),
        ("localhost:port", False),
    ],
)
def test_what_is_this_machine(host: str, near: bool) -> None:
    assert is_loopback(hostname(host) or "") is near


# Other people's clients


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_with_basic_auth_and_a_form(sandbox: Sandbox) -> None:
    url = f"{sandbox.wren.base_url}/api/offset-orders"
    arguments = ["-s", "-u", f"{sandbox.wren.live_token}:", "-d", "tons=0.5", "-d", "paymentMethod=credits", url]
    for extra in ([], ["--http1.0"], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]):
        done = subprocess.run(["curl", *extra, *arguments], capture_output=True, check=True)
        assert json.loads(done.stdout)["amountCharged"] == 1156
    assert len(sandbox.orders) == 4


def test_urllib(sandbox: Sandbox) -> None:
    request = urllib.request.Request(f"{sandbox.wren.base_url}/api/portfolios?expanded")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        assert json.load(answer)["portfolios"][0]["costPerTon"] == 23.11


async def exchange(sandbox: Sandbox, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_http_1_0_and_chunks(sandbox: Sandbox) -> None:
    token = sandbox.wren.live_token
    plain = f"GET /api/offset-orders HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n"
    assert (await exchange(sandbox, plain.encode())).startswith(b"HTTP/1.1 200 OK")
    head = (
        f"POST /api/offset-orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    body = b'4\r\n{"to\r\n8\r\nns":1.0}\r\n0\r\n\r\n'
    assert b'"amountCharged":2311' in await exchange(sandbox, head.encode() + body)


async def test_a_form_in_http_1_0_with_basic_auth(sandbox: Sandbox) -> None:
    login = b64encode(f"{sandbox.wren.live_token}:".encode()).decode()
    body = "tons=0.5&paymentMethod=credits&note=by+hand"
    head = (
        f"POST /api/offset-orders HTTP/1.0\r\nAuthorization: Basic {login}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    answer = await exchange(sandbox, (head + body).encode())
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"amountCharged":1156' in answer
    assert [order.reference for order in sandbox.orders] == ["by hand"]


async def test_chunks_with_extensions_and_trailers_that_arrive_in_pieces(sandbox: Sandbox) -> None:
    head = (
        f"POST /v1/orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {sandbox.cnaught.api_key}\r\n"
        "Connection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    pieces = [head.encode(), b'7;part=1\r\n{"amoun', b'\r\n9\r\nt_kg":10}\r\n', b"0\r\nX-Sum: 17\r\n\r\n"]
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        assert call(sandbox, "GET", "/api/portfolios")  # after the piece was read, for it came later
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 201 Created")
    assert [order.cents for order in sandbox.orders] == [20]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_with_a_key_and_json(sandbox: Sandbox) -> None:
    url = f"{sandbox.cnaught.base_url}/orders"
    headers = ("-H", f"Authorization: Bearer {sandbox.cnaught.api_key}", "-H", "Content-Type: application/json")
    body = '{"amount_kg": 10}'
    for extra in ([], ["--http1.0"], ["-H", "Transfer-Encoding: chunked"]):
        command = ["curl", "-s", "--noproxy", "*", *headers, "-H", "Idempotency-Key: cart-7", *extra, "-d", body, url]
        done = subprocess.run(command, capture_output=True, check=True)
        assert json.loads(done.stdout)["price_usd_cents"] == 20
    assert len(sandbox.orders) == 1


async def test_a_client_that_leaves_in_the_middle_of_its_request(sandbox: Sandbox) -> None:
    token = sandbox.wren.live_token
    head = (
        f"POST /api/offset-orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    writer.write(head.encode())
    await writer.drain()
    await until(lambda: len(sandbox.requests))
    writer.close()
    await writer.wait_closed()
    assert call(sandbox, "GET", "/api/portfolios")  # after the end was seen, for it came later
    assert (sandbox.orders, sandbox.requests[0].status) == ([], None)
