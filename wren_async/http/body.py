"""The body of an answer: read up to a bound, and decompressed from the one encoding that was asked for."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator
from typing import Final

import attrs

from wren_async.core.printable import printable

ENCODING: Final = "gzip"
"""The only encoding that is asked for and read. Others, or several at once, could hide how long a body is."""

_GZIP: Final = 31
"""The `wbits` by which zlib reads gzip."""
_PIECE: Final = 2**18
"""Bytes that are decompressed at once, in a fraction of a millisecond. Then the event loop gets its turn."""
_DAMAGED: Final = "it is damaged, or not the gzip that its header says"
_KEPT: Final = 2**16
"""Bytes that an error shows of a body that is too long or damaged."""


@attrs.frozen
class Body:
    """The body of an answer, or the beginning of one that could not be read, and why."""

    content: bytes
    problem: str = ""


async def read_body(chunks: AsyncIterable[bytes], encoding: str | None, most: int) -> Body:
    """Read `chunks` as they come from the wire, at most `most` bytes after decompression.

    Never raises for a body that is too long, damaged or of another encoding: `problem` then says so.
    """
    coded = (encoding or "identity").strip().lower()
    if coded not in ("identity", "gzip", "x-gzip"):
        return Body(b"", f"its encoding is {printable(coded, 60)}, and {ENCODING} was asked for")
    unpack: Callable[[bytes], Iterator[bytes]] = _as_it_is if coded == "identity" else _Gunzip()
    # One buffer, because a server may send its body in pieces of a few bytes, each of which would be an object.
    whole, came = bytearray(), 0
    walk = aiter(chunks)
    try:
        async for chunk in walk:
            came += len(chunk)
            for piece in unpack(chunk):
                whole += piece
                if len(whole) > most:
                    return Body(bytes(whole[:_KEPT]), too_long(most))
                if len(piece) == _PIECE:
                    await asyncio.sleep(0)
            if came > 2 * most + _KEPT:  # gzip that decompresses to less than it is, without end
                return Body(bytes(whole[:_KEPT]), too_long(most))
    except zlib.error:
        return Body(bytes(whole[:_KEPT]), _DAMAGED)
    finally:
        if isinstance(walk, AsyncGenerator):
            await walk.aclose()
    if came and isinstance(unpack, _Gunzip) and not unpack.ended:
        return Body(bytes(whole[:_KEPT]), _DAMAGED)
    return Body(bytes(whole))


def bounded(content: bytes, most: int) -> Body:
    """A body that someone else has read whole."""
    return Body(content) if len(content) <= most else Body(content[:_KEPT], too_long(most))


def too_long(most: int) -> str:
    """What is wrong with a body of more than `most` bytes."""
    return f"it is longer than {most:,} bytes, the max_answer_bytes of this call"


def _as_it_is(chunk: bytes) -> Iterator[bytes]:
    yield chunk


class _Gunzip:
    """Decompresses gzip in pieces of a bounded size. Several gzip streams may follow each other."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)

    @property
    def ended(self) -> bool:
        """Whether the stream that came last has ended."""
        return self._stream.eof

    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        """The decompressed pieces of a chunk. Raises `zlib.error`."""
        piece = b""
        while chunk or (len(piece) == _PIECE and not self._stream.eof):
            if self._stream.eof:
                self._stream = zlib.decompressobj(_GZIP)
            piece = self._stream.decompress(chunk, _PIECE)
            chunk = self._stream.unconsumed_tail or self._stream.unused_data
            yield piece
