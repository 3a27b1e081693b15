"""Wren's ledger beside a batch: where it stood before anything in doubt was sent, and which charges are accounted for.

By its charge the id of a lost order is found, since Wren's lists do not tell it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final

from wren_async.batch.intents import api_of
from wren_async.batch.journal.contract import Entry, Journal, State
from wren_async.batch.journal.notes import Note, read_note
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.errors import CallError
from wren_async.reconcile import Checkpoint, Placed, Verdict
from wren_async.wren import WrenClient

_OPEN: Final = (State.SENDING, State.UNDECIDED)
_LOOK: Final = 0.25
"""Seconds between two looks at what others have on the wire."""
_LOOKS: Final = 40


async def note_checkpoint(
    journal: Journal, take: Callable[[], Awaitable[Checkpoint | None]], *, continues: bool
) -> None:
    """Note where the ledger stands, unless something is on the wire or in doubt: then an older note stays.

    Any number of processes may: an order that is sent after the ledger was read has its charge after the checkpoint,
    and one that was sent before had been marked before, and is seen here.
    """
    if await _is_any_open(journal) and await journal.noted(Note.LEDGER):
        return
    checkpoint = await take()
    if checkpoint is None or (await _is_any_open(journal) and await journal.noted(Note.LEDGER)):
        return
    await journal.amend(Note.LEDGER, lambda held: _later(journal, held, checkpoint).to_json())
    orders = (await journal.totals()).orders
    spent = any(orders.get(state, 0) for state in (*_OPEN, State.PLACED))
    if not (continues or spent or await journal.noted(Note.FIRST_LEDGER)):
        await journal.amend(Note.FIRST_LEDGER, lambda held: held or checkpoint.to_json())


async def checkpoint_of(client: WrenClient) -> Checkpoint | None:
    """Where the ledger stands; `None` where it cannot be read, as of an account without a wallet.

    It is not needed: it only helps to find the ids of lost orders.
    """
    try:
        return await client.checkpoint()
    except CallError:
        return None


async def noted_checkpoint(journal: Journal) -> Checkpoint | None:
    """Where the ledger stood when nothing was in doubt; `None` where that was never known."""
    noted = await journal.noted(Note.LEDGER)
    return read_note(journal, Note.LEDGER, noted, Checkpoint.from_json) if noted else None


class AccountedCharges:
    """Tells which charges of a reading of the ledger are known to belong to other orders than those looked for.

    Where other processes place too, a charge may be that of an order that was on the wire when the ledger was read. So
    those are waited for. Where that does not end, every charge counts as theirs, and `is_unsure` says so: the next
    look may tell the id of an order that this one has found without.
    """

    def __init__(self, journal: Journal, lost: Sequence[Entry], clocks: ServerClocks, *, in_parts: bool) -> None:
        self._journal = journal
        self._lost = {entry.row.position for entry in lost}
        self._clocks = clocks
        self._in_parts = in_parts
        self.is_unsure = False

    async def __call__(self, order_ids: Collection[str]) -> Collection[str]:
        """Which of these are accounted for."""
        if self._in_parts:
            # Any may belong to another part of the orders in doubt.
            return order_ids
        if self._journal.lease is not None and not await self._others_are_settled():
            self.is_unsure = True
            return order_ids
        return await self._journal.placed_among(order_ids)

    def wants_another_look(self, verdict: Verdict[Any]) -> bool:
        """Whether an order was found without its id, which a later look may tell."""
        return self.is_unsure and isinstance(verdict, Placed) and verdict.order.id is None

    async def _others_are_settled(self) -> bool:
        """Wait for the orders that others have on the wire now. False where one of them is in doubt, or stays there."""
        waiting = [
            entry.row.position
            async for entry in self._journal.entries(*_OPEN)
            if entry.row.position not in self._lost and api_of(entry.row.intent) == "wren"
        ]
        for _ in range(_LOOKS):
            found = [(await self._journal.entry(position)).result.state for position in waiting]
            if State.UNDECIDED in found:
                return False
            waiting = [each for each, state in zip(waiting, found, strict=True) if state is State.SENDING]
            if not waiting:
                return True
            await self._clocks.wait(_LOOK)
        return False


async def _is_any_open(journal: Journal) -> bool:
    orders = (await journal.totals()).orders
    return any(orders.get(state, 0) for state in _OPEN)


def _later(journal: Journal, held: str | None, taken: Checkpoint) -> Checkpoint:
    """The later of two checkpoints: a process that was slow does not set the ledger back."""
    known = read_note(journal, Note.LEDGER, held, Checkpoint.from_json) if held else None
    return known if known is not None and known.total > taken.total else taken
