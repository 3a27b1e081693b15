"""The pages on logging and telemetry tell what there is: the lines, the events, the spans and the metrics."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from wren_async.telemetry import CallOutcome
from wren_async.telemetry.measurements import INSTRUMENTS

ROOT = Path(__file__).parent.parent
LOGGING = (ROOT / "docs" / "logging.md").read_text()
TELEMETRY = (ROOT / "docs" / "telemetry.md").read_text()
SENDING = [*(ROOT / "wren_async").rglob("*.py")]


def block(text: str, language: str) -> str:
    """The first block of a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def plain(text: str) -> str:
    """Without what differs from run to run."""
    return re.sub(r"\d+\.\d\d s", "0.00 s", text)


def test_the_lines_that_the_page_shows_are_those_that_its_example_prints(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", block(LOGGING, "python")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert plain(done.stderr) == plain(block(LOGGING, "text"))


def test_the_page_tells_of_every_line_and_every_fact() -> None:
    code = "\n".join(
        path.read_text() for path in SENDING if "getLogger" in path.read_text() or "logger" in path.read_text()
    )
    events = set(re.findall(r'"event": "(\w+)"', code)) | {"undecided_at_close"}
    assert events == set(re.findall(r"^\| [A-Z]+ \| `(\w+)` \|", LOGGING, re.MULTILINE))
    facts = {
        name for extra in re.findall(r"extra=\{(.*?)\}", code, re.DOTALL) for name in re.findall(r'"(\w+)": ', extra)
    }
    assert {name for name in facts if f"`{name}`" not in LOGGING} == set()


def test_the_page_tells_of_every_metric_and_outcome() -> None:
    assert set(re.findall(r"^\| `([a-z_.]+)` \|", TELEMETRY, re.MULTILINE)) == {each.name for each in INSTRUMENTS}
    for outcome in CallOutcome:
        assert f"`{outcome.value}`" in TELEMETRY
