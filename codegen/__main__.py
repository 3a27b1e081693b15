"""Command line of the contract. Without a command it generates, and with `--check` it only compares."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from codegen import compare, export, release
from codegen.add import command as add
from codegen.diff import command as diff
from codegen.generate import generate
from codegen.missing import missing
from codegen.mistakes import read_all
from codegen.pages import pages
from codegen.parsed import GenerationFailed
from codegen.tree import drift, drift_of_pages, write, write_pages

COMMANDS: Final = {"add": add, "diff": diff, "compare": compare, "export": export, "release-check": release}
ROOT: Final = Path(__file__).resolve().parent.parent
GENERATED: Final = "wren_async/_generated"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status is not 0 for drift, or for a contract that cannot be generated from."""
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, and change nothing")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's root")
    parser.set_defaults(run=_generate)
    commands = parser.add_subparsers(title="commands", metavar="")
    for name, module in COMMANDS.items():
        text = str(module.__doc__).partition(": ")[2].partition("\n")[0]
        command = commands.add_parser(name, help=text, description=text)
        module.options(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


def _generate(options: argparse.Namespace) -> int:
    try:
        contracts = read_all(options.root)
        files = generate(contracts)
    except GenerationFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    made = pages(contracts)
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


if __name__ == "__main__":
    sys.exit(main())
