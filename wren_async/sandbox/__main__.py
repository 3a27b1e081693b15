"""`python -m wren_async.sandbox`: serve both APIs on a loopback port until interrupted."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

import attrs

from wren_async.sandbox.sandbox import Sandbox


def main(arguments: Sequence[str] | None = None, prepare: Callable[[Sandbox], None] | None = None) -> int:
    """Serve until SIGINT or SIGTERM.

    Args:
        arguments: The words of the command line; those of the process, if left out.
        prepare: Called with the sandbox before it listens, to switch on faults for example.
    """
    options = _parser().parse_args(arguments)
    try:
        sandbox = Sandbox(
            host=options.host,
            port=options.port,
            allowed_hosts=options.allow_host,
            seed=options.seed,
            file=options.file,
        )
        if prepare is not None:
            prepare(sandbox)
        asyncio.run(_serve(sandbox, as_json=options.json))
    except OSError as error:
        sys.stderr.write(f"the sandbox cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wren_async.sandbox",
        description="A local server that behaves like the APIs of Wren and CNaught. Nothing in it costs money.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="answer to this name, too; may be repeated"
    )
    parser.add_argument("--port", type=int, default=8765, help="the port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="decides ids and chances (default: %(default)s)")
    parser.add_argument("--file", help="a SQLite file in which the sandbox survives its end")
    parser.add_argument("--json", action="store_true", help="print addresses and tokens as one line of JSON")
    return parser


async def _serve(sandbox: Sandbox, *, as_json: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # on Windows Ctrl+C arrives as KeyboardInterrupt
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    async with sandbox:
        sys.stdout.write((_addresses(sandbox) if as_json else _greeting(sandbox)) + "\n")
        sys.stdout.flush()
        await stop.wait()


def _addresses(sandbox: Sandbox) -> str:
    wren, cnaught = sandbox.wren, sandbox.cnaught
    return json.dumps({"wren": attrs.asdict(wren), "cnaught": attrs.asdict(cnaught)})


def _greeting(sandbox: Sandbox) -> str:
    wren, cnaught = sandbox.wren, sandbox.cnaught
    return f"""The sandbox of Wren and CNaught listens on {sandbox.url}. Nothing in it costs money.

Point the clients at it:

    export WREN_BASE_URL={wren.base_url}
    export WREN_API_TOKEN={wren.live_token}
    export CNAUGHT_BASE_URL={cnaught.base_url}
    export CNAUGHT_API_KEY={cnaught.api_key}

Wren's test mode: WREN_API_TOKEN={wren.test_token}
CNaught's sandbox mode: CNAUGHT_API_KEY={cnaught.test_key}

What happened so far: {sandbox.url}/_sandbox/requests
Ctrl+C ends it."""


if __name__ == "__main__":
    sys.exit(main())
