"""A pytest plugin: a sandbox for each test, and clients that talk to it.

The plugin is there as soon as the package is installed. A test asks for what it needs by name:

    async def test_checkout(sandbox, wren_client):
        await checkout(wren_client)
        assert len(sandbox.orders) == 1

Override the fixture `sandbox_options` to set up the sandbox otherwise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

if TYPE_CHECKING:
    from wren_async import CNaughtClient, WrenClient
    from wren_async.sandbox import Sandbox

_F = TypeVar("_F", bound=Callable[..., object])


def _async_fixture(function: _F) -> _F:
    """An asynchronous fixture: marked for pytest-asyncio's strict mode, or plain, which anyio's plugin takes."""
    try:
        import pytest_asyncio
    except ImportError:
        decorate: Any = pytest.fixture
    else:
        decorate = pytest_asyncio.fixture
    return cast("_F", decorate(function))


@pytest.fixture
def sandbox_options() -> dict[str, Any]:
    """The arguments with which `sandbox` and `sandbox_in_process` make their `Sandbox`. Override it to pass some."""
    return {}


@pytest.fixture
def sandbox(sandbox_options: dict[str, Any]) -> Iterator[Sandbox]:
    """A sandbox on a port of its own, served from a thread of its own. It ends with the test."""
    with _new_sandbox(sandbox_options) as running:
        yield running


@pytest.fixture
def sandbox_in_process(sandbox_options: dict[str, Any]) -> Sandbox:
    """A sandbox without a port: `httpx.AsyncClient(transport=httpx.ASGITransport(sandbox_in_process.asgi))`."""
    return _new_sandbox(sandbox_options)


@_async_fixture
async def wren_client(sandbox: Sandbox) -> AsyncIterator[WrenClient]:
    """A client of the sandbox's Wren, with the live token. It needs pytest-asyncio, or anyio's plugin."""
    from wren_async import WrenClient

    async with WrenClient(token=sandbox.wren.live_token, base_url=sandbox.wren.base_url) as client:
        yield client


@_async_fixture
async def cnaught_client(sandbox: Sandbox) -> AsyncIterator[CNaughtClient]:
    """A client of the sandbox's CNaught, with the key of production mode."""
    from wren_async import CNaughtClient

    async with CNaughtClient(api_key=sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url) as client:
        yield client


def _new_sandbox(options: dict[str, Any]) -> Sandbox:
    # Loaded by every pytest run where the package is installed: only those that ask pay for the import.
    try:
        from wren_async.sandbox import Sandbox
    except ImportError as error:
        raise pytest.UsageError(f"the sandbox needs wren-async[sandbox]: {error}") from error
    return Sandbox(**options)
