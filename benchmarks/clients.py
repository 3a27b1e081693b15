"""The clients that are compared: each places the same order and reads the same answer, in its own way.

All are as they come, with two exceptions that favour the others: httpx and the SDKs on it may wait for a connection for
as long as it takes (as shipped they fail at 1000 in flight), and bare aiohttp has no limit of connections. wren-async
has its time limits, retries, limiter, idempotency keys and tracing hooks on.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

Place: TypeAlias = Callable[[], Awaitable[object]]
Client: TypeAlias = Callable[[str], AbstractAsyncContextManager[Place]]
"""Opens a client for a base URL, and gives what places one order."""

BODY = {"amount_kg": 10, "description": "On behalf of Jane Smith"}


def headers() -> dict[str, str]:
    """What an order carries beside what every library adds, and what the SDKs send of themselves."""
    return {"Authorization": "Bearer benchmark", "Idempotency-Key": str(uuid.uuid4())}


@asynccontextmanager
async def httpx_bare(base_url: str) -> AsyncIterator[Place]:
    """httpx as it comes. Its pool gives up on a request after a while, so it may wait for as long as it takes."""
    import httpx

    async with httpx.AsyncClient(timeout=httpx.Timeout(None)) as client:

        async def place() -> object:
            return (await client.post(f"{base_url}/orders", json=BODY, headers=headers())).json()

        yield place


@asynccontextmanager
async def httpx2_bare(base_url: str) -> AsyncIterator[Place]:
    """httpx2 as it comes, but for the time that a request may wait."""
    import httpx2

    async with httpx2.AsyncClient(timeout=httpx2.Timeout(None)) as client:

        async def place() -> object:
            return (await client.post(f"{base_url}/orders", json=BODY, headers=headers())).json()

        yield place


@asynccontextmanager
async def aiohttp_bare(base_url: str) -> AsyncIterator[Place]:
    """aiohttp without its limit of connections."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def place() -> object:
            async with session.post(f"{base_url}/orders", json=BODY, headers=headers()) as response:
                return await response.json()

        yield place


@asynccontextmanager
async def wren_async_default(base_url: str) -> AsyncIterator[Place]:
    """wren-async as it comes: over httpx."""
    from wren_async import CNaughtClient

    async with CNaughtClient("benchmark", base_url=base_url) as client:

        async def place() -> object:
            return await client.orders.create(amount_kg=10, description="On behalf of Jane Smith")

        yield place


@asynccontextmanager
async def wren_async_aiohttp(base_url: str) -> AsyncIterator[Place]:
    """wren-async over aiohttp, and else as it comes."""
    from wren_async import AiohttpBackend, CNaughtClient

    async with CNaughtClient("benchmark", base_url=base_url, http_client=AiohttpBackend()) as client:

        async def place() -> object:
            return await client.orders.create(amount_kg=10, description="On behalf of Jane Smith")

        yield place


@asynccontextmanager
async def stripe_sdk(base_url: str) -> AsyncIterator[Place]:
    """stripe-python as it comes, but for the time."""
    import stripe

    client = stripe.StripeClient(
        "sk_test_benchmark", base_addresses={"api": base_url}, http_client=stripe.HTTPXClient(timeout=300)
    )

    async def place() -> object:
        return await client.v1.customers.create_async({"description": "On behalf of Jane Smith"})

    yield place


@asynccontextmanager
async def openai_sdk(base_url: str) -> AsyncIterator[Place]:
    """openai-python as it comes, but for the time."""
    import openai

    async with openai.AsyncOpenAI(api_key="benchmark", base_url=base_url, timeout=300) as client:

        async def place() -> object:
            return await client.post("/orders", body=BODY, cast_to=object)

        yield place


@asynccontextmanager
async def githubkit_sdk(base_url: str) -> AsyncIterator[Place]:
    """githubkit as it comes, but for the time."""
    from githubkit import GitHub

    async with GitHub("benchmark", base_url=base_url, timeout=300) as client:

        async def place() -> Any:
            return (await client.arequest("POST", "/orders", json=BODY)).json()

        yield place


CLIENTS: Mapping[str, Client] = {
    "aiohttp": aiohttp_bare,
    "wren-async over aiohttp": wren_async_aiohttp,
    "httpx": httpx_bare,
    "wren-async": wren_async_default,
    "httpx2": httpx2_bare,
    "stripe": stripe_sdk,
    "openai": openai_sdk,
    "githubkit": githubkit_sdk,
}

if __name__ == "__main__":
    print("\n".join(CLIENTS), file=sys.stdout)
