"""Sends one call, with its attempts, its waits and its deadline. What follows from each attempt is decided by pure
functions elsewhere: `classify` in `outcome.py`, and the waits in `policy.py`."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from wren_async.core import codec
from wren_async.core.identity import Identity
from wren_async.core.limits import Limits, Permit
from wren_async.core.operation import Call
from wren_async.core.outcome import AttemptResult, Decision, History, Next, classify, is_undecided
from wren_async.core.policy import retry_after
from wren_async.core.redaction import forget_frames
from wren_async.core.reply import Reply
from wren_async.core.request import fingerprint, prepare
from wren_async.core.sending.limiter import Place
from wren_async.core.sending.running import DetachedAttempt, RunningAttempt, aborted, timed_out
from wren_async.core.sending.session import Outcome, Session, attach_outcome
from wren_async.core.sending.telling import Watcher, log_attempt, log_retry, log_unknown, logger, watcher
from wren_async.core.values import UNSET
from wren_async.errors import CallError, OutcomeUnknown
from wren_async.http.exchange import Answer, ExchangeFailed, Progress

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")


class Attempts(Generic[T]):
    """One logical call while it is sent: its attempts, its deadline, and whether it may have been carried out."""

    __slots__ = (
        "_call",
        "_came",
        "_cancelled",
        "_ends",
        "_entered",
        "_history",
        "_identity",
        "_limits",
        "_outcome",
        "_prepared",
        "_result",
        "_running",
        "_sending",
        "_session",
        "_watcher",
    )

    def __init__(self, call: Call[T], identity: Identity, limits: Limits, session: Session) -> None:
        self._call = call
        self._identity = identity
        self._limits = limits
        self._session = session
        self._history = History()
        self._running: DetachedAttempt[T] | None = None
        self._outcome: Outcome | None = None
        self._watcher: Watcher | None = None
        self._cancelled = False

    async def run(self) -> T:
        """Make as many attempts as it takes. Returns the decoded value, or raises the error, of the last one."""
        self._prepare()
        try:
            result = await self._attempt()
            decision = self._classify(result)
            if decision.next is Next.AGAIN:
                result, decision = await self._repeat(result, decision)
        except asyncio.CancelledError as cancelled:
            self._abandon(cancelled)
            raise
        if decision.next is Next.DONE:
            self._session.budget.earn()
            self._succeed(result)
            return cast(T, result.value)
        raise self._fail(result) from self._identity.credentials.cause(result.error)

    def _prepare(self) -> None:
        session, call = self._session, self._call
        session.check()
        self._limits = self._limits.of(call.operation.effect).but(
            timeout=call.timeout,
            deadline=call.deadline,
            retries=call.retries,
            max_answer_bytes=call.max_answer_bytes,
        )
        deadline = self._limits.deadline
        self._ends = None if deadline is None else session.timing.monotonic() + deadline
        self._prepared = prepare(call, self._identity, draw_key=_draw)
        most = self._limits.most_bytes(self._prepared.effect, self._prepared.answer)
        self._prepared.request.max_answer_bytes = most
        if call.idempotency_key is not UNSET and self._prepared.key is not None:
            session.bind(self._prepared.key, fingerprint(self._prepared, self._identity))
        reference = self._prepared.reference
        self._sending = None if reference is None else session.references.begin(self._prepared, reference)
        if session.telemetry is not None:
            self._watcher = watcher(session.telemetry, self._prepared, session, self._identity.credentials)

    def reply(self) -> Reply[T]:
        """The whole reply, once it is there."""
        result = self._result
        answer = cast(Answer, result.answer)
        return Reply(
            value=cast(T, result.value),
            url=self._prepared.request.url,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            attempts=self._history.attempts,
            replayed=_is_replayed(answer),
            call=self._prepared.call,
        )

    # --- attempts ---

    def _attempt(self) -> Awaitable[AttemptResult[T]]:
        # Not `async`: where a place is free, that would add a coroutine, which costs something at every resumption.
        session = self._session
        self._came = self._entered = session.timing.monotonic()
        place = session.limiter.enter()
        return self._queue() if place is None else self._begin(place)

    async def _queue(self) -> AttemptResult[T]:
        if self._watcher is not None:
            self._watcher.queued()
        place = await self._session.limiter.wait(self._left())
        self._entered = self._session.timing.monotonic()
        if place is not None:
            return await self._begin(place)
        if self._session.closed:
            return AttemptResult(reason="the client was closed before this attempt", unsent=True)
        reason = "the deadline passed while waiting for a free connection"
        return AttemptResult(reason=reason, unsent=True, timed_out=True)

    def _begin(self, place: Place) -> Awaitable[AttemptResult[T]]:
        self._history.attempts += 1
        return self._write(place) if self._prepared.writes else self._read(place)

    def _classify(self, result: AttemptResult[T]) -> Decision:
        prepared, history = self._prepared, self._history
        operation = self._call.operation
        decision = classify(
            prepared.effect,
            result,
            can_repeat=prepared.can_repeat,
            resend_rate_limited=self._limits.retries.resend_rate_limited,
            gone_is_done=history.may_have_acted and operation.method == "DELETE" and operation.answer is NoneType,
        )
        self._running = None
        history.may_have_acted |= decision.may_have_acted
        history.accepted |= result.succeeded
        if logger.isEnabledFor(logging.DEBUG):
            log_attempt(prepared, history.attempts, result, self._identity.credentials)
        return decision

    async def _read(self, place: Place) -> AttemptResult[T]:
        """An attempt of a call that changes nothing, run in the caller's task: cancelling the caller ends it."""
        running: RunningAttempt[T] = RunningAttempt(place, self._attempt_time())
        try:
            async with asyncio.timeout(running.limit):
                return await self._exchange(running)
        except TimeoutError:
            running.finish(result := timed_out(running.limit, running.progress))
            return result
        finally:
            if running.result is None:
                running.finish(aborted(running.progress))

    def _write(self, place: Place) -> asyncio.Future[AttemptResult[T]]:
        """An attempt of a write, run in a task of the client's: cancelling the caller does not break it off."""
        running: DetachedAttempt[T] = DetachedAttempt(place, self._attempt_time(), self._session)
        self._running = running
        if self._limits.permit is not None:
            running.progress.permit = self._permit(self._limits.permit)
        running.begin(self._exchange(running))
        return running.finished

    async def _exchange(self, running: RunningAttempt[T]) -> AttemptResult[T]:
        timing, progress, request = self._session.timing, running.progress, self._prepared.request
        if self._watcher is not None:
            request = self._watcher.attempt_began(self._history.attempts, self._entered - self._came, request)
            running.watcher = self._watcher
        begun, begun_at = timing.utc(), timing.monotonic()
        try:
            if progress.permit is not None:
                # Here too, and not only before the first byte: a backend of the caller's may not tell of that.
                progress.check_permit()
            progress.started = True
            answer = await self._session.backend.exchange(request, progress)
        except Exception as error:
            result: AttemptResult[T] = _broken(error, progress)
        except asyncio.CancelledError as error:
            forget_frames(error)
            raise
        else:
            result = self._understand(answer)
        finally:
            if not progress.unsent:
                self._history.note_sent(begun, begun_at, timing.utc(), timing.monotonic())
        running.finish(result)
        return result

    def _understand(self, answer: Answer) -> AttemptResult[T]:
        form = self._prepared.answer
        self._session.server_clock.note(answer.headers)
        if answer.problem and 200 <= answer.status < 300 and form is not NoneType:
            return AttemptResult(answer=answer, problems=(f"$: {answer.problem}",))
        if form is bytes and 200 <= answer.status < (300 if self._prepared.writes else 400):
            # A document may be answered with a redirect, which a read may follow and a write never does.
            return AttemptResult(answer=answer, value=cast(T, answer.body), may_point_elsewhere=True)
        if 200 <= answer.status < 300:
            try:
                return AttemptResult(answer=answer, value=codec.decode(answer.body, form))
            except codec.Unreadable as error:
                return AttemptResult(answer=answer, problems=error.problems)
        return AttemptResult(
            answer=answer, parsed=codec.parse_error(answer.body), retry_after=self._requested_pause(answer)
        )

    def _requested_pause(self, answer: Answer) -> float | None:
        headers = answer.headers
        return retry_after(headers.get("retry-after"), headers.get("date"), self._session.timing.utc())

    # --- repeats ---

    async def _repeat(self, result: AttemptResult[T], decision: Decision) -> tuple[AttemptResult[T], Decision]:
        """Try again as often as the policy allows. The attempt that has failed already counts as the first."""
        from tenacity import AsyncRetrying, retry_if_result

        first = [(result, decision)]

        async def attempt() -> tuple[AttemptResult[T], Decision]:
            if first:
                return first.pop()
            result = await self._attempt()
            return result, self._classify(result)

        retrying = AsyncRetrying(
            retry=retry_if_result(_wants_another),
            wait=self._wait,
            stop=self._must_stop,
            before_sleep=self._tell_retry,
            sleep=self._session.timing.sleep,
            retry_error_callback=lambda state: _result(state),
        )
        return cast("tuple[AttemptResult[T], Decision]", await retrying(attempt))

    def _wait(self, state: RetryCallState) -> float:
        result, _ = _result(state)
        return self._limits.retries.wait(state.attempt_number, result.retry_after, self._session.timing.draw)

    def _must_stop(self, state: RetryCallState) -> bool:
        result, _ = _result(state)
        policy = self._limits.retries
        left = self._left()
        return (
            state.attempt_number > policy.retries
            or (result.retry_after or 0.0) > policy.longest_retry_after
            or (left is not None and state.upcoming_sleep >= left)
            or self._session.closed
            or not self._session.budget.spend()
        )

    def _tell_retry(self, state: RetryCallState) -> None:
        result, _ = _result(state)
        if self._watcher is not None:
            self._watcher.retry_follows(state.upcoming_sleep)
        log_retry(self._prepared, self._history.attempts, result, state.upcoming_sleep, self._identity.credentials)

    # --- time ---

    def _left(self) -> float | None:
        """Seconds until the deadline."""
        return None if self._ends is None else max(0.0, self._ends - self._session.timing.monotonic())

    def _attempt_time(self) -> float | None:
        timeout, left = self._limits.timeout, self._left()
        if timeout is None or left is None:
            return left if timeout is None else timeout
        return min(timeout, left)

    def _permit(self, permit: Permit) -> Callable[[], bool]:
        """Whether bytes of the attempt that begins now may be sent: asked just before they are."""
        limit, monotonic = self._attempt_time(), self._session.timing.monotonic
        ends = float("inf") if limit is None else monotonic() + limit

        def may_send() -> bool:
            # An attempt that is over sends nothing either, though its timer may be late, as on a machine that stood
            # still.
            left = ends - monotonic()
            return left >= 0 and permit(left)

        return may_send

    # --- the end ---

    def _succeed(self, result: AttemptResult[T]) -> None:
        self._result = result
        if self._sending is not None:
            self._sending.placed(result.value)
        if self._watcher is not None:
            replayed = result.answer is not None and _is_replayed(result.answer)
            attempts, cancelled = self._history.attempts, self._cancelled
            self._watcher.succeeded(result.value, attempts, cancelled=cancelled, replayed=replayed)

    def _fail(self, result: AttemptResult[T]) -> CallError:
        """The error of the call. The key, the reference and the log keep what somebody may need of it later."""
        from wren_async.core.sending.failure import failure

        session, prepared = self._session, self._prepared
        if prepared.key is not None:
            # The caller sees the key in the error, even one that the client made, and may use it again.
            session.keep_binding(prepared.key, fingerprint(prepared, self._identity))
        error = failure(
            prepared,
            result,
            self._history,
            undecided=is_undecided(prepared.effect, result, self._history.may_have_acted),
            credentials=self._identity.credentials,
            clock=session.server_clock,
        )
        if self._sending is not None:
            self._sending.failed(error)
        if isinstance(error, OutcomeUnknown):
            self._tell_unknown(error, result)
        if self._watcher is not None:
            self._watcher.failed(error, cancelled=self._cancelled)
        return error

    def _forget(self) -> None:
        """Nothing was sent, or nothing that writes, and the caller has gone."""
        if self._sending is not None:
            self._sending.forget()
        if self._watcher is not None:
            self._watcher.undone(self._history.attempts)

    def _tell_unknown(self, error: OutcomeUnknown, result: AttemptResult[T]) -> None:
        if self._session.closed or result.aborted:
            self._session.tell_undecided(self._name(), self._prepared.call)
        elif not self._identity.journaled:
            log_unknown(error, kept_as=None if self._outcome is None else self._outcome.name)

    def _name(self) -> str:
        return self._prepared.name or _draw()

    # --- the caller is cancelled ---

    def _abandon(self, cancelled: asyncio.CancelledError) -> None:
        """Keep an outcome for whatever may have been sent, and attach it to the cancellation."""
        running, in_doubt = self._running, self._history.may_have_acted
        self._cancelled = True
        if (running is not None and running.detach(self._decide)) or in_doubt:
            self._keep()
        if running is None and in_doubt:
            self._keep().fail(self._fail(AttemptResult(reason="the call was cancelled before its outcome was known")))
        elif running is None:
            self._forget()
        if self._outcome is not None:
            attach_outcome(cancelled, self._outcome)

    def _decide(self, result: AttemptResult[T]) -> None:
        """The attempt of a cancelled caller has ended: its result becomes an outcome that the client keeps."""
        decision = self._classify(result)
        if self._outcome is None and result.unsent and not self._history.may_have_acted:
            self._forget()
        elif decision.next is Next.DONE:
            self._succeed(result)
            self._keep().succeed(self.reply())
        else:
            self._keep().fail(self._fail(result))

    def _keep(self) -> Outcome:
        """The outcome that the client keeps; undecided until the attempt has ended."""
        if self._outcome is None:
            self._outcome = self._session.keep(self._name(), self._prepared.call)
        return self._outcome


def _broken(error: Exception, progress: Progress) -> AttemptResult[Any]:
    """The result of an attempt whose backend raised. Any exception counts, also one that no backend should raise: what
    was sent before it must not be forgotten."""
    told = error if isinstance(error, ExchangeFailed) else None
    return AttemptResult(
        reason=str(error) or type(error).__name__,
        unsent=progress.unsent,
        timed_out=told.timed_out if told else isinstance(error, TimeoutError),
        error=error.__cause__ or error if told else error,
    )


def _is_replayed(answer: Answer) -> bool:
    """Whether the server repeated its answer to an earlier request with the same key."""
    return answer.headers.get("x-idempotent-replay", "").lower() == "true"


def _draw() -> str:
    """A random UUID as text. `uuid.uuid4` makes an object first, which takes three times as long."""
    drawn = os.urandom(16).hex()
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:]}"


def _wants_another(result: tuple[AttemptResult[Any], Decision]) -> bool:
    return result[1].next is Next.AGAIN


def _result(state: RetryCallState) -> tuple[AttemptResult[Any], Decision]:
    assert state.outcome is not None  # noqa: S101 - set by tenacity before it asks
    return cast("tuple[AttemptResult[Any], Decision]", state.outcome.result())
