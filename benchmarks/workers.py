"""How many orders a second 1, 2 and 4 workers place through PostgreSQL, and what an order costs in CPU and in rows.

    python benchmarks/workers.py [--orders 20000] [--delay 0.02] [--json benchmarks/results/workers.json]

Against a server that answers after 20 ms and costs next to nothing, with an embedded PostgreSQL: on one machine, all of
it shares the same cores, so that the ratios mean more than the numbers. Workers start together, once all are loaded,
and the first orders of each do not count. They go as `wren-async worker` does: over aiohttp where it is installed.
`capacity.py` puts the results that are kept into docs/many-workers.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import psycopg  # noqa: E402
from postgres_server import PostgresServer, running_server  # noqa: E402

from wren_async import CNaughtClient  # noqa: E402
from wren_async.batch import CNaughtMass, PostgresJournal, Row, Settled, State, WorkerService  # noqa: E402
from wren_async.batch.events import Event  # noqa: E402
from wren_async.batch.intents import canonical, digest  # noqa: E402
from wren_async.batch.journal.notes import Note  # noqa: E402
from wren_async.cli.collecting import passed_over, seldom  # noqa: E402
from wren_async.cli.http_library import http_library, new_backend  # noqa: E402

WARM = 500
"""Orders of each worker that do not count."""
PARTS = {
    "wren_async/batch/": "the batch",
    "wren_async/postgres/": "the database",
    "wren_async/http/": "the HTTP library",
    "wren_async/": "the call",
    "psycopg": "the database",
    "aiohttp/": "the HTTP library",
    "yarl/": "the HTTP library",
    "httpx": "the HTTP library",
    "httpcore": "the HTTP library",
}
"""What a function belongs to, by where it stands; of its callers, the next one that belongs to something counts."""


async def fill(address: str, name: str, count: int, *, capped: bool) -> None:
    """A batch of orders that costs nothing to plan."""
    intent = canonical(CNaughtMass(amount_kg=10))
    async with await PostgresJournal.open(address, name) as journal:
        for first in range(1, count + 1, 500):
            await journal.add(
                [
                    Row(
                        position=position,
                        intent=intent,
                        digest=digest(intent),
                        reference=f"{journal.batch_id}-{position}",
                        key=f"key-{position}",
                        cents=2350,
                        grams=10_000,
                    )
                    for position in range(first, min(first + 500, count + 1))
                ]
            )
        await journal.note(Note.ORDER_TYPES, CNaughtMass.kind)
        await journal.note(Note.PLANNED, datetime.now(UTC).isoformat())  # so that nobody looks through the account
        await journal.seal("benchmark")
        if capped:
            from wren_async.batch.journal.contract import Bounds

            await journal.set_bounds(Bounds(cents=2350 * count, failures=100))
        await journal.resume_all()


class Steady:
    """What a worker spends on its orders, from the first that counts to the last."""

    def __init__(self) -> None:
        self.settled = 0
        self.samples: Counter[str] = Counter()
        self._began = self._spent = 0.0

    def take(self, _: str, event: Event) -> None:
        """Count an order."""
        if not isinstance(event, Settled):
            return
        self.settled += 1
        self._spent = time.process_time()
        if self.settled == WARM:
            self._began = self._spent
            signal.signal(signal.SIGPROF, self._sample)

    def _sample(self, _: int, frame: FrameType | None) -> None:
        while frame is not None:
            file = frame.f_code.co_filename
            for part, name in PARTS.items():
                if part in file.removeprefix(str(ROOT)):
                    self.samples[name] += 1
                    return
            frame = frame.f_back
        self.samples["asyncio"] += 1

    def told(self) -> dict[str, Any]:
        """What the parent reads."""
        return {"orders": max(0, self.settled - WARM), "cpu": self._spent - self._began, "samples": self.samples}


async def work(told: dict[str, Any]) -> None:
    """One worker, until nothing is left."""
    steady = Steady()
    backend = new_backend() if told["http"] != "httpx" else None
    async with CNaughtClient("key", base_url=told["server"], http_client=backend) as cnaught:
        service = WorkerService(
            told["address"],
            cnaught=cnaught,
            batches=[told["name"]],
            concurrency=told["concurrency"],
            on_event=steady.take,
        )
        print("ready", flush=True)
        sys.stdin.readline()
        # Where the CPU goes is looked at five hundred times in each second of it, which costs less than a hundredth.
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_PROF, 0.002, 0.002)
        with seldom(), passed_over():
            await service.run(until_done=True)
    signal.setitimer(signal.ITIMER_PROF, 0)
    print(json.dumps(steady.told()), flush=True)


def measure(address: str, server: str, name: str, workers: int, chosen: argparse.Namespace) -> dict[str, Any]:
    """Orders a second from a fifth of them on, and the workers' CPU for each."""
    asyncio.run(fill(address, name, chosen.orders, capped=chosen.capped))
    told = {"http": chosen.http, "concurrency": chosen.concurrency, "address": address, "server": server, "name": name}
    command = [sys.executable, str(Path(__file__).resolve()), "--worker", json.dumps(told)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(workers)
    ]
    for each in started:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in started:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    first = last = (0.0, 0)
    with psycopg.connect(address, autocommit=True) as connection:
        while last[1] < chosen.orders and any(each.poll() is None for each in started):
            query = """
                SELECT coalesce(sum(orders), 0) FROM wren_async.tally JOIN wren_async.batch ON number = tally.batch
                WHERE name = %s AND state = %s
            """
            found = connection.execute(query, (name, str(State.PLACED))).fetchone()
            now = (time.perf_counter(), int(found[0]) if found else 0)
            if now[1] > chosen.orders // 5 and not first[1]:
                first = now
            if now[1] > last[1]:
                last = now
            time.sleep(0.05)
    ended = [json.loads(each.communicate()[0]) for each in started]
    samples = sum((Counter(each["samples"]) for each in ended), Counter[str]())
    return {
        "rate": (last[1] - first[1]) / (last[0] - first[0]),
        "cpu_ms": 1000 * sum(each["cpu"] for each in ended) / sum(each["orders"] for each in ended),
        "shares": {part: count / samples.total() for part, count in samples.most_common()},
    }


def database_cpu(server: PostgresServer) -> float:
    """Seconds of CPU that the embedded PostgreSQL has used so far, by processes that have ended, too."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == server.pid:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == server.pid:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure 1, 2 and 4 workers, and say how many times as much several do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--delay", type=float, default=0.02)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--capped", action="store_true", help="Under a cap on money, which all workers share.")
    parser.add_argument("--http", default=http_library().partition(" ")[0], choices=["aiohttp", "httpx"])
    parser.add_argument("--json", type=Path, help="Keep the results in this file.")
    chosen = parser.parse_args()
    serving = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("server.py")), str(chosen.delay), "order"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None
        server = f"http://127.0.0.1:{serving.stdout.readline().strip()}"
        with running_server() as postgres, postgres.fresh_database() as address:
            rows = [measured_with_database(address, server, workers, chosen, postgres) for workers in (1, 2, 4)]
            size = bytes_of_an_order(address, 3 * chosen.orders)
    finally:
        serving.kill()
        serving.wait()
    for row in rows:
        row["times"] = row["rate"] / rows[0]["rate"]
        print(f"{row['workers']} workers: {row['rate']:,.0f} orders/s, {row['times']:.2f} of one alone; ", end="")
        print(f"{row['cpu_ms']:.2f} ms CPU of workers an order, {row['database_ms']:.2f} ms of the database")
        print("   ", ", ".join(f"{part} {share:.0%}" for part, share in row["shares"].items()))
    print(f"{size:,.0f} bytes of tables an order")
    if chosen.json:
        kept = {"http": chosen.http, "concurrency": chosen.concurrency, "delay": chosen.delay, "bytes": size}
        chosen.json.write_text(json.dumps({**kept, "rows": rows}, indent=2) + "\n")


def measured_with_database(
    address: str, server: str, workers: int, chosen: argparse.Namespace, postgres: PostgresServer
) -> dict[str, Any]:
    """The same, with the CPU of the database for each order, its planning included."""
    before = database_cpu(postgres)
    told = measure(address, server, f"batch {workers}", workers, chosen)
    return {"workers": workers, **told, "database_ms": (database_cpu(postgres) - before) * 1000 / chosen.orders}


def bytes_of_an_order(address: str, orders: int) -> float:
    """What the tables that grow with the orders take for each, with their indexes."""
    query = """
        SELECT sum(pg_total_relation_size(oid)) FROM pg_class
        WHERE relnamespace = 'wren_async'::regnamespace AND relname IN ('intent', 'standing', 'tally')
    """
    with psycopg.connect(address) as connection:
        found = connection.execute(query).fetchone()
    assert found is not None
    return float(found[0]) / orders


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        asyncio.run(work(json.loads(sys.argv[2])))
    else:
        main()
