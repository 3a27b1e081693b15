"""The generated files on disk: writing them, and comparing what is there with what should be."""

from __future__ import annotations

import difflib
import os
import tempfile
from pathlib import Path
from typing import Final

SHOWN: Final = 20
"""Lines of a difference that a summary shows for each file."""


def committed(root: Path) -> dict[str, str]:
    """Text of the files that are there."""
    paths = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def write(root: Path, files: dict[str, str]) -> list[str]:
    """Make the tree hold exactly these files; returns the paths that changed.

    Each file appears whole or not at all, and one that is right already is not touched.
    """
    there = committed(root) if root.exists() else {}
    changed = [path for path, text in files.items() if there.get(path) != text]
    for path in changed:
        _replace(root / path, files[path])
    stale = sorted(there.keys() - files.keys())
    for path in stale:
        (root / path).unlink()
        _remove_empty((root / path).parent, root)
    return changed + stale


def write_pages(root: Path, pages: dict[str, str]) -> list[str]:
    """Write single files, and leave all others beside them alone; returns the paths that changed."""
    changed = [path for path, text in pages.items() if _read(root / path) != text]
    for path in changed:
        _replace(root / path, pages[path])
    return changed


def drift_of_pages(root: Path, pages: dict[str, str]) -> list[str]:
    """What differs between single files and what they should be, for a reader."""
    lines: list[str] = []
    for path, text in pages.items():
        there = _read(root / path)
        if there is None:
            lines.append(f"missing: {path}")
        elif there != text:
            lines += [f"differs: {path}", *_difference(there, text)]
    return lines


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def drift(root: Path, files: dict[str, str]) -> list[str]:
    """What differs between the tree and these files, for a reader; empty where nothing does."""
    there = committed(root) if root.exists() else {}
    lines: list[str] = []
    for path in sorted(there.keys() | files.keys()):
        if path not in there:
            lines.append(f"missing: {path}")
        elif path not in files:
            lines.append(f"not generated: {path}")
        elif there[path] != files[path]:
            lines += [f"differs: {path}", *_difference(there[path], files[path])]
    return lines


def _difference(old: str, new: str) -> list[str]:
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), "committed", "generated", "", "", 1, ""))
    more = [f"… and {len(lines) - SHOWN} lines more"] if len(lines) > SHOWN else []
    return [f"    {line}" for line in lines[:SHOWN] + more]


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".generated-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _remove_empty(folder: Path, root: Path) -> None:
    if folder != root and not any(each.name != "__pycache__" for each in folder.iterdir()):
        for left in (folder / "__pycache__").glob("*"):
            left.unlink()
        if (folder / "__pycache__").exists():
            (folder / "__pycache__").rmdir()
        folder.rmdir()
