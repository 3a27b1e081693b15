"""`python -m wren_async.sandbox`: serve both APIs on a loopback port until interrupted, and tell what comes in."""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from wren_async.sandbox.admission import hostname

if TYPE_CHECKING:
    from wren_async.sandbox.cnaught import Notification
    from wren_async.sandbox.live_log import LiveLog
    from wren_async.sandbox.sandbox import Sandbox

MISUSED = 2
"""The exit code where the sandbox was asked for something that it cannot do."""
_MISSING = "the sandbox needs its extra: pip install 'wren-async[sandbox]'"
_LAST_PORT = 65_535


def main(arguments: Sequence[str] | None = None, prepare: Callable[[Sandbox], None] | None = None) -> int:
    """Serve until SIGINT or SIGTERM.

    Args:
        arguments: The words of the command line; those of the process, if left out.
        prepare: Called with the sandbox before it listens, to switch on faults for example.
    """
    options = _parser().parse_args(arguments)
    try:
        from wren_async.sandbox import Sandbox, StateFileError
    except ModuleNotFoundError as error:
        return _refuse(f"{_MISSING} ({error.name} is missing)")
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
        asyncio.run(_serve(sandbox, as_json=options.json, quiet=options.quiet or options.json))
    except StateFileError as error:
        return _refuse(str(error))
    except (OSError, UnicodeError) as error:
        return _refuse(why_it_cannot_listen(error, options.host, options.port))
    except KeyboardInterrupt:
        pass  # Ctrl+C is how it is ended; it comes so before `_serve` listens for it, and always on Windows
    return 0


def why_it_cannot_listen(error: OSError | UnicodeError, host: str, port: int) -> str:
    """What is wrong with a host or a port, and which would do."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, UnicodeError | socket.gaierror):
        return f"there is no host {host!r}; --host 127.0.0.1 is this machine"
    if number == errno.EADDRINUSE:
        return f"port {port} is in use, by another sandbox perhaps; --port 0 takes a free one"
    if number == errno.EACCES:
        return f"port {port} is not for everybody; take one from 1024 on, or --port 0 for a free one"
    if number == errno.EADDRNOTAVAIL:
        return f"this machine has no address {host}; --host 127.0.0.1 is its own"
    return f"the sandbox cannot listen on {host}, port {port}: {error}"


def _refuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return MISUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wren_async.sandbox",
        description="A local server that behaves like the APIs of Wren and CNaught. Nothing in it costs money.",
    )
    parser.add_argument("--host", type=_host, default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument(
        "--allow-host",
        type=_name,
        action="append",
        default=[],
        metavar="NAME",
        help="answer to this name, too; may be repeated",
    )
    parser.add_argument("--port", type=_port, default=8765, help="the port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="decides ids and chances (default: %(default)s)")
    parser.add_argument("--file", type=_file, help="a SQLite file in which the sandbox survives its end")
    parser.add_argument("--quiet", action="store_true", help="do not tell each request")
    parser.add_argument(
        "--json", action="store_true", help="print addresses and tokens as one line of JSON, and nothing after it"
    )
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:9]) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to {_LAST_PORT}, not {text!r}")
    return int(text)


def _host(text: str) -> str:
    if not text or "/" in text or any(each.isspace() for each in text):
        raise argparse.ArgumentTypeError(f"a host is a name or an address such as 127.0.0.1, not {text!r}")
    return text


def _name(text: str) -> str:
    name = hostname(text)
    if name is None or name != text.lower().rstrip("."):
        raise argparse.ArgumentTypeError(f"a name such as sandbox.internal, without http:// and port, not {text!r}")
    return text


def _file(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("name a file, such as sandbox.db")
    return text


async def _serve(sandbox: Sandbox, *, as_json: bool, quiet: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # on Windows Ctrl+C arrives as KeyboardInterrupt
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    async with sandbox:
        sys.stdout.write((_addresses(sandbox) if as_json else _greeting(sandbox)) + "\n")
        sys.stdout.flush()
        live = None if quiet else _tell_what_happens(sandbox)
        await stop.wait()
    if live is not None:
        await asyncio.to_thread(live.stop)


def _tell_what_happens(sandbox: Sandbox) -> LiveLog:
    from wren_async.sandbox.live_log import LiveLog, attempt_line, line

    live = LiveLog(_writer())

    def attempted(notification: Notification) -> None:
        if told := attempt_line(notification, sandbox.clock.now()):
            live.tell(told)

    sandbox.requests.when_ended(lambda request: live.tell(line(request)))
    sandbox.delivery.when_attempted(attempted)
    return live


def _writer() -> Callable[[str], object]:
    # Past Python's buffer: a thread that waits for a reader must hold no lock that the interpreter wants at its end.
    encoding = sys.stdout.encoding or "utf-8"
    try:
        number = sys.stdout.fileno()
    except OSError:  # no file at all: a test has taken its place
        return sys.stdout.write
    return lambda text: os.write(number, text.encode(encoding, "replace"))


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

Look at it, and break it, in a browser: {sandbox.url}/
Ctrl+C ends it.
"""


if __name__ == "__main__":
    sys.exit(main())
