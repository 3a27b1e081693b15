"""Taking secrets out of what a server or an HTTP library says, however they are spelt there."""

from __future__ import annotations

import base64
import functools
import re
from contextlib import suppress
from typing import Final

from wren_async.core.printable import printable
from wren_async.http.secret import Secret

SHORTEST_SECRET: Final = 8
"""Characters of the shortest token that is taken out. A shorter one is a dummy such as `test`, which may stand in
harmless words."""

_LONG: Final = 24
"""Characters of the shortest token whose first half is taken out too: servers, and our messages, cut what they quote.
"""
_STAND_IN: Final = "<token>"
_DEEPEST: Final = 5
_USERINFO: Final = re.compile(r"(?<=://)[^\s/?#\"'<>]*@")
_SLASHES: Final = r"\\\\{0,7}"
_NAMED: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_PLAIN: Final = (str, int, float, bool, type(None))


def redact(text: str, secret: Secret) -> str:
    """`text` without the secret, and without the user name and password of any address in it."""
    for spelling in _spellings(secret):
        text = spelling.sub(_STAND_IN, text)
    return _USERINFO.sub("<credentials>@", text) if "@" in text else text


def redact_bytes(raw: bytes, secret: Secret) -> bytes:
    """`raw` without the secret. JSON stays JSON."""
    text = raw.decode("latin-1")
    for spelling in _spellings(secret):
        text = spelling.sub(_STAND_IN, text)
    return text.encode("latin-1")


# --- spellings --------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=32)
def _spellings(secret: Secret) -> tuple[re.Pattern[str], ...]:
    """Patterns that find the secret as it is, in base64, and each of its characters plain or escaped.

    There are few patterns, and each begins with plain characters, by which the search skips quickly through a long
    text.
    """
    text = secret.reveal()
    if len(text) < SHORTEST_SECRET:
        return ()
    return tuple(re.compile(pattern) for pattern in (_whole_or_cut(text), *_in_base64(text)))


def _whole_or_cut(text: str) -> str:
    if len(text) < _LONG:
        return _spelt(text)
    half = len(text) // 2
    # What follows half of a token may be the rest of it, or the mark of whoever cut it.
    return rf"{_spelt(text[:half])}(?:{_spelt(text[half:])}|[^\s\"'\\<>(){{}},;]*)"


def _in_base64(text: str) -> list[str]:
    """The secret within base64, as in `Basic` credentials: three forms, by the position at which it begins there."""
    found = []
    for shift, first in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"\0" * shift + text.encode()).decode()
        sure = encoded[first : (shift + len(text)) * 8 // 6]
        # The last character or two depend on what follows.
        found.append("".join(map(_any_base64, sure)) + "[A-Za-z0-9+/_-]{0,2}(?:=|%3[Dd]|\\\\u003[Dd]){0,2}")
    return found


def _any_base64(character: str) -> str:
    return {"+": f"(?:-|{_any(character)})", "/": f"(?:_|{_any(character)})"}.get(character, _any(character))


def _spelt(text: str) -> str:
    return "".join(map(_any, text))


def _any(character: str) -> str:
    """A pattern for a character as it is, or escaped as in JSON, in an address, in HTML or in a repr.

    Every repetition in it is bounded: a hostile text must not make the search slow.
    """
    if character.isalpha():
        plain = f"{character.lower()}|{character.upper()}"
    elif character.isdigit():
        plain = character
    else:
        plain = rf"{re.escape(character)}|{_SLASHES}{re.escape(character)}"
    code = _digits(f"{ord(character):02x}")
    entity = f"#0{{0,6}}{ord(character)}|#[xX]0{{0,6}}{code}"
    if character in _NAMED:
        entity += f"|{_NAMED[character]}"
    return rf"(?:{plain}|{_SLASHES}(?:u00|x){code}|%(?:25){{0,4}}{code}|&(?:{entity});)"


def _digits(code: str) -> str:
    return "".join(f"[{each}{each.upper()}]" if each.isalpha() else each for each in code)


# --- causes -----------------------------------------------------------------------------------------------------------


class Redacted(Exception):
    """Stands for an exception that cannot be made anew from its text alone. It has the text and the class's name."""


def clean_cause(error: BaseException | None, secret: Secret) -> BaseException | None:
    """What may be shown as the cause of an error: never the exception itself, and no frame of its traceback.

    An HTTP library's exception holds the request with its headers, and so do the frames that it went through. Where the
    exception consists of plain arguments, a new one of its class is made from them; else a `Redacted` stands for it.
    Its own causes are treated alike, up to five.
    """
    first: BaseException | None = None
    last: BaseException | None = None
    for _ in range(_DEEPEST):
        if error is None:
            break
        made = _made_anew(error, secret)
        if last is None:
            first = made
        else:
            last.__cause__ = made
        last = made
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return first


def forget_frames(error: BaseException) -> None:
    """Take from an exception its traceback, cause and context, because the frames' variables hold headers."""
    error.__cause__ = error.__context__ = error.__traceback__ = None


def _made_anew(error: BaseException, secret: Secret) -> BaseException:
    kind = type(error)
    told = _told(str(error), secret)
    if all(type(each) in _PLAIN for each in error.args):
        # A constructor may want more than its arguments, and raise whatever it likes: the stand-in tells of it then.
        with suppress(Exception):
            made = kind(*(_told(each, secret) if isinstance(each, str) else each for each in error.args))
            if str(made) == told:
                return made
    return Redacted(f"{kind.__module__}.{kind.__qualname__}: {told}".removeprefix("builtins."))


def _told(text: str, secret: Secret) -> str:
    return "\n".join(printable(line) for line in redact(text, secret).splitlines()[:20])
