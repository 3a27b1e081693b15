"""What can go wrong, at which moments, and with which options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

from wren_async.sandbox.exchange import JSON


class FaultKind(Enum):
    """What goes wrong. Each kind has its name as its value, and says in `means` what happens."""

    _value_: str
    means: str

    def __new__(cls, name: str, means: str) -> FaultKind:
        """A kind of that name."""
        kind = object.__new__(cls)
        kind._value_, kind.means = name, means
        return kind

    LATENCY = "latency", "`seconds` pass before the request is carried out."
    SLOW_DRIP = "slow_drip", "The answer comes in pieces of `size` bytes, `seconds` apart."
    STATUS = "status", "`status` is answered, before or after the commit, with `retry_after` when that is given."
    RATE_LIMIT = "rate_limit", "429 is answered and nothing is done; `retry_after` says how the answer names a time."
    CONCURRENT_KEY = (
        "concurrent_key",
        "CNaught's 409 is answered: another request with this idempotency key is said to be in progress.",
    )
    REDIRECT = "redirect", "`status` (307) with `location` is answered, and nothing is done."
    PROXY_ERROR = (
        "proxy_error",
        "A proxy between client and server answers `status` (502) in HTML, before or after the commit.",
    )
    RESET = (
        "reset",
        "The connection is reset: `unread`, `before` or `after` the commit, or in `mid_body` of the answer.",
    )
    LATE_COMMIT = "late_commit", "The connection is reset at once, and the request is carried out `seconds` later."
    NEVER_ANSWER = "never_answer", "No answer ever comes, whether nothing was done (`before`) or everything (`after`)."
    MALFORMED_JSON = "malformed_json", "The request is carried out; the answer is not JSON, though it says so."
    TRUNCATED_JSON = (
        "truncated_json",
        "The request is carried out; the answer is half of the JSON, and its length agrees.",
    )
    WRONG_CONTENT_TYPE = (
        "wrong_content_type",
        "The request is carried out; the answer says that it is `content_type` (`text/plain`).",
    )
    STALE_CONNECTION = (
        "stale_connection",
        "All goes well, but the connection is closed as soon as the next request arrives on it.",
    )
    CLOSE_ON_ACCEPT = (
        "close_on_accept",
        "A new connection is closed before anything is read. Such a rule picks connections, not requests.",
    )


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


MOMENTS: dict[FaultKind, tuple[When, ...]] = {
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
STATUSES = {
    FaultKind.STATUS: 503,
    FaultKind.RATE_LIMIT: 429,
    FaultKind.CONCURRENT_KEY: 409,
    FaultKind.REDIRECT: 307,
    FaultKind.PROXY_ERROR: 502,
}
"""The status that a kind answers unless it is told another."""
_REFUSING = ("status", "retry_after", "retry_after_date")
OPTIONS: Mapping[FaultKind, tuple[str, ...]] = {
    FaultKind.LATENCY: ("seconds",),
    FaultKind.SLOW_DRIP: ("seconds", "size"),
    FaultKind.STATUS: ("when", *_REFUSING),
    FaultKind.RATE_LIMIT: _REFUSING,
    FaultKind.CONCURRENT_KEY: _REFUSING,
    FaultKind.REDIRECT: ("location", *_REFUSING),
    FaultKind.PROXY_ERROR: ("when", *_REFUSING),
    FaultKind.RESET: ("when",),
    FaultKind.LATE_COMMIT: ("seconds",),
    FaultKind.NEVER_ANSWER: ("when",),
    FaultKind.MALFORMED_JSON: (),
    FaultKind.TRUNCATED_JSON: (),
    FaultKind.WRONG_CONTENT_TYPE: ("content_type",),
    FaultKind.STALE_CONNECTION: (),
    FaultKind.CLOSE_ON_ACCEPT: (),
}
"""What each kind can be told, beside which requests it is for."""
WHICH = ("api", "operation", "token", "nth", "probability", "times")
WHICH_CONNECTIONS = ("nth", "probability", "times")
"""Before anything was read, nobody knows whose connection it is."""


def moments(kind: FaultKind) -> tuple[When, ...]:
    """The moments at which a kind may happen, the usual one first."""
    return MOMENTS.get(kind, (When.AFTER,))


def arguments_of(kind: FaultKind) -> tuple[str, ...]:
    """The arguments that mean something for a kind."""
    return (*OPTIONS[kind], *(WHICH_CONNECTIONS if kind is FaultKind.CLOSE_ON_ACCEPT else WHICH))


def described() -> Iterator[JSON]:
    """All kinds with what they mean, for whoever offers them."""
    for kind in FaultKind:
        yield {
            "kind": kind.value,
            "means": kind.means,
            "when": [moment.value for moment in moments(kind)],
            "status": STATUSES.get(kind),
            "options": [*OPTIONS[kind]],
            "which": [name for name in arguments_of(kind) if name not in OPTIONS[kind]],
        }
