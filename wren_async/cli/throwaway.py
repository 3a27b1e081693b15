"""`--sandbox`: the environment of a command for as long as it runs, so that nothing real is reached."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from wren_async.cli.exits import Exit, Stop
from wren_async.cli.terminal import errors, say

_REHEARSED: Final = ("plan", "run")
_KEPT: Final = ("--journal", "--database")


def rehearse(words: list[str], run: Callable[[list[str]], int]) -> int:
    """Run `batch plan` or `batch run` in a throw-away sandbox, and show what became of it.

    The journal is thrown away, too, and never stands beside the file: the batch that is run in earnest later must not
    find orders in it that were placed in a sandbox.
    """
    name = next(iter(words[1:2]), "")
    if name not in _REHEARSED:
        raise Stop(
            f"--sandbox goes with `batch plan` and `batch run`. The journal that `batch {name}` is for belongs to one "
            "server, and a throw-away sandbox knows nothing of its orders"
        )
    if kept := next((flag for flag in _KEPT for word in words if word.partition("=")[0] == flag), None):
        raise Stop(f"{kept} does not go with --sandbox, whose journal is thrown away with it; leave one of them out")
    with throwaway_sandbox(), tempfile.TemporaryDirectory(prefix="wren-async-") as folder:
        journal = Path(folder, "rehearsal.journal")
        # Nothing costs anything here, so nothing is asked.
        own = [f"--journal={journal}", *(["--yes"] if name == "run" else [])]
        code = run([*words[:2], *own, *words[2:]])
        if name == "run" and "--dry-run" not in words and code not in (Exit.USAGE, Exit.INTERRUPTED):
            run(["batch", "report", str(journal), "--rows"])
        return code


@contextmanager
def throwaway_sandbox() -> Iterator[None]:
    """Serve a sandbox of both APIs, and let the environment name it and its tokens."""
    try:
        from wren_async.sandbox import Sandbox
    except ModuleNotFoundError:
        from wren_async.cli.serving import MISSING

        raise Stop(MISSING) from None

    with Sandbox() as sandbox:
        wren, cnaught = sandbox.wren, sandbox.cnaught
        named = {
            "WREN_API_TOKEN": wren.live_token,
            "WREN_BASE_URL": wren.base_url,
            "CNAUGHT_API_KEY": cnaught.api_key,
            "CNAUGHT_BASE_URL": cnaught.base_url,
        }
        before = {name: os.environ.get(name) for name in named}
        os.environ.update(named)
        say(errors(), "in a throw-away sandbox: nothing real is bought, and nothing is kept")
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
