"""How much of an answer's body is read, over every backend: up to a bound, after one decompression."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from typing import Any

import httpx
import pytest

from tests.backends.conftest import Opener, Rig, only
from tests.raw_server import Connection, RawServer, answer, head, raw, response, step
from wren_async.http import body as bodies

MOST = 1_000_000
PACKED = ("Content-Encoding", "gzip")


async def test_a_body_may_have_as_many_bytes_as_allowed_and_not_one_more(rig: Rig) -> None:
    whole, more = b"x" * MOST, b"x" * (MOST + 1)
    for sent in (response(200, whole), response(200, gzip.compress(whole), [PACKED])):
        async with RawServer(otherwise=raw(sent, then="stay")) as origin:
            received = await rig.send("GET", f"{origin.url}/x", max_answer_bytes=MOST)
            assert (received.body, received.problem) == (whole, "")
    for sent in (response(200, more), response(200, gzip.compress(more), [PACKED])):
        async with RawServer(otherwise=raw(sent, then="stay")) as origin:
            received = await rig.send("GET", f"{origin.url}/x", max_answer_bytes=MOST)
            assert received.status == 200
            assert received.problem == "it is longer than 1,000,000 bytes, the max_answer_bytes of this call"
            assert 0 < len(received.body) <= 2**16


async def test_an_endless_body_is_read_up_to_the_bound_and_its_connection_given_up(rig: Rig) -> None:
    @step("an endless body")
    async def endless(connection: Connection) -> None:
        await connection.write(head(200, ("Transfer-Encoding", "chunked")))
        while True:
            await connection.write(b"10000\r\n" + b"x" * 2**16 + b"\r\n")

    async with RawServer(otherwise=endless) as origin:
        received = await rig.send("GET", f"{origin.url}/x", max_answer_bytes=MOST)
        assert "longer than 1,000,000 bytes" in received.problem
        await origin.until(lambda seen: seen.open == 0)


async def test_what_is_packed_to_a_thousandth_takes_no_more_memory_than_the_bound(rig: Rig) -> None:
    bomb = gzip.compress(bytes(50 * 2**20), 9)
    async with RawServer(otherwise=answer(200, bomb, [PACKED])) as origin:
        await rig.send("GET", f"{origin.url}/x", max_answer_bytes=MOST)
        tracemalloc.start()
        try:
            received = await rig.send("GET", f"{origin.url}/x", max_answer_bytes=MOST)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert "longer than" in received.problem
        assert peak < 6 * MOST


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip, gzip, gzip", "br", "deflate", "zstd", "identity, gzip", "?"])
async def test_one_encoding_is_undone_and_any_other_is_no_answer(rig: Rig, encoding: str) -> None:
    packed = gzip.compress(gzip.compress(gzip.compress(bytes(10**6))))
    async with RawServer(otherwise=answer(200, packed, [("Content-Encoding", encoding)])) as origin:
        received = await rig.send("POST", f"{origin.url}/x", content=b"{}")
        assert (received.status, received.body) == (200, b"")
        assert received.problem == f"its encoding is {encoding}, and gzip was asked for"


async def test_two_headers_that_name_an_encoding_are_two_encodings(rig: Rig) -> None:
    async with RawServer(otherwise=answer(200, gzip.compress(gzip.compress(b"{}")), [PACKED, PACKED])) as origin:
        received = await rig.send("GET", f"{origin.url}/x")
        assert (received.body, bool(received.problem)) == (b"", True)


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
async def test_an_encoding_that_is_none_is_left_alone(rig: Rig, encoding: str) -> None:
    async with RawServer(otherwise=answer(200, b"plain", [("Content-Encoding", encoding)])) as origin:
        assert (await rig.send("GET", f"{origin.url}/x")).body == b"plain"


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"whole " * 1000)[:-12], b"this is no gzip", gzip.compress(b"a")[:-4] + b"\0\0\0\0"],
    ids=["cut off", "no gzip", "a wrong sum"],
)
async def test_a_damaged_body_is_told_as_one_and_the_status_is_known(rig: Rig, packed: bytes) -> None:
    async with RawServer(otherwise=answer(201, packed, [PACKED])) as origin:
        received = await rig.send("POST", f"{origin.url}/x", content=b"{}")
        assert received.status == 201
        assert received.problem == "it is damaged, or not the gzip that its header says"


async def test_gzip_in_several_parts_is_read_whole(rig: Rig) -> None:
    parts = [b"first " * 100_000, b"", b"second " * 100_000]
    packed = b"".join(map(gzip.compress, parts))
    async with RawServer(otherwise=answer(200, packed, [PACKED])) as origin:
        received = await rig.send("GET", f"{origin.url}/x")
        assert (received.body == b"".join(parts), received.problem) == (True, "")


async def test_parts_that_hold_nothing_do_not_go_on_for_ever(rig: Rig) -> None:
    packed = gzip.compress(b"") * (MOST // 8)
    async with RawServer(otherwise=answer(200, packed, [PACKED])) as origin:
        received = await rig.send("GET", f"{origin.url}/x", max_answer_bytes=MOST)
        assert "longer than" in received.problem


async def test_a_body_in_pieces_of_a_few_bytes_takes_no_more_memory_than_one_in_large_ones() -> None:
    async def crumbs() -> Any:
        for number in range(MOST // 4):
            yield number.to_bytes(4, "big")

    tracemalloc.start()
    try:
        read = await bodies.read_body(crumbs(), None, MOST)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(read.content) == MOST
    assert peak < 4 * MOST


async def test_others_get_their_turn_while_a_body_is_decompressed() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def packed() -> Any:
        yield zlib.compress(bytes(16 * 2**20), wbits=31)

    async with asyncio.TaskGroup() as group:
        busy = group.create_task(others())
        read = await bodies.read_body(packed(), "gzip", 32 * 2**20)
        busy.cancel()
    assert len(read.content) == 16 * 2**20
    assert turns > 50


@only("httpx")
async def test_a_callers_client_whose_hook_has_read_the_body_gives_it_bounded(opened: Opener) -> None:
    async def look(received: httpx.Response) -> None:
        await received.aread()

    async with opened(event_hooks={"response": [look]}) as rig, RawServer(otherwise=answer(200, b"x" * 2000)) as origin:
        assert (await rig.send("GET", f"{origin.url}/x")).body == b"x" * 2000
        assert "longer than" in (await rig.send("GET", f"{origin.url}/x", max_answer_bytes=1999)).problem


@pytest.mark.parametrize("value", [b"\xff", b"caf\xe9", "café".encode(), b"a\xed\xa0\x80b"])
async def test_a_header_of_any_bytes_is_text_that_can_be_written_down(rig: Rig, value: bytes) -> None:
    async with RawServer(
        otherwise=raw(head(200, ("Content-Length", "0"))[:-2] + b"X-Odd: " + value + b"\r\n\r\n", then="stay")
    ) as origin:
        received = await rig.send("GET", f"{origin.url}/x")
        assert received.headers["x-odd"].encode()


async def test_headers_without_end_are_no_answer(rig: Rig) -> None:
    """The HTTP libraries bound them; nothing of ours does."""

    @step("endless headers")
    async def endless(connection: Connection) -> None:
        await connection.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(1_000_000):
            await connection.write(f"X-{number}: {'x' * 8000}\r\n".encode())

    async with RawServer(otherwise=endless) as origin:
        failed, progress = await rig.fail("POST", f"{origin.url}/x", content=b"{}")
        assert not progress.unsent
        assert not failed.timed_out
