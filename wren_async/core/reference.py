"""References: the text by which a placed order can be found again in the API's lists.

A reference is sent as `[ref:...]` at the beginning of a text field of the order, before the user's own text. There, a
server that shortens texts cuts the user's words and not the reference; and the brackets keep `r1` from being found in
`r10`.
"""

from __future__ import annotations

import re
from typing import Final

from wren_async.errors import InvalidArgument

_OPENING: Final = "[ref:"
_CLOSING: Final = "]"
_REFERENCE: Final = re.compile(r"[^\s\[\]](?:[^\[\]\r\n]{0,98}[^\s\[\]])?")
_CARRIED: Final = re.compile(r"\[ref:([^\[\]\r\n]+)\]")


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


def carried(text: str | None) -> str | None:
    """The reference that a text carries, or the last one where it carries several."""
    found = _CARRIED.findall(text) if text else []
    return found[-1] if found else None


def check_text(text: str | None, *, attribute: str) -> None:
    """Refuse a user's text that carries a reference: the order would be taken for the one of that reference."""
    if text and (mark := _CARRIED.search(text)):
        raise InvalidArgument(
            attribute,
            f"must not carry {mark[0]!r}: references are written like that, and by them orders are found again, so "
            "that this order would be taken for another one",
        )


def attach(text: str | None, reference: str, *, attribute: str, max_length: int | None) -> str:
    """`text` with the reference before it, within the field's limit."""
    mark = token(check_reference(reference))
    check_text(text, attribute=attribute)
    whole = f"{mark} {text}" if text else mark
    if max_length is not None and len(whole) > max_length:
        raise InvalidArgument(
            attribute,
            f"must have {max_length - len(mark) - 1} characters or fewer to leave room for the reference; "
            "shorten it, or pass reference=None to send none",
        )
    return whole
