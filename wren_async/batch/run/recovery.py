"""Going on where an earlier run ended: with its servers and accounts, and with its orders in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import attrs

from wren_async.batch.chunks import in_chunks
from wren_async.batch.events import Ending, Event, Returned, Settled
from wren_async.batch.input.order_types import noted_apis
from wren_async.batch.input.orders_without_client import give_client
from wren_async.batch.intents import Api, api_of
from wren_async.batch.journal.contract import Entry, Journal, JournalError, Past, State
from wren_async.batch.journal.notes import Note, planned_at, server_of
from wren_async.batch.journal.states import crashed
from wren_async.batch.run.account_check import begun_elsewhere, check_accounts, note_server
from wren_async.batch.run.account_lists import UNREADABLE, Sought, listed_since, shown
from wren_async.batch.run.budget import overcharge
from wren_async.batch.run.copies import OtherCopies
from wren_async.batch.run.outcomes import from_verdict, in_doubt, looked_for_later, unsettled
from wren_async.batch.run.sender import Halt
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.batch.run.wren_ledger import AccountedCharges, checkpoint_of, note_checkpoint, noted_checkpoint
from wren_async.cnaught import CNaughtClient
from wren_async.core.client import BaseClient
from wren_async.errors import AccessRefused, InvalidConfiguration, Unauthorized
from wren_async.reconcile import How, Placed, Verdict
from wren_async.wren import WrenClient

_AT_ONCE: Final = 10_000
"""Orders in doubt that are looked for in one reading of the lists; more might not fit in memory."""
_CONTINUED: Final = "orders of the batch that it continues were found"
_AT_WORK: Final = (
    "the account shows more orders of this batch that this journal had never sent, and whatever sent them may be at it "
    "still: stop it. This order is looked for again, and is not sent before a settle time in which no more have come"
)
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any order of any batch."""

T = TypeVar("T")

Emit = Callable[[Event], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Control:
    """The run that a recovery is a part of: whom it tells, how it stops, and what it may do."""

    emit: Emit
    halt: Halt
    may_repeat: Callable[[], Awaitable[bool]]
    """Whether orders may be sent again with their keys now."""
    stopped: asyncio.Event
    """Set once the run was asked to stop: nothing more is begun then."""

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Do some work, and cancel it when the run is asked to stop: `None` then. What is on the wire is finished."""
        task, stop = asyncio.ensure_future(work), asyncio.ensure_future(self.stopped.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            return await task if task.done() else None
        finally:
            stop.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})


class Recovery:
    """Finds out what became of the orders in doubt, by reading the lists once for all of them."""

    def __init__(
        self,
        journal: Journal,
        clients: Mapping[Api, BaseClient],
        *,
        settle_time: float,
        clocks: ServerClocks,
        copies: OtherCopies,
        continues: bool,
        none_was_placed: bool,
        same_account: bool,
    ) -> None:
        self._journal = journal
        self._clients = clients
        self._settle_time = settle_time
        self._clocks = clocks
        self._copies = copies
        self._continues = continues
        self._none_was_placed = none_was_placed
        self._same_account = same_account
        self._is_past_known = False
        self._was_doubted = False
        self._in_parts = False
        self._is_elsewhere_at_work = False
        self.is_left_to_another = False
        """Whether another process was looking for the orders in doubt, so that this one did not."""

    # --- servers ---

    async def note_servers(self) -> None:
        """Note which servers and accounts the batch is for, before it has orders; refuse others afterwards."""
        if await self._journal.digests(1, 1):
            await self.check_servers()
        for api, client in self._clients.items():
            await note_server(self._journal, api, _server(client))
        await check_accounts(self._journal, self._clients, same_account=self._same_account)

    async def check_servers(self) -> None:
        """Refuse to go on against another server or account: what was placed would not be found there."""
        for api, client in self._clients.items():
            noted = await self._journal.noted(server_of(api))
            if noted not in (None, _server(client)):
                raise JournalError(begun_elsewhere(noted, _server(client)))
        await check_accounts(self._journal, self._clients, same_account=self._same_account)

    async def note_planning(self) -> None:
        """Note that the batch was planned now, by the clock that is furthest behind, if all servers tell the time."""
        if self._continues:
            # Orders of the batch that this one continues are older.
            return
        clients = await self._needed()
        for api, client in clients.items():
            await self._clocks.ask(api, client)
        if all(self._clocks.knows(api) for api in clients):
            planned = min((self._clocks.earliest(api) for api in clients), default=self._clocks.now())
            await self._journal.note(Note.PLANNED, planned.isoformat())
        wren = clients.get("wren")
        if isinstance(wren, WrenClient) and (checkpoint := await checkpoint_of(wren)) is not None:
            await self._journal.note(Note.FIRST_LEDGER, checkpoint.to_json())

    def forget(self) -> None:
        """Look at the account anew before the next run: a copy of the journal may have been run since the last one."""
        # Of a shared batch another one may be at it, and is no copy.
        if self._journal.lease is None:
            self._is_past_known = False

    # --- doubt ---

    async def recover(self, control: Control) -> None:
        """Find out about orders that earlier runs left in doubt, and those that only the accounts know to be placed."""
        if not await self._have_joined(control):
            return
        is_shared = self._journal.lease is not None
        try:
            if is_shared:
                # Before, another process could still note another account. From here on nobody does.
                await self.check_servers()
            self._is_past_known |= self._journal.past is Past.KNOWN
            await self._put_in_doubt(control)
        finally:
            if is_shared and not self._is_past_known:
                # Others may be able to find it out, and would wait for this process.
                await self._journal.retire()
        if self._is_past_known:
            await self._journal.checked()
        elif is_shared:
            return
        await self._journal.doubt(self._latest())
        await self.look_for_lost(control)

    async def _have_joined(self, control: Control) -> bool:
        """Join those who place the batch. False where the run ends before: stopped, or its token is not taken."""
        for api, client in (await self._needed()).items():
            error = await self._clocks.ask(api, client)
            if isinstance(error, Unauthorized) and self._journal.lease is not None:
                # With it, this process would keep those with a good one out until it met the same answer later.
                control.halt(Ending.ACCESS_REFUSED, f"{api} does not take the token: {error.reason}")
                return False

        async def join() -> bool:
            await self._journal.join()
            return True

        return bool(await control.unless_stopped(join()))

    async def _needed(self) -> Mapping[Api, BaseClient]:
        """The clients of the APIs that the batch has orders of; all of them where that was not noted."""
        apis = await noted_apis(self._journal)
        return {api: client for api, client in self._clients.items() if apis is None or api in apis}

    async def look_for_lost(self, control: Control) -> int:
        """Look for all orders in doubt; how many are pending again. Nothing is done where another process is at it."""
        self.is_left_to_another = not await self._journal.begin_reconciling()
        if self.is_left_to_another:
            return 0
        try:
            if await self._journal.noted(Note.RECONCILING):
                # A process that ended while it reconciled may have repeated any of these with their keys.
                async for entry in self._journal.entries(State.UNDECIDED):
                    api = api_of(entry.row.intent)
                    await self._journal.record(entry.row.position, crashed(entry, self._clocks.latest(api)))
            return await self._reconcile_all(control)
        finally:
            await self._journal.end_reconciling()

    def _latest(self) -> datetime:
        """The present, by whichever clock is furthest ahead."""
        return max((self._clocks.latest(api) for api in self._clients), default=self._clocks.now())

    async def _put_in_doubt(self, control: Control) -> None:
        """Put all that is pending in doubt, where the journal cannot know what was sent of it."""
        reason = await self._journal.noted(Note.DOUBT) or await self._reason_to_doubt(control)
        if not reason:
            return
        await self._journal.note(Note.DOUBT, reason)
        await self._journal.note(Note.ELSEWHERE, "yes")
        if reason == _CONTINUED:
            # Only now: a process that ends in between must not find it confirmed, and nothing in doubt.
            await self._journal.note(Note.CONFIRMED, "found")
        earliest = await planned_at(self._journal) or _LONG_AGO
        await self._journal.doubt(self._latest())
        # Those in doubt, too: whoever had the other copy may have sent them long before this one did, and then their
        # keys may be forgotten.
        async for chunk in in_chunks(self._journal.entries(State.PENDING, State.UNDECIDED)):
            pending = [entry.row.position for entry in chunk if entry.result.state is State.PENDING]
            await self._journal.mark_sending(pending, earliest)
            async with asyncio.TaskGroup() as group:
                for entry in chunk:
                    result = in_doubt(entry, earliest, self._clocks.latest(api_of(entry.row.intent)), reason)
                    group.create_task(self._journal.record(entry.row.position, result))
        await self._journal.note(Note.DOUBT, "")
        self._is_past_known = self._was_doubted = True

    async def _reason_to_doubt(self, control: Control) -> str | None:
        is_first_of_another = self._continues and await self._journal.noted(Note.CONFIRMED) is None
        if self._is_past_known and not is_first_of_another:
            return None
        if self._journal.past is Past.BEHIND and not self._was_doubted:
            return "the journal is older than its run"
        if not is_first_of_another and await self._copies.have_bought_nothing():
            self._is_past_known = True
            return None
        found = await self._look(control)
        if found is None:
            return None
        self._is_past_known = True
        if not is_first_of_another:
            return f"the account shows order {found[0]}, which the journal had never sent" if found else None
        if not found and not self._none_was_placed:
            raise JournalError(_nothing_found(await self._root()))
        if found:
            return _CONTINUED
        await self._journal.note(Note.CONFIRMED, "none was placed, says a person")
        return None

    async def _look(self, control: Control) -> Sequence[int] | None:
        """The first pending order that the lists show, if any; `None` where they cannot be read, and the run stops."""
        try:
            return await control.unless_stopped(self._first_shown())
        except UNREADABLE as error:
            problem = "the lists could not be read, and they may show orders that this journal does not know of"
            ending = Ending.ACCESS_REFUSED if isinstance(error, AccessRefused) else Ending.UNREACHABLE
            control.halt(ending, f"{problem}: {error}")
            return None

    async def _first_shown(self) -> Sequence[int]:
        sought = await Sought.of(self._journal, State.PENDING)
        since = await listed_since(self._journal)
        async with aclosing(shown(sought, self._clients, since)) as positions:
            async for position in positions:
                return [position]
        return []

    async def _root(self) -> str:
        return await self._journal.noted(Note.ROOT) or self._journal.batch_id

    async def _reconcile_all(self, control: Control) -> int:
        again = 0
        self._is_elsewhere_at_work = False
        in_doubt = await self._in_doubt()
        self._in_parts = in_doubt > _AT_ONCE
        if in_doubt:  # or else all orders would be read to find none
            async for lost in in_chunks(self._journal.entries(State.UNDECIDED), _AT_ONCE):
                again += await self._reconcile(lost, control)
        if await self._journal.noted(Note.ELSEWHERE) and not await self._in_doubt():
            await self._journal.note(Note.ELSEWHERE, "")
        return again

    async def _in_doubt(self) -> int:
        return (await self._journal.totals()).orders.get(State.UNDECIDED, 0)

    async def _reconcile(self, lost: Sequence[Entry], control: Control) -> int:
        again = 0
        by_api: dict[Api, list[Entry]] = {}
        for entry in lost:
            by_api.setdefault(api_of(entry.row.intent), []).append(entry)
        for api, entries in by_api.items():
            if control.stopped.is_set():
                break
            repeated = api == "cnaught" and await control.may_repeat()
            await self._journal.note(Note.RECONCILING, "yes" if repeated else "")
            charges = AccountedCharges(self._journal, entries, self._clocks, in_parts=self._in_parts)
            verdicts = await control.unless_stopped(self._verdicts(api, entries, charges, repeated=repeated))
            if verdicts is None:
                # The note stays: some may have been sent again, and the next run has to know.
                break
            if await self._journal.noted(Note.ELSEWHERE):
                self._is_elsewhere_at_work |= any(map(_was_sent_elsewhere, entries, verdicts))
            for entry, verdict in zip(entries, verdicts, strict=True):
                if charges.wants_another_look(verdict):
                    continue
                again += await self._record(entry, verdict, control, repeated=repeated)
            await self._journal.note(Note.RECONCILING, "")
        return again

    async def _verdicts(
        self, api: Api, entries: Sequence[Entry], charges: AccountedCharges, *, repeated: bool
    ) -> Sequence[Verdict[Any]]:
        client = self._clients.get(api)
        if client is None:
            raise InvalidConfiguration(f"the batch has undecided orders of {api}: {give_client(api)}")
        lost = [unsettled(entry, continues=self._continues) for entry in entries]
        if isinstance(client, WrenClient):
            return await client.reconcile_many(
                lost,
                settle_time=self._settle_time,
                checkpoint=await noted_checkpoint(self._journal),
                known=charges,
            )
        if isinstance(client, CNaughtClient):
            return await client.reconcile_many(lost, settle_time=self._settle_time, search_only=not repeated)
        raise InvalidConfiguration(f"{type(client).__name__} is no client that orders can be reconciled with")

    async def _record(self, entry: Entry, verdict: Verdict[Any], control: Control, *, repeated: bool) -> bool:
        now = self._clocks.latest(api_of(entry.row.intent))
        result = from_verdict(entry, verdict, now, repeated=repeated)
        if self._is_elsewhere_at_work:
            result = looked_for_later(result, now, _AT_WORK)
        await self._journal.record(entry.row.position, result)
        after = Entry(row=entry.row, result=result)
        if result.state is State.PENDING:
            await control.emit(Returned(entry=after, reason=result.reason or ""))
            return True
        if problem := overcharge(entry.row, result):
            control.halt(Ending.OVERCHARGED, problem)
        await control.emit(Settled(entry=after))
        return False

    async def note_checkpoint(self) -> None:
        """Note where Wren's ledger stands before anything is sent."""
        client = (await self._needed()).get("wren")
        if isinstance(client, WrenClient):
            await note_checkpoint(self._journal, self._copies.checkpoint, continues=self._continues)


def _was_sent_elsewhere(entry: Entry, verdict: Verdict[Any]) -> bool:
    """Whether an order was found that the journal had never sent."""
    return isinstance(verdict, Placed) and verdict.how is How.FOUND and not entry.result.attempts


def _nothing_found(root: str) -> str:
    return (
        f"no list of the account shows an order of batch {root}, which this one continues: is the id right, and the "
        "account? Everything would be bought anew, and nothing was sent. With the right id, plan into another new "
        "journal. If the list only lags, run again later. If no order of that batch was ever placed, say so: "
        "--none-was-placed, Batch(..., none_was_placed=True)"
    )


def _server(client: BaseClient) -> str:
    if isinstance(client, WrenClient) and client.is_test:
        return f"{client.base_url} (test token)"
    if isinstance(client, CNaughtClient) and client.subaccount_id:
        return f"{client.base_url} (subaccount {client.subaccount_id})"
    return client.base_url
