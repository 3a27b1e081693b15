"""Follows the first pages word by word in a new environment, tells how long that took, and writes what they show.

    python -m docs.follow

Each command of a page is given to a shell in a folder of its own, each file is saved under the name that its first line
tells, and the block after `<!-- output -->` is replaced by what the command before it printed. The one thing that
differs from a reader is where the package comes from: `pip install` takes this working tree.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FIRST: Final = ("get-started-wren.md", "get-started-cnaught.md")
"""Pages that begin with nothing."""
LATER: Final = ("batches.md", "command-line.md")
"""Pages for whoever has installed the package and started the sandbox, as the first pages say."""
BEFORE: Final = (
    'python -m venv .venv\n. .venv/bin/activate\npip install "wren-async[aiohttp,cli,parquet,sandbox,xlsx]"',
    ". .venv/bin/activate\nwren-async sandbox",
    "export WREN_BASE_URL=http://127.0.0.1:8765 WREN_API_TOKEN=5a4db0c5-0000-4000-8000-000000000001",
    "export CNAUGHT_BASE_URL=http://127.0.0.1:8765/v1 CNAUGHT_API_KEY=cnaught_sandbox_live_key",
)
"""What they did for it."""
TOLD_APART: Final = ("WREN_", "CNAUGHT_", "VIRTUAL_ENV", "PYTHON", "COVERAGE", "MAKE", "MFLAGS")
"""How variables begin that a reader does not have."""

_BLOCK: Final = re.compile(r"(?:^<!-- ([^\n]*) -->\n+)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NAMED: Final = re.compile(r"# ([\w./-]+\.py)\n")
_SERVER: Final = re.compile(r"^wren-async sandbox$", re.MULTILINE)
_PACKAGE: Final = re.compile(r'"wren-async(\[[\w,]+\])"')
_RANDOM: Final = re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}\b")


class Reader:
    """Somebody with two terminals, a new folder and nothing but Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / ".exported"
        self.sandbox: subprocess.Popen[str] | None = None
        home = folder / ".bin"
        home.mkdir()
        (home / "python").symlink_to(Path(sys.executable).resolve())
        kept = {name: value for name, value in os.environ.items() if not name.startswith(TOLD_APART)}
        path = [each for each in kept["PATH"].split(os.pathsep) if not each.startswith(str(ROOT))]
        self.environment = {**kept, "PATH": os.pathsep.join([str(home), *path]), "COLUMNS": "80"}
        self.state.write_text("")

    def type(self, block: str) -> str:
        """Give commands to the first terminal, which remembers what was exported; returns what is printed."""
        block = _PACKAGE.sub(lambda found: shlex.quote(f"{ROOT}{found[1]}"), block)
        script = f". {self.state}\nset -e\n{block}\ndeclare -px > {self.state}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{block}\n{done.stdout}{done.stderr}")
        return done.stdout

    def serve(self, block: str) -> str:
        """Start the sandbox in the second terminal; returns what it prints."""
        script = _SERVER.sub("exec wren-async sandbox", block)
        self.sandbox = subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said: list[str] = []
        for line in self.sandbox.stdout or ():
            said.append(line)
            if "Ctrl" in line:
                return "".join(said)
        raise SystemExit("".join(said) + "the sandbox ended")

    def leave(self) -> None:
        """End what was started."""
        if self.sandbox is not None:
            self.sandbox.send_signal(signal.SIGINT)
            self.sandbox.communicate(timeout=30)


def follow(page: Path) -> str:
    """Follow one page; returns its text with what was printed."""
    began, text = time.monotonic(), page.read_text()
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(Path(folder))
        try:
            if page.name in LATER:
                shutil.copytree(ROOT / "examples", reader.folder / "examples")
                for block in BEFORE:
                    _step(reader, "sh", block)
                began = time.monotonic()
            written = "".join(_steps(reader, text))
        finally:
            reader.leave()
    print(f"{page.name}: {time.monotonic() - began:.0f} s", flush=True)
    return written


def _steps(reader: Reader, text: str) -> Iterator[str]:
    """The page piece by piece, as its blocks are followed."""
    at, printed = 0, ""
    for found in _BLOCK.finditer(text):
        yield text[at : found.start()]
        at = found.end()
        comment, language, block = found.groups()
        if comment == "output":
            yield f"<!-- output -->\n```{language}\n{_kept(block, printed)}```"
            continue
        yield found[0]
        if (comment or "").startswith("skip:") or language not in ("sh", "python"):
            if (comment or "").startswith("file: "):
                (reader.folder / str(comment).removeprefix("file: ")).write_text(block)
            continue
        began = time.monotonic()
        printed = _step(reader, language, block)
        print(f"  {time.monotonic() - began:5.1f} s  {block.splitlines()[0]}", flush=True)
    yield text[at:]


def _step(reader: Reader, language: str, block: str) -> str:
    if language == "sh":
        return reader.serve(block) if _SERVER.search(block) else reader.type(block)
    if named := _NAMED.match(block):
        (reader.folder / named[1]).write_text(block)
        return ""
    return reader.type(f"python - <<'END'\n{block}END")


def _kept(shown: str, printed: str) -> str:
    """What was printed; what is shown, where nothing but a random text differs."""
    printed = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines()) + "\n"
    return shown if _RANDOM.sub("…", shown) == _RANDOM.sub("…", printed) else printed


def main() -> int:
    """Follow the pages, and write what they show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page shows something else")
    options = parser.parse_args()
    changed = []
    for page in [ROOT / "docs" / name for name in (*FIRST, *LATER)]:
        if not page.exists():
            continue
        followed = follow(page)
        if followed != page.read_text():
            changed.append(page.name)
            if not options.check:
                page.write_text(followed)
    if changed:
        print(f"what is printed has changed: {', '.join(changed)}")
    return int(bool(changed and options.check))


if __name__ == "__main__":
    sys.exit(main())
