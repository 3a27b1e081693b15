"""What an earlier run left behind: orders in doubt, the books as they stood, and the servers it spoke to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final

from wren_async.batch.events import Event, Returned, Settled
from wren_async.batch.intents import Api, api_of
from wren_async.batch.journal.contract import Entry, Journal, JournalError, State
from wren_async.batch.run.account_check import check_accounts
from wren_async.batch.run.outcomes import crashed, from_verdict, unsettled
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.cnaught import CNaughtClient
from wren_async.core.client import BaseClient
from wren_async.errors import CallError, InvalidConfiguration
from wren_async.reconcile import Checkpoint, Verdict
from wren_async.wren import WrenClient

_CHECKPOINT: Final = "wren ledger"
FIRST_CHECKPOINT: Final = "wren ledger before the batch"
"""The note of where the ledger stood before any order of the batch was sent; without it nobody knows."""
_DOUBTED: Final = "looked for in the lists of the batch it continues"
_RECONCILING: Final = "reconciling"
_CHUNK: Final = 500
_AT_ONCE: Final = 10_000
"""Orders in doubt that share a walk of the lists; more of them do not fit in memory for certain."""

Emit = Callable[[Event], Awaitable[None]]


class Recovery:
    """Settles what is in doubt, with one walk of the lists for all of it."""

    def __init__(
        self,
        journal: Journal,
        clients: Mapping[Api, BaseClient],
        *,
        settle_time: float,
        clocks: ServerClocks,
        continues: bool,
        same_account: bool,
    ) -> None:
        self._journal = journal
        self._clients = clients
        self._settle_time = settle_time
        self._clocks = clocks
        self._continues = continues
        self._same_account = same_account
        self._in_parts = False

    # --- servers ---

    async def note_servers(self) -> None:
        """Note which servers and accounts the batch is for, and refuse others."""
        await self.check_servers()
        for api, client in self._clients.items():
            await self._journal.note(f"{api} server", _server(client))

    async def check_servers(self) -> None:
        """Refuse to go on against another server or account: what was placed would not be found there."""
        for api, client in self._clients.items():
            noted = await self._journal.noted(f"{api} server")
            if noted not in (None, _server(client)):
                raise JournalError(f"the batch was begun with {noted}, not {_server(client)}; go on there")
        await check_accounts(self._journal, self._clients, same_account=self._same_account)

    # --- doubt ---

    async def recover(self, emit: Emit) -> None:
        """Settle what earlier runs left in doubt."""
        for api, client in self._clients.items():
            await self._clocks.ask(api, client)
        if self._continues and await self._journal.noted(_DOUBTED) is None:
            await self._doubt_all()
            await self._journal.note(_DOUBTED, self._clocks.now().isoformat())
        # A process that ended while it reconciled may have repeated any of these with their keys.
        states = [State.SENDING] + ([State.UNDECIDED] if await self._journal.noted(_RECONCILING) else [])
        async for entry in self._journal.entries(*states):
            api = api_of(entry.row.intent)
            await self._journal.settle(entry.row.position, crashed(entry, self._clocks.latest(api)))
        await self.reconcile(emit)

    async def _doubt_all(self) -> None:
        """A journal that continues a lost one cannot know what that one sent: everything may have been placed."""
        positions: list[int] = []
        async for entry in self._journal.entries(State.PENDING):
            positions.append(entry.row.position)
            if len(positions) >= _CHUNK:
                await self._journal.sending(positions, self._clocks.now())
                positions = []
        if positions:
            await self._journal.sending(positions, self._clocks.now())

    async def reconcile(self, emit: Emit) -> int:
        """Look for all undecided orders; how many of them are pending again."""
        again = 0
        lost: list[Entry] = []
        self._in_parts = (await self._journal.totals()).orders.get(State.UNDECIDED, 0) > _AT_ONCE
        async for entry in self._journal.entries(State.UNDECIDED):
            lost.append(entry)
            if len(lost) >= _AT_ONCE:
                again += await self._reconcile(lost, emit)
                lost = []
        return again + (await self._reconcile(lost, emit) if lost else 0)

    async def _reconcile(self, lost: Sequence[Entry], emit: Emit) -> int:
        again = 0
        by_api: dict[Api, list[Entry]] = {}
        for entry in lost:
            by_api.setdefault(api_of(entry.row.intent), []).append(entry)
        await self._journal.note(_RECONCILING, "yes")
        for api, entries in by_api.items():
            for entry, verdict in zip(entries, await self._verdicts(api, entries), strict=True):
                again += await self._settle(entry, verdict, emit)
        await self._journal.note(_RECONCILING, "")
        return again

    async def _verdicts(self, api: Api, entries: Sequence[Entry]) -> Sequence[Verdict[Any]]:
        client = self._clients.get(api)
        if client is None:
            raise InvalidConfiguration(f"the batch has undecided orders of {api}: give Batch({api}=...)")
        lost = [unsettled(entry, continues=self._continues) for entry in entries]
        if isinstance(client, WrenClient):
            noted = await self._journal.noted(_CHECKPOINT)
            return await client.reconcile_many(
                lost,
                settle_time=self._settle_time,
                checkpoint=Checkpoint.from_json(noted) if noted else None,
                known=self._accounted,
            )
        if isinstance(client, CNaughtClient):
            return await client.reconcile_many(lost, settle_time=self._settle_time, search_only=False)
        raise InvalidConfiguration(f"{type(client).__name__} is no client that orders can be reconciled with")

    async def _accounted(self, order_ids: Collection[str]) -> Collection[str]:
        """Which of some charges belong to an order. In parts, any may belong to an order of another part."""
        return order_ids if self._in_parts else await self._journal.placed_among(order_ids)

    async def _settle(self, entry: Entry, verdict: Verdict[Any], emit: Emit) -> bool:
        result = from_verdict(entry, verdict, self._clocks.latest(api_of(entry.row.intent)))
        await self._journal.settle(entry.row.position, result)
        after = Entry(row=entry.row, result=result)
        if result.state is State.PENDING:
            await emit(Returned(entry=after, reason=result.reason or ""))
            return True
        await emit(Settled(entry=after))
        return False

    # --- the books ---

    async def note_checkpoint(self) -> None:
        """Note where Wren's ledger stands before anything is sent. While orders are in doubt the older mark stays."""
        client = self._clients.get("wren")
        orders = (await self._journal.totals()).orders
        noted = await self._journal.noted(_CHECKPOINT)
        if not isinstance(client, WrenClient) or (orders.get(State.UNDECIDED, 0) and noted):
            return
        try:
            checkpoint = await client.checkpoint()
        except CallError:
            # It only helps to find the ids of lost orders; accounts without a wallet have none.
            return
        await self._journal.note(_CHECKPOINT, checkpoint.to_json())
        spent = any(orders.get(state, 0) for state in (State.SENDING, State.UNDECIDED, State.PLACED))
        if not (self._continues or spent or await self._journal.noted(FIRST_CHECKPOINT)):
            await self._journal.note(FIRST_CHECKPOINT, checkpoint.to_json())


def _server(client: BaseClient) -> str:
    if isinstance(client, WrenClient) and client.is_test:
        return f"{client.base_url} (test token)"
    if isinstance(client, CNaughtClient) and client.subaccount_id:
        return f"{client.base_url} (subaccount {client.subaccount_id})"
    return client.base_url
