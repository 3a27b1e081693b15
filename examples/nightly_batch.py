"""Tonight's rides, offset in one batch: for cron, or any scheduler that starts it again where it failed.

    python examples/nightly_batch.py examples/rides.csv 2026-07-01

The night has one journal. Started again, also after the machine was lost in the middle, it goes on where it ended:
nothing is ordered twice. It exits with 0 once all is settled, with 75 where a later start should go on, and with 1
where a person is needed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from wren_async import CNaughtClient, JournalError, WrenAsyncError
from wren_async.batch import Batch, Caps, Ended, Ending, State

LATER = 75
"""Exit code of a temporary failure, as cron's and systemd's users know it."""
PERSON = 1
MOST_CENTS = 20_000


async def offset(rides: Path, journal: Path) -> int:
    """Place the orders of a file; the exit code."""
    async with CNaughtClient() as cnaught, Batch(journal, cnaught=cnaught, caps=Caps(cents=MOST_CENTS)) as batch:
        plan = await batch.plan(rides, defaults={"kind": "cnaught.mass"})
        print(f"{rides.name}: {plan.cents} US cents expected, at most {MOST_CENTS}")
        end: Ended | None = None
        async for event in batch.run():
            if isinstance(event, Ended):
                end = event
    return PERSON if end is None else exit_code(end)


def exit_code(end: Ended) -> int:
    """Tell how the night ended."""
    orders = end.totals.orders
    print(", ".join(f"{count} {state}" for state, count in orders.items() if count) or "no orders")
    if end.ending is not Ending.DONE:
        print(f"stopped: {end.message}", file=sys.stderr)
        return LATER if end.ending in (Ending.UNREACHABLE, Ending.ASKED) else PERSON
    if orders[State.UNDECIDED]:
        print("some are undecided: a start after a quarter of an hour finds out", file=sys.stderr)
        return LATER
    return PERSON if orders[State.REFUSED] else 0


def main(rides: str, night: str) -> int:
    """Run tonight's batch."""
    journals = Path("journals")
    journals.mkdir(exist_ok=True)
    try:
        return asyncio.run(offset(Path(rides), journals / f"{night}.journal"))
    except JournalError as error:
        print(error, file=sys.stderr)
        return PERSON
    except WrenAsyncError as error:
        print(f"nothing more was sent: {error}", file=sys.stderr)
        return LATER


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
