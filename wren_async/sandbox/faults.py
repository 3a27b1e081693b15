"""Faults on request: rules that pick requests, and what is to go wrong with those."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from itertools import count
from typing import Any, Literal, TypedDict, TypeVar, Unpack, overload

import attrs

from wren_async.sandbox import bounds
from wren_async.sandbox.bounds import listed, shown
from wren_async.sandbox.exchange import JSON
from wren_async.sandbox.fault_kinds import STATUSES, FaultKind, When, arguments_of, moments

_MANY = 10**18
_DAY_SECONDS = 86_400
_LONGEST_DATED_WAIT = 10**9
"""Seconds, some thirty years: a date that far from any time of the sandbox's clock still has four digits a year."""
_Choice = TypeVar("_Choice", bound=Enum)


def _choice(kind: type[_Choice], name: str, value: object) -> _Choice:
    for member in kind:
        if value is member or value == member.value:
            return member
    choices = [member.value for member in kind]
    meant = get_close_matches(value, choices, n=1) if isinstance(value, str) else []
    hint = f"; did you mean {meant[0]}?" if meant else ""
    raise ValueError(f"{name} must be one of {listed(choices)}, not {shown(value)}{hint}")


def _kind(value: FaultKind | str) -> FaultKind:
    return _choice(FaultKind, "kind", value)


def _moment(value: When | str) -> When:
    return _choice(When, "when", value)


def _check_retry_after(rule: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, str):
        bounds.header_text()(rule, attribute, value)
    elif value is not None:
        bounds.whole_number(0, _LONGEST_DATED_WAIT if rule.retry_after_date else _MANY)(rule, attribute, value)


_ALWAYS = frozenset({"kind", "id", "when", "seen", "applied"})


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
        self._refuse_what_means_nothing()
        if self.when not in moments(self.kind):
            allowed = listed([moment.value for moment in moments(self.kind)])
            raise ValueError(f"when must be one of {allowed} for {self.kind.value}, not {self.when.value!r}")
        if self.status is None:
            self.status = STATUSES.get(self.kind)

    def _refuse_what_means_nothing(self) -> None:
        # A test whose fault quietly lacks what it was told tests something else than it says.
        for attribute in attrs.fields(Fault):
            name = attribute.name
            if name in _ALWAYS or name in arguments_of(self.kind) or getattr(self, name) == attribute.default:
                continue
            raise ValueError(
                f"{name} means nothing for {self.kind.value}, which takes {listed(arguments_of(self.kind))}"
            )

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


class WhichConnections(TypedDict, total=False):
    """Which connections a rule picks; `Fault` tells what each means."""

    nth: int | None
    probability: float
    times: int | None


class Which(WhichConnections, total=False):
    """Which requests a rule picks; `Fault` tells what each means."""

    api: Literal["wren", "cnaught"] | None
    operation: str | None
    token: str | None


class AnyOption(Which, total=False):
    """Everything that a rule of some kind may be told."""

    when: Literal["unread", "before", "after", "mid_body"] | When | None
    seconds: float
    status: int | None
    retry_after: int | str | None
    retry_after_date: bool
    location: str | None
    content_type: str
    size: int


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

    @overload
    def add(
        self,
        kind: Literal["latency", "late_commit", FaultKind.LATENCY, FaultKind.LATE_COMMIT],
        *,
        seconds: float = ...,
        **which: Unpack[Which],
    ) -> Fault: ...
    @overload
    def add(
        self,
        kind: Literal["slow_drip", FaultKind.SLOW_DRIP],
        *,
        seconds: float = ...,
        size: int = ...,
        **which: Unpack[Which],
    ) -> Fault: ...
    @overload
    def add(
        self,
        kind: Literal["status", "proxy_error", FaultKind.STATUS, FaultKind.PROXY_ERROR],
        *,
        status: int | None = ...,
        when: Literal["before", "after", When.BEFORE, When.AFTER] | None = ...,
        retry_after: int | str | None = ...,
        retry_after_date: bool = ...,
        **which: Unpack[Which],
    ) -> Fault: ...
    @overload
    def add(
        self,
        kind: Literal["rate_limit", "concurrent_key", FaultKind.RATE_LIMIT, FaultKind.CONCURRENT_KEY],
        *,
        status: int | None = ...,
        retry_after: int | str | None = ...,
        retry_after_date: bool = ...,
        **which: Unpack[Which],
    ) -> Fault: ...
    @overload
    def add(
        self,
        kind: Literal["redirect", FaultKind.REDIRECT],
        *,
        location: str | None = ...,
        status: int | None = ...,
        retry_after: int | str | None = ...,
        retry_after_date: bool = ...,
        **which: Unpack[Which],
    ) -> Fault: ...
    @overload
    def add(
        self,
        kind: Literal["reset", FaultKind.RESET],
        *,
        when: Literal["unread", "before", "after", "mid_body"] | When | None = ...,
        **which: Unpack[Which],
    ) -> Fault: ...
    @overload
    def add(
        self,
        kind: Literal["never_answer", FaultKind.NEVER_ANSWER],
        *,
        when: Literal["before", "after", When.BEFORE, When.AFTER] | None = ...,
        **which: Unpack[Which],
    ) -> Fault: ...
    @overload
    def add(
        self,
        kind: Literal["wrong_content_type", FaultKind.WRONG_CONTENT_TYPE],
        *,
        content_type: str = ...,
        **which: Unpack[Which],
    ) -> Fault: ...
    @overload
    def add(
        self,
        kind: Literal[
            "malformed_json",
            "truncated_json",
            "stale_connection",
            FaultKind.MALFORMED_JSON,
            FaultKind.TRUNCATED_JSON,
            FaultKind.STALE_CONNECTION,
        ],
        **which: Unpack[Which],
    ) -> Fault: ...
    @overload
    def add(
        self,
        kind: Literal["close_on_accept", FaultKind.CLOSE_ON_ACCEPT],
        **which: Unpack[WhichConnections],
    ) -> Fault: ...
    @overload
    def add(self, kind: FaultKind, **options: Unpack[AnyOption]) -> Fault: ...
    def add(self, kind: FaultKind | str, **options: Any) -> Fault:
        """Add a rule; see `Fault` and `FaultKind` for what each argument means.

        `ValueError` for what makes no sense, and for what means nothing for that kind.
        """
        return self.add_plain({"kind": kind, **options})

    def add_plain(self, rule: Mapping[str, Any]) -> Fault:
        """Add a rule from plain values, such as JSON holds: the arguments of `add` by name."""
        given = {name: value for name, value in rule.items() if (name, value) != ("when", None)}
        operation = given.get("operation")
        if isinstance(operation, str):
            self.require_operation(operation)
        added = Fault(id=next(self._ids), **given)
        self._rules.append(added)
        return added

    def require_operation(self, operation: str) -> None:
        """Raise `ValueError` for the name of an operation that no contract knows."""
        if self._operations is None or operation in self._operations:
            return
        meant = get_close_matches(operation, self._operations, n=3)
        hint = f"; did you mean {listed(meant)}?" if meant else f": {listed(sorted(self._operations))}"
        raise ValueError(f"operation must be one of the contracts, not {shown(operation)}{hint}")

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
    return moments(kind)[0]
