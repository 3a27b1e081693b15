"""The body of an answer: read up to a bound, and taken out of the one encoding that was asked for."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

import attrs

from wren_async.core.quoting import quoted

ENCODING: Final = "gzip"
"""What is asked for. Any further encoding, and any encoding of an encoding, only serves to hide how long a body is."""

_GZIP: Final = 31
"""What zlib calls gzip."""
_PIECE: Final = 2**18
"""Bytes that are decompressed at a time, between which the event loop gets its turn: a fraction of a millisecond."""
_KEPT: Final = 2**16
"""Bytes that are kept of a body that is too long or damaged, to look at."""


@attrs.frozen
class Body:
    """The body of an answer, or the beginning of one that could not be read, and why."""

    content: bytes
    problem: str = ""


async def read_body(chunks: AsyncIterable[bytes], encoding: str | None, most: int) -> Body:
    """Read `chunks` as they come from the wire, at most `most` bytes after decompression."""
    coded = (encoding or "identity").strip().lower()
    if coded not in ("identity", "gzip", "x-gzip"):
        return Body(b"", f"its encoding is {quoted(coded, 60)}, and {ENCODING} was asked for")
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in chunks if coded == "identity" else _decompressed(chunks, most):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                return Body(b"".join(pieces)[:_KEPT], too_long(most))
    except _TooLong:
        return Body(b"".join(pieces)[:_KEPT], too_long(most))
    except zlib.error:
        return Body(b"".join(pieces)[:_KEPT], "it is damaged, or not the gzip that its header says")
    return Body(b"".join(pieces))


def bounded(content: bytes, most: int) -> Body:
    """A body that someone else has read whole."""
    return Body(content) if len(content) <= most else Body(content[:_KEPT], too_long(most))


def too_long(most: int) -> str:
    """What is wrong with a body of more than `most` bytes."""
    return f"it is longer than {most:,} bytes, the max_answer_bytes of this call"


class _TooLong(Exception):
    """More bytes came than were allowed, whatever they decompress to."""


async def _decompressed(chunks: AsyncIterable[bytes], most: int) -> AsyncIterator[bytes]:
    """What gzip holds, in pieces of a bounded size. Raises `zlib.error`."""
    stream, came = zlib.decompressobj(_GZIP), 0
    async for chunk in chunks:
        came += len(chunk)
        if came > most:
            raise _TooLong
        piece = b""
        while chunk or (len(piece) == _PIECE and not stream.eof):
            if stream.eof:
                stream = zlib.decompressobj(_GZIP)
            piece = stream.decompress(chunk, _PIECE)
            chunk = stream.unconsumed_tail or stream.unused_data
            yield piece
            if len(piece) == _PIECE:
                await asyncio.sleep(0)
    if came and not stream.eof:
        raise zlib.error("cut off")
