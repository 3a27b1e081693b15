"""`python -m codegen`: generate code and pages from the contract, and list what is left to be done by hand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from codegen.commands import commands
from codegen.generate import generate
from codegen.missing import missing
from codegen.mistakes import read_all
from codegen.pages import pages
from codegen.parsed import GenerationFailed
from codegen.reference import reference
from codegen.tree import drift, drift_of_pages, write, write_pages

GENERATED: Final = "wren_async/_generated"


def run(options: argparse.Namespace) -> int:
    """Generate, or only compare; the exit status is 1 for mistakes, for drift, and where something is left to do."""
    try:
        contracts = read_all(options.root)
        files = generate(contracts) | commands(options.root, contracts)
    except GenerationFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    made = pages(contracts) | reference(options.root, contracts, files)
    status = _check(options.root, files, made) if options.check else _write(options.root, files, made)
    left = missing(options.root, contracts)
    if left:
        sys.stdout.write("\n".join(["Still to be done by hand:", *left]) + "\n")
    return int(bool(status or (left and options.check)))


def _check(root: Path, files: dict[str, str], made: dict[str, str]) -> int:
    differences = [*drift(root / GENERATED, files), *drift_of_pages(root, made)]
    last = "What is generated is not what the contract gives: run `make generate`." if differences else "No drift."
    sys.stdout.write("\n".join([*differences, last]) + "\n")
    return 1 if differences else 0


def _write(root: Path, files: dict[str, str], made: dict[str, str]) -> int:
    changed = [*write(root / GENERATED, files), *write_pages(root, made)]
    sys.stdout.write(f"{len(files) + len(made)} files, {len(changed)} changed.\n")
    return 0
