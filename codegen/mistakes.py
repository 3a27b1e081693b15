"""Mistakes of a contract as an author reads them: file, line, column, what is wrong, the remedy; at most a screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs

from codegen.contract import Contract
from codegen.lint import lint
from codegen.parsed import GenerationFailed
from codegen.reading import Mark, UnreadableYAML
from codegen.revisions import APIS, FOLDER

MOST: Final = 20
WIDE: Final = 240


@attrs.frozen(order=True)
class Mistake:
    """One mistake, and where it is."""

    file: str
    mark: Mark
    message: str

    def __str__(self) -> str:
        text = f"{self.file}:{self.mark.line}:{self.mark.column}: {self.message}"
        return text if len(text) <= WIDE else f"{text[: WIDE - 1]}…"


class ContractMistaken(GenerationFailed):
    """A contract with mistakes. As text it is at most a screen."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes))
        lines = [str(each) for each in self.mistakes[:MOST]]
        if len(self.mistakes) > MOST:
            lines.append(f"… and {len(self.mistakes) - MOST} more: mend these, and run it again.")
        super().__init__("\n".join(lines))


def read_all(root: Path) -> list[Contract]:
    """The contracts of a project. Where one cannot be read, `ContractMistaken` tells the mistakes of the others too."""
    contracts: list[Contract] = []
    found: list[Mistake] = []
    for api in APIS:
        name = f"{FOLDER}/{api}.yaml"
        try:
            contracts.append(Contract.load(root / name))
        except OSError as error:
            message = f"cannot be read ({error.strerror}); restore it, such as by `git restore {name}`"
            found.append(Mistake(name, Mark(1, 1), message))
        except UnreadableYAML as error:
            found += [Mistake(name, fault.mark, fault.message) for fault in error.faults]
    if found:
        refuse([*found, *mistakes(contracts)])
    return contracts


def refuse(found: list[Mistake]) -> None:
    """Raise where there is a mistake."""
    if found:
        raise ContractMistaken(found)


def mistakes(contracts: Iterable[Contract]) -> Iterator[Mistake]:
    """What the lint finds, with the lines of the files."""
    for contract in contracts:
        for problem in lint(contract.document):
            mark = Mark(1, 1) if contract.origin is None else contract.origin.find(problem.parts)
            yield Mistake(contract.source, mark, f"{problem.message} ({problem.path})")
