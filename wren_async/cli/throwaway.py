"""`--sandbox`: the environment of a command for as long as it runs, so that nothing real is reached."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from wren_async.cli.exits import Stop
from wren_async.cli.terminal import errors, say


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
