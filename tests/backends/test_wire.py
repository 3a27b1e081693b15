"""What goes onto the wire, and what is read from it, is the same over every backend."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import aiohttp
import httpx
import pytest
import respx

from tests.backends.conftest import CALLERS, Kind, Opener, Rig, only
from tests.loop_time import SETTLED, turns
from tests.raw_server import Connection, RawServer, answer, echo, head, raw, response, step
from wren_async.http.secret import Secret

ADDED = {"host", "content-length", "transfer-encoding", "accept", "accept-encoding", "connection", "user-agent"}
"""Headers that an HTTP library may add."""


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


# --- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
async def test_the_method_goes_out_as_given(rig: Rig, method: str) -> None:
    async with RawServer(otherwise=answer()) as origin:
        assert (await rig.send(method, f"{origin.url}/v1/x", content=None if method == "GET" else b"{}")).status == 200
        assert (origin.request.method, origin.request.target) == (method, "/v1/x")


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/v1/orders/a%2Fb%20c%7Bd%7D",
        "/v1/orders/%2f%c3%a9",
        "/v1/orders/%2E%2E",
        "/v1/orders/a%25b%3Fc%23d",
        "/v1/orders/a:b@c;d=e,f!$&'()*+~",
        "/x?limit=10&q=a%20b&plus=%2B&amp=%26&eq=%3D&empty=&brace=%7B%7D",
        "/x?since=2026-07-01T12%3A00%3A00%2B00%3A00",
        "/x?twice=1&twice=2",
        "/x?expanded",
        "/x//y/",
    ],
)
async def test_the_target_keeps_its_encoding_exactly(rig: Rig, target: str) -> None:
    async with RawServer(otherwise=answer()) as origin:
        await rig.send("GET", origin.url + target)
        assert origin.request.target == target


async def test_headers_go_out_exactly_as_given_and_once(rig: Rig, bearer: Secret) -> None:
    given = (
        ("Accept", "application/json"),
        ("User-Agent", "fake-agent/1"),
        ("Content-Type", "application/json; charset=x"),
        ("X-Idempotency-Key", 'Ünlikely "quoted", with comma'.encode("ascii", "replace").decode()),
    )
    async with RawServer(otherwise=answer()) as origin:
        await rig.send("POST", f"{origin.url}/x", headers=given, content=b"{}", authorization=bearer)
        request = origin.request
        for name, value in given:
            assert request.headers.get(name.lower()) == value
        assert request.headers.get("authorization") == "Bearer fake-token-0000"
        assert request.headers.get("host") == f"127.0.0.1:{origin.port}"
        assert request.headers.get("content-length") == "2"
        assert set(request.names) - ADDED == {"content-type", "x-idempotency-key", "authorization"}
        assert len(request.names) == len(set(request.names))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_write_without_a_body_has_no_content_type_and_no_length_but_zero(rig: Rig, method: str) -> None:
    async with RawServer(otherwise=answer()) as origin:
        await rig.send(method, f"{origin.url}/x")
        assert origin.request.headers.get("content-type") is None
        assert origin.request.headers.get("transfer-encoding") is None
        assert origin.request.headers.get("content-length") in (None, "0")
        assert origin.request.body == b""


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
async def test_bytes_go_out_as_they_are(rig: Rig, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"z" * (size % 256)
    async with RawServer(otherwise=echo()) as origin:
        received = await rig.send("POST", f"{origin.url}/x", content=content)
        assert origin.request.headers.get("content-length") == str(size)
        assert origin.request.body == received.body == content


async def test_a_stream_goes_out_piece_by_piece(rig: Rig) -> None:
    async with RawServer(otherwise=answer()) as origin:
        headers = (("Content-Type", "image/png"),)
        await rig.send("PUT", f"{origin.url}/logo", headers=headers, content=in_pieces(b"one", b"", b"two" * 50_000))
        assert origin.request.body == b"one" + b"two" * 50_000
        assert origin.request.headers.get("transfer-encoding") == "chunked"
        assert origin.request.headers.get("content-length") is None
        assert origin.request.headers.get("content-type") == "image/png"


async def test_an_empty_stream_is_an_empty_body(rig: Rig) -> None:
    async with RawServer(otherwise=answer()) as origin:
        await rig.send("PUT", f"{origin.url}/logo", content=in_pieces())
        assert origin.request.body == b""


@pytest.mark.parametrize("pieces", [0, 2])
async def test_a_stream_that_fails_never_ends_as_a_whole_request(rig: Rig, pieces: int) -> None:
    async def failing() -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield b"half"
        raise LookupError("the file is gone")

    async with RawServer(otherwise=answer()) as origin:
        error, _ = await rig.fail("PUT", f"{origin.url}/logo", content=failing())
        seen: list[BaseException] = []
        cause: BaseException | None = error
        while cause is not None:
            seen.append(cause)
            cause = cause.__cause__
        assert any(isinstance(one, LookupError) for one in seen)
        await origin.until(lambda o: o.open == 0)
        assert origin.requests == []
        assert (await rig.send("GET", f"{origin.url}/x")).status == 200


# --- credentials ----------------------------------------------------------------------------------------------------


async def test_without_credentials_none_go_out(rig: Rig) -> None:
    async with RawServer(otherwise=answer()) as origin:
        await rig.send("GET", f"{origin.url}/x")
        assert origin.request.headers.get("authorization") is None


async def test_a_cookie_of_an_earlier_answer_is_not_sent_back(rig: Rig) -> None:
    async with RawServer(
        otherwise=answer(200, b"{}", [("Set-Cookie", "s=1; Path=/"), ("Set-Cookie", "t=2")])
    ) as origin:
        await rig.send("GET", f"{origin.url}/x")
        await rig.send("GET", f"{origin.url}/x")
        assert [request.headers.get("cookie") for request in origin.requests] == [None, None]


@pytest.mark.parametrize("ours", [None, Secret("Bearer fake-token-0000")])
async def test_credentials_in_the_address_are_not_sent(rig: Rig, ours: Secret | None) -> None:
    async with RawServer(otherwise=answer()) as origin:
        await rig.send("GET", f"http://user:fake@localhost:{origin.port}/x", authorization=ours)
        assert origin.request.headers.get("authorization") == (ours and ours.reveal())
        assert origin.request.headers.get("host") == f"localhost:{origin.port}"


@only(*CALLERS)
@pytest.mark.parametrize("ours", [None, Secret("Bearer fake-token-0000")])
async def test_what_a_callers_client_would_add_stays_out(opened: Opener, ours: Secret | None) -> None:
    extra = {"Authorization": "Basic ZmFrZQ==", "X-Other-Service": "fake-secret", "Content-Type": "text/plain"}
    async with (
        opened(headers=extra, cookies={"session": "fake"}) as rig,
        RawServer(otherwise=answer()) as origin,
    ):
        await rig.send("POST", f"{origin.url}/x", authorization=ours)
        assert origin.request.headers.get("authorization") == (ours and ours.reveal())
        assert set(origin.request.names) - ADDED - {"authorization"} == set()
        assert "cookie" not in origin.request.names


@only(*CALLERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:aiohttp", "ignore:.*(BasicAuth|'auth').*:DeprecationWarning")
@pytest.mark.parametrize("ours", [None, Secret("Bearer fake-token-0000")])
async def test_a_callers_auth_stays_out(kind: Kind, opened: Opener, ours: Secret | None) -> None:
    auth = aiohttp.BasicAuth("user", "fake") if kind.over_aiohttp else ("user", "fake")
    async with opened(auth=auth) as rig, RawServer(otherwise=answer()) as origin:
        await rig.send("GET", f"{origin.url}/x", authorization=ours)
        assert origin.request.headers.get("authorization") == (ours and ours.reveal())


@pytest.mark.parametrize("ours", [None, Secret("Bearer fake-token-0000")])
async def test_a_netrc_file_is_not_asked(
    rig: Rig, ours: Secret | None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine localhost login user password fake\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with RawServer(otherwise=answer()) as origin:
        await rig.send("GET", f"{origin.url}/x", authorization=ours)
        assert origin.request.headers.get("authorization") == (ours and ours.reveal())


@only(*CALLERS)
async def test_a_callers_base_url_and_parameters_do_not_change_the_address(kind: Kind, opened: Opener) -> None:
    options = {"base_url": "http://elsewhere.invalid/deep/"}
    if not kind.over_aiohttp:
        options["params"] = {"added": "1"}  # type: ignore[assignment]
    async with opened(**options) as rig, RawServer(otherwise=answer()) as origin:
        await rig.send("GET", f"{origin.url}/x?a=1")
        assert origin.request.target == "/x?a=1"


# --- answers --------------------------------------------------------------------------------------------------------


async def test_names_are_in_lower_case_and_repeats_are_joined(rig: Rig) -> None:
    headers = (("X-Request-ID", "1"), ("Warning", "a"), ("WARNING", "b"))
    async with RawServer(otherwise=answer(201, b'{"a":1}', headers)) as origin:
        received = await rig.send("POST", f"{origin.url}/x", content=b"{}")
    assert (received.status, received.body) == (201, b'{"a":1}')
    assert received.headers["x-request-id"] == "1"
    assert received.headers["warning"] == "a, b"
    assert received.headers.get("x-not-there") is None


@pytest.mark.parametrize("status", [200, 400, 404, 408, 409, 418, 425, 429, 500, 503, 599])
async def test_every_status_is_an_answer_and_asked_for_once(rig: Rig, status: int) -> None:
    async with RawServer(otherwise=answer(status, b"{}", [("Retry-After", "0")])) as origin:
        assert (await rig.send("GET", f"{origin.url}/x")).status == status
        assert len(origin.requests) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [401, 407])
async def test_a_challenge_is_an_answer(rig: Rig, method: str, status: int) -> None:
    challenge = response(status, b"{}", [("WWW-Authenticate", 'Digest realm="x", nonce="y"')])
    async with RawServer(otherwise=raw(challenge, then="stay")) as origin:
        assert (await rig.send(method, f"{origin.url}/x")).status == status
        assert len(origin.requests) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_redirects_are_never_followed(rig: Rig, method: str, status: int, bearer: Secret) -> None:
    async with RawServer(otherwise=answer()) as elsewhere:
        away = response(status, b"moved", [("Location", f"{elsewhere.url}/y")])
        async with RawServer(otherwise=raw(away, then="stay")) as origin:
            content = None if method in ("GET", "DELETE") else b"{}"
            received = await rig.send(method, f"{origin.url}/x", content=content, authorization=bearer)
            assert received.status == status
            assert received.headers["location"] == f"{elsewhere.url}/y"
            assert received.body == b"moved"
            assert len(origin.requests) == 1
        assert elsewhere.connections == 0


@only("httpx", "httpx2")
async def test_a_callers_client_that_follows_redirects_does_not_follow_ours(opened: Opener) -> None:
    async with (
        opened(follow_redirects=True) as rig,
        RawServer(otherwise=answer(307, b"", [("Location", "/y")])) as origin,
    ):
        assert (await rig.send("POST", f"{origin.url}/x", content=b"{}")).status == 307
        assert len(origin.requests) == 1


@only("session")
async def test_a_callers_client_that_raises_for_a_status_still_gives_the_answer(opened: Opener) -> None:
    async with opened(raise_for_status=True) as rig, RawServer(otherwise=answer(402, b"no")) as origin:
        received = await rig.send("POST", f"{origin.url}/x", content=b"{}")
        assert (received.status, received.body) == (402, b"no")


async def test_gzip_is_asked_for_and_undone(rig: Rig) -> None:
    body = b'{"a": "' + b"x" * 50_000 + b'"}'
    async with RawServer(otherwise=answer(200, gzip.compress(body), [("Content-Encoding", "gzip")])) as origin:
        assert (await rig.send("GET", f"{origin.url}/x")).body == body
        assert origin.request.headers.get("accept-encoding") == "gzip"


@pytest.mark.parametrize(("method", "status"), [("DELETE", 204), ("GET", 304), ("POST", 204)])
async def test_an_answer_that_has_no_body_ends_with_its_headers(rig: Rig, method: str, status: int) -> None:
    async with RawServer(raw(head(status, ("ETag", '"1"')), then="stay"), otherwise=answer(200, b"next")) as origin:
        received = await rig.send(method, f"{origin.url}/x")
        assert (received.status, received.body) == (status, b"")
        assert (await rig.send("GET", f"{origin.url}/x")).body == b"next"
        assert origin.connections == 1


CHUNKED = head(200, ("Transfer-Encoding", "chunked")) + b"4\r\nwhol\r\n1;x=y\r\ne\r\n0\r\nX-Trailer: 1\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(head(100) + response(200, b"whole"), id="100"),
        pytest.param(head(103, ("Link", "</x>")) + response(200, b"whole"), id="103"),
        pytest.param(head(100) + head(102) + head(103) + response(200, b"whole"), id="several"),
        pytest.param(CHUNKED, id="chunked"),
        pytest.param(b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nwhole", id="no reason"),
    ],
)
async def test_an_answer_may_be_framed_in_any_way_that_http_knows(rig: Rig, data: bytes) -> None:
    async with RawServer(otherwise=raw(data, then="stay")) as origin:
        for method in ("POST", "GET"):
            received = await rig.send(method, f"{origin.url}/x")
            assert (received.status, received.body) == (200, b"whole")
        assert origin.connections == 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(response(200, b"whole", version="1.0"), id="http/1.0"),
        pytest.param(head(200, version="1.0") + b"whole", id="http/1.0 to the end"),
        pytest.param(head(200) + b"whole", id="to the end"),
        pytest.param(response(200, b"whole", [("Connection", "close")]), id="close"),
    ],
)
async def test_a_connection_that_the_answer_ends_is_not_used_again(rig: Rig, data: bytes) -> None:
    async with RawServer(otherwise=raw(data)) as origin:
        for method in ("POST", "GET", "POST"):
            received = await rig.send(method, f"{origin.url}/x")
            assert (received.status, received.body) == (200, b"whole")
        assert origin.connections == 3
        await origin.until(lambda o: o.open == 0)


@only("default", "aiohttp", "session")
@pytest.mark.parametrize("late", [False, True])
async def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one(rig: Rig, late: bool) -> None:
    @step("generous")
    async def generous(connection: Connection) -> None:
        await connection.write(response(200, b"first"))
        if late:
            await turns()
        await connection.write(response(200, b"stray"))

    async with RawServer(generous, otherwise=answer(200, b"second")) as origin:
        assert (await rig.send("POST", f"{origin.url}/x")).body == b"first"
        await turns(2 * SETTLED)
        assert (await rig.send("POST", f"{origin.url}/x")).body == b"second"
        assert origin.connections == 2


@only("aiohttp", "session")
async def test_a_server_that_talks_before_it_is_asked_is_not_connected_to_for_ever(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if what it says were always there before the request goes out.
    monkeypatch.setattr(aiohttp.client_proto.ResponseHandler, "should_close", True)
    async with RawServer(otherwise=answer()) as origin:
        _, progress = await rig.fail("POST", f"{origin.url}/x", content=b"{}")
        assert progress.unsent
        assert (origin.connections, origin.requests) == (2, [])


async def test_large_headers_are_read(rig: Rig) -> None:
    wide = response(200, b"{}", [("Location", "https://files.invalid/" + "x" * 7000)])
    async with RawServer(otherwise=raw(wide, then="stay")) as origin:
        assert len((await rig.send("GET", f"{origin.url}/x")).headers["location"]) > 7_000


async def test_a_large_body_is_read_whole(rig: Rig) -> None:
    async with RawServer(otherwise=answer(200, b"x" * 5000000)) as origin:
        assert len((await rig.send("GET", f"{origin.url}/x")).body) == 5_000_000


# --- mocks ----------------------------------------------------------------------------------------------------------


@only("default")
async def test_a_mock_of_httpx_transports_sees_what_goes_out_by_default(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[httpx.Request] = []

    async def mocked(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, content=b"mocked")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", mocked)
    for _ in range(2):
        received = await rig.send("POST", "https://nowhere.invalid/x", content=b"{}")
        assert (received.status, received.body) == (201, b"mocked")
    assert [str(request.url) for request in seen] == ["https://nowhere.invalid/x"] * 2


@only("default", "httpx")
async def test_respx_sees_what_goes_out(rig: Rig) -> None:
    with respx.mock(assert_all_called=True) as mock:
        route = mock.post("https://nowhere.invalid/x").respond(201, content=b"mocked")
        for _ in range(2):
            received = await rig.send("POST", "https://nowhere.invalid/x", content=b"{}")
            assert (received.status, received.body) == (201, b"mocked")
        assert route.call_count == 2
