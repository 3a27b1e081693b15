"""`wren-async sandbox`: the sandbox as a server, until Ctrl-C."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from wren_async.cli.exits import Exit, Stop


def sandbox(
    *,
    port: Annotated[int, Parameter(help="The port; 0 takes a free one.")] = 8765,
    seed: Annotated[int, Parameter(help="Decides ids and chances.")] = 1,
    file: Annotated[str | None, Parameter(help="A SQLite file in which the sandbox survives its end.")] = None,
    json: Annotated[bool, Parameter(help="Print addresses and tokens as one line of JSON.", negative=())] = False,
) -> Exit:
    """Serve a sandbox of both APIs on this machine, until Ctrl-C. Nothing in it costs money."""
    try:
        from wren_async.sandbox.__main__ import main
    except ModuleNotFoundError:
        raise Stop("the sandbox needs its extra: pip install 'wren-async[sandbox]'") from None
    words = [f"--port={port}", f"--seed={seed}"]
    words += ([] if file is None else [f"--file={file}"]) + (["--json"] if json else [])
    return Exit.ALL_PLACED if main(words) == 0 else Exit.USAGE
