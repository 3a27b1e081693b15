"""Idempotency keys: the same request sent again gets its first answer again.

The documents leave the scope of a key open. Here a key belongs to one API key and one path, ids in it included;
a behaviour widens it to the whole account. Body and subaccount header are the payload that must not change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

import attrs

from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.problems import (
    CNaughtRefusedError,
    changed_payload,
    concurrent_requests,
    invalid_parameters,
    key_too_long,
)
from wren_async.sandbox.exchange import JSON, SandboxAnswer, SandboxRequest

HEADER = "idempotency-key"
LONGEST_KEY = 512
"""Characters that a key may have."""
KEYED_OPERATIONS = frozenset({"createOrder", "createRideOrder", "cancelOrder", "createSubaccount"})
"""The four operations that take a key; everywhere else the header means nothing."""

Slot: TypeAlias = tuple[str, ...]


@attrs.frozen(kw_only=True)
class _Stored:
    payload: tuple[str, Mapping[str, str], str | None, JSON]
    answer: SandboxAnswer
    stored_on: datetime


@attrs.define
class IdempotencyStore:
    """The keys of one account: those with an answer, and those whose request is in progress."""

    _behaviours: CNaughtBehaviours
    _stored: dict[Slot, _Stored] = attrs.field(factory=dict, init=False)
    _in_progress: set[Slot] = attrs.field(factory=set, init=False)

    def __len__(self) -> int:
        return len(self._stored)

    def begin(self, request: SandboxRequest) -> None:
        """Mark the key of a request as in progress; refuse it when it already is."""
        slot = self._slot(request)
        if slot is None:
            return
        if slot in self._in_progress:
            raise CNaughtRefusedError(concurrent_requests())
        self._in_progress.add(slot)

    def end(self, request: SandboxRequest) -> None:
        """Remove the mark that `begin` set."""
        slot = self._slot(request)
        if slot is not None:
            self._in_progress.discard(slot)

    def answer(
        self, request: SandboxRequest, now: datetime, carry_out: Callable[[SandboxRequest], SandboxAnswer]
    ) -> SandboxAnswer:
        """The stored answer, where this request was carried out before; else carry it out, and store its answer."""
        slot = self._slot(request)
        if slot is None:
            return carry_out(request)
        if slot in self._in_progress:
            raise CNaughtRefusedError(concurrent_requests())
        self._forget_expired(now)
        stored = self._stored.get(slot)
        if stored is not None and now - stored.stored_on < self._behaviours.idempotency_retention:
            return _replay(stored, request)
        answer = carry_out(request)
        if answer.status < 400 or self._behaviours.idempotency_stores_errors:
            self._stored.pop(slot, None)
            self._stored[slot] = _Stored(payload=_payload(request), answer=answer, stored_on=now)
        return answer

    def _slot(self, request: SandboxRequest) -> Slot | None:
        key = request.headers.get(HEADER)
        if key is None or request.operation not in KEYED_OPERATIONS:
            return None
        if not key:
            raise CNaughtRefusedError(invalid_parameters({"Idempotency-Key": ["must have at least 1 characters"]}))
        if len(key) > LONGEST_KEY:
            raise CNaughtRefusedError(key_too_long())
        if self._behaviours.idempotency_scope == "account":
            return (key,)
        return (key, request.operation, *request.path.values())

    def _forget_expired(self, now: datetime) -> None:
        # Keys are kept in the order in which they were stored: where one has not expired, none after it has.
        while self._stored:
            oldest = next(iter(self._stored))
            if now - self._stored[oldest].stored_on < self._behaviours.idempotency_retention:
                return
            del self._stored[oldest]


def _payload(request: SandboxRequest) -> tuple[str, Mapping[str, str], str | None, JSON]:
    return request.operation, dict(request.path), request.headers.get("x-subaccount-id"), request.body


def _replay(stored: _Stored, request: SandboxRequest) -> SandboxAnswer:
    if _payload(request) != stored.payload:
        raise CNaughtRefusedError(changed_payload())
    return attrs.evolve(stored.answer, headers={**stored.answer.headers, "X-Idempotent-Replay": "true"})
