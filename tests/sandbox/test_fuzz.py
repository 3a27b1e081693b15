"""A small fuzz of the sandbox; `fuzz_sandbox.py` runs a large one."""

from __future__ import annotations

from typing import Any

import pytest
from fuzz_sandbox import Fuzz, Sent, fuzz, main

MOST_BYTES = 64_000_000


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_odd_breaks_the_sandbox(seed: int) -> None:
    report = await fuzz(800, seed)
    assert report.problems == []
    assert report.carried_out > 150, "most requests should get as far as their operation"
    assert report.peak_bytes < MOST_BYTES
    assert {200, 201, 400, 403, 404, 405, 415, 421} <= set(report.statuses)


async def test_the_fuzz_notices_what_breaks() -> None:
    """It is no use if it cannot fail."""
    broken = Fuzz(1)

    async def crash(scope: Any, receive: Any, send: Any) -> None:
        raise ArithmeticError("an exception that nobody expects")

    async def fail(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": [(b"x-bad", b"\r\n")]})

    sent = Sent("GET", "/api/portfolios", (("host", "localhost"),), b"")
    for app, problems in ((crash, 1), (fail, 3)):
        broken.app = app
        await broken.send(sent)
        assert len(broken.report.problems) == problems


def test_it_is_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--requests", "50"]) == 0
    assert "50 requests in" in capsys.readouterr().out
