"""The pages on logging and telemetry: their code runs as it stands, and their samples are what it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from wren_async.sandbox import Sandbox

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("logging.md",)
FENCE = re.compile(r"(<!--- skip: next -->\n\n)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    page: str
    language: str
    text: str


def blocks(page: str, language: str) -> list[Block]:
    found = FENCE.findall((DOCS / page).read_text())
    return [Block(page, told, text) for skipped, told, text in found if told == language and not skipped]


CODE = [block for page in PAGES for block in blocks(page, "python")]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with Sandbox() as sandbox:
        yield {
            **os.environ,
            "WREN_API_TOKEN": sandbox.wren.live_token,
            "WREN_BASE_URL": sandbox.wren.base_url,
            "CNAUGHT_API_KEY": sandbox.cnaught.api_key,
            "CNAUGHT_BASE_URL": sandbox.cnaught.base_url,
            "PYTHONWARNINGS": "error",
        }


def run(block: Block, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", block.text]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done


def plain(text: str) -> str:
    """Without what differs from run to run."""
    return re.sub(r"\d+\.\d\d s", "0.00 s", text)


@pytest.mark.parametrize("block", CODE, ids=[f"{block.page} {number}" for number, block in enumerate(CODE)])
def test_the_code_runs_against_the_sandbox(block: Block, environment: dict[str, str], tmp_path: Path) -> None:
    run(block, environment, tmp_path)


def test_the_lines_that_the_page_on_logging_shows_are_those_that_its_example_prints(
    environment: dict[str, str], tmp_path: Path
) -> None:
    example, (sample,) = blocks("logging.md", "python")[0], blocks("logging.md", "text")
    assert plain(run(example, environment, tmp_path).stderr) == plain(sample.text)
