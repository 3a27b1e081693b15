"""`python -m codegen add`: write the stubs of a new operation, to be filled in."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from codegen import facade
from codegen.add.code_stubs import with_handler, with_method, with_row
from codegen.add.contract_stub import with_stub
from codegen.add.stub import EFFECTS, PAGING, Stub
from codegen.contract import Contract
from codegen.formatting import laid_out
from codegen.lint.vocabulary import EFFECTS as KNOWN
from codegen.missing import SANDBOX, TABLE
from codegen.mistakes import read_all
from codegen.parsed import GenerationFailed
from codegen.tree import write_pages

METHODS: Final = ("get", "post", "put", "patch", "delete")


def options(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("path", help="such as /api/impact-reports/{id}")
    parser.add_argument("--api", choices=PAGING, help="left out: wren for a path below /api, else cnaught")
    parser.add_argument("--paged", action="store_true", help="it answers a page of a list")
    parser.add_argument("--source", help="the page of the vendor that states it")
    parser.add_argument("--effect", choices=KNOWN, help="left out: as the method suggests, and once for a post")


def run(chosen: argparse.Namespace) -> int:
    """Write the stubs and say where; the exit status is 1 where that cannot be."""
    root: Path = chosen.root
    stub = Stub(
        api=chosen.api or ("wren" if chosen.path.startswith("/api/") else "cnaught"),
        method=chosen.method,
        path=chosen.path,
        paged=chosen.paged,
        source=chosen.source,
        effect=chosen.effect or EFFECTS[chosen.method],
    )
    try:
        contract = next(each for each in read_all(root) if each.api == stub.api)
        refuse(contract, stub)
        changed = write_pages(root, stubs(root, contract, stub))
    except GenerationFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    sys.stdout.write("\n".join(f"{path}: {stub.operation}" for path in changed) + "\n")
    sys.stdout.write("Fill in each TODO; `make generate` lists what is left.\n")
    return 0


def refuse(contract: Contract, stub: Stub) -> None:
    """Refuse what is there already, or could not be."""
    if not stub.path.startswith("/") or not stub.segments:
        raise GenerationFailed(f"{stub.path} is no path; it begins with / and names something")
    if any(each.method == stub.method and each.path == stub.path for each in contract.operations()):
        raise GenerationFailed(f"{contract.source} has {stub.method} {stub.path} already")
    if any(each.id == stub.operation for each in contract.operations()):
        raise GenerationFailed(f"{contract.source} has an operation {stub.operation} already; add this one by hand")
    if stub.paged and not stub.lists:
        raise GenerationFailed("only a get of many things has pages")


def stubs(root: Path, contract: Contract, stub: Stub) -> dict[str, str]:
    """The files that change, with the stubs in them."""
    paging = PAGING[stub.api]
    home = facade.path(root, stub.api).relative_to(root).as_posix()
    sandbox = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((root / SANDBOX / stub.api).rglob("*.py"))
    }
    path, handler = with_handler(sandbox, stub, paging)
    found = {
        contract.source: with_stub(_text(root, contract.source), contract, stub, paging, datetime.now(UTC).date()),
        home: with_method(_text(root, home), stub, paging),
        path: handler,
    }
    if stub.paged:
        found[TABLE] = with_row(_text(root, TABLE), stub, paging)
    return found | laid_out({path: text for path, text in found.items() if path.endswith(".py")})


def _text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")
