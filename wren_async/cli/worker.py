"""`wren-async worker`, which places the batches of a database, and `wren-async database`, which prepares one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Annotated, TypedDict

import attrs
from cyclopts import App, Parameter

from wren_async.batch.events import Alarm, Ended, Event, Paused
from wren_async.batch.journal.postgres.tables import PARTS
from wren_async.batch.run.service import WorkerService
from wren_async.cli.access import Access, access
from wren_async.cli.endpoint import Answer, Listen, Pages, endpoint, health_answer
from wren_async.cli.exits import Exit, Stop, help_text
from wren_async.cli.http_library import http_library
from wren_async.cli.interrupts import Interrupts, interruptible
from wren_async.cli.messages import in_words
from wren_async.cli.progress import PlainDisplay
from wren_async.cli.terminal import errors, say
from wren_async.errors import InvalidArgument
from wren_async.outbox.names import check_name
from wren_async.outbox.postgres_tables import OUTBOX
from wren_async.outbox.service import OutboxService
from wren_async.postgres.database import Database
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.lease import LEASE
from wren_async.postgres.schema import check_server, migrate, versions
from wren_async.reconcile import SETTLE_TIME
from wren_async.telemetry.prometheus import PrometheusMetrics

DatabaseOption = Annotated[
    str | None,
    Parameter(
        help="Address of the database, such as postgresql://app@db.example/orders; by default WREN_ASYNC_DATABASE, "
        "where a password is not seen by others on the machine."
    ),
]

database_app = App(
    name="database",
    help="Prepare a PostgreSQL database for batches that many workers place.",
    help_epilogue=help_text(),
    help_format="plaintext",
)


def worker(
    *,
    database: DatabaseOption = None,
    batch: Annotated[
        tuple[str, ...], Parameter(help="Name of a batch; all, and all outboxes, if left out.", negative=())
    ] = (),
    outbox: Annotated[
        tuple[str, ...],
        Parameter(
            help="Name of an outbox; all if left out. Name them where the database has outboxes of several accounts.",
            negative=(),
        ),
    ] = (),
    concurrency: Annotated[int, Parameter(help="Orders on the wire at most.")] = 32,
    settle_time: Annotated[
        float, Parameter(help="Seconds after which the absence of an order proves that it was not placed.")
    ] = SETTLE_TIME,
    lease: Annotated[
        float, Parameter(help="Seconds for which this worker may go on without the database; 10 or more.")
    ] = LEASE,
    until_done: Annotated[bool, Parameter(help="End once nothing is left to do.", negative=())] = False,
    same_account: Annotated[
        bool, Parameter(help="The token is new, and of the very same account as the old one.", negative=())
    ] = False,
    listen: Annotated[
        str | None,
        Parameter(
            help="Answer GET /healthz and GET /metrics (Prometheus) at this HOST:PORT, such as 127.0.0.1:9100; without "
            "a host, only this machine is answered."
        ),
    ] = None,
) -> Exit:
    """Place the batches of a database that were started, and its outboxes, together with any number of other workers.

    The tokens of the APIs come from this machine's environment; none is in the database. Ctrl-C or SIGTERM takes no new
    orders and finishes those on the wire; a second one leaves at once. Neither loses an order.
    """
    if not 10 <= lease < float("inf"):
        raise Stop("--lease takes 10 seconds or more: an order must be answered within half of it")
    for name in outbox:
        try:
            check_name(name)
        except InvalidArgument as error:
            raise Stop(f"--outbox {error.problem}") from None
    if not 0 <= settle_time < float("inf"):
        raise Stop(f"--settle-time takes seconds of 0 or more, not {settle_time}")
    process = _Process(
        dsn=dsn_of(database),
        where=None if listen is None else Listen.of(listen),
        metrics=None if listen is None else PrometheusMetrics(),
        batches=batch,
        outboxes=outbox,
        until_done=until_done,
        how={
            "concurrency": concurrency,
            "settle_time": settle_time,
            "lease": lease,
            "same_account": same_account,
        },
    )
    log = logging.StreamHandler()
    log.setFormatter(LogInWords("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[log], level=logging.WARNING)
    return asyncio.run(interruptible(process.run, PlainDisplay(_say)))


class LogInWords(logging.Formatter):
    """Lines of the log in the words of a command line: whoever reads it gives flags and variables, and no arguments."""

    def format(self, record: logging.LogRecord) -> str:
        """A line, or several with a traceback."""
        return in_words(super().format(record))


class _How(TypedDict):
    """How both batches and outboxes are placed."""

    concurrency: int
    settle_time: float
    lease: float
    same_account: bool


@attrs.define(kw_only=True)
class _Process:
    """A worker as a process: it places batches and outboxes, and answers how it is."""

    dsn: Dsn
    where: Listen | None
    metrics: PrometheusMetrics | None
    batches: tuple[str, ...]
    outboxes: tuple[str, ...]
    until_done: bool
    how: _How
    _service: WorkerService = attrs.field(init=False)
    _beside: OutboxService | None = None

    async def run(self, interrupts: Interrupts) -> Exit:
        """Place until it is stopped, or until nothing is left to do."""
        async with access(self.how["concurrency"], telemetry=self.metrics) as clients, AsyncExitStack() as stack:
            if clients.wren is None and clients.cnaught is None:
                raise Stop("no token is there: set WREN_API_TOKEN or CNAUGHT_API_KEY in the worker's environment")
            self._service = WorkerService(
                self.dsn,
                wren=clients.wren,
                cnaught=clients.cnaught,
                batches=self.batches,
                on_event=_tell,
                telemetry=self.metrics,
                sent_over=http_library(),
                **self.how,
            )
            interrupts.stop = self._service.stop
            await self._answer(stack)
            if self.outboxes or not self.batches:
                await self._open_outboxes(clients, stack)
            await self._service.run(until_done=self.until_done)
            if self._beside is not None and self.until_done:
                await self._service.when_there(self._beside.drain)
        return Exit.ALL_PLACED

    async def _answer(self, stack: AsyncExitStack) -> None:
        """Answer to those who watch, from the beginning: also while the database is away."""
        if self.where is not None and self.metrics is not None:
            pages = _pages(self.metrics, lambda: self._problem)
            _say(f"listening at {await stack.enter_async_context(endpoint(self.where, pages))}")

    @property
    def _problem(self) -> str | None:
        return self._service.problem or (None if self._beside is None else self._beside.lapse)

    async def _open_outboxes(self, clients: Access, stack: AsyncExitStack) -> None:
        parts = await self._service.when_there(self._parts)
        if parts is None:
            return
        if OUTBOX.name in parts:
            self._service.needs(OUTBOX)
        outboxes = OutboxService(
            self.dsn,
            names=self.outboxes,
            wren=clients.wren,
            cnaught=clients.cnaught,
            worker=not self.until_done,
            telemetry=self.metrics,
            **self.how,
        )
        self._beside = await stack.enter_async_context(outboxes)

    async def _parts(self) -> dict[str, int]:
        async with Database(self.dsn) as database:
            return await database.run(versions)


@database_app.command(name="migrate")
def migrate_(*, database: DatabaseOption = None) -> Exit:
    """Make the tables, or bring them to the version of this program. Workers of an older version then stop."""
    dsn = dsn_of(database)

    parts = (*PARTS, OUTBOX)

    async def go() -> None:
        async with Database(dsn) as made:
            for warning in await made.run(check_server):
                _say(warning)
            await migrate(made, parts)

    asyncio.run(go())
    told = ", ".join(f"{part.name} {part.version}" for part in parts)
    _say(f"{dsn}: up to date ({told})")
    return Exit.ALL_PLACED


def _pages(metrics: PrometheusMetrics, problem: Callable[[], str | None]) -> Pages:
    return {
        "/healthz": lambda: health_answer(problem()),
        "/metrics": lambda: Answer(HTTPStatus.OK, metrics.text(), metrics.content_type),
    }


def dsn_of(given: str | None) -> Dsn:
    """The database that is meant."""
    return Dsn(given) if given else Dsn.from_environment()


def _tell(name: str, event: Event) -> None:
    if isinstance(event, Alarm):
        _say(f"{name}: ALARM: {in_words(event.message)}")
    elif isinstance(event, Paused):
        _say(f"{name}: the server asks for a pause of {event.seconds:.0f} s")
    elif isinstance(event, Ended):
        counts = ", ".join(f"{number:,} {state}" for state, number in event.totals.orders.items() if number)
        _say(f"{name}: {in_words(event.message)} ({counts})")


def _say(text: str) -> None:
    say(errors(), text)
