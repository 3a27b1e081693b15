"""What an editor lets one say about faults. Each line that is ignored here has to be an error for the type checkers."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from wren_async.sandbox import FaultKind, Faults, When


def what_is_meant(faults: Faults, kind: FaultKind) -> None:
    faults.add("latency", seconds=2, operation="createOrder", nth=3)
    faults.add("reset", when="mid_body", api="wren", times=1)
    faults.add(FaultKind.RESET, when=When.UNREAD)
    faults.add("status", status=503, when="after", retry_after=2, probability=0.5)
    faults.add("rate_limit", retry_after="soon", token="t")
    faults.add("redirect", location="/elsewhere")
    faults.add("slow_drip", seconds=0.1, size=1)
    faults.add("wrong_content_type", content_type="text/html")
    faults.add("malformed_json")
    faults.add("close_on_accept", times=1)
    faults.add("never_answer", when="before")
    faults.add(kind, status=500, seconds=1)


def what_is_not(faults: Faults, word: str) -> None:
    faults.add("latncy")  # type: ignore[call-overload]
    faults.add(word)  # type: ignore[call-overload]
    faults.add("latency", status=503)  # type: ignore[call-overload]
    faults.add("reset", when="later")  # type: ignore[call-overload]
    faults.add("status", when="unread")  # type: ignore[call-overload]
    faults.add("reset", api="stripe")  # type: ignore[call-overload]
    faults.add("close_on_accept", operation="createOrder")  # type: ignore[call-overload]
    faults.add("malformed_json", size=1)  # type: ignore[call-overload]
