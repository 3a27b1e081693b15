"""What the library says of an error, in the words of a command line: flags and variables for Python's names. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Final

from cyclopts import Argument, CoercionError, CycloptsError, MissingArgumentError, UnusedCliTokensError

from wren_async.batch.input.faults import Fault, InvalidInput
from wren_async.batch.report.wording import count
from wren_async.cli.environment import TOKENS
from wren_async.errors import InvalidArgument, Unauthorized

_FLAGS: Final = {
    "cents": "--max-usd",
    "kilograms": "--max-kg",
    "failures": "--max-failures",
    "concurrency": "--concurrency",
    "settle_time": "--settle-time",
    "continues": "--continues",
    "defaults": "--default",
    "ignore": "--ignore",
    "encoding": "--encoding",
    "source": "the file of orders",
}
"""The flags of arguments that a batch takes under other names."""
_CALL: Final = r"Batch\((?:[^()]|\([^()]*\))*\)"
_WORDS: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    # Where a message has both, the flag and the argument.
    (re.compile(rf" ?\({_CALL}\)"), ""),
    (re.compile(rf", {_CALL}|{_CALL}, (?=--)"), ""),
    (re.compile(r"give (wren|cnaught)=\w+\(\.\.\.\)"), lambda match: f"set {TOKENS[match[1]]} in the environment"),
    (re.compile(r"\bpass reference=None\b"), "give --null reference"),
    (re.compile(r"\b(encoding)=[\"']([\w-]+)[\"']"), r"--\1 \2"),
    (re.compile(r", or allow it with insecure_hosts=\[[^]]*\]"), ""),
    (re.compile(r"name it among those to ignore, or use "), "the columns are "),
    (re.compile(r"Decimal\('([^']*)'\)"), r"\1"),
    (re.compile(r" and no float(?=, not)"), ""),
    (re.compile(r"\ban int of\b"), "a whole number of"),
)
_SHOWN: Final = 20
"""Faults of a file that are told."""
_KINDS: Final = {"int": "a whole number", "float": "a number", "Decimal": "a number such as 500.00"}
_CONVERTED: Final = re.compile(
    r"Invalid value for (\S+): unable to convert (\".*\") into (int|float|Decimal)(\|None)?\.", re.S
)
_UNKNOWN: Final = "unknown column "


def told(error: Exception) -> str:
    """What to say of an error."""
    if isinstance(error, InvalidArgument) and error.argument in _FLAGS:
        return f"{_FLAGS[error.argument]}: {in_words(_in_dollars(error))}"
    if isinstance(error, InvalidInput):
        return _of_input(error)
    if isinstance(error, Unauthorized) and (variable := _variable(str(error))):
        return f"{variable} was refused: {in_words(str(error).replace(f'; the token came from {variable}', ''))}"
    return in_words(str(error))


def mistake(error: CycloptsError) -> str:
    """What is wrong with the words of a command, without the types of Python."""
    text = str(error)
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        _, meant, hint = text.partition(" Did you mean")
        return f"{_name(error.argument)} is missing.{meant}{hint}"
    if isinstance(error, CoercionError) and error.argument is not None and (own := re.search(r"takes a .*", text)):
        return f"{_name(error.argument)} {own[0]}."
    if isinstance(error, UnusedCliTokensError):
        return f"{shlex.join(error.unused_tokens or [])}: these words are too many."
    return _CONVERTED.sub(lambda match: f"{match[1]} takes {_KINDS[match[3]]}, not {match[2]}.", text)


def _name(argument: Argument) -> str:
    """A flag, or what the help calls a word that stands without one."""
    return argument.name if argument.field_info.is_keyword_only else argument.name[2:].upper()


def in_words(text: str) -> str:
    """A message with flags for the arguments of Python that it names."""
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    return text


def _in_dollars(error: InvalidArgument) -> str:
    if error.argument != "cents":
        return error.problem
    return re.sub(r"not (-?\d+)$", lambda match: f"not {int(match[1]) / 100:.2f}", error.problem)


def _of_input(error: InvalidInput) -> str:
    """The faults of a file, with the flag that a column that means nothing here is left out by."""
    faults = [f"{in_words(str(each))}{_ignoring(each)}" for each in error.faults[:_SHOWN]]
    if error.count > len(faults):
        faults.append(f"and {error.count - len(faults):,} more")
    return "\n  ".join([f"{count(error.count, 'fault')} in the orders; nothing was placed:", *faults])


def _ignoring(fault: Fault) -> str:
    if fault.column is None or not fault.problem.startswith(_UNKNOWN) or "--ignore" in in_words(fault.problem):
        return ""
    return f" (if it means nothing here: {shlex.join(['--ignore', fault.column])})"


def _variable(text: str) -> str | None:
    return next((name for name in TOKENS.values() if f"the token came from {name}" in text), None)
