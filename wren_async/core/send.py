"""Sending a call: the only place with I/O, retries and time. What it meets is judged elsewhere, by pure functions."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import attrs

from wren_async.core import codec
from wren_async.core.failure import failure
from wren_async.core.operation import Call
from wren_async.core.outcome import History, Judgement, Met, Next, is_undecided, judge
from wren_async.core.policy import RetryPolicy, retry_after
from wren_async.core.reply import Reply
from wren_async.core.request import Identity, Prepared, fingerprint, prepare
from wren_async.core.session import Session, logger
from wren_async.core.values import UNSET, Unset
from wren_async.errors import CallError, InvalidArgument
from wren_async.http.backend import Answer, ExchangeFailed, Progress

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Limits:
    """How long, and how often, a call may try. Times are in seconds."""

    timeout: float | None
    deadline: float | None
    retries: RetryPolicy

    def but(
        self,
        *,
        timeout: float | Unset | None = UNSET,
        deadline: float | Unset | None = UNSET,
        retries: RetryPolicy | int | Unset = UNSET,
    ) -> Limits:
        """These limits with others in the place of some. Raises `InvalidArgument`."""
        return Limits(
            timeout=self.timeout if timeout is UNSET else _seconds("timeout", timeout),
            deadline=self.deadline if deadline is UNSET else _seconds("deadline", deadline),
            retries=self.retries if retries is UNSET else _policy(retries, self.retries),
        )


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise InvalidArgument(name, f"takes seconds, more than 0, or None; not {value!r}")
    return float(value)


def _policy(value: Any, default: RetryPolicy) -> RetryPolicy:
    if isinstance(value, RetryPolicy):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidArgument("retries", f"takes a RetryPolicy, or an int of 0 or more; not {value!r}")
    return attrs.evolve(default, retries=value)


async def send(call: Call[T], identity: Identity, limits: Limits, session: Session) -> Reply[T]:
    """Send `call` with all the attempts it may have, and return its reply or raise its error."""
    session.check()
    limits = limits.but(timeout=call.timeout, deadline=call.deadline, retries=call.retries)
    prepared = prepare(call, identity, draw_key=lambda: str(uuid.uuid4()))
    given = call.idempotency_key is not UNSET
    if given and prepared.key:
        session.bind(prepared.key, fingerprint(prepared, identity))
    try:
        return await Trip(prepared, identity, limits, session).run()
    except CallError:
        # The error hands out the key that was drawn, so from now on it stands for this call.
        if prepared.key and not given:
            session.bind(prepared.key, fingerprint(prepared, identity))
        raise


class Trip(Generic[T]):
    """One logical call on its way: its attempts, its deadline, and whether it may have been carried out."""

    def __init__(self, prepared: Prepared[T], identity: Identity, limits: Limits, session: Session) -> None:
        self._prepared = prepared
        self._identity = identity
        self._limits = limits
        self._session = session
        self._history = History()
        self._orphaned = False
        started = session.timing.monotonic()
        self._ends = None if limits.deadline is None else started + limits.deadline

    async def run(self) -> Reply[T]:
        """Make the first attempt, and the others if it needs them."""
        try:
            met, judgement = await self._attempt()
            if judgement.next is Next.AGAIN:
                met, judgement = await self._repeat(met, judgement)
        except asyncio.CancelledError:
            self._keep_if_undecided()
            raise
        return self._settle(met, judgement)

    # --- attempts ---

    async def _attempt(self) -> tuple[Met[T], Judgement]:
        met = await self._pass_gate()
        if met is None:
            self._history.attempts += 1
            met = await (self._owned() if self._prepared.effect.writes else self._direct())
        return met, self._judge(met)

    def _judge(self, met: Met[T]) -> Judgement:
        prepared = self._prepared
        operation = prepared.call.operation
        judgement = judge(
            prepared.effect,
            met,
            can_repeat=prepared.can_repeat,
            resend_rate_limited=self._limits.retries.resend_rate_limited,
            gone_is_done=operation.method == "DELETE"
            and operation.answer is type(None)
            and self._history.may_have_acted,
        )
        self._history.may_have_acted |= judgement.may_have_acted
        self._history.accepted |= met.succeeded
        said = met.status or self._identity.credentials.scrub(met.reason)
        logger.debug("%s attempt %d: %s", operation.id, self._history.attempts, said)
        return judgement

    async def _pass_gate(self) -> Met[T] | None:
        """Wait for a place, but not past the deadline; what keeps the attempt from being made, if anything does."""
        gate = self._session.gate
        if not gate.locked():
            await gate.acquire()
        else:
            try:
                async with asyncio.timeout(self._left()):
                    await gate.acquire()
            except TimeoutError:
                reason = "the deadline passed while waiting for a free connection"
                return Met(reason=reason, unsent=True, timed_out=True)
        if self._session.closed:
            gate.release()
            return Met(reason="the client was closed before this attempt", unsent=True)
        return None

    async def _direct(self) -> Met[T]:
        """An attempt of a call that changes nothing: cancelling the caller ends it."""
        try:
            return await self._exchange(Progress())
        finally:
            self._session.gate.release()

    async def _owned(self) -> Met[T]:
        """An attempt of a write, in a task of the client's: cancelling the caller does not tear it."""
        progress = Progress()
        task = self._session.own(self._exchange(progress))
        # Not in the coroutine: a task that is cancelled before it starts never runs one line of it.
        task.add_done_callback(lambda _: self._session.gate.release())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled() and not _is_cancelled():
                # Not the caller was cancelled but the attempt: the client was closed over it.
                logger.error(
                    "torn when the client closed: %s (%s)", self._prepared.name, self._prepared.call.operation.id
                )
                return _torn(progress)
            if progress.unsent:
                task.cancel()
            _Orphan(self, task, progress).adopt()
            raise

    async def _exchange(self, progress: Progress) -> Met[T]:
        utc = self._session.timing.utc
        begun = utc()
        try:
            met = await self._once(progress)
        finally:
            if not progress.unsent:
                self._history.note_sent(begun, utc())
        return met

    async def _once(self, progress: Progress) -> Met[T]:
        limit = self._attempt_time()
        try:
            async with asyncio.timeout(limit):
                progress.started = True
                answer = await self._session.backend.exchange(self._prepared.request, progress)
        except TimeoutError:
            reason = f"no answer within {limit or 0:.3g} s"
            return Met(reason=reason, unsent=progress.unsent, timed_out=True)
        except ExchangeFailed as error:
            return Met(
                reason=str(error), unsent=progress.unsent, timed_out=error.timed_out, error=error.__cause__ or error
            )
        return self._understand(answer)

    def _understand(self, answer: Answer) -> Met[T]:
        form = self._prepared.call.operation.answer
        if form is bytes and 200 <= answer.status < 400:
            return Met(answer=answer, value=cast(T, answer.body), may_point_elsewhere=True)
        if 200 <= answer.status < 300:
            try:
                return Met(answer=answer, value=codec.decode(answer.body, form))
            except codec.Unreadable as error:
                return Met(answer=answer, problems=error.problems)
        return Met(answer=answer, parsed=_parsed(answer.body), retry_after=self._told(answer))

    def _told(self, answer: Answer) -> float | None:
        headers = answer.headers
        return retry_after(headers.get("retry-after"), headers.get("date"), self._session.timing.utc())

    # --- repeats ---

    async def _repeat(self, met: Met[T], judgement: Judgement) -> tuple[Met[T], Judgement]:
        """Try again as the policy allows. The failure that is already there counts as the first."""
        from tenacity import AsyncRetrying, retry_if_result

        first = [(met, judgement)]

        async def attempt() -> tuple[Met[T], Judgement]:
            return first.pop() if first else await self._attempt()

        retrying = AsyncRetrying(
            retry=retry_if_result(_wants_another),
            wait=self._wait,
            stop=self._must_stop,
            sleep=self._session.timing.sleep,
            retry_error_callback=lambda state: _result(state),
        )
        return cast("tuple[Met[T], Judgement]", await retrying(attempt))

    def _wait(self, state: RetryCallState) -> float:
        met, _ = _result(state)
        return self._limits.retries.wait(state.attempt_number, met.retry_after, self._session.timing.draw)

    def _must_stop(self, state: RetryCallState) -> bool:
        met, _ = _result(state)
        policy = self._limits.retries
        left = self._left()
        return (
            state.attempt_number > policy.retries
            or (met.retry_after or 0.0) > policy.longest_retry_after
            or (left is not None and state.upcoming_sleep >= left)
            or self._session.closed
            or not self._session.budget.spend()
        )

    # --- time ---

    def _left(self) -> float | None:
        """Seconds until the deadline."""
        return None if self._ends is None else max(0.0, self._ends - self._session.timing.monotonic())

    def _attempt_time(self) -> float | None:
        limits = [limit for limit in (self._limits.timeout, self._left()) if limit is not None]
        return min(limits, default=None)

    # --- the end ---

    def _settle(self, met: Met[T], judgement: Judgement) -> Reply[T]:
        if judgement.next is not Next.DONE or met.answer is None:
            raise self._failure(met) from self._cause(met)
        self._session.budget.earn()
        answer = met.answer
        return Reply(
            value=cast(T, met.value),
            url=self._prepared.request.url,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            attempts=self._history.attempts,
            replayed=answer.headers.get("x-idempotent-replay", "").lower() == "true",
            call=self._prepared.call,
        )

    def _cause(self, met: Met[T]) -> BaseException | None:
        """What the HTTP library raised, unless it repeats a token that the server repeated."""
        said = str(met.error)
        return met.error if self._identity.credentials.scrub(said) == said else None

    def _failure(self, met: Met[T]) -> CallError:
        return failure(
            self._prepared,
            met,
            self._history,
            undecided=is_undecided(self._prepared.effect, met, self._history.may_have_acted),
            credentials=self._identity.credentials,
        )

    def _keep(self) -> asyncio.Future[Reply[Any]]:
        self._orphaned = True
        return self._session.keep(self._prepared.name, self._prepared.call)

    def _keep_if_undecided(self) -> None:
        """After a cancellation between attempts: an earlier one may have been carried out."""
        if self._history.may_have_acted and not self._orphaned:
            self._keep().set_exception(self._failure(Met(reason="the call was cancelled before its outcome was known")))


class _Orphan(Generic[T]):
    """An attempt that was on the wire when its caller went away. It runs to its end, and its outcome is kept."""

    def __init__(self, trip: Trip[T], task: asyncio.Task[Met[T]], progress: Progress) -> None:
        self._trip = trip
        self._task = task
        self._progress = progress
        self._result: asyncio.Future[Reply[Any]] | None = None

    def adopt(self) -> None:
        """Open the outcome, unless the attempt was cancelled with proof that nothing was sent."""
        if not self._progress.unsent:
            self._open()
        self._task.add_done_callback(self._decide)

    def _open(self) -> asyncio.Future[Reply[Any]]:
        if self._result is None:
            self._result = self._trip._keep()
        return self._result

    def _decide(self, task: asyncio.Task[Met[T]]) -> None:
        met = self._met(task)
        judgement = self._trip._judge(met)
        if self._result is None and met.unsent and (self._trip._orphaned or not self._trip._history.may_have_acted):
            return
        result = self._open()
        try:
            result.set_result(self._trip._settle(met, judgement))
        except CallError as error:
            result.set_exception(error)

    def _met(self, task: asyncio.Task[Met[T]]) -> Met[T]:
        return _torn(self._progress) if task.cancelled() else task.result()


def _torn(progress: Progress) -> Met[Any]:
    return Met(reason="the attempt was torn before an answer came", unsent=progress.unsent)


def _is_cancelled() -> bool:
    """Whether somebody has cancelled the running task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _wants_another(result: tuple[Met[Any], Judgement]) -> bool:
    return result[1].next is Next.AGAIN


def _result(state: RetryCallState) -> tuple[Met[Any], Judgement]:
    assert state.outcome is not None  # noqa: S101 - set by tenacity before it asks
    return cast("tuple[Met[Any], Judgement]", state.outcome.result())


def _parsed(raw: bytes) -> object:
    try:
        return codec.parse(raw)
    except codec.Unreadable:
        return None
