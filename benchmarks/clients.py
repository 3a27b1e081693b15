"""The clients that are compared: each places the same order and reads the same answer, in its own way."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

Place: TypeAlias = Callable[[], Awaitable[object]]
Client: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[Place]]
"""Opens a client for a base URL and a number of calls in flight, and gives what places one order."""

BODY = {"amount_kg": 10, "description": "On behalf of Jane Smith"}
HEADERS = {"Authorization": "Bearer benchmark"}


@asynccontextmanager
async def httpx_bare(base_url: str, in_flight: int) -> AsyncIterator[Place]:
    """httpx as it comes. Its pool gives up on a request after a while, so it may wait for as long as it takes."""
    import httpx

    async with httpx.AsyncClient(timeout=httpx.Timeout(None)) as client:

        async def place() -> object:
            return (await client.post(f"{base_url}/orders", json=BODY, headers=HEADERS)).json()

        yield place


@asynccontextmanager
async def httpx2_bare(base_url: str, in_flight: int) -> AsyncIterator[Place]:
    """httpx2 as it comes."""
    import httpx2

    async with httpx2.AsyncClient(timeout=httpx2.Timeout(None)) as client:

        async def place() -> object:
            return (await client.post(f"{base_url}/orders", json=BODY, headers=HEADERS)).json()

        yield place


@asynccontextmanager
async def aiohttp_bare(base_url: str, in_flight: int) -> AsyncIterator[Place]:
    """aiohttp without its limit of connections."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def place() -> object:
            async with session.post(f"{base_url}/orders", json=BODY, headers=HEADERS) as response:
                return json.loads(await response.read())

        yield place


@asynccontextmanager
async def wren_async_default(base_url: str, in_flight: int) -> AsyncIterator[Place]:
    """wren-async as it comes: over httpx."""
    from wren_async import CNaughtClient

    async with CNaughtClient("benchmark", base_url=base_url, deadline=None) as client:

        async def place() -> object:
            return await client.orders.create(amount_kg=10, description="On behalf of Jane Smith")

        yield place


@asynccontextmanager
async def wren_async_aiohttp(base_url: str, in_flight: int) -> AsyncIterator[Place]:
    """wren-async over aiohttp, with as many exchanges as there are calls."""
    from wren_async import AiohttpBackend, CNaughtClient

    async with CNaughtClient(
        "benchmark", base_url=base_url, http_client=AiohttpBackend(), max_in_flight=in_flight, deadline=None
    ) as client:

        async def place() -> object:
            return await client.orders.create(amount_kg=10, description="On behalf of Jane Smith")

        yield place


@asynccontextmanager
async def stripe_sdk(base_url: str, in_flight: int) -> AsyncIterator[Place]:
    """stripe-python as it comes."""
    import stripe

    client = stripe.StripeClient(
        "sk_test_benchmark", base_addresses={"api": base_url}, http_client=stripe.HTTPXClient(timeout=300)
    )

    async def place() -> object:
        return await client.v1.customers.create_async({"description": "On behalf of Jane Smith"})

    yield place


@asynccontextmanager
async def openai_sdk(base_url: str, in_flight: int) -> AsyncIterator[Place]:
    """openai-python as it comes."""
    import openai

    async with openai.AsyncOpenAI(api_key="benchmark", base_url=base_url, timeout=300) as client:

        async def place() -> object:
            return await client.post("/orders", body=BODY, cast_to=object)

        yield place


@asynccontextmanager
async def githubkit_sdk(base_url: str, in_flight: int) -> AsyncIterator[Place]:
    """githubkit as it comes."""
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
