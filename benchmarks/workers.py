"""How many orders a second 1, 2 and 4 workers place through PostgreSQL, and what an order costs in CPU and in rows.

    python benchmarks/workers.py [--orders 6000] [--delay 0.02]

Against a server that answers after 20 ms and costs next to nothing, with an embedded PostgreSQL: on one machine, all of
it shares the same cores, so that the ratios mean more than the numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import psycopg  # noqa: E402
from postgres_server import PostgresServer, running_server  # noqa: E402

from wren_async import CNaughtClient  # noqa: E402
from wren_async.batch import CNaughtMass, PostgresJournal, Row, State, WorkerService  # noqa: E402
from wren_async.batch.intents import canonical, digest  # noqa: E402


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
        await journal.seal("benchmark")
        if capped:
            from wren_async.batch.journal.contract import Bounds

            await journal.set_bounds(Bounds(cents=2350 * count, failures=100))
        await journal.resume_all()


async def work(told: dict[str, Any]) -> None:
    """One worker, until nothing is left."""
    async with CNaughtClient("key", base_url=told["server"]) as cnaught:
        service = WorkerService(
            told["address"], cnaught=cnaught, batches=[told["name"]], concurrency=told["concurrency"]
        )
        await service.run(until_done=True)


def measure(address: str, server: str, name: str, workers: int, chosen: argparse.Namespace) -> dict[str, float]:
    """Orders a second between the first that is placed and the last, and the workers' CPU for each."""
    asyncio.run(fill(address, name, chosen.orders, capped=chosen.capped))
    told = {"address": address, "server": server, "name": name, "concurrency": chosen.concurrency}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = [
        subprocess.Popen([sys.executable, str(Path(__file__).resolve()), "--worker", json.dumps(told)])
        for _ in range(workers)
    ]
    first = last = (0.0, 0)
    with psycopg.connect(address, autocommit=True) as connection:
        while any(each.poll() is None for each in started):
            query = """
                SELECT coalesce(sum(orders), 0) FROM wren_async.tally JOIN wren_async.batch ON number = tally.batch
                WHERE name = %s AND state = %s
            """
            found = connection.execute(query, (name, str(State.PLACED))).fetchone()
            now = (time.perf_counter(), int(found[0]) if found else 0)
            if now[1] > chosen.orders // 10 and not first[1]:
                first = now
            if now[1] > last[1]:
                last = now
            time.sleep(0.02)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"rate": (last[1] - first[1]) / (last[0] - first[0]), "cpu_ms": spent * 1000 / chosen.orders}


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
    """Measure 1, 2 and 4 workers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=6000)
    parser.add_argument("--delay", type=float, default=0.02)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--capped", action="store_true", help="Under a cap on money, which all workers share.")
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
            for workers in (1, 2, 4):
                before = database_cpu(postgres)
                told = measure(address, server, f"batch {workers}", workers, chosen)
                database = (database_cpu(postgres) - before) * 1000 / chosen.orders
                print(f"{workers} workers: {told['rate']:,.0f} orders/s, ", end="")
                print(f"{told['cpu_ms']:.2f} ms CPU of workers an order, {database:.2f} ms of the database")
            with psycopg.connect(address) as connection:
                query = """
                    SELECT relname, pg_total_relation_size(oid) FROM pg_class
                    WHERE relnamespace = 'wren_async'::regnamespace AND relname IN ('intent', 'standing', 'tally')
                """
                for table, size in connection.execute(query):
                    print(f"{table}: {size / 3 / chosen.orders:,.0f} bytes an order")
    finally:
        serving.kill()
        serving.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        asyncio.run(work(json.loads(sys.argv[2])))
    else:
        main()
