"""Sending a call: the only place with I/O, retries and time. What it meets is judged elsewhere, by pure functions."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from wren_async.core import codec
from wren_async.core.identity import Identity
from wren_async.core.limits import Limits
from wren_async.core.operation import Call
from wren_async.core.outcome import AttemptResult, Decision, History, Next, classify, is_undecided
from wren_async.core.policy import retry_after
from wren_async.core.quoting import quoted
from wren_async.core.reply import Reply
from wren_async.core.request import fingerprint, prepare
from wren_async.core.sending.detached import DetachedAttempt, timed_out
from wren_async.core.sending.session import Session, logger
from wren_async.core.telemetry import Attempt, OnAttempt
from wren_async.core.values import UNSET
from wren_async.errors import CallError, OutcomeUnknown
from wren_async.http.exchange import Answer, ExchangeFailed, Progress

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")


class Attempts(Generic[T]):
    """One logical call on its way: its attempts, its deadline, and whether it may have been carried out."""

    __slots__ = (
        "_call",
        "_came",
        "_ends",
        "_entered",
        "_history",
        "_identity",
        "_limits",
        "_met",
        "_orphaned",
        "_prepared",
        "_running",
        "_session",
    )

    def __init__(self, call: Call[T], identity: Identity, limits: Limits, session: Session) -> None:
        self._call = call
        self._identity = identity
        self._limits = limits
        self._session = session
        self._history = History()
        self._running: DetachedAttempt[T] | None = None
        self._orphaned = False

    async def run(self) -> T:
        """Make the first attempt, and the others if it needs them; the decoded value, or the error, of the last one."""
        self._prepare()
        try:
            met = await self._attempt()
            decision = self._classify(met)
            if decision.next is Next.AGAIN:
                met, decision = await self._repeat(met, decision)
        except asyncio.CancelledError:
            self._abandon()
            raise
        if decision.next is Next.DONE:
            self._session.budget.earn()
            self._met = met
            return cast(T, met.value)
        # The error hands out the key, also one that was drawn.
        self._bind()
        error = self._failure(met)
        if self._session.closed and isinstance(error, OutcomeUnknown):
            self._session.tell_undecided(self._name(), self._call)
        raise error from self._cause(met)

    def _prepare(self) -> None:
        self._session.check()
        call = self._call
        self._limits = self._limits.but(
            timeout=call.timeout,
            deadline=call.deadline,
            retries=call.retries,
            max_answer_bytes=call.max_answer_bytes,
        )
        deadline = self._limits.deadline
        self._ends = None if deadline is None else self._session.timing.monotonic() + deadline
        self._prepared = prepare(call, self._identity, draw_key=_draw)
        most = self._limits.most_bytes(self._prepared.effect, call.operation.answer)
        self._prepared.request.max_answer_bytes = most
        if call.idempotency_key is not UNSET:
            self._bind()

    def _bind(self) -> None:
        """From now on the key stands for this call."""
        prepared = self._prepared
        if prepared.key is not None:
            self._session.bind(prepared.key, fingerprint(prepared, self._identity))

    def reply(self) -> Reply[T]:
        """The whole reply, once it is there."""
        met = self._met
        answer = cast(Answer, met.answer)
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

    # --- attempts ---

    def _attempt(self) -> Awaitable[AttemptResult[T]]:
        # No coroutine of its own where a place is free: each one is woken, and looked after, all the way.
        session = self._session
        self._came = self._entered = session.timing.monotonic()
        return self._begin() if not session.closed and session.limiter.enter() else self._queue()

    async def _queue(self) -> AttemptResult[T]:
        admitted = await self._session.limiter.wait(self._left())
        self._entered = self._session.timing.monotonic()
        if not admitted:
            reason = "the deadline passed while waiting for a free connection"
            return AttemptResult(reason=reason, unsent=True, timed_out=True)
        if self._session.closed:
            self._session.limiter.leave()
            return AttemptResult(reason="the client was closed before this attempt", unsent=True)
        return await self._begin()

    def _begin(self) -> Awaitable[AttemptResult[T]]:
        self._history.attempts += 1
        return self._write() if self._prepared.effect.writes else self._read()

    def _classify(self, met: AttemptResult[T]) -> Decision:
        prepared, history = self._prepared, self._history
        operation = self._call.operation
        decision = classify(
            prepared.effect,
            met,
            can_repeat=prepared.can_repeat,
            resend_rate_limited=self._limits.retries.resend_rate_limited,
            gone_is_done=history.may_have_acted and operation.method == "DELETE" and operation.answer is NoneType,
        )
        self._running = None
        history.may_have_acted |= decision.may_have_acted
        history.accepted |= met.succeeded
        if logger.isEnabledFor(logging.DEBUG):
            said = met.status or self._identity.credentials.scrub(met.reason)
            logger.debug("%s attempt %d: %s", operation.id, history.attempts, said)
        if self._session.on_attempt is not None:
            self._report(met, self._session.on_attempt)
        return decision

    def _report(self, met: AttemptResult[T], on_attempt: OnAttempt) -> None:
        limiter = self._session.limiter
        attempt = Attempt(
            operation=self._call.operation.id,
            number=self._history.attempts,
            status=met.status,
            reason=self._identity.credentials.scrub(met.reason),
            unsent=met.unsent,
            waited=self._entered - self._came,
            took=self._session.timing.monotonic() - self._entered,
            in_flight=limiter.in_flight,
            waiting=limiter.waiting,
        )
        try:
            on_attempt(attempt)
        except Exception:
            logger.exception("on_attempt failed, which changes nothing for the call")

    async def _read(self) -> AttemptResult[T]:
        """An attempt of a call that changes nothing: cancelling the caller ends it."""
        limit, progress = self._attempt_time(), Progress()
        try:
            async with asyncio.timeout(limit):
                return await self._exchange(progress)
        except TimeoutError:
            return timed_out(limit, progress)
        finally:
            self._session.limiter.leave()

    def _write(self) -> asyncio.Future[AttemptResult[T]]:
        """An attempt of a write: cancelling the caller does not tear it."""
        running: DetachedAttempt[T] = DetachedAttempt(self._session, self._attempt_time())
        self._running = running
        running.begin(self._exchange(running.progress, running))
        return running.finished

    def _abandon(self) -> None:
        """The caller went away."""
        if self._running is not None:
            orphan = _Orphan(self)
            if self._running.detach(orphan.decide):
                orphan.open()
        if self._history.may_have_acted and not self._orphaned:
            reason = "the call was cancelled before its outcome was known"
            self._keep().set_exception(self._failure(AttemptResult(reason=reason)))

    async def _exchange(self, progress: Progress, running: DetachedAttempt[T] | None = None) -> AttemptResult[T]:
        utc = self._session.timing.utc
        begun = utc()
        try:
            progress.started = True
            answer = await self._session.backend.exchange(self._prepared.request, progress)
        except Exception as error:
            met: AttemptResult[T] = _broken(error, progress)
        else:
            met = self._understand(answer)
        finally:
            if not progress.unsent:
                self._history.note_sent(begun, utc())
        if running is not None:
            running.finish(met)
        return met

    def _understand(self, answer: Answer) -> AttemptResult[T]:
        form = self._call.operation.answer
        if answer.problem and 200 <= answer.status < 300 and form is not NoneType:
            return AttemptResult(answer=answer, problems=(f"$: {answer.problem}",))
        if form is bytes and 200 <= answer.status < 400:
            return AttemptResult(answer=answer, value=cast(T, answer.body), may_point_elsewhere=True)
        if 200 <= answer.status < 300:
            try:
                return AttemptResult(answer=answer, value=codec.decode(answer.body, form))
            except codec.Unreadable as error:
                return AttemptResult(answer=answer, problems=error.problems)
        return AttemptResult(answer=answer, parsed=codec.parse_error(answer.body), retry_after=self._told(answer))

    def _told(self, answer: Answer) -> float | None:
        headers = answer.headers
        return retry_after(headers.get("retry-after"), headers.get("date"), self._session.timing.utc())

    # --- repeats ---

    async def _repeat(self, met: AttemptResult[T], decision: Decision) -> tuple[AttemptResult[T], Decision]:
        """Try again as the policy allows. The failure that is already there counts as the first."""
        from tenacity import AsyncRetrying, retry_if_result

        first = [(met, decision)]

        async def attempt() -> tuple[AttemptResult[T], Decision]:
            if first:
                return first.pop()
            met = await self._attempt()
            return met, self._classify(met)

        retrying = AsyncRetrying(
            retry=retry_if_result(_wants_another),
            wait=self._wait,
            stop=self._must_stop,
            sleep=self._session.timing.sleep,
            retry_error_callback=lambda state: _result(state),
        )
        return cast("tuple[AttemptResult[T], Decision]", await retrying(attempt))

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
        timeout, left = self._limits.timeout, self._left()
        if timeout is None or left is None:
            return left if timeout is None else timeout
        return min(timeout, left)

    # --- the end ---

    def _cause(self, met: AttemptResult[T]) -> BaseException | None:
        """What the HTTP library raised, unless it repeats a token that the server repeated."""
        said = str(met.error)
        return met.error if self._identity.credentials.scrub(said) == said else None

    def _failure(self, met: AttemptResult[T]) -> CallError:
        from wren_async.core.sending.failure import failure

        return failure(
            self._prepared,
            met,
            self._history,
            undecided=is_undecided(self._prepared.effect, met, self._history.may_have_acted),
            credentials=self._identity.credentials,
        )

    def _name(self) -> str:
        return self._prepared.name or _draw()

    def _keep(self) -> asyncio.Future[Reply[Any]]:
        self._orphaned = True
        self._bind()
        return self._session.keep(self._name(), self._prepared.call)


class _Orphan(Generic[T]):
    """A write whose caller went away. What its last attempt meets becomes an outcome that the client keeps."""

    def __init__(self, attempts: Attempts[T]) -> None:
        self._attempts = attempts
        self._result: asyncio.Future[Reply[Any]] | None = None

    def open(self) -> asyncio.Future[Reply[Any]]:
        """Keep the outcome, which is open until the attempt has ended."""
        if self._result is None:
            self._result = self._attempts._keep()
        return self._result

    def decide(self, met: AttemptResult[T]) -> None:
        """The attempt has ended."""
        attempts = self._attempts
        decision = attempts._classify(met)
        if self._result is None and met.unsent and (attempts._orphaned or not attempts._history.may_have_acted):
            return
        result = self.open()
        if decision.next is Next.DONE:
            attempts._met = met
            result.set_result(attempts.reply())
        else:
            result.set_exception(attempts._failure(met))


def _broken(error: Exception, progress: Progress) -> AttemptResult[Any]:
    """What an attempt met whose backend raised. Whatever it raises, an order that may have been sent is not lost."""
    told = error if isinstance(error, ExchangeFailed) else None
    return AttemptResult(
        reason=quoted(str(error) or type(error).__name__),
        unsent=progress.unsent,
        timed_out=told.timed_out if told else isinstance(error, TimeoutError),
        error=error.__cause__ or error if told else error,
    )


def _draw() -> str:
    """A random UUID. `uuid.uuid4` makes an object of it first, which takes three times as long."""
    drawn = os.urandom(16).hex()
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:]}"


def _wants_another(result: tuple[AttemptResult[Any], Decision]) -> bool:
    return result[1].next is Next.AGAIN


def _result(state: RetryCallState) -> tuple[AttemptResult[Any], Decision]:
    assert state.outcome is not None  # noqa: S101 - set by tenacity before it asks
    return cast("tuple[AttemptResult[Any], Decision]", state.outcome.result())
