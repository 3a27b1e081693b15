"""Lists that come whole, in one answer: what cannot be read says which list it was, and what was awaited of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import respx

from wren_async import Call, WrenClient
from wren_async._generated.wren.operations import offset_orders, project_donations
from wren_async.models.wren import OffsetOrder
from wren_async.reconcile.listing import Reader, UnreadableList, read_list

WREN = "https://www.wren.co/api"
OFFSETS = (offset_orders.list_offset_orders(), "offsetOrders")
DONATIONS = (project_donations.list_project_donations(), "")


@pytest.mark.parametrize(
    ("asked", "status", "body", "said"),
    [
        (DONATIONS, 200, '{"data": []}', "/project-donations answered no array$"),
        (DONATIONS, 200, '"none"', "/project-donations answered no array: "),
        (OFFSETS, 200, '{"": []}', "/offset-orders answered neither .* nor an object with one under 'offsetOrders'$"),
        (OFFSETS, 200, "<html>", "/offset-orders answered neither .*: "),
        (OFFSETS, 200, '{"offsetOrders": [5]}', "/offset-orders: a row cannot be read: "),
        (OFFSETS, 304, "", "/offset-orders answered 304$"),
    ],
)
async def test_a_list_that_cannot_be_read_is_named(
    asked: tuple[Call[Any], str], status: int, body: str, said: str
) -> None:
    call, name = asked
    with respx.mock() as wire:
        wire.get(url__startswith=WREN).respond(status, text=body)
        async with WrenClient("fake-token", retries=0) as wren:
            with pytest.raises(UnreadableList, match=re.compile(f"^GET .*{said}")):
                _ = [row async for row in read_list(Reader(wren), call, name, OffsetOrder)]


async def test_rows_are_read_from_a_bare_array_and_from_one_with_a_name() -> None:
    for body in ({"offsetOrders": [{"id": "a"}]}, [{"id": "a"}]):
        with respx.mock() as wire:
            wire.get(url__startswith=WREN).respond(json=body)
            async with WrenClient("fake-token", retries=0) as wren:
                assert [row.id async for row in read_list(Reader(wren), *OFFSETS, OffsetOrder)] == ["a"]
