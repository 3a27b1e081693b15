"""What the tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from browser import chromium_page
from hypothesis import HealthCheck, settings
from postgres_server import PostgresServer, running_server

from wren_async import Timing

__all__ = ["chromium_page"]  # a fixture of all tests


@attrs.define
class VirtualTime:
    """A clock that only moves when somebody sleeps."""

    now: float = 1000.0
    start: datetime = datetime(2026, 7, 1, 12, tzinfo=UTC)
    waits: list[float] = attrs.field(factory=list[float])

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> datetime:
        return self.start + timedelta(seconds=self.now - 1000.0)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    @property
    def timing(self) -> Timing:
        """The clock as the clients take it; waits are not shortened by chance."""
        return Timing(monotonic=self.monotonic, utc=self.utc, sleep=self.sleep, draw=lambda: 1.0)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes seconds; `make quick` leaves it out")
    # A slow machine is no fault of the code; and the gate must not depend on chance.
    settings.register_profile(
        "suite", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("suite")
    if os.environ.get("PYTEST_XDIST_WORKER"):
        # The workers are measured; the programs that tests start would only take three times as long.
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


@pytest.fixture
def clock() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def timing(clock: VirtualTime) -> Timing:
    return clock.timing


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL of this worker of the tests."""
    with running_server() as server:
        yield server


@pytest.fixture
def database_address(postgres: PostgresServer) -> Iterator[str]:
    """The address of a database of the test's own."""
    with postgres.fresh_database() as address:
        yield address


@pytest.fixture(autouse=True)
def _no_configuration_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WREN_API_TOKEN", "WREN_BASE_URL", "CNAUGHT_API_KEY", "CNAUGHT_BASE_URL", "WREN_ASYNC_DATABASE"):
        monkeypatch.delenv(name, raising=False)
