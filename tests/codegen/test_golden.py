"""What is generated from a contract with every construct that ours use, kept so that a change of it shows as a diff.

`python tests/codegen/test_golden.py` writes it anew.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from codegen.contract import Contract
from codegen.generate import generate
from codegen.revisions import APIS
from codegen.walk import nodes

HERE = Path(__file__).parent
GOLDEN = HERE / "golden.txt"
ROOT = HERE.parents[1]


def generated() -> str:
    files = generate([Contract.load(HERE / "shop.yaml")])
    return "".join(f"=== {path}\n{text}" for path, text in sorted(files.items()))


def test_the_generated_code_is_what_was_kept() -> None:
    kept, now = GOLDEN.read_text(encoding="utf-8").splitlines(), generated().splitlines()
    difference = list(difflib.unified_diff(kept, now, "golden.txt", "generated", lineterm=""))
    assert difference == [], "read the difference; if it is meant: python tests/codegen/test_golden.py"


def test_the_small_contract_has_every_word_that_ours_use() -> None:
    used = {word for api in APIS for word in words(ROOT / "openapi" / f"{api}.yaml")}
    assert used - words(HERE / "shop.yaml") <= {"x-inferred", "x-inferred-statuses", "x-www-form-urlencoded"}


def words(path: Path) -> set[str]:
    return {str(key) for _, node in nodes(Contract.load(path).document) for key in node if str(key).startswith("x-")}


if __name__ == "__main__":
    GOLDEN.write_text(generated(), encoding="utf-8")
