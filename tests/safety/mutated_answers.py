"""A server whose answers are the contract's own examples, changed at random, and calls that meet them.

    python -m tests.safety.mutated_answers [--count 20000] [--seed 1]

Whatever comes, a call ends in a value or in an error of the library's own, whose text is short and printable and which
can be pickled; and the memory of the process stays bounded. Bodies, numbers, dates, depth, encodings, headers, statuses
and the framing itself are changed, over both HTTP libraries.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import json
import pickle
import random
import resource
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
import yaml

from wren_async import CNaughtClient, Timing, WrenAsyncError, WrenClient
from wren_async.http.over_aiohttp import AiohttpBackend

OPENAPI: Final = Path(__file__).parent.parent.parent / "openapi"

# --- what is asked --------------------------------------------------------------------------------------------------

Ask: TypeAlias = "Callable[[Clients], Awaitable[object]]"


@attrs.frozen
class Clients:
    """A client of each API over one HTTP library."""

    wren: WrenClient
    cnaught: CNaughtClient


async def _some(items: AsyncIterator[object], most: int = 30) -> list[object]:
    """The first items of a walk, because a server may go on for ever."""
    found: list[object] = []
    async with contextlib.aclosing(items) as walk:  # type: ignore[type-var]
        async for item in walk:
            found.append(item)
            if len(found) == most:
                break
    return found


ASKED: Final[dict[str, Ask]] = {
    "createOffsetOrder": lambda c: c.wren.offset_orders.create(tons=1, payment_method="credits"),
    "createTreeOrder": lambda c: c.wren.tree_orders.create(amount_of_trees=1, payment_method="credits"),
    "listOffsetOrders": lambda c: c.wren.offset_orders.list(),
    "getOffsetOrderCertificate": lambda c: c.wren.offset_orders.certificate("ch_1"),
    "listPortfolios": lambda c: c.wren.portfolios.list(),
    "listPurchases": lambda c: c.wren.purchases.list(),
    "listProjectDonations": lambda c: c.wren.project_donations.list(),
    "topUpCredits": lambda c: c.wren.credits.top_up(amount_in_usd_cents=1000),
    "listCreditLedger": lambda c: _some(aiter(c.wren.credits.ledger(limit=5))),
    "createOrder": lambda c: c.cnaught.orders.create(amount_kg=10),
    "listOrders": lambda c: _some(aiter(c.cnaught.orders.list(limit=5))),
    "getOrder": lambda c: c.cnaught.orders.get("x"),
    "createQuote": lambda c: c.cnaught.quotes.create(amount_kg=10),
    "getImpactData": lambda c: c.cnaught.impact.data(),
    "updateSubaccount": lambda c: c.cnaught.subaccounts.update("x", name="Marketing"),
    "deleteSubaccount": lambda c: c.cnaught.subaccounts.delete("x"),
    "getProject": lambda c: c.cnaught.projects.get("x"),
    "getCheckoutSession": lambda c: c.cnaught.checkout_sessions.get("x"),
}


@cache
def examples() -> dict[str, list[Any]]:
    """The contract's examples of answers by operation, errors among them."""
    found: dict[str, list[Any]] = {}
    for api in ("wren", "cnaught"):
        document = yaml.safe_load((OPENAPI / f"{api}.yaml").read_text())
        for path in document["paths"].values():
            for operation in (each for each in path.values() if isinstance(each, dict) and "operationId" in each):
                media = [kind for each in operation["responses"].values() for kind in each.get("content", {}).values()]
                values = [each["value"] for kind in media for each in kind.get("examples", {}).values()]
                found[operation["operationId"]] = values or [{}]
    return found


# --- what is answered -----------------------------------------------------------------------------------------------

LITERALS: Final = (
    *("1E+999999999", "1E-999999999", "1e30", "-1e400", "1e19", "0e999999999", "-0.0", "1" * 5000, "0." + "1" * 5000),
    *("9223372036854775808", "-9223372036854775809", "12.5", "20.0", "true", "null", "NaN", "Infinity", "[]", "{}"),
    *('""', '"12"', '"\\u001b[2J\\u202e"', '"\\ud800"', '"9999-12-31T23:59:59-23:59"', '"0001-01-01T00:00:00+23:59"'),
    *(
        '"2022-13-45"',
        '"' + "x" * 3000 + '"',
        "[" * 50 + "]" * 50,
        "[" * 500 + "]" * 500,
        '{"a":' * 900 + "1" + "}" * 900,
    ),
    "[" + "1," * 2000 + "1]",
)
HEADERS: Final = {
    "Retry-After": (
        "100000000000000",
        "-1",
        "1e9",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "9" * 400,
        "0.001",
        "\x00",
        "1, 2",
    ),
    "Date": (
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "x" * 2000,
        "Mon, 99 Foo 99999999999 99:99:99 +9999",
        "",
        "Thu, 01 Jan 1970",
    ),
    "Content-Type": ("text/html", "application/json; charset=utf-7", "\xff\xfe", ""),
    "Content-Encoding": ("gzip", "gzip, gzip", "br", "deflate", "zstd", "identity", "\x1b[2J", "x" * 500),
    "Location": ("https://elsewhere.example/", "//\\", "file:///etc/passwd", "http://[::1", "\xff"),
    "X-Idempotent-Replay": ("true", "TRUE", "maybe"),
    "Set-Cookie": ("a=b; Domain=example.com",),
    "X" * 300: ("y" * 3000,),
}
STATUSES: Final = (
    *[200] * 30,
    *[201] * 5,
    204,
    206,
    299,
    301,
    302,
    304,
    307,
    400,
    401,
    402,
    403,
    404,
    408,
    409,
    418,
    422,
)
STATUSES_TOO: Final = (429, 429, 500, 502, 503, 504, 599, 600, 999)


def mutated(value: Any, chance: random.Random) -> bytes:
    """An answer's JSON with some of its values replaced, some names gone or new, and sometimes some bytes changed."""
    marks: dict[str, str] = {}

    def change(node: Any) -> Any:
        if chance.random() < 0.05:
            mark = f"@{len(marks)}@"
            marks[f'"{mark}"'] = chance.choice(LITERALS)
            return mark
        if isinstance(node, dict):
            kept = {name: change(item) for name, item in node.items() if chance.random() > 0.03}
            return {**kept, "new \x1b": change(1)} if chance.random() < 0.1 else kept
        return [change(item) for item in node] if isinstance(node, list) else node

    text = json.dumps(change(value))
    for mark, literal in marks.items():
        text = text.replace(mark, literal)
    raw = bytearray(text.encode())
    if chance.random() < 0.1:
        for _ in range(chance.randint(1, 4)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
    return bytes(raw[: chance.randrange(len(raw))] if chance.random() < 0.03 else raw)


@cache
def bombs() -> tuple[tuple[str, bytes], ...]:
    """Encodings, and bodies that are far larger than they look."""
    zeros = gzip.compress(bytes(8 * 2**20))
    return (
        ("gzip", zeros),
        ("gzip", gzip.compress(zeros)),
        ("gzip, gzip, gzip", gzip.compress(gzip.compress(zeros))),
        ("gzip", gzip.compress(b"") * 1000),
        ("gzip", gzip.compress(b"[" + b"{}," * 10**6 + b"1]")),
        ("identity", b'{"title": "' + b"t" * 10**6 + b'"}'),
        ("identity", b"[" + b"1," * 200_000 + b"1]"),
    )


def answer(operation: str, chance: random.Random) -> tuple[bytes, bool]:
    """The bytes of an answer, and whether the connection is closed after them."""
    body = mutated(chance.choice(examples()[operation]), chance)
    headers = [("Content-Type", "application/json")]
    if chance.random() < 0.01:
        encoding, body = chance.choice(bombs())
        headers.append(("Content-Encoding", encoding))
    elif chance.random() < 0.1:
        packed = gzip.compress(body)
        body = packed[: chance.randrange(len(packed))] if chance.random() < 0.3 else packed
        headers.append(("Content-Encoding", "gzip"))
    for name in chance.sample(list(HEADERS), chance.choice((0, 0, 0, 1, 2))):
        headers.append((name, chance.choice(HEADERS[name])))
    if chance.random() < 0.01:
        headers += [(f"X-{number}", "z" * 100) for number in range(200)]
    return _framed(chance.choice(STATUSES + STATUSES_TOO), headers, body, chance)


def _framed(status: int, headers: list[tuple[str, str]], body: bytes, chance: random.Random) -> tuple[bytes, bool]:
    match chance.randrange(40):
        case 0:
            headers.append(("Content-Length", str(len(body) + 5)))  # cut short
        case 1:
            headers.append(("Content-Length", chance.choice(("-1", "x", "9" * 30, "1, 2"))))
        case 2 | 3 | 4:
            headers.append(("Transfer-Encoding", "chunked"))
            end = chance.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"zz\r\n", b""))
            body = b"%x\r\n%b\r\n" % (len(body), body) + end
        case 5:
            pass  # up to the end of the connection
        case 6:
            return chance.choice((b"", b"\x00" * 50, b"HTTP/9.9 ok\r\n\r\n", b"HTTP/1.1 2OO\r\n", b"x" * 70_000)), True
        case _:
            headers.append(("Content-Length", str(len(body))))
            head = _head(status, headers)
            return head + body, chance.random() < 0.2
    return _head(status, headers) + body, True


def _head(status: int, headers: list[tuple[str, str]]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} So\r\n{lines}\r\n".encode("latin-1", "replace")


@attrs.define(eq=False)
class Server:
    """Answers whatever it is asked with a changed example of the operation that is being called."""

    chance: random.Random
    operation: str = "getOrder"
    answered: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
                await reader.readexactly(int(fields.get(b"content-length", 0)))
                self.answered += 1
                data, closes = answer(self.operation, self.chance)
                writer.write(data)
                await writer.drain()
                if closes:
                    break
        writer.transport.close()


# --- the run --------------------------------------------------------------------------------------------------------


@attrs.define
class Result:
    """What the calls ended in."""

    answers: int = 0
    ends: Counter[str] = attrs.field(factory=Counter[str])
    faults: list[str] = attrs.field(factory=list[str])
    """What is no error of the library's own, or an error that cannot be shown."""


async def run(count: int, seed: int = 1) -> Result:
    """Call until `count` answers were given, half of them over each HTTP library."""
    chance, result = random.Random(seed), Result()
    server = Server(chance)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener:
        for number, http_client in enumerate((None, AiohttpBackend()), 1):
            async with (
                WrenClient("wren_test_x", base_url=url, http_client=http_client, timing=_at_once(), retries=1) as wren,
                CNaughtClient("key", base_url=url, http_client=http_client, timing=_at_once(), retries=1) as cnaught,
            ):
                while server.answered < count * number // 2:
                    server.operation = chance.choice(list(ASKED))
                    await _one(server.operation, Clients(wren, cnaught), result)
    result.answers = server.answered
    return result


async def _one(operation: str, clients: Clients, result: Result) -> None:
    try:
        value = await ASKED[operation](clients)
        _use(value)
        result.ends["a value"] += 1
    except WrenAsyncError as error:
        result.ends[type(error).__name__] += 1
        _check(operation, error, result)
    except Exception:
        result.ends["a fault"] += 1
        result.faults.append(f"{operation}: {traceback.format_exc()}")


def _use(value: object) -> None:
    """What a program may do with a value without looking at it first."""
    pickle.dumps(value)
    repr(value)
    for each in _plain_values(value):
        if isinstance(each, Decimal):
            int(each), each.quantize(Decimal("0.000001")), f"{each:f}"
        elif isinstance(each, datetime):
            each.astimezone(UTC)


def _plain_values(value: object) -> Iterator[object]:
    if attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _plain_values(getattr(value, field.name))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _plain_values(each)
    else:
        yield value


def _check(operation: str, error: WrenAsyncError, result: Result) -> None:
    try:
        text = str(pickle.loads(pickle.dumps(error)))
    except Exception:
        result.faults.append(f"{operation}: {type(error).__name__} cannot be shown: {traceback.format_exc()}")
        return
    if len(text) > 1000 or not text.isprintable():
        result.faults.append(f"{operation}: {len(text)} characters: {text[:300]!r}")


def _at_once() -> Timing:
    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    return Timing(sleep=sleep)


def main() -> None:
    """Run, print what the calls ended in, and fail where one ended in anything else."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="answers to give")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    result = asyncio.run(run(chosen.count, chosen.seed))
    for end, number in result.ends.most_common():
        print(f"{number:8} {end}")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{result.answers:,} answers, {len(result.faults)} faults, at most {most} MiB in memory")
    for fault in result.faults[:10]:
        print(fault)
    raise SystemExit(bool(result.faults))


if __name__ == "__main__":
    main()
