"""A server that costs as little as possible: it answers every request alike, and may take its time.

    python benchmarks/server.py [seconds it takes] [file with the answer]

It prints its port. It is no sandbox: it reads no request beyond its length.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

ORDER = (
    b'{"id":"Gre28Fc35bt3","order_number":"47726-53238-46633-33562-7433","created_on":"2022-08-01T18:00:00.000000Z",'
    b'"metadata":"Customer metadata","description":null,"amount_kg":10.5,"state":"placed","price_usd_cents":2350,'
    b'"certificate_public_url":"https://registry.example/orders/Gre28Fc35bt3"}'
)


class Answering(asyncio.Protocol):
    """One connection."""

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
            length = _body_length(self._buffer[:end])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            asyncio.get_running_loop().call_later(self._delay, self._reply) if self._delay else self._reply()

    def _reply(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._answer)


def _body_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def main() -> None:
    """Serve until killed."""
    delay = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    body = Path(sys.argv[2]).read_bytes() if len(sys.argv) > 2 else ORDER
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(head + body, delay), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
