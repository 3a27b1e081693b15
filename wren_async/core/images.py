"""An image that is to be uploaded: its bytes, and what kind it is."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

from wren_async.errors import InvalidArgument

ImageType: TypeAlias = Literal["image/png", "image/jpeg", "image/webp", "image/svg+xml"]
Image: TypeAlias = str | os.PathLike[str] | bytes | AsyncIterable[bytes]
"""The path of a file, bytes, or an asynchronous stream of bytes."""

_BY_ENDING: Final[Mapping[str, ImageType]] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
_KINDS: Final = tuple(dict.fromkeys(_BY_ENDING.values()))


async def to_upload(image: Image, kind: ImageType | None) -> tuple[bytes | AsyncIterable[bytes], ImageType]:
    """What to send, and as what. A path's ending tells the kind where none is given; bytes and streams do not.

    Raises `InvalidArgument` for another kind of image, and `OSError` where the file cannot be read.
    """
    if isinstance(image, str | os.PathLike):
        import asyncio

        path = Path(image)
        kind = kind or _BY_ENDING.get(path.suffix.lower())
        image = await asyncio.to_thread(path.read_bytes)
    if kind not in _KINDS:
        raise InvalidArgument("content_type", f"takes one of {', '.join(_KINDS)}")
    return image, kind
