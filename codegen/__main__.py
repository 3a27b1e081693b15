"""Command line of the contract. Without a command it generates, and with `--check` it only compares."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
COMMANDS: Final = {
    "add": ("codegen.add.command", "write the stubs of a new operation, to be filled in"),
    "diff": ("codegen.diff.command", "what the change from one state of the contract to another means for callers"),
    "compare": ("codegen.compare", "what another OpenAPI file has and ours lacks, and the reverse"),
    "export": ("codegen.export", "the contracts in plain OpenAPI, for other tools"),
    "release-check": ("codegen.release", "hold version and changelog against the change since the last tag"),
}
"""Module and purpose of each. Only the one that runs is loaded: what it imports takes longer than what it does."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command, and return its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, and change nothing")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's root")
    commands = parser.add_subparsers(title="commands", metavar="", dest="command")
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in given:
            importlib.import_module(module).options(command)
    options = parser.parse_args(given)
    module = COMMANDS[options.command][0] if options.command else "codegen.command"
    status: int = importlib.import_module(module).run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
