"""What all copies of a client share: connections, limiter, retry budget, and writes that outlive their callers."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from types import MappingProxyType
from typing import Any, Final, TypeVar

import attrs

from wren_async.core.log import UNDECIDED_AT_CLOSE, get_logger
from wren_async.core.operation import Call
from wren_async.core.policy import RetryBudget
from wren_async.core.printable import printable
from wren_async.core.reply import Reply
from wren_async.core.sending.limiter import ConcurrencyLimiter
from wren_async.core.sending.references import ReferenceBook
from wren_async.core.server_clock import ServerClock
from wren_async.core.telemetry import Telemetry
from wren_async.core.timing import Timing
from wren_async.core.values import UNSET, given
from wren_async.errors import ClientClosed, IdempotencyKeyReused, OutcomeUnknown, WrongEventLoop
from wren_async.http.backend import Backend

R = TypeVar("R")

logger = get_logger(__name__)

_REMEMBERED: Final = 10_000


@attrs.define(eq=False, kw_only=True)
class Outcome:
    """The outcome of a write whose caller was cancelled while it was on the wire, or might have been.

    `await outcome.reply()` waits for its end and gives what the call would have given.
    """

    name: str
    """Its name in `client.outcomes`: the reference, or else the idempotency key."""
    call: Call[Any]
    """The call with its key and reference."""
    _result: asyncio.Future[Reply[Any]] = attrs.field(repr=False, alias="result")

    def succeed(self, reply: Reply[Any]) -> None:
        """The attempt was answered with a success."""
        self._result.set_result(reply)

    def fail(self, error: BaseException) -> None:
        """The attempt ended with an error."""
        self._result.set_exception(error)

    @property
    def decided(self) -> bool:
        """Whether the attempt on the wire has ended."""
        return self._result.done()

    @property
    def unknown(self) -> bool:
        """Whether it ended, and nobody knows whether the write was carried out."""
        return isinstance(self.error, OutcomeUnknown)

    @property
    def error(self) -> BaseException | None:
        """The error, where the outcome is decided and is one."""
        return self._result.exception() if self._result.done() else None

    def result(self) -> Reply[Any]:
        """The reply of an outcome that is decided, or its error."""
        return self._result.result()

    async def reply(self) -> Reply[Any]:
        """Wait for the reply. Raises what the call would have raised, such as `OutcomeUnknown`. Sends nothing, so it
        may be awaited any number of times."""
        return await asyncio.shield(self._result)


def attach_outcome(cancelled: BaseException, outcome: Outcome) -> None:
    """Let whoever handles a cancellation find the order that it left behind."""
    cancelled.__dict__["wren_async_outcome"] = outcome
    cancelled.add_note(
        f"{outcome.call.operation.id} may have been carried out; its outcome is in client.outcomes[{outcome.name!r}]"
    )


def outcome_of(error: BaseException) -> Outcome | None:
    """The outcome of the write that was on the wire when its caller was cancelled.

    Args:
        error: The `TimeoutError` or `CancelledError` that came of the cancellation.

    `None` says that nothing had been sent, or that the error has another origin. Cancelling the caller does not break
    the write off: it goes on, and `await outcome.reply()` waits for its end.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(found := seen.__dict__.get("wren_async_outcome"), Outcome):
            return found
        seen = seen.__cause__ or seen.__context__
    return None


class Session:
    """The shared and changing part of a client. It belongs to the event loop that first uses it."""

    def __init__(
        self,
        backend: Backend,
        *,
        max_in_flight: int,
        timing: Timing,
        budget: RetryBudget,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.backend = backend
        self.timing = timing
        self.telemetry = telemetry
        self.budget = budget
        self.limiter = ConcurrencyLimiter(max_in_flight)
        self.closed = False
        """Whether the client was closed."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.server_clock = ServerClock(timing)
        self.references = ReferenceBook()
        self._told: set[str] = set()
        self._bindings: OrderedDict[str, bytes] = OrderedDict()
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        """Outcomes of writes that outlived their callers, by reference (or key); the oldest are forgotten."""
        return MappingProxyType(self._outcomes)

    def check(self) -> None:
        """Refuse use after closing and on a second event loop."""
        if self.closed:
            raise ClientClosed("the client is closed; make a new one, or keep it open for as long as it is used")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._check_loop()

    def _check_loop(self) -> None:
        if self._loop not in (None, asyncio.get_running_loop()):
            raise WrongEventLoop(
                "the client was first used on another event loop, to which its connections belong; make one client "
                "for each loop, inside the coroutine that the loop runs"
            )

    def bind(self, key: str, fingerprint: bytes) -> None:
        """Remember what an idempotency key stands for, and refuse it for anything else."""
        bound = self._bindings.setdefault(key, fingerprint)
        self._bindings.move_to_end(key)
        if bound != fingerprint:
            raise IdempotencyKeyReused(
                f"the idempotency key {key!r} was used for another call; give each order its own key"
            )
        if len(self._bindings) > _REMEMBERED:
            self._bindings.popitem(last=False)

    def keep_binding(self, key: str, fingerprint: bytes) -> None:
        """Remember what a key stands for that was sent by a call that failed. It refuses nothing."""
        if self._bindings.get(key) in (None, fingerprint):
            self.bind(key, fingerprint)

    def own(
        self, work: Coroutine[Any, Any, R], ended: Callable[[asyncio.Task[R]], object], context: Context
    ) -> asyncio.Task[R]:
        """Run `work` in a task of the client's, which a caller's cancellation does not reach.

        `ended` is called with the task when it has ended, and has to `disown` it, unless that was done before.
        """
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(ended, context=context)
        return task

    def disown(self, task: asyncio.Task[Any]) -> None:
        """Forget a task that has ended."""
        self._tasks.discard(task)

    def keep(self, name: str, call: Call[Any]) -> Outcome:
        """Open an outcome under `name`, or under `name#2` where another order has that name."""
        result: asyncio.Future[Reply[Any]] = asyncio.get_running_loop().create_future()
        # The error is looked at here, or asyncio would log it as never retrieved where nobody asks for the outcome.
        result.add_done_callback(lambda done: done.cancelled() or done.exception())
        # Sending a key again repeats one order; sending a reference again places another.
        kept, count = name, 1
        while kept in self._outcomes and not _repeats(call, self._outcomes[kept].call):
            count += 1
            kept = f"{name}#{count}"
        outcome = self._outcomes[kept] = Outcome(name=kept, call=call, result=result)
        if len(self._outcomes) > _REMEMBERED:
            self._forget_one()
        return outcome

    def _forget_one(self) -> None:
        """Forget the oldest outcome that is decided, and an undecided one only where there is no other."""
        settled = (name for name, each in self._outcomes.items() if each.decided and not each.unknown)
        self._outcomes.pop(next(settled, next(iter(self._outcomes))))

    async def aclose(self, patience: float) -> None:
        """Take no new calls, wait up to `patience` seconds for writes on the wire, then close the connections.

        A write that has not ended by then is broken off and named in the log; its outcome is an `OutcomeUnknown`.
        """
        if self.closed:
            return
        self._check_loop()
        self.closed = True
        self.limiter.close()
        # Of those that have ended already; a write that ends undecided from now on is named as it ends.
        self._name_undecided(lambda outcome: outcome.unknown)
        try:
            if self._tasks:
                _, late = await asyncio.wait(self._tasks, timeout=patience)
                for task in late:
                    task.cancel()
                if late:
                    await asyncio.wait(late, timeout=1)
        except asyncio.CancelledError:
            # Whoever closes has stopped waiting, so that the end of these writes may go unseen.
            self._name_undecided(lambda outcome: not outcome.decided)
            raise
        finally:
            await _to_its_end(self.backend.aclose())

    def _name_undecided(self, which: Callable[[Outcome], bool]) -> None:
        for name, outcome in self._outcomes.items():
            if which(outcome):
                self.tell_undecided(name, outcome.call)

    def tell_undecided(self, name: str, call: Call[Any]) -> None:
        """Name a write in the log, once, whose outcome this client can no longer find out."""
        if name in self._told:
            return
        self._told.add(name)
        logger.error(
            "%s %r is undecided, and the client closed: do not order again, but look for it with reconcile()",
            call.operation.id,
            printable(name),
            extra={
                "event": UNDECIDED_AT_CLOSE,
                "operation": call.operation.id,
                "reference": given(call.reference),
                "idempotency_key_sent": given(call.idempotency_key) is not None,
            },
        )


def _repeats(call: Call[Any], earlier: Call[Any]) -> bool:
    return call.idempotency_key is not UNSET and call.idempotency_key == earlier.idempotency_key


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Do `work` to its end, also where the caller is cancelled meanwhile."""
    task = asyncio.get_running_loop().create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
