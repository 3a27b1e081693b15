"""Letting the workers of a batch begin, or go on: under which caps, after which alarm, and what it continues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs

from wren_async.batch.input.faults import InvalidInput
from wren_async.batch.input.origin import journal_of
from wren_async.batch.journal.contract import Bounds, State
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.postgres.opening import name_by_id, names_among, names_by_note
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.journal.postgres.tables import PARTS
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.batch.report.wording import batch_command, count
from wren_async.batch.run.account_check import check_accounts
from wren_async.batch.run.budget import Caps, bounds_of, caps_of, check_caps
from wren_async.batch.run.settings import clients_of
from wren_async.cli.access import access
from wren_async.cli.asking import Ahead, confirm, objection
from wren_async.cli.batch_options import SharedLimits
from wren_async.cli.batch_work import tell, wait
from wren_async.cli.exits import Exit, Stop
from wren_async.cli.interrupts import Interrupts
from wren_async.cli.progress import display
from wren_async.cli.running import Settings, run_batch
from wren_async.cli.terminal import errors
from wren_async.cli.watching import Watch
from wren_async.postgres.database import Database
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.schema import prepare


@attrs.frozen
class BatchInDatabase:
    """A batch of a database."""

    dsn: Dsn
    name: str
    named: tuple[str, ...] = ()

    @asynccontextmanager
    async def opened(self, *, make: bool = False, read_only: bool = False) -> AsyncIterator[PostgresJournal]:
        """The journal of the batch. Raises `JournalError` where there is none and none is to be made.

        One that was made now, for an input with faults, is gone again once it is left.
        """
        async with await PostgresJournal.open(self.dsn, self.name, make=make, read_only=read_only) as journal:
            try:
                yield journal
            except InvalidInput:
                await journal.take_away()
                raise

    def command(self, *words: str) -> str:
        """A command, to be copied into a shell."""
        return batch_command(*words, is_shared=True)


async def check_lost(place: BatchInDatabase, continues: str) -> None:
    """Refuse to continue a batch that the database has: both would place its orders."""
    async with Database(place.dsn) as made:
        await prepare(made, PARTS)
        there = await made.read(lambda connection: name_by_id(connection, continues))
        continuing = await made.read(lambda connection: names_by_note(connection, Note.ROOT, continues))
    there = there or next((name for name in continuing if name != place.name), None)
    if there is not None:
        raise Stop(
            f"batch {continues} is not lost: the database has it under the name {there!r}, and two batches with its "
            f"references would buy its orders twice. Go on with it: {place.command('resume', there)}"
        )


async def check_beside(place: BatchInDatabase, orders: Path) -> None:
    """Refuse a file that was sent from a journal beside it: here it would be another batch, and be bought again.

    A name that a person gives to the batch says that another one is meant.
    """
    path = journal_of(orders)
    if place.named or not path.exists():
        return
    async with Database(place.dsn) as made:
        await prepare(made, PARTS)
        if await made.read(lambda connection: names_among(connection, [place.name])):
            return
    async with await SqliteJournal.open(path, read_only=True) as journal:
        totals = await journal.totals()
    if sent := sum(number for state, number in totals.orders.items() if state is not State.PENDING):
        raise Stop(
            f"{path.name} beside the file is the journal of a batch of it, and {count(sent, 'order')} of that may have "
            "been placed. In the database the file would be another batch, which buys them again. Go on with the one "
            "that there is: "
            f"{batch_command('run', str(orders), '--journal', str(path))}\n"
            "If the file is to be bought once more, say so by a --name for the new batch"
        )


async def tell_same_file(place: BatchInDatabase) -> None:
    """Say which other batches were planned from the very same file: each buys its orders."""
    async with place.opened(read_only=True) as journal:
        digest = await journal.noted(Note.INPUT_DIGEST)
    if digest is None:
        return
    async with Database(place.dsn) as made:
        names = await made.read(lambda connection: names_by_note(connection, Note.INPUT_DIGEST, digest))
    if others := [repr(name) for name in names if name != place.name]:
        tell(f"mind: the very same file was planned as {' and '.join(others)}, too, and each batch buys its orders")


def keep_planned_caps(place: BatchInDatabase, given: Caps) -> Caps:
    """Keep the caps of a batch that is only planned; those of one that workers place are changed when it goes on."""

    async def keep(_: Interrupts) -> Caps:
        async with place.opened() as journal:
            caps = await _caps(journal, given)
            if not await journal.started():
                await journal.set_bounds(bounds_of(caps))
            elif given != Caps():
                command = place.command("resume", place.name)
                tell(f"{place.name}: it was started, so its caps stay; this takes others: {command}")
            return caps

    return wait(keep)


async def _caps(journal: PostgresJournal, given: Caps) -> Caps:
    """The caps that are given, and for those that are not, the ones that the batch has: none is lost by silence."""
    bounds = await journal.bounds()
    if bounds is None or bounds == Bounds():
        return given
    kept = caps_of(bounds)
    return Caps(
        cents=kept.cents if given.cents is None else given.cents,
        kilograms=kept.kilograms if given.kilograms is None else given.kilograms,
        failures=kept.failures if given.failures == Caps().failures else given.failures,
    )


def go_on(
    place: BatchInDatabase, ahead: Ahead, settings: Settings, limits: SharedLimits, *, yes: bool, leave: bool
) -> Exit:
    """Let the workers go on, after a question, and look on."""

    async def merge(_: Interrupts) -> Caps:
        async with place.opened(read_only=True) as journal:
            caps = await _caps(journal, limits.caps())
            await check_caps(journal, caps)
            return caps

    caps = wait(merge)
    if problem := objection(ahead, caps.cents):
        raise Stop(f"nothing was placed: {problem}", Exit.CAP)
    if not yes:
        confirm(ahead)
    if (code := _find_continued(place, settings)) is not None:
        return code

    async def go(_: Interrupts) -> Exit:
        async with place.opened() as journal:
            await _start(place, journal, settings, caps)
            return Exit.ALL_PLACED if leave else await Watch(place, journal, display(errors())).run()

    try:
        return wait(go)
    except Stop as stop:
        if stop.code is not Exit.INTERRUPTED:
            raise
        raise Stop(f"the workers go on; {place.command('pause', place.name)} stops them", stop.code) from None


def _find_continued(place: BatchInDatabase, settings: Settings) -> Exit | None:
    """Find the orders of the batch that this one continues, before any worker begins; a code where that failed."""

    async def is_unknown(_: Interrupts) -> bool:
        async with place.opened(read_only=True) as journal:
            root = await journal.noted(Note.ROOT)
            return root not in (None, journal.batch_id) and await journal.noted(Note.CONFIRMED) is None

    if not wait(is_unknown):
        return None
    code = asyncio.run(run_batch(place.opened, settings, display(errors()), place=False))
    return code if wait(is_unknown) else None


async def _start(place: BatchInDatabase, journal: PostgresJournal, settings: Settings, caps: Caps) -> None:
    if alarm := await journal.noted(Note.ALARM):
        if not settings.alarm_is_explained:
            raise Stop(
                f"{journal.name}: a run ended in an alarm: {alarm} A person has to find out first, and then say "
                f"--alarm-is-explained: {place.command('resume', place.name, '--alarm-is-explained')}",
                Exit.UNFINISHED,
            )
        await journal.note(Note.DOUBT, "something else may have placed them, as an alarm told")
        await journal.note(Note.ALARM, "")
    if settings.same_account:
        await _note_accounts(journal)
    await journal.set_bounds(bounds_of(caps))
    await journal.resume_all()


async def _note_accounts(journal: PostgresJournal) -> None:
    """Note the tokens that are here as those of the accounts of the batch, as a person says."""
    async with access() as clients:
        await check_accounts(journal, clients_of(clients.wren, clients.cnaught), same_account=True)
