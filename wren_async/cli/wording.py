"""What the generated docstrings say, in the words of the command line: flags and commands instead of Python's names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from wren_async._generated.commands import COMMANDS

_ENTRY: Final = re.compile(r"^    (\w+): ", re.M)
_CODE: Final = re.compile(r"`([a-z_0-9]+|None)`")


@attrs.frozen(kw_only=True)
class Described:
    """A docstring in its parts, still in Python's words."""

    summary: str
    text: str
    """What the operation does."""
    arguments: Mapping[str, str]


def described(build: Callable[..., object]) -> Described:
    """The parts of a builder's docstring. What it says of raising and repeating is Python's, and left out."""
    blocks = inspect.cleandoc(build.__doc__ or "").split("\n\n")
    at = next((number for number, block in enumerate(blocks) if block.startswith("Args:")), len(blocks))
    text = [_joined(re.sub(r"^\.\. deprecated:: \S+\n", "Deprecated: ", block)) for block in blocks[1:at]]
    pieces = _ENTRY.split(blocks[at])[1:] if at < len(blocks) else []
    return Described(
        summary=_joined(blocks[0]),
        text="\n\n".join(text),
        arguments={name: _joined(words) for name, words in zip(pieces[::2], pieces[1::2], strict=True)},
    )


def in_flags(text: str, flags: Mapping[str, str], api: str, null: str | None = None) -> str:
    """A text with flags and commands for the names of arguments and builders; `None` is `--null` with a name."""
    builders = {
        each["builder"]: f"`wren-async {api} {each['method'].replace('_', '-').replace('.', ' ')}`"
        for each in COMMANDS
        if each["api"] == api
    }

    def term(match: re.Match[str]) -> str:
        if match[1] == "None":
            return match[0] if null is None else f"--null {null}"
        return flags.get(match[1]) or builders.get(match[1]) or match[0]

    return _CODE.sub(term, text)


def flag_of(argument: str) -> str:
    """The flag of an argument or an attribute, however it is spelt: `from_`, `onBehalfOfName`."""
    kebab = re.sub(r"(?<=[a-z0-9])([A-Z])", r"-\1", argument.rstrip("_")).replace("_", "-")
    return f"--{kebab.lower()}"


def _joined(text: str) -> str:
    return " ".join(text.split())
