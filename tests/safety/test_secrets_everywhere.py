"""Tokens and passwords over every backend: in errors, their causes and contexts, local variables, pickles and logs."""

from __future__ import annotations

import asyncio
import base64
import html
import io
import json
import logging
import pickle
import re
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, unquote

import aiohttp
import attrs
import httpx
import httpx2
import pytest
from rich.console import Console
from rich.traceback import Traceback

from tests.raw_server import (
    RawServer,
    Step,
    answer,
    half,
    hang_up,
    malformed,
    raw,
    read_and_close,
    read_and_reset,
    refused,
    silent,
)
from wren_async import AiohttpBackend, CallError, CNaughtClient, InvalidConfiguration, OutcomeUnknown, WrenClient
from wren_async.core.auth import Credentials
from wren_async.core.printable import LONGEST
from wren_async.core.redaction import redact, redact_bytes
from wren_async.http.secret import Secret

from .clients import CALLS, TOKEN, fails, wren

PASSWORD = "hushhushpassword"
BACKENDS = ("default", "httpx", "httpx2", "aiohttp", "session")


@asynccontextmanager
async def brought(backend: str) -> AsyncIterator[Any]:
    """What a caller gives as `http_client`."""
    match backend:
        case "httpx":
            async with httpx.AsyncClient(trust_env=False) as client:
                yield client
        case "httpx2":
            async with httpx2.AsyncClient(trust_env=False) as client:
                yield client
        case "session":
            async with aiohttp.ClientSession() as session:
                yield session
        case "aiohttp":
            yield AiohttpBackend()
        case _:
            yield None


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(each):04x}" for each in text)


SPELLINGS: dict[str, str] = {
    "plain": TOKEN,
    "upper case": TOKEN.upper(),
    "json": escaped(TOKEN),
    "json, upper case": escaped(TOKEN).upper().replace("\\U", "\\u"),
    "json in json": json.dumps(escaped(TOKEN))[1:-1],
    "slashes": TOKEN.replace("/", "\\/"),
    "percent": quote(TOKEN, safe=""),
    "percent, all": "".join(f"%{ord(each):02x}" for each in TOKEN),
    "percent, twice": quote(quote(TOKEN, safe=""), safe=""),
    "html": html.escape("".join(f"&#{ord(each)};" for each in TOKEN), quote=False).replace("&amp;", "&"),
    "mixed": f"{escaped(TOKEN[:9])}{quote(TOKEN[9:20], safe='')}{TOKEN[20:]}",
    "basic": base64.b64encode(TOKEN.encode()).decode(),
    "basic, user": base64.b64encode(f"me:{TOKEN}".encode()).decode(),
    "basic, password": base64.b64encode(f"{TOKEN}:x".encode()).decode(),
    "basic, for addresses": base64.urlsafe_b64encode(f"Bearer {TOKEN}".encode()).decode(),
}

TELLTALES = (
    TOKEN[:12],
    TOKEN[-12:],
    PASSWORD,
    *(base64.b64encode(b"\0" * n + TOKEN.encode()).decode()[5:25] for n in range(3)),
)


def shows(text: str) -> list[str]:
    """What of the token and the password a text shows, also where its escapes are undone, layer by layer."""
    readings = [text.lower()]
    for _ in range(3):
        plain = re.sub(r"\\+u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), readings[-1])
        readings += [plain, unquote(plain), html.unescape(unquote(re.sub(r"\\+/", "/", plain)))]
    return [sign for sign in TELLTALES for reading in readings if sign.lower() in reading]


def chain(error: BaseException) -> list[BaseException]:
    """The error, its causes and its contexts."""
    found: list[BaseException] = []
    left = [error]
    while left:
        each = left.pop()
        if each not in found:
            found.append(each)
            left += [next_ for next_ in (each.__cause__, each.__context__) if next_ is not None]
    return found


def everything(error: BaseException) -> str:
    """All that an error tells to whoever logs, pickles or inspects it."""
    parts = []
    for each in chain(error):
        told = traceback.TracebackException.from_exception(each, capture_locals=True, limit=50)
        parts += [*told.format(), repr(each), str(each), repr(each.args), repr(vars(each)), pickled(each)]
    console = Console(file=io.StringIO(), width=400)
    console.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
    parts.append(console.file.getvalue())  # type: ignore[attr-defined]
    if isinstance(error, CallError):
        parts += [repr(attrs.asdict(error.facts)), repr(error.headers), repr(error.body), repr(error.raw)]
        parts += [repr(getattr(error, name, None)) for name in dir(error) if not name.startswith("__")]
    return "\n".join(parts)


def pickled(error: BaseException) -> str:
    try:
        return pickle.dumps(error).decode("latin-1")
    except Exception:
        return ""


FAILURES: dict[str, Step] = {
    "refused": refused(),
    "hung up": hang_up(),
    "closed": read_and_close(),
    "reset": read_and_reset(),
    "half": half(),
    "malformed": malformed(),
    "repeated in no HTTP": raw(f"Bearer {TOKEN}\r\n\r\n".encode()),
    "repeated in a header line": raw(f"HTTP/1.1 200 OK\r\n{TOKEN}\x01 : x\r\n\r\n".encode()),
    "timed out": silent(30),
    "server error": answer(500, {}),
    "unreadable": answer(200, b"thanks"),
    "no gzip": answer(200, b"thanks", {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("failure", FAILURES)
async def test_no_failure_shows_the_token(
    backend: str, failure: str, call: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        RawServer(FAILURES[failure]) as server,
        brought(backend) as http_client,
        wren(server, token=TOKEN, http_client=http_client, retries=0, timeout=20) as client,
    ):
        error = await fails(client, CALLS[call])
    assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in server.requests)
    assert shows(everything(error)) == []
    records = [each for each in caplog.records if "repeated" not in failure or each.name.startswith("wren_async")]
    assert shows("\n".join(each.getMessage() for each in records)) == []


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_error_repeats_the_token_that_a_server_repeats(backend: str, spelling: str) -> None:
    form = SPELLINGS[spelling]
    body = json.dumps({"title": "TITLE", "message": ["x TITLE"], "errors": {"TITLE": ["TITLE"]}, "note": "so TITLE."})
    content = body.replace("TITLE", form if form.isprintable() else "").encode()
    header = {"Location": f"https://example.com/?t={form}", "X-Seen": form}
    steps = [answer(status, content, header) for status in (401, 302, 200, 500)]
    async with (
        RawServer(*steps) as server,
        brought(backend) as http_client,
        wren(server, token=TOKEN, http_client=http_client, retries=0) as client,
    ):
        for _ in steps:
            assert shows(everything(await fails(client, CALLS["order"]))) == []
    assert len(server.requests) == len(steps)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_cancelled_read_shows_no_token(backend: str) -> None:
    async with (
        RawServer(silent()) as server,
        brought(backend) as http_client,
        wren(server, token=TOKEN, http_client=http_client) as client,
    ):
        task = asyncio.create_task(client.portfolios.list())
        await server.until(lambda s: s.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
    assert shows(everything(caught.value)) == []


@pytest.mark.parametrize("backend", ["default", "aiohttp"])
@pytest.mark.parametrize("status", [407, 502])
async def test_a_proxy_that_refuses_does_not_show_its_password(
    backend: str, status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with RawServer(otherwise=answer(status, {})) as proxy, brought(backend) as http_client:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}")
        options: dict[str, Any] = {"http_client": http_client, "retries": 0, "base_url": "https://api.invalid"}
        async with WrenClient(TOKEN, **options) as client:
            error = await fails(client, CALLS["order"])
    assert [request.method for request in proxy.requests] == ["CONNECT"]
    assert shows(everything(error)) == []
    assert shows(caplog.text) == []


@pytest.mark.parametrize("backend", ["default", "aiohttp"])
@pytest.mark.parametrize(
    "proxy", ["http://me:{0}/x@host:1", "http://me:{0}#@host:1", "ftp://me:{0}@host", "http://me:{0}@ho st:x", "me:{0}"]
)
async def test_a_proxy_that_is_none_does_not_show_its_password(
    backend: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(PASSWORD))
    async with (
        brought(backend) as http_client,
        WrenClient(TOKEN, http_client=http_client, retries=0, base_url="https://api.invalid") as client,
    ):
        error = await fails(client, CALLS["order"])
    assert "HTTPS_PROXY" in str(error)
    assert shows(everything(error)) == []


async def test_a_session_with_a_refusing_proxy_does_not_show_its_password() -> None:
    async with (
        RawServer(otherwise=answer(407, {})) as proxy,
        aiohttp.ClientSession(proxy=f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}") as session,
        WrenClient(TOKEN, http_client=session, retries=0, base_url="https://api.invalid") as client,
    ):
        error = await fails(client, CALLS["order"])
    assert shows(everything(error)) == []


# --- causes ---------------------------------------------------------------------------------------------------------


class Holds(Exception):
    """An exception that holds more than its words."""

    def __init__(self, request: object) -> None:
        super().__init__("it broke", request)


class Failing:
    """A backend that fails with an exception of its own."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def exchange(self, request: Any, progress: Any) -> Any:
        header = f"Authorization: {request.authorization.reveal()}"
        assert header
        raise self.error

    async def aclose(self) -> None:
        pass


async def cause_of(error: BaseException) -> BaseException | None:
    async with WrenClient(TOKEN, http_client=Failing(error), retries=0) as client:
        failed = await fails(client, CALLS["read"])
    assert shows(everything(failed)) == []
    return failed.__cause__


async def test_a_cause_keeps_its_class_and_words_and_is_another_object() -> None:
    error = httpx.ReadTimeout(f"timed out with {TOKEN}", request=httpx.Request("GET", "http://x", headers={"A": TOKEN}))
    error.__cause__ = ConnectionResetError(104, "reset by peer")
    cause = await cause_of(error)
    assert type(cause) is httpx.ReadTimeout
    assert str(cause) == "timed out with <token>"
    assert cause.__traceback__ is None
    assert type(cause.__cause__) is ConnectionResetError
    assert cause.__cause__.args == (104, "reset by peer")


async def test_a_cause_that_holds_more_than_words_is_told_in_words() -> None:
    cause = await cause_of(Holds({"Authorization": f"Bearer {TOKEN}"}))
    assert type(cause).__name__ == "Redacted"
    assert "Holds: ('it broke'" in str(cause)


async def test_a_chain_of_causes_that_goes_round_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert str(await cause_of(first)) == "a"


# --- constructors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": f"https://me:{PASSWORD}@example.com"},
        {"base_url": f"https://me:{PASSWORD}@example.com:port"},
        {"base_url": f"https://me:{PASSWORD}/x@example.com"},
        {"base_url": f"me:{PASSWORD}@example.com"},
        {"base_url": f"https://exa mple.com/{TOKEN}"},
        {"base_url": f"https://example.com?token={TOKEN}"},
        {"base_url": TOKEN},
        {"api_key": TOKEN},
        {"timeout": -1},
        {"max_in_flight": 0},
        {"http_client": 7},
    ],
    ids=str,
)
def test_no_constructor_shows_what_it_was_given(options: dict[str, Any]) -> None:
    for make in (lambda: WrenClient(**{"token": TOKEN} | options), lambda: CNaughtClient(**{"token": TOKEN} | options)):
        caught = refusal(make)
        assert shows("".join(library_frames(caught)) + str(caught) + repr(caught)) == []


@pytest.mark.parametrize("token", [f"{TOKEN} {TOKEN}", f"{TOKEN}\x07", f"{TOKEN}ü", TOKEN.encode()])
def test_no_token_that_is_refused_is_shown(token: Any) -> None:
    for make in (lambda: WrenClient(token), lambda: CNaughtClient(token)):
        caught = refusal(make)
        assert isinstance(caught, InvalidConfiguration)
        assert shows("".join(library_frames(caught)) + str(caught)) == []


def test_no_token_of_the_environment_that_is_refused_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WREN_API_TOKEN", f"{TOKEN} {TOKEN}")
    caught = refusal(WrenClient)
    assert "WREN_API_TOKEN" in str(caught)
    assert shows("".join(library_frames(caught)) + str(caught)) == []


def refusal(make: Callable[[], object]) -> BaseException:
    with pytest.raises((TypeError, InvalidConfiguration)) as caught:
        make()
    return caught.value


def library_frames(error: BaseException) -> list[str]:
    """The frames of the library, with their local variables. Those of the caller are the caller's."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return [repr(frame.locals) for frame in told.stack if "wren_async" in frame.filename]


# --- what is taken out, and what is not -----------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["t", "test", "key", "dummy"])
async def test_a_dummy_token_garbles_no_message(token: str) -> None:
    body = {"message": "the latest test failed: the key of the dummy is not tested"}
    async with RawServer(answer(400, body)) as server, wren(server, token=token, retries=0) as client:
        error = await fails(client, CALLS["order"])
    assert body["message"] in str(error)
    assert error.body == body


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_a_token_stays(spelling: str) -> None:
    form = SPELLINGS[spelling]
    assert shows(redact(f"before {form} after", Secret(TOKEN))) == []
    cleaned = redact_bytes(json.dumps({"a": "FORM", "b": 1}).replace("FORM", form).encode(), Secret(TOKEN))
    assert shows(cleaned.decode()) == []
    assert json.loads(cleaned)["b"] == 1


def test_a_token_that_was_cut_is_taken_out_too() -> None:
    for end in range(len(TOKEN) // 2, len(TOKEN)):
        assert TOKEN[:9] not in redact(f"not 'Bearer {TOKEN[:end]}…'", Secret(TOKEN))


def test_the_rest_of_a_text_stays_as_it_is() -> None:
    text = "café \\u0041 %41 &amp; \\/ //host/x?y=1 me@example.com\n" + TOKEN[:8]
    assert redact(text, Secret(TOKEN)) == text
    assert redact_bytes(text.encode(), Secret(TOKEN)) == text.encode()


def test_the_password_of_any_address_is_taken_out() -> None:
    told = redact(f"cannot reach 'http://me:{PASSWORD}@host:1/x'", Secret(TOKEN))
    assert told == "cannot reach 'http://<credentials>@host:1/x'"


# --- what a server says, in a message ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "shown"),
    [("a\x1b[2Jb", "a\\x1b[2Jb"), ("a\nWARNING b", "a\\nWARNING b"), ("a\u202eb\u2066c", "a\\u202eb\\u2066c")],
)
async def test_what_a_server_says_steers_nothing(said: str, shown: str) -> None:
    async with (
        RawServer(answer(400, {"title": said}), answer(200, {said: said})) as server,
        wren(server, retries=0) as client,
    ):
        assert shown in str(await fails(client, CALLS["order"]))
        assert (await fails(client, CALLS["order"])).reason.isprintable()


async def test_what_a_server_says_is_cut() -> None:
    long = "x" * 100_000
    steps = [answer(400, {"title": long}), answer(400, {"errors": {long: [long] * 50}}), answer(200, {"tons": long})]
    async with RawServer(*steps) as server, wren(server, retries=0) as client:
        for _ in steps:
            assert len(str(await fails(client, CALLS["order"]))) < 2_000


async def test_a_lost_order_names_its_reference_and_the_way_to_find_it() -> None:
    async with RawServer(read_and_close(), read_and_close()) as server, wren(server, retries=0) as client:
        place = client.offset_orders.create
        with pytest.raises(OutcomeUnknown, match=r"reference is 'r-1', and `await client\.reconcile\(error\)`"):
            await place(tons=1, payment_method="credits", reference="r-1")
        with pytest.raises(OutcomeUnknown, match=r"no reference: look for it in the account"):
            await place(tons=1, payment_method="credits", reference=None)


@pytest.mark.parametrize("named", ["token=...", "WREN_API_TOKEN"])
async def test_a_refused_token_is_named_by_where_it_came_from(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WREN_API_TOKEN", TOKEN)
    token = None if named.isupper() else TOKEN
    async with RawServer(answer(401, {})) as server, wren(server, token=token, retries=0) as client:
        assert f"the token came from {named}" in str(await fails(client, CALLS["read"]))


def test_credentials_quote_in_one_clean_line() -> None:
    quoted = Credentials(Secret(TOKEN)).quote(f"{TOKEN}\r\n" + "y" * 900)
    assert quoted.startswith("<token>\\r\\nyyy")
    assert len(quoted) <= LONGEST


async def test_a_token_in_the_name_of_a_header_is_taken_out() -> None:
    token = "5f0c0000-feed-4dad-beef-00000000f00d"
    repeats = answer(400, {}, {f"X-{token}": "1"})
    async with RawServer(repeats) as server, wren(server, token=token, retries=0) as client:
        error = await fails(client, CALLS["read"])
    assert token not in everything(error)
    assert error.headers["x-<token>"] == "1"
