"""What all measurements share: a core each for client and server, a server to ask, medians with their spread, and JSON.

The machine drifts, so two things are compared only where they took turns: a ratio is made within each round, and its
median and spread are those of the rounds.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import attrs

HERE = Path(__file__).parent
PACKAGES = (
    "wren-async",
    "httpx",
    "httpcore",
    "httpx2",
    "aiohttp",
    "stripe",
    "openai",
    "githubkit",
    "msgspec",
    "cattrs",
)


def pin(core: int) -> None:
    """Keep this process on one core, where there are several."""
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})


@contextmanager
def served(*arguments: object) -> Iterator[str]:
    """Run `server.py` with these arguments on the last core; gives its base URL."""
    command = [sys.executable, str(HERE / "server.py"), *map(str, arguments)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: pin(-1))
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.wait()


def in_own_process(script: str, *facts: object) -> Any:
    """What `script --measure FACTS` prints, run as a process of its own."""
    command = [sys.executable, script, "--measure", json.dumps(facts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{facts}: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return json.loads(done.stdout)


def start(measure: Callable[..., Coroutine[Any, Any, object]], main: Callable[[], None]) -> None:
    """Run a script: its `main`, or, where `in_own_process` began it, its `measure`, whose result is printed."""
    if sys.argv[1:2] == ["--measure"]:
        pin(0)
        print(json.dumps(asyncio.run(measure(*json.loads(sys.argv[2])))))
    else:
        main()


@attrs.frozen
class Spread:
    """The median of some measurements, with the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of `values`."""
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int = 2) -> str:
        """As it stands in a table."""
        return f"{self.median:.{digits}f} ({self.least:.{digits}f}–{self.most:.{digits}f})"


def ratio(above: Mapping[int, float], below: Mapping[int, float]) -> Spread | None:
    """The spread of the ratios of two series that took turns, each by its round; `None` where no round has both."""
    shared = above.keys() & below.keys()
    return Spread.of([above[each] / below[each] for each in shared]) if shared else None


def versions() -> dict[str, str]:
    """Versions of what is compared."""
    found = {"Python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def save(path: Path | None, rows: Sequence[Mapping[str, object]], **settings: object) -> None:
    """Write the rows of a run, with the settings and versions that they were made with."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"versions": versions(), "settings": settings, "rows": list(rows)}
        path.write_text(json.dumps(content, indent=1) + "\n")
