"""A fuzz of the sandbox: requests of both contracts and of the control API, with something odd about each.

    python tests/sandbox/fuzz_sandbox.py [--requests 50000] [--seed 1]

Whatever arrives, the sandbox answers: it raises nothing, sends no 5xx that no fault asked for, and every answer can be
written on the wire. Exits with 1 and the requests to blame where that does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, unquote, urlencode

import attrs
import yaml

from wren_async.sandbox import FaultKind, Sandbox

App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

OPENAPI = Path(__file__).parents[2] / "openapi"
PREFIXES = {"wren": "", "cnaught": "/v1"}
PATIENCE_SECONDS = 0.02
"""How long a request may take that a fault delays, before its client leaves."""
HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
HEADER_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")

NUMBERS = (
    *("0", "-0", "-1", "0.45", "1", "10", "100", "1e3", "20.0", "99999999999999999999", "1e15", "1e16", "1e39", "1e40"),
    *("1e41", "-1e40", "1e-7", "1e-40", "1e-399", "1e-400", "1e-401", "1e999", "1E+999999999", "1E-999999999"),
    *("9007199254740993", "18446744073709551616", "-9223372036854775809", "0." + "3" * 300, "9" * 39, "9" * 4400),
)
TEXTS = (
    *("", " ", "a", "x" * 321, "é", "\U0001f333", "\u202e", "\x00", "null", "true", "NaN", "Infinity", "-1", "1e999"),
    *(
        "\r\nX-Evil: 1",
        "../../etc",
        "{CHECKOUT_SESSION_ID}",
        "https://",
        "https://[",
        "https://a:99999/",
        "http://a b/",
    ),
    *("https://shop.example.com/é", "logo.invalid", "https://x.invalid/a.png", "oH5hlq", "ixmZSK", "stripe", "credits"),
    *("2026-07-01T12:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60Z", "2026-07-01", "x" * 70_000),
)
JUNK = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"x"',
    b"{}",
    b"\xff\xfe",
    b"a=b",
    b"[" * 3000,
    b'{"a":' * 900 + b"1" + b"}" * 900,
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", "get")
TYPES = (
    *("application/json", "application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain"),
    *("image/png", "image/svg+xml", "multipart/form-data", "", ";", "APPLICATION/JSON", "application/json, text/html"),
)
HEADERS = (
    *("authorization", "idempotency-key", "x-subaccount-id", "accept", "host", "origin", "content-length", "cookie"),
    *("sec-fetch-site", "upgrade", "expect", "date", "x-forwarded-host", "content-encoding"),
)


@attrs.frozen
class Sent:
    """One request, as it is sent."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    leaves: bool = False
    """The client leaves in the middle of its body."""

    def __str__(self) -> str:
        return f"{self.method} {self.target[:300]!r} {self.headers!r:.400} {self.body[:400]!r}"


@attrs.define
class Report:
    """What came of a fuzz."""

    requests: int = 0
    statuses: Counter[int | None] = attrs.field(factory=Counter)
    """Answers by status; None where a fault kept it from coming."""
    carried_out: int = 0
    problems: list[str] = attrs.field(factory=list)
    peak_bytes: int = 0


class Answer:
    """Takes an answer from the application, as a server would."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: Sequence[tuple[bytes, bytes]] = ()
        self.body = b""

    async def __call__(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")

    def faults(self) -> Iterator[str]:
        """What a server could not put on the wire."""
        for name, value in self.headers:
            if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
                yield f"the header {name!r}: {value!r}"
        if self.status is not None and not 200 <= self.status <= 599:
            yield f"the status {self.status}"
        if self.status in (204, 304) and self.body:
            yield f"a body with {self.status}"


@cache
def operations(api: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and an example of the body of every operation."""
    document = yaml.safe_load((OPENAPI / f"{api}.yaml").read_text())
    found = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("get", "put", "post", "delete", "patch"):
                found.append((method.upper(), PREFIXES[api] + path, example(document, operation)))
    return found


def example(document: Any, operation: Any) -> dict[str, Any]:
    """The first example of an operation's JSON body."""
    body = operation.get("requestBody", {})
    if "$ref" in body:
        body = document["components"]["requestBodies"][body["$ref"].rpartition("/")[2]]
    for media in body.get("content", {}).values():
        for one in media.get("examples", {}).values():
            if isinstance(one.get("value"), dict):
                value: dict[str, Any] = one["value"]
                return value
    return {}


class Fuzz:
    """Draws requests, sends them to one sandbox, and looks at what comes back."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.sandbox = Sandbox(seed=seed)
        self.app: App = self.sandbox.asgi
        self.report = Report()
        self.ids = ["2FhU3B0F36_sandbox"]

    async def run(self, requests: int) -> Report:
        """Send so many requests."""
        tracemalloc.start()
        for number in range(requests):
            if number % 25 == 0:
                self.sandbox.faults.clear()
            if number % 200 == 0:
                self.sandbox.reset()
            await self.send(self.draw())
        self.report.peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return self.report

    async def send(self, sent: Sent) -> None:
        """Send one request, and note what is wrong with its answer."""
        self.report.requests += 1
        asked = len(self.sandbox.faults) > 0
        answer = Answer()
        try:
            await asyncio.wait_for(self.app(scope(sent), receiver(sent), answer), PATIENCE_SECONDS if asked else 5)
        except (ConnectionResetError, TimeoutError) as error:
            if not asked:
                self.blame(sent, repr(error))
        except Exception as error:
            self.blame(sent, repr(error)[:300])
        self.look(sent, answer, asked=asked)

    def look(self, sent: Sent, answer: Answer, *, asked: bool) -> None:
        """Judge an answer."""
        self.report.statuses[answer.status] += 1
        self.report.carried_out += answer.status is not None and answer.status < 300
        excused = asked and not sent.target.startswith("/_sandbox")
        if answer.status is not None and answer.status >= 500 and not excused:
            self.blame(sent, f"answered {answer.status}")
        for fault in answer.faults():
            self.blame(sent, fault)
        if answer.status in (200, 201) and answer.body.startswith(b'{"'):
            self.ids += re.findall(r'"(?:id|orderGroupId)":"([^"]+)"', answer.body.decode("utf-8", "replace"))[:1]
            del self.ids[:-20]

    def blame(self, sent: Sent, problem: str) -> None:
        """Note that a request was answered wrongly."""
        self.report.problems.append(f"{problem} to {sent}")

    def draw(self) -> Sent:
        """The next request."""
        method, path, headers, body = self.choose((self.control, *[self.call] * 5))()
        if self.chance(0.1):
            method = self.choose(METHODS)
        if self.chance(0.15):
            path = self.odd_path(path)
        if self.chance(0.3):
            headers = {**headers, self.choose(HEADERS): self.odd_header()}
        if self.chance(0.2):
            headers = {**headers, "content-type": self.choose(TYPES)}
        return Sent(method, path, tuple(headers.items()), body, leaves=self.chance(0.02))

    def call(self) -> tuple[str, str, dict[str, str], bytes]:
        """A call of an operation."""
        api = self.choose(("wren", "cnaught"))
        method, path, body = self.choose(operations(api))
        path = path.replace("{id}", quote(self.choose((*self.ids, "unknown", "%00", "é")), safe=""))
        if method == "GET" and self.chance(0.5):
            path += "?" + urlencode({self.odd_name(): self.odd_text() for _ in range(self.random.randint(1, 3))})
        sandbox = self.sandbox
        tokens = (
            (sandbox.wren.live_token, sandbox.wren.test_token)
            if api == "wren"
            else (sandbox.cnaught.api_key, sandbox.cnaught.test_key)
        )
        headers = {
            "host": "127.0.0.1",
            "authorization": f"Bearer {self.choose(tokens)}",
            "content-type": "application/json",
        }
        if self.chance(0.2):
            headers["idempotency-key"] = self.choose(("a", "b", "c"))
        if self.chance(0.1):
            headers["content-type"] = "application/x-www-form-urlencoded"
            flat = {name: str(value) for name, value in self.changed(body).items()}
            return method, path, headers, urlencode(flat, errors="replace").encode()
        return method, path, headers, b"" if method == "GET" else self.written(body)

    def control(self) -> tuple[str, str, dict[str, str], bytes]:
        """A request to the control API."""
        method, path, body = self.choose(self.controls())()
        headers = {"host": "localhost", "content-type": "application/json"}
        return method, f"/_sandbox{path}", headers, b"" if body is None else self.written(body)

    def controls(self) -> Sequence[Callable[[], tuple[str, str, dict[str, Any] | None]]]:
        """What can be asked of the control API."""
        sandbox, one = self.sandbox, lambda: quote(self.choose((*self.ids, "unknown")), safe="")
        behaviours = {"wren": sandbox.wren_api.behaviours, "cnaught": sandbox.cnaught_api.behaviours}
        api = self.choose(("wren", "cnaught"))
        names = [field.name for field in attrs.fields(type(behaviours[api])) if not field.name.endswith("_key")]
        return (
            lambda: (
                "GET",
                self.choose(
                    (
                        "/",
                        "/state",
                        "/state?latest=" + quote(self.odd_text()[:50]),
                        "/requests?limit=5&since=" + quote(self.odd_text()[:50]),
                        "/requests/" + quote(self.odd_text()[:50], safe=""),
                        "/clock",
                        "/faults",
                        "/faults/kinds",
                    )
                ),
                None,
            ),
            lambda: ("POST", "/faults", self.rule()),
            lambda: ("POST", "/faults", self.rule()),
            lambda: ("DELETE", f"/faults/{self.choose(('1', '9' * 30, 'x'))}", None),
            lambda: ("PATCH", f"/behaviours/{api}", {self.choose(names): self.odd_value()}),
            lambda: ("PATCH", f"/behaviours/{api}", {self.choose(names): self.odd_value()}),
            lambda: ("PUT", "/clock", {self.choose(("set", "move", "run", "x")): self.odd_value()}),
            lambda: (
                "POST",
                "/wren/accounts",
                {"token": "5a4db0c5-0000-4000-8000-00000000abcd", self.account(): self.odd_value()},
            ),
            lambda: ("PATCH", f"/wren/accounts/{sandbox.wren.live_token}", {self.account(): self.odd_value()}),
            lambda: ("POST", f"/{api}/orders/{one()}/{self.choose(('fulfil', 'refund', 'cancel', 'x'))}", None),
            lambda: ("POST", f"/checkout/{one()}/{self.choose(('complete', 'expire', 'x'))}", None),
            lambda: ("GET", self.choose((f"/checkout/{one()}", f"/wren/certificates/{one()}")), None),
        )

    def rule(self) -> dict[str, Any]:
        """A fault, with some arguments that may be odd."""
        rule: dict[str, Any] = {"kind": self.choose([kind.value for kind in FaultKind])}
        names = ("times", "nth", "probability", "seconds", "status", "retry_after", "retry_after_date", "location")
        for name in self.random.sample(
            (*names, "content_type", "size", "when", "api", "operation", "token", "id"), self.choose((0, 0, 1, 2))
        ):
            rule[name] = self.odd_value()
        if self.chance(0.5):
            rule["status"] = self.choose((200, 204, 304, 399, 400, 503, 599, 600, 0, -1))
        return rule

    def account(self) -> str:
        return self.choose(("balance_cents", "card", "name", "may_write", "auto_refill", "team", "colour"))

    def written(self, body: dict[str, Any]) -> bytes:
        """A body as JSON, with something changed in it."""
        if self.chance(0.05):
            return self.choose(JUNK)
        return "".join(write(self.changed(body))).encode("utf-8", "replace")

    def changed(self, body: dict[str, Any]) -> dict[str, Any]:
        """A body with one or two attributes changed, added or left out; now and then as it is."""
        body = dict(body)
        for _ in range(self.random.choice((0, 1, 1, 1, 2))):
            name = self.choose([*body, self.odd_name()])
            if self.chance(0.1):
                body.pop(name, None)
            else:
                body[name] = self.odd_value()
        return body

    def odd_value(self) -> Any:
        """Anything."""
        match self.random.randrange(8):
            case 0 | 1 | 2:
                return Number(self.choose(NUMBERS))
            case 3 | 4:
                return self.odd_text()
            case 5:
                return self.choose((True, False, None))
            case 6:
                return [self.odd_value() for _ in range(self.random.randrange(3))]
        return {self.odd_name(): self.odd_value() for _ in range(self.random.randrange(3))}

    def odd_name(self) -> str:
        return self.choose(
            (
                "tons",
                "amount_kg",
                "note",
                "limit",
                "offset",
                "from",
                "to",
                "starting_after",
                "expanded",
                "api",
                "url",
                "",
                "é",
            )
        )

    def odd_text(self) -> str:
        return self.choose((*TEXTS, self.choose(NUMBERS), *self.ids[-2:]))

    def odd_header(self) -> str:
        shown = (self.odd_text()[:600], "Bearer", "Basic !!!", "cross-site", "evil.example", "null", "x" * 600)
        return (
            self.choose(shown)
            .encode("utf-8", "replace")
            .decode("latin-1")
            .replace("\r", "")
            .replace("\n", "")
            .replace("\0", "")
        )

    def odd_path(self, path: str) -> str:
        place = self.random.randrange(len(path) + 1)
        return (
            path[:place] + self.choose(("%", "%ff", "/", "//", "..", "%2F", "?", "a", "%00", "&", "=")) + path[place:]
        )

    def choose(self, choices: Sequence[Any]) -> Any:
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        return self.random.random() < share


class Number(str):
    """A number that is written into JSON as it stands."""

    __slots__ = ()


def write(value: Any) -> Iterator[str]:
    """JSON, in which numbers are written as they were drawn."""
    if isinstance(value, Number):
        yield value
    elif isinstance(value, dict):
        yield "{"
        for place, (name, inner) in enumerate(value.items()):
            yield f"{',' if place else ''}{json.dumps(name)}:"
            yield from write(inner)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for place, inner in enumerate(value):
            yield "," if place else ""
            yield from write(inner)
        yield "]"
    else:
        yield json.dumps(value)


def scope(sent: Sent) -> dict[str, Any]:
    """A request as a server hands it to an application."""
    path, _, query = sent.target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": sent.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii", "replace"),
        "query_string": query.encode("ascii", "replace"),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


def receiver(sent: Sent) -> Callable[[], Awaitable[dict[str, Any]]]:
    """The body, and then the news that the client has left."""
    half = len(sent.body) // 2
    messages = [
        {"type": "http.request", "body": sent.body[:half], "more_body": True},
        {"type": "http.request", "body": sent.body[half:], "more_body": False},
    ]
    if sent.leaves:
        del messages[1:]

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return receive


async def fuzz(requests: int, seed: int) -> Report:
    """Send so many requests to a new sandbox."""
    return await Fuzz(seed).run(requests)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, and say what came of it."""
    parser = argparse.ArgumentParser(description="Send odd requests to the sandbox.")
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    begun = time.perf_counter()
    report = asyncio.run(fuzz(options.requests, options.seed))
    for problem in report.problems[:40]:
        print(problem)
    print(
        f"{report.requests} requests in {time.perf_counter() - begun:.0f} s; {report.carried_out} carried out; "
        f"at most {report.peak_bytes / 1e6:.0f} MB; {len(report.problems)} problems"
    )
    print("answers by status:", dict(sorted(report.statuses.items(), key=lambda item: item[0] or 0)))
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
