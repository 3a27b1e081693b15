"""Every code block of the README and of the pages runs as it stands, against a sandbox.

The tests find the blocks of any page in `docs/` by themselves. What a page may say:

- A `python` block runs in a process of its own. One that defines tests is run by pytest, with the `conftest.py` that
  the page has shown by then. One whose first line is a comment with a path, such as `# conftest.py`, is written to that
  file, too, and is not run where a command further down runs it.
- A `sh` or `console` block runs in a shell, in a folder with `examples/`. What would install something, or ask for a
  make target, is only looked up; what serves is started and ended.
- `<!-- file: orders.csv -->` before a block of any language writes it to that file.
- `<!-- output -->` before a block says that it is what the last command printed. `make follow` writes it.
- `<!-- skip: next "reason" -->` leaves the next block out, and says why. There are few of these.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import SkipTest

import pytest
from postgres_server import running_server
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from wren_async.sandbox import Sandbox

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN_BY_OTHERS = {
    "docs/change-the-contract.md": "tests/codegen/test_add.py follows it on a copy of the project",
    "docs/performance.md": "its commands measure for half an hour",
}
MOST_SKIPPED = 6
DATABASE = "WREN_ASYNC_DATABASE"

PYTEST = (
    *("-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", "--import-mode", "importlib"),
    *("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"),
)
"""How a page's tests are run: in the mode that the page on tests recommends."""

RUN = ("python", "sh", "console")
DATA = ("pyi", "text", "csv", "json", "toml", "yaml", "ini", "diff", "sql", "http", "dockerfile")
"""Languages of blocks that are not run."""
READERS: dict[str, Callable[[str], object]] = {"json": json.loads, "toml": tomllib.loads}

_FILE = re.compile(r"<!-- file: (\S+) -->\s*\Z")
_NAMED = re.compile(r"# ([\w./-]+\.py)\n")
_SERVER = re.compile(r"(python -m wren_async\.sandbox|wren-async sandbox)\b[^&|]*$")
_RANDOM = re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}\b")
_COMPILED = "import sys; page, text = sys.argv[1:]; exec(compile(text, page, 'exec'), {'__name__': '__main__'})"


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


class Runner:
    """Runs the blocks of one page in one folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.workers: list[subprocess.Popen[bytes]] = []
        self.printed: str | None = None
        """What the last command printed; `None` after a server, which names its port."""

    def run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{shlex.join(command)[-300:]}\n{done.stdout}{done.stderr}"
        return done.stdout

    def save(self, example: Example) -> None:
        """Write a block to the file that the page names before it."""
        before = example.document.text[: example.start]
        if found := _FILE.search(before):
            path = self.folder / found[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(example.parsed))

    def data(self, language: str, example: Example) -> None:
        """Data has to be what its language says."""
        self.save(example)
        if example.document.text[: example.start].endswith("<!-- output -->\n"):
            self.compare(str(example.parsed))
        if language in READERS:
            READERS[language](str(example.parsed))

    def compare(self, shown: str) -> None:
        """What a page shows as the output of a command is what the command has just printed."""
        if self.printed is not None:
            printed = "\n".join(line.rstrip() for line in self.printed.strip().splitlines())
            assert _RANDOM.sub("…", shown.strip()) == _RANDOM.sub("…", printed), "run `make follow`"

    def python(self, example: Example) -> None:
        self.save(example)
        text = str(example.parsed)
        if named := _NAMED.match(text):
            path = self.folder / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if re.search(r"^(async )?def test_", text, re.MULTILINE):
            self.keep_tests(example, text)
        elif named is None or (named[1] != "conftest.py" and not self.is_called_later(example, named[1])):
            # A traceback tells the line of the page.
            padded = "\n" * (example.line + example.parsed.line_offset) + text
            self.run([sys.executable, "-c", _COMPILED, example.path, padded])

    def is_called_later(self, example: Example, name: str) -> bool:
        return f"python {name}" in example.document.text[example.end :]

    def keep_tests(self, example: Example, text: str) -> None:
        """Put tests beside the fixtures that the page has shown so far. pytest starts only once for a page."""
        folder = self.folder / "tests_of_the_page" / f"line_{example.line}"
        folder.mkdir(parents=True)
        (folder / f"test_line_{example.line}.py").write_text(text)
        if (self.folder / "conftest.py").exists():
            shutil.copy(self.folder / "conftest.py", folder)

    def finish(self) -> None:
        """Run the tests that the page has."""
        tests = self.folder / "tests_of_the_page"
        if tests.exists():
            (self.folder / "conftest.py").unlink(missing_ok=True)
            self.run([sys.executable, "-m", "pytest", *PYTEST, "--rootdir", str(self.folder), str(tests)])

    def console(self, example: Example) -> None:
        lines = [line[2:] for line in str(example.parsed).splitlines() if line.startswith("$ ")]
        self._shell(example, lines)

    def shell(self, example: Example) -> None:
        self._shell(example, str(example.parsed).splitlines())

    def _shell(self, example: Example, lines: list[str]) -> None:
        self.save(example)
        self.printed = None
        script: list[str] = []
        for line in lines:
            if special := self._special(line):
                special(line)
            else:
                script.append(line)
        if any(script):
            self.printed = self.run(["sh", "-eu", "-c", "\n".join(script)])

    def _special(self, line: str) -> Callable[[str], None] | None:
        if line.startswith("make "):
            return self._has_target
        if line.startswith(("pip install ", "uv pip install ", "python -m pip install ")):
            return self._has_extras
        if line.startswith(("python -m venv ", ". .venv/bin/activate")) or self._is_set(line):
            return self._known
        if re.match(r"(wren-async worker\s*(--listen \S+\s*)?|python \w+_worker\.py\s*)(#.*)?$", line):
            return self._works
        return self._serves if _SERVER.match(line) else None

    def _works(self, line: str) -> None:
        """Start a worker, which works until the page ends. It listens at a free port, and not at that of the page."""
        words = [re.sub(r":9100$", ":0", word) for word in shlex.split(line, comments=True)]
        command = [str(Path(sys.executable).parent / words[0]), *words[1:]]
        quiet = subprocess.DEVNULL
        self.workers.append(
            subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=quiet, stderr=quiet)
        )

    def leave(self) -> None:
        """End what works still."""
        for worker in self.workers:
            worker.terminate()
            worker.wait(timeout=60)

    def _is_set(self, line: str) -> bool:
        """Whether it exports what the environment of the tests has already, for servers of their own."""
        found = re.match(r"export (\w+)=", line)
        return found is not None and found[1] in self.environment

    def _known(self, line: str) -> None:
        """What the environment of the tests stands for. `make follow` does these."""

    def _has_target(self, line: str) -> None:
        target = line.split("#")[0].split()[1]
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"no target {target}"

    def _has_extras(self, line: str) -> None:
        asked = re.search(r"wren-async(?:\[([\w,]+)\])?", line)
        assert asked, f"{line} installs something else"
        assert set(filter(None, (asked[1] or "").split(","))) <= extras()

    def _serves(self, line: str) -> None:
        """Start a server on a port of its own, and end it as soon as it has said something."""
        words = shlex.split(line, comments=True)
        command = (
            [sys.executable, *words[1:]]
            if words[0] == "python"
            else [sys.executable, "-m", "wren_async.cli", *words[1:]]
        )
        if "--port" not in command:
            command += ["--port", "0"]
        started = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, text=True)
        try:
            assert started.stdout
            assert started.stdout.readline(), f"{line} says nothing"
        finally:
            started.terminate()
            started.communicate(timeout=30)


def extras() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return set(project["optional-dependencies"])


def examples(page: Path, runner: Runner) -> Iterator[Example]:
    parsers = [
        SkipParser(),
        CodeBlockParser("python", runner.python),
        CodeBlockParser("sh", runner.shell),
        CodeBlockParser("console", runner.console),
        *(CodeBlockParser(language, functools.partial(runner.data, language)) for language in DATA),
    ]
    yield from Sybil(parsers=parsers, path=str(page.parent)).parse(page).examples()


@contextlib.contextmanager
def environment_of(page: Path) -> Iterator[dict[str, str]]:
    """Tokens and addresses of a sandbox, and a database for the pages that name one."""
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox())
        found = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "WREN_API_TOKEN": sandbox.wren.live_token,
            "WREN_BASE_URL": sandbox.wren.base_url,
            "CNAUGHT_API_KEY": sandbox.cnaught.api_key,
            "CNAUGHT_BASE_URL": sandbox.cnaught.base_url,
            "PYTHONWARNINGS": "error",
            "COLUMNS": "80",
        }
        if DATABASE in page.read_text():
            server = stack.enter_context(running_server())
            found[DATABASE] = stack.enter_context(server.fresh_database())
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if name_of(page) not in RUN_BY_OTHERS], ids=name_of)
def test_every_block_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    with environment_of(page) as environment:
        runner = Runner(tmp_path, environment)
        try:
            follow(page, runner)
        finally:
            runner.leave()


def follow(page: Path, runner: Runner) -> None:
    for example in examples(page, runner):
        with contextlib.suppress(SkipTest):
            example.evaluate()
    runner.finish()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_its_language(page: Path) -> None:
    fences = re.findall(r"^ *```(.*)$", page.read_text(), re.MULTILINE)
    assert [each for each in fences[::2] if each.split(" ")[0] not in (*RUN, *DATA)] == []
    assert set(fences[1::2]) <= {""}


def test_few_blocks_are_left_out_and_each_says_why() -> None:
    skips = [found for page in PAGES for found in re.findall(r"<!---?\s*skip: ?(.*?) -->", page.read_text())]
    assert [each for each in skips if not re.fullmatch(r'next "[^"]{10,}"', each)] == []
    assert len(skips) <= MOST_SKIPPED


def test_the_pages_that_others_run_are_there() -> None:
    assert [page for page in RUN_BY_OTHERS if not (ROOT / page).exists()] == []
