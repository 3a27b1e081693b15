"""`python -m codegen diff`: what the change from one state of the contract to another means for callers."""

from __future__ import annotations

import argparse
import functools
import re
import sys
from pathlib import Path
from typing import Final

import attrs

from codegen import facade
from codegen.contract import Contract
from codegen.diff.change import Change, Verdict, worst
from codegen.diff.compare import changes
from codegen.diff.report import as_json, as_markdown, as_table
from codegen.diff.surface import Surface, surface
from codegen.parsed import GenerationFailed
from codegen.revisions import APIS, FOLDER, UnreadableContract, last_release, load

EPILOG: Final = "Exit status: 0, or 1 where something breaks, or 2 where a contract cannot be read."


def options(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.epilog = EPILOG
    parser.add_argument("old", nargs="?", help="a folder or a git revision; left out: the last tag, else main")
    parser.add_argument("new", nargs="?", help="a folder or a git revision; left out: openapi/ as it is now")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_const", const=as_json, dest="form", help="for programs")
    form.add_argument("--markdown", action="store_const", const=as_markdown, dest="form", help="for a pull request")
    parser.set_defaults(form=as_table)


def run(chosen: argparse.Namespace) -> int:
    """Print the findings; the exit status is 1 only where something breaks."""
    root: Path = chosen.root
    try:
        found = between(chosen.old or last_release(root) or "main", chosen.new or str(root / FOLDER), root)
    except UnreadableContract as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(chosen.form(found))
    return int(worst(found) is Verdict.BREAKING)


def between(old: str, new: str, root: Path) -> list[Change]:
    """All changes of all APIs between two folders or revisions."""
    before, after = load(old, root), load(new, root)
    found: list[Change] = []
    for api in APIS:
        if before[api].sha256 != after[api].sha256:
            found += changes(api, _surface(before[api], old), _surface(after[api], new))
    return [_as_called(each, root) for each in found]


_BUILDER: Final = re.compile(r"operations\.\w+\.\w+")


def _as_called(change: Change, root: Path) -> Change:
    """The change in the words of callers, who know a builder by the method of the client that calls it."""
    called = _facade(root, change.api)
    texts = [_BUILDER.sub(lambda found: called.get(found[0], found[0]), each) for each in (change.python, change.text)]
    python = change.python if texts[0] == change.python else f"{texts[0]}, {change.python}"
    return attrs.evolve(change, python=python, text=texts[1])


@functools.cache
def _facade(root: Path, api: str) -> dict[str, str]:
    if not facade.path(root, api).exists():
        return {}
    return {f"operations.{each.module}.{each.builder}": each.python for each in facade.methods(root, api)}


def _surface(contract: Contract, place: str) -> Surface:
    """The surface of a contract; where there is none, the lint says why. It may be stricter than it was in its day."""
    try:
        return surface(contract)
    except GenerationFailed as error:
        reason = str(error)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        reason = f"{type(error).__name__}: {error}"
    # Here, because it loads the validators, and only a contract with mistakes needs them.
    from codegen.mistakes import ContractMistaken, mistakes

    said = str(ContractMistaken(mistakes([contract]))) or f"{contract.source}: {reason}"
    raise UnreadableContract(f"{place} cannot be read:\n{said}") from None
