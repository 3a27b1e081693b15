"""`wren-async`: which command the words name. Nothing is loaded but what that command needs."""

from __future__ import annotations

import shlex
import traceback
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError

from wren_async._generated.commands import COMMANDS, GROUPS, Command
from wren_async.cli.exits import Exit, Stop, help_text

APIS: Final = {
    "wren": "Wren: offsets by weight, projects, trees, and the prepaid wallet.",
    "cnaught": "CNaught: orders, quotes, subaccounts and checkout sessions.",
}
_SANDBOX: Final = "--sandbox"


def words_of(command: Command) -> tuple[str, ...]:
    """The words that name an operation, such as `wren credits top-up`."""
    return (command["api"], *command["method"].replace("_", "-").split("."))


_BY_WORDS: Final = {words_of(each): each for each in COMMANDS}


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    given = list(arguments)
    options = given[: given.index("--")] if "--" in given else given
    try:
        if _SANDBOX not in options:
            return _run(given)
        given.remove(_SANDBOX)
        if given[:1] == ["batch"]:
            raise Stop(
                f"{_SANDBOX} does not go with batches, whose journals belong to one server: start `wren-async "
                "sandbox`, and set the variables that it shows"
            )
        from wren_async.cli.throwaway import throwaway_sandbox

        with throwaway_sandbox():
            return _run(given)
    except Stop as stop:
        _say(str(stop))
        return stop.code


def _run(given: list[str]) -> int:
    try:
        app, rest = _app_of(given)
        code = app(rest, result_action="return_value", exit_on_error=False, print_error=False)
        return code if isinstance(code, Exit) else Exit.ALL_PLACED
    except CycloptsError as error:
        # Told by us: the words of a command line may come from a file, too.
        _say(f"{error}\n{shlex.join(['wren-async', *_named(given), '--help'])} tells the commands and their options")
        return Exit.USAGE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:
        from wren_async.cli.endings import of_error
        from wren_async.errors import WrenAsyncError

        if isinstance(error, Stop | WrenAsyncError | OSError):
            _say(str(error))
            return of_error(error)
        # Python's own code for this would be 1, which promises that nothing was sent.
        _say(traceback.format_exc())
        return Exit.UNFINISHED


def _app_of(given: list[str]) -> tuple[App, list[str]]:
    """What runs these words, and those that are left for it. An operation is made alone, with its whole help."""
    for length in {len(words) for words in _BY_WORDS}:
        command = _BY_WORDS.get(tuple(given[:length]))
        if command is not None:
            from wren_async.cli.calling import operation_app

            return operation_app(command, given), given[length:]
    if given[:1] == ["batch"]:
        from wren_async.cli.databases import is_shared

        if is_shared(given):
            from wren_async.cli.shared_batches import shared_app

            return shared_app, given[1:]
    return root_app(), given


def root_app() -> App:
    """All commands, of which none is loaded."""
    app = App(
        name="wren-async",
        help="Buy carbon credits from Wren and CNaught, never twice.",
        help_epilogue=(
            "Tokens come from the environment: WREN_API_TOKEN and CNAUGHT_API_KEY. With --sandbox, a command of wren "
            f"or cnaught goes to a throw-away sandbox instead.\n\n{help_text()}"
        ),
        help_format="plaintext",
        version=_version,
    )
    for api, text in APIS.items():
        app.command(_api_app(api, text))
    app.command(
        "wren_async.cli.batches:batch_app",
        name="batch",
        help="Place many orders from a file, each once, whatever happens on the way.",
    )
    app.command(
        "wren_async.cli.worker:worker",
        name="worker",
        help="Place the batches of a PostgreSQL database, together with any number of other workers.",
    )
    app.command(
        "wren_async.cli.worker:database_app",
        name="database",
        help="Prepare a PostgreSQL database for batches that many workers place.",
    )
    app.command("wren_async.cli.serving:sandbox", name="sandbox", help="Serve a sandbox of both APIs on this machine.")
    app.command("wren_async.cli.doctor:doctor", name="doctor", help="Show what the commands find: tokens, servers.")
    return app


def _api_app(api: str, text: str) -> App:
    app = App(name=api, help=text)
    groups: dict[tuple[str, ...], App] = {(api,): app}
    for command in COMMANDS:
        words = words_of(command)
        if words[0] == api:
            path = f"wren_async.cli.calling:{'_'.join(words).replace('-', '_')}"
            old = " (deprecated)" if command["deprecated"] else ""
            _group(groups, words[:-1]).command(path, name=words[-1], help=f"{command['summary']}{old}")
    return app


def _group(groups: dict[tuple[str, ...], App], words: tuple[str, ...]) -> App:
    if words not in groups:
        groups[words] = App(name=words[-1], help=GROUPS[".".join(words).replace("-", "_")])
        _group(groups, words[:-1]).command(groups[words])
    return groups[words]


def _named(given: list[str]) -> list[str]:
    """As many of the first words as name something."""
    known = {words[:length] for words in _BY_WORDS for length in range(1, len(words) + 1)} | {("batch",)}
    return next((given[:length] for length in (4, 3, 2, 1) if tuple(given[:length]) in known), [])


def _version() -> str:
    from wren_async.core.client import __version__

    return __version__


def _say(text: str) -> None:
    from wren_async.cli.terminal import errors, say

    say(errors(), text)
