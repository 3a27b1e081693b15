"""Faults on request: rules that pick requests, and what is to go wrong with those."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from itertools import count
from typing import Any, TypeVar

import attrs

from wren_async.sandbox import bounds
from wren_async.sandbox.bounds import listed, shown
from wren_async.sandbox.exchange import JSON

_MANY = 10**18
_DAY_SECONDS = 86_400
_LONGEST_DATED_WAIT = 10**9
"""Seconds, some thirty years: a date that far from any time of the sandbox's clock still has four digits a year."""


class FaultKind(Enum):
    """What goes wrong."""

    LATENCY = "latency"
    """`seconds` pass before the request is carried out."""
    SLOW_DRIP = "slow_drip"
    """The answer comes in pieces of `size` bytes, `seconds` apart."""
    STATUS = "status"
    """`status` is answered, before or after the commit, with `retry_after` when that is given."""
    RATE_LIMIT = "rate_limit"
    """429 is answered and nothing is done; `retry_after` says how the answer names a time."""
    CONCURRENT_KEY = "concurrent_key"
    """CNaught's 409 is answered: another request with this idempotency key is said to be in progress."""
    REDIRECT = "redirect"
    """`status` (307) with `location` is answered, and nothing is done."""
    PROXY_ERROR = "proxy_error"
    """A proxy between client and server answers `status` (502) in HTML, before or after the commit."""
    RESET = "reset"
    """The connection is reset: `unread`, `before` or `after` the commit, or in `mid_body` of the answer."""
    LATE_COMMIT = "late_commit"
    """The connection is reset at once, and the request is carried out `seconds` later."""
    NEVER_ANSWER = "never_answer"
    """No answer ever comes, whether nothing was done (`before`) or everything (`after`)."""
    MALFORMED_JSON = "malformed_json"
    """The request is carried out; the answer is not JSON, though it says so."""
    TRUNCATED_JSON = "truncated_json"
    """The request is carried out; the answer is half of the JSON, and its length agrees."""
    WRONG_CONTENT_TYPE = "wrong_content_type"
    """The request is carried out; the answer says that it is `content_type` (`text/plain`)."""
    STALE_CONNECTION = "stale_connection"
    """All goes well, but the connection is closed as soon as the next request arrives on it."""
    CLOSE_ON_ACCEPT = "close_on_accept"
    """A new connection is closed before anything is read. Such a rule picks connections, not requests."""


class When(Enum):
    """At which moment of a request something goes wrong."""

    UNREAD = "unread"
    """The body has not been read."""
    BEFORE = "before"
    """The request has been read, and nothing has been done."""
    AFTER = "after"
    """The request has been carried out, and nothing has been answered."""
    MID_BODY = "mid_body"
    """Half of the answer has been sent."""


_MOMENTS: dict[FaultKind, tuple[When, ...]] = {
    FaultKind.STATUS: (When.BEFORE, When.AFTER),
    FaultKind.PROXY_ERROR: (When.BEFORE, When.AFTER),
    FaultKind.RESET: (When.AFTER, When.UNREAD, When.BEFORE, When.MID_BODY),
    FaultKind.NEVER_ANSWER: (When.AFTER, When.BEFORE),
    FaultKind.LATE_COMMIT: (When.BEFORE,),
    FaultKind.RATE_LIMIT: (When.BEFORE,),
    FaultKind.CONCURRENT_KEY: (When.BEFORE,),
    FaultKind.REDIRECT: (When.BEFORE,),
}
"""The moments that a kind may have, the usual one first; all others happen after the commit."""
_STATUSES = {
    FaultKind.STATUS: 503,
    FaultKind.RATE_LIMIT: 429,
    FaultKind.CONCURRENT_KEY: 409,
    FaultKind.REDIRECT: 307,
    FaultKind.PROXY_ERROR: 502,
}


_Choice = TypeVar("_Choice", bound=Enum)


def _choice(kind: type[_Choice], name: str, value: object) -> _Choice:
    for member in kind:
        if value is member or value == member.value:
            return member
    raise ValueError(f"{name} must be one of {listed([member.value for member in kind])}, not {shown(value)}")


def _kind(value: FaultKind | str) -> FaultKind:
    return _choice(FaultKind, "kind", value)


def _moment(value: When | str) -> When:
    return _choice(When, "when", value)


def _check_retry_after(rule: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, str):
        bounds.header_text()(rule, attribute, value)
    elif value is not None:
        bounds.whole_number(0, _LONGEST_DATED_WAIT if rule.retry_after_date else _MANY)(rule, attribute, value)


@attrs.define(kw_only=True, eq=False)
class Fault:
    """A rule that picks requests, and what is to go wrong with them.

    All conditions must hold. Of the requests that they pick, `nth` selects one by its number, `probability` each by
    chance, and `times` stops the rule after so many faults. An argument that makes no sense is a `ValueError`.
    """

    kind: FaultKind = attrs.field(converter=_kind)
    id: int = 0
    # Which requests
    api: str | None = attrs.field(default=None, validator=bounds.optional(bounds.one_of(("wren", "cnaught"))))
    """`wren` or `cnaught`."""
    operation: str | None = attrs.field(default=None, validator=bounds.optional(bounds.text()))
    """The `operationId`."""
    token: str | None = attrs.field(default=None, repr=False, validator=bounds.optional(bounds.text()))
    """The token or key of the request."""
    nth: int | None = attrs.field(default=None, validator=bounds.optional(bounds.whole_number(1, _MANY)))
    probability: float = attrs.field(default=1.0, validator=bounds.number(0, 1))
    times: int | None = attrs.field(default=None, validator=bounds.optional(bounds.whole_number(0, _MANY)))
    # What goes wrong
    when: When = attrs.field(
        default=attrs.Factory(lambda fault: _usual(fault.kind), takes_self=True), converter=_moment
    )
    """At which moment; the usual one of the kind when nothing is said."""
    seconds: float = attrs.field(default=0.0, validator=bounds.number(0, _DAY_SECONDS))
    status: int | None = attrs.field(default=None, validator=bounds.optional(bounds.whole_number(200, 599)))
    retry_after: int | str | None = attrs.field(default=None, validator=_check_retry_after)
    """Seconds, or the text of the header itself; no header when None."""
    retry_after_date: bool = attrs.field(default=False, validator=bounds.truth())
    """Write the seconds as a date, which counts from the answer's own `Date`."""
    location: str | None = attrs.field(default=None, validator=bounds.optional(bounds.header_text()))
    content_type: str = attrs.field(default="text/plain", validator=bounds.header_text())
    size: int = attrs.field(default=16, validator=bounds.whole_number(1, _MANY))
    # What happened so far
    seen: int = attrs.field(default=0, init=False)
    applied: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        """Check and complete what depends on the kind."""
        moments = _MOMENTS.get(self.kind, (When.AFTER,))
        if self.when not in moments:
            allowed = listed([moment.value for moment in moments])
            raise ValueError(f"when must be one of {allowed} for {self.kind.value}, not {self.when.value!r}")
        if self.status is None:
            self.status = _STATUSES.get(self.kind)

    def picks(self, api: str, operation: str, token: str | None) -> bool:
        """Whether the rule's conditions hold for a request."""
        return (
            self.kind is not FaultKind.CLOSE_ON_ACCEPT
            and self.api in (None, api)
            and self.operation in (None, operation)
            and self.token in (None, token)
        )

    def plain(self) -> dict[str, JSON]:
        """The rule as plain values."""
        exact = {"probability": Decimal(str(self.probability)), "seconds": Decimal(str(self.seconds))}
        return {**attrs.asdict(self), **exact, "kind": self.kind.value, "when": self.when.value}


class Faults:
    """The rules in force. The first that picks a request is the one applied to it."""

    def __init__(self, seed: int, operations: Collection[str] | None = None) -> None:
        self._operations = operations
        self._rules: list[Fault] = []
        self._ids = count(1)
        self._random = random.Random(seed)

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._rules))

    def __len__(self) -> int:
        return len(self._rules)

    def add(
        self,
        kind: FaultKind | str,
        *,
        api: str | None = None,
        operation: str | None = None,
        token: str | None = None,
        nth: int | None = None,
        probability: float = 1.0,
        times: int | None = None,
        when: When | str | None = None,
        seconds: float = 0.0,
        status: int | None = None,
        retry_after: int | str | None = None,
        retry_after_date: bool = False,
        location: str | None = None,
        content_type: str = "text/plain",
        size: int = 16,
    ) -> Fault:
        """Add a rule; see `Fault` and `FaultKind` for what each argument means."""
        if isinstance(operation, str) and self._operations is not None and operation not in self._operations:
            meant = get_close_matches(operation, self._operations, n=3)
            hint = f"; did you mean {listed(meant)}?" if meant else f": {listed(sorted(self._operations))}"
            raise ValueError(f"operation must be one of the contracts, not {shown(operation)}{hint}")
        rule = Fault(
            kind=kind,
            id=next(self._ids),
            api=api,
            operation=operation,
            token=token,
            nth=nth,
            probability=probability,
            times=times,
            seconds=seconds,
            status=status,
            retry_after=retry_after,
            retry_after_date=retry_after_date,
            location=location,
            content_type=content_type,
            size=size,
            **({} if when is None else {"when": when}),
        )
        self._rules.append(rule)
        return rule

    def remove(self, rule_id: int) -> bool:
        """Take a rule away; False when there is none of that id."""
        left = [rule for rule in self._rules if rule.id != rule_id]
        found = len(left) < len(self._rules)
        self._rules = left
        return found

    def clear(self) -> None:
        """Take all rules away."""
        self._rules = []

    def pick(self, api: str, operation: str, token: str | None) -> Fault | None:
        """The fault for a request, if there is to be one. Every rule that picks the request counts it."""
        chosen = None
        for rule in self._rules:
            if rule.picks(api, operation, token) and self._is_due(rule) and chosen is None:
                chosen = rule
        if chosen is not None:
            chosen.applied += 1
        return chosen

    def pick_connection(self) -> Fault | None:
        """The fault for a new connection, if there is to be one."""
        for rule in self._rules:
            if rule.kind is FaultKind.CLOSE_ON_ACCEPT and self._is_due(rule):
                rule.applied += 1
                return rule
        return None

    def _is_due(self, rule: Fault) -> bool:
        rule.seen += 1
        if rule.times is not None and rule.applied >= rule.times:
            return False
        if rule.nth is not None and rule.seen != rule.nth:
            return False
        return rule.probability >= 1 or self._random.random() < rule.probability


def _usual(kind: FaultKind) -> When:
    return _MOMENTS.get(kind, (When.AFTER,))[0]
