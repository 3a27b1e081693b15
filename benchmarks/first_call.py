"""What the first call costs: CPU from after the import until the first order is there, beside bare httpx.

    python benchmarks/first_call.py [--rounds 15] [--python clean/bin/python]

Each measurement is a process of its own in a running event loop, which makes a client and places one order with a local
server. Making the client counts, because that is where httpx loads its certificates and wren-async does not. `in all`
counts the import too, so that nothing can hide there. With trustme at hand it goes over https as well, where the
certificates are those that httpx trusts and one more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from measuring import save
from server import ORDER, Answering

RECEIPT: Final = (
    b'{"id":"5f0d7c6e-7a3c-4a8e-9a53-0d6a3c5ff0d1","amountCharged":1040,"currency":"USD","tons":0.5,'
    b'"portfolio":{"id":3,"name":"Wren Climate Fund"},"paymentMethod":"credits","creditsRemaining":8960}'
)
CASES: Final = {
    "httpx": (
        "import httpx",
        """
async with httpx.AsyncClient() as client:
    (await client.post(cnaught + "/orders", json={"amount_kg": 10}, headers={"Authorization": "Bearer key"})).json()
    done()
""",
    ),
    "a CNaught order": (
        "from wren_async import CNaughtClient",
        """
async with CNaughtClient("key", base_url=cnaught) as client:
    await client.orders.create(amount_kg=10)
    done()
""",
    ),
    "a Wren order": (
        "from wren_async import WrenClient",
        """
async with WrenClient("token", base_url=wren) as client:
    await client.offset_orders.create(tons=1, payment_method="credits")
    done()
""",
    ),
}
PROGRAM: Final = """
import asyncio, sys, time
cnaught, wren = sys.argv[1:]
begun = time.process_time()
{imports}

async def main():
    started = time.process_time()
    def done():
        now = time.process_time()
        print((now - started) * 1e3, (now - begun) * 1e3)
{call}

asyncio.run(main())
"""
TARGET: Final = 25


class Taken(NamedTuple):
    """CPU milliseconds of a process."""

    first: float
    """From after the import until the first order was there."""
    whole: float
    """The import included."""


def program(name: str) -> str:
    """What a process runs."""
    imports, call = CASES[name]
    return PROGRAM.format(imports=imports, call=call.strip("\n").replace("\n", "\n    ").join(("    ", "")))


def measure(python: str, name: str, addresses: Mapping[str, str], trusted: Path | None) -> Taken:
    """A measurement in a process of its own."""
    command = [python, "-P", "-c", program(name), addresses["cnaught"], addresses["wren"]]
    environment = {**os.environ, **({"SSL_CERT_FILE": str(trusted)} if trusted else {})}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return Taken(*map(float, done.stdout.split()))


# --- servers --------------------------------------------------------------------------------------------------------


async def serve(pem: str | None) -> None:
    """Answer every request with an order, on a port for each API, until killed."""
    tls = None
    if pem:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(pem)
    loop, ports = asyncio.get_running_loop(), {}
    for api, body in (("cnaught", ORDER), ("wren", RECEIPT)):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        server = await loop.create_server(lambda answer=head + body: Answering(answer, 0), "127.0.0.1", 0, ssl=tls)
        ports[api] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


@contextmanager
def servers(pem: Path | None) -> Iterator[dict[str, str]]:
    """Run the servers in a process of their own, and give their addresses."""
    command = [sys.executable, __file__, "--serve", *([str(pem)] if pem else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        scheme = "https" if pem else "http"
        yield {api: f"{scheme}://localhost:{port}" for api, port in ports.items()}
    finally:
        process.kill()
        process.wait()


def certificates(python: str, folder: Path) -> tuple[Path, Path] | None:
    """The server's certificate, and what to trust; `None` without trustme."""
    try:
        import trustme
    except ImportError:
        return None
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    bundle = subprocess.check_output([python, "-c", "import certifi; print(certifi.contents())"])
    (folder / "trusted.pem").write_bytes(bundle + authority.cert_pem.bytes())
    return folder / "server.pem", folder / "trusted.pem"


# --- report ---------------------------------------------------------------------------------------------------------


def table(scheme: str, taken: Mapping[str, list[Taken]]) -> list[dict[str, object]]:
    """Print medians, the middle half of the rounds, and what each case takes beyond httpx. The same as rows."""
    rows: list[dict[str, object]] = []
    print(
        f"\n{scheme:18}{'CPU ms':>8}{'middle half':>15}{'over httpx':>12}{'÷ httpx':>9}{'in all':>9}{'over httpx':>12}"
    )
    bare = _median(taken["httpx"])
    for name, each in taken.items():
        found = _median(each)
        low, _, high = statistics.quantiles((one.first for one in each), n=4)
        spread = f"{low:.1f}-{high:.1f}"
        print(
            f"{name:18}{found.first:8.1f}{spread:>15}{found.first - bare.first:12.1f}{found.first / bare.first:9.2f}"
            f"{found.whole:9.1f}{found.whole - bare.whole:12.1f}"
        )
        over = {"over httpx": found.first - bare.first, "with import": found.whole - bare.whole}
        rows.append({"scheme": scheme, "call": name, "cpu": found.first, "from": low, "to": high, **over})
    return rows


def _median(taken: list[Taken]) -> Taken:
    return Taken(*map(statistics.median, zip(*taken, strict=True)))


def main() -> None:
    """Measure in rounds, and print a table for each scheme."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--json", type=Path, help="write the rows there")
    chosen = parser.parse_args()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        pems = certificates(chosen.python, Path(folder))
        for scheme, (pem, trusted) in {"http": (None, None), **({"https": pems} if pems else {})}.items():
            with servers(pem) as addresses:
                names = list(CASES)
                for name in names:
                    measure(chosen.python, name, addresses, trusted)
                taken: dict[str, list[Taken]] = {name: [] for name in names}
                for turn in range(chosen.rounds):
                    first = turn % len(names)
                    for name in names[first:] + names[:first]:
                        taken[name].append(measure(chosen.python, name, addresses, trusted))
            rows += table(scheme, taken)
    save(chosen.json, rows, rounds=chosen.rounds)
    print(f"\ntarget: first call over httpx ≤ {TARGET} ms")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve(sys.argv[2] if len(sys.argv) > 2 else None))
    else:
        main()
