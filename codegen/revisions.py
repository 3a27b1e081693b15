"""Reads contracts from another folder, or from a git revision."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from codegen.contract import Contract
from codegen.reading import UnreadableYAML

APIS: Final = ("wren", "cnaught")
FOLDER: Final = "openapi"


class UnreadableContract(Exception):
    """A contract that cannot be read: what, where and why, one a line."""


def load(place: str, root: Path) -> dict[str, Contract]:
    """The contracts of a folder, or else of a git revision of the project, by their API."""
    read = _in_folder(Path(place)) if Path(place).is_dir() else _in_revision(place, root)
    found: dict[str, Contract] = {}
    faults: list[str] = []
    for name, raw in read:
        api = name.rpartition("/")[2].removesuffix(".yaml")
        try:
            # What is wrong with it is told of the file that was read.
            found[api] = attrs.evolve(Contract.parse(api, raw), source=name)
        except UnreadableYAML as error:
            faults += [f"{name}:{each.mark.line}:{each.mark.column}: {each.message}" for each in error.faults]
    if faults:
        raise UnreadableContract("\n".join(faults))
    return found


def last_release(root: Path) -> str | None:
    """The last tag before what is checked out; `None` where nothing was released."""
    done = _git(root, "describe", "--tags", "--abbrev=0")
    return done.stdout.decode().strip() if done.returncode == 0 else None


def _in_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for api in APIS:
        path = folder / f"{api}.yaml"
        try:
            yield str(path), path.read_bytes()
        except OSError as error:
            raise UnreadableContract(
                f"{path}: {error.strerror}; the folder must hold wren.yaml and cnaught.yaml"
            ) from None


def _in_revision(revision: str, root: Path) -> Iterator[tuple[str, bytes]]:
    done = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if done.returncode:
        raise UnreadableContract(f"{revision}: no folder, and no revision that git knows here")
    commit = done.stdout.decode().strip()
    for api in APIS:
        done = _git(root, "show", f"{commit}:{FOLDER}/{api}.yaml")
        if done.returncode:
            raise UnreadableContract(f"{revision}:{FOLDER}/{api}.yaml: is not in this revision")
        yield f"{revision}:{FOLDER}/{api}.yaml", done.stdout


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        raise UnreadableContract("git is not installed; give a folder instead of a revision") from None
