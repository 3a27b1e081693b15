"""References: the text by which a placed order can be found again in the API's lists.

A reference travels as a delimited token inside a text field of the order, beside the user's own text, so that `r1` is
never found in `r10`.
"""

from __future__ import annotations

import re
import uuid
from typing import Final

from wren_async.errors import InvalidArgument

_OPENING: Final = "[ref:"
_CLOSING: Final = "]"
_REFERENCE: Final = re.compile(r"[^\s\[\]](?:[^\[\]\r\n]{0,98}[^\s\[\]])?")


def new_reference() -> str:
    """A reference of our own: random, and short enough to stand beside a user's text."""
    return uuid.uuid4().hex


def check_reference(reference: str) -> str:
    """A caller's reference, or `InvalidArgument`."""
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        raise InvalidArgument(
            "reference", "takes 1 to 100 characters without square brackets, line breaks or outer white space"
        )
    return reference


def token(reference: str) -> str:
    """The reference as it stands in the text."""
    return f"{_OPENING}{reference}{_CLOSING}"


def attach(text: str | None, reference: str, *, attribute: str, max_length: int | None) -> str:
    """`text` with the reference after it, within the field's limit."""
    mark = token(check_reference(reference))
    if text and mark in text:
        return text
    whole = f"{text} {mark}" if text else mark
    if max_length is not None and len(whole) > max_length:
        raise InvalidArgument(
            attribute,
            f"must have {max_length - len(mark) - 1} characters or fewer to leave room for the reference; "
            "shorten it, or pass reference=None to send none",
        )
    return whole


def carries(text: str | None, reference: str) -> bool:
    """Whether `text` holds exactly this reference."""
    return text is not None and token(reference) in text
