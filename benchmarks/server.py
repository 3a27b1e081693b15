"""A server that costs as little as possible: it answers every request alike, and may take its time.

    python benchmarks/server.py [seconds it takes] [order | listed]

It prints its port. It is no sandbox. As `order` it reads no request beyond its length and answers with an order. As
`listed` it also knows 10,000 orders and 20,000 ledger entries, which it gives page by page; an order called `missing`
is not among them, and an idempotency key that begins with `slow` makes it take 0.1 s more.
"""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit

ORDER = (
    b'{"id":"Gre28Fc35bt3","order_number":"47726-53238-46633-33562-7433","created_on":"2022-08-01T18:00:00.000000Z",'
    b'"metadata":"Customer metadata","description":null,"amount_kg":10.5,"state":"placed","price_usd_cents":2350,'
    b'"certificate_public_url":"https://registry.example/orders/Gre28Fc35bt3"}'
)
ENTRY = {
    "amount_usd_cents": -1040,
    "type": "deduction",
    "order_group_id": "6f0c6b1e-2f6a-4a53-8f3b-0b8f6a7d1c22",
    "stripe_charge_id": None,
    "created_at": "2026-07-21T12:00:00Z",
}
NOT_FOUND = b'{"type":"https://api.example/errors/not-found","title":"Not found","status":404}'
ORDERS, ENTRIES = 10_000, 20_000
SLOW = 0.1


def whole(body: bytes, status: bytes = b"200 OK") -> bytes:
    """An answer with its head."""
    head = b"HTTP/1.1 %b\r\nDate: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, formatdate(usegmt=True).encode(), len(body)) + body


class Answering(asyncio.Protocol):
    """One connection, on which each request gets the same answer."""

    def __init__(self, answer: bytes, delay: float) -> None:
        self._answer = answer
        self._delay = delay
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head, length = self._buffer[:end], _body_length(self._buffer[:end])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self.answer(head)

    def answer(self, head: bytes) -> None:
        """Answer the request that has this head."""
        self.reply(self._answer, self._delay)

    def reply(self, answer: bytes, delay: float) -> None:
        """Write `answer` after `delay` seconds."""
        if delay:
            asyncio.get_running_loop().call_later(delay, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


class Listed(Answering):
    """One connection to a server that has lists, and lacks an order."""

    def answer(self, head: bytes) -> None:
        method, target = head.split(b" ", 2)[:2]
        if method == b"GET":
            self.reply(_page(target.decode()), self._delay)
        else:
            self.reply(self._answer, self._delay + (SLOW if b"-Key: slow" in head or b"-key: slow" in head else 0))


@functools.cache
def _page(target: str) -> bytes:
    address = urlsplit(target)
    if address.path.endswith("/missing"):
        return whole(NOT_FOUND, b"404 Not Found")
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    limit = int(asked.get("limit", 100))
    if address.path.endswith("/orders"):
        start = int(asked.get("starting_after", "-1")) + 1
        order = json.loads(ORDER)
        page: dict[str, object] = {"data": [{**order, "id": str(n)} for n in range(start, min(ORDERS, start + limit))]}
    else:
        start = int(asked.get("offset", 0))
        entries = [{"id": str(n), **ENTRY} for n in range(start, min(ENTRIES, start + limit))]
        page = {"entries": entries, "total": ENTRIES, "limit": limit, "offset": start}
    return whole(json.dumps(page).encode())


def _body_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def main() -> None:
    """Serve until killed."""
    delay = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    connection = Listed if sys.argv[2:] == ["listed"] else Answering
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: connection(whole(ORDER), delay), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
