"""Lists that one answer holds whole: they are awaited for the answer, and iterated over like the pagers."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from wren_async import Call, CallError, CNaughtClient, InvalidArgument, Timing, WholeList, WrenClient
from wren_async.core.resource import Resource, listed
from wren_async.models.wren import PortfolioList
from wren_async.wren import Portfolios

WREN = "https://www.wren.co/api"


@pytest.fixture
async def wren(timing: Timing) -> AsyncIterator[WrenClient]:
    async with WrenClient("fake-token", timing=timing, retries=0) as client:
        yield client


@pytest.fixture
def portfolios() -> Any:
    answer = {"portfolios": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]}
    with respx.mock() as wire:
        yield wire.get(f"{WREN}/portfolios").respond(json=answer)


async def test_a_whole_list_can_be_iterated_over(wren: WrenClient, portfolios: respx.Route) -> None:
    assert [each.name async for each in wren.portfolios.list()] == ["one", "two"]
    assert portfolios.call_count == 1


async def test_awaiting_a_whole_list_gives_the_answer(wren: WrenClient, portfolios: respx.Route) -> None:
    answer = await wren.portfolios.list()
    assert isinstance(answer, PortfolioList)
    assert [each.name for each in answer.portfolios] == ["one", "two"]


async def test_a_whole_list_can_be_a_task_of_its_own(wren: WrenClient, portfolios: respx.Route) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(wren.portfolios.list())
    assert len(task.result().portfolios) == 2
    assert len((await asyncio.gather(wren.portfolios.list()))[0].portfolios) == 2
    async with asyncio.timeout(10):
        assert len((await asyncio.wait_for(wren.portfolios.list(), 5)).portfolios) == 2


async def test_cancelling_the_task_of_a_whole_list_ends_it(wren: WrenClient) -> None:
    arrived = asyncio.Event()

    async def hang(_: httpx.Request) -> httpx.Response:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    with respx.mock(assert_all_called=False) as wire:
        wire.get(f"{WREN}/portfolios").mock(side_effect=hang)
        task = asyncio.create_task(wren.portfolios.list())
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert wren.in_flight == 0


async def test_each_use_of_a_whole_list_sends_a_request_of_its_own(wren: WrenClient, portfolios: respx.Route) -> None:
    every = wren.portfolios.list()
    assert await every == await every
    assert [each.id async for each in every] == [each.id async for each in every]
    assert portfolios.call_count == 4


async def test_nothing_is_sent_before_a_whole_list_is_used(wren: WrenClient) -> None:
    with respx.mock() as wire:
        wren.portfolios.list().close()
        assert not wire.calls


async def test_an_error_of_a_whole_list_comes_where_it_is_used(wren: WrenClient) -> None:
    with respx.mock() as wire:
        wire.get(f"{WREN}/portfolios").respond(503)
        every = wren.portfolios.list()
        with pytest.raises(CallError):
            await every
        with pytest.raises(CallError):
            [each async for each in every]


async def test_a_bad_argument_of_a_whole_list_is_refused_at_once(wren: WrenClient) -> None:
    with pytest.raises(InvalidArgument, match="expanded"):
        wren.portfolios.list(expanded="yes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Portfolios\.list.*expandd"):
        wren.portfolios.list(expandd=True)  # type: ignore[call-arg]


def test_on_its_class_a_whole_list_builds_the_call_and_shows_the_builders_signature() -> None:
    assert isinstance(Portfolios.list(expanded=True), Call)
    assert list(inspect.signature(Portfolios.list).parameters) == ["expanded", "options"]
    assert "List the portfolios" in (inspect.getdoc(Portfolios.list) or "")


def test_every_operation_whose_answer_is_one_list_can_be_iterated_over() -> None:
    """`list` methods are either pagers or whole lists: none gives a model only."""
    clients = WrenClient("fake-token"), CNaughtClient("fake-key")
    lists = [
        (group, name)
        for client in clients
        for group in (getattr(client, each) for each in vars(type(client)) if not each.startswith("_"))
        if isinstance(group, Resource)
        for name in dir(group)
        if name.startswith("list")
    ]
    assert len(lists) == 9
    for group, name in lists:
        kind = type(group)
        made = getattr(group, name)()
        assert hasattr(made, "__aiter__"), f"{kind.__name__}.{name}"
        assert isinstance(made, WholeList) == isinstance(vars(kind)[name], listed)
