"""`wren-async`: which command the words name. Nothing is loaded but what that command needs."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import shlex
from collections.abc import Sequence
from typing import Any, Final

from cyclopts import App, CycloptsError, Parameter

from wren_async._generated.commands import COMMANDS, GROUPS, Command
from wren_async.cli.exits import Exit, Stop, help_text

APIS: Final = {
    "wren": "Wren: offsets by weight, projects, trees, and the prepaid wallet.",
    "cnaught": "CNaught: orders, quotes, subaccounts and checkout sessions.",
}
_SANDBOX: Final = "--sandbox"
_SHARED: Final = ("worker", "outbox", "database")
"""Commands of a database that others share, which no throw-away sandbox may touch."""
SHORT: Final = {
    "balance": (("wren", "credits", "balance"), "Show what Wren's prepaid wallet holds."),
    "ledger": (("wren", "credits", "ledger"), "List what came into Wren's wallet and what left it."),
}
"""Operations that have a short name, too."""
ALONE: Final[dict[tuple[str, ...], tuple[str, str]]] = {
    ("orders",): ("wren_async.cli.shortcuts:orders", "List your orders of both APIs, or of the one that --api names."),
    ("sandbox",): ("wren_async.cli.serving:sandbox", "Serve a sandbox of both APIs on this machine."),
    ("doctor",): ("wren_async.cli.doctor:doctor", "Show what the commands find: tokens, servers, versions."),
    ("completion",): ("wren_async.cli.completion:completion", "Print a script by which a shell completes commands."),
    ("wren", "doctor"): ("wren_async.cli.doctor:wren_doctor", "Show whether its token and its server are good."),
    ("cnaught", "doctor"): ("wren_async.cli.doctor:cnaught_doctor", "Show whether its key and its server are good."),
}
"""Commands that are no operation: the function of each, and what the help of those above it says."""


def words_of(command: Command) -> tuple[str, ...]:
    """The words that name an operation, such as `wren credits top-up`."""
    return (command["api"], *command["method"].replace("_", "-").split("."))


def _default_shown(value: object) -> Any:
    """What a help says of a default: nothing of one that only means that an option was not given."""
    return None if value in (None, False, ()) else str(value)


_SHOWN: Final = Parameter(show_default=_default_shown)
_BY_WORDS: Final = {words_of(each): each for each in COMMANDS}


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    given = list(arguments)
    if given and given[0] in SHORT:
        given[:1] = SHORT[given[0]][0]
    options = given[: given.index("--")] if "--" in given else given
    try:
        if _SANDBOX not in options:
            return _run(given)
        given.remove(_SANDBOX)
        if {"--help", "-h"}.intersection(options):
            return _run(given)
        if given and given[0] in _SHARED:
            raise Stop(
                f"{_SANDBOX} does not go with {given[0]}: others work on the same database, and a throw-away sandbox "
                "knows nothing of its orders"
            )
        from wren_async.cli.throwaway import rehearse, throwaway_sandbox

        if given[:1] == ["batch"]:
            return rehearse(given, _run)
        with throwaway_sandbox():
            return _run(given)
    except Stop as stop:
        _say(str(stop))
        return stop.code


def _run(given: list[str]) -> int:
    try:
        app, rest = _app_of(given)
        if _shows_help(app, rest):
            return Exit.ALL_PLACED
        code = app(rest, result_action="return_value", exit_on_error=False, print_error=False)
        return code if isinstance(code, Exit) else Exit.ALL_PLACED
    except CycloptsError as error:
        from wren_async.cli.messages import mistake

        # Told by us: the words of a command line may come from a file, too.
        helps = shlex.join(["wren-async", *_named(given), "--help"])
        _say(f"{mistake(error)}\n{helps} tells the commands and their options")
        return Exit.USAGE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except SystemExit as ended:
        return Exit.USAGE if ended.code else Exit.ALL_PLACED
    except BrokenPipeError:
        _say("stopped: nobody reads the output any more")
        return Exit.UNFINISHED
    except Exception as error:
        from wren_async.cli.endings import of_error
        from wren_async.cli.messages import told
        from wren_async.errors import WrenAsyncError

        if isinstance(error, Stop | WrenAsyncError | OSError):
            _say(told(error))
            return of_error(error)
        import traceback

        # Python's own code for this would be 1, which promises that nothing was sent.
        _say(traceback.format_exc())
        return Exit.UNFINISHED


def _shows_help(app: App, words: list[str]) -> bool:
    """Show the help, where that is what the words ask for. It would be found by itself, after reading all other words:
    that takes as long again."""
    options = list(itertools.takewhile(lambda word: word != "--", words))
    asks = any(word in app.help_flags for word in options) if words else app.default_command is None
    if not asks:
        return False
    others = (word for word in options if word not in app.help_flags)
    names = list(itertools.takewhile(lambda word: not word.startswith("-"), others))
    _, apps, left = app.parse_commands(names)
    if left and apps[-1].default_command is None:
        return False
    # Rich ends the process where a reader has enough, as `head` has.
    with contextlib.suppress(SystemExit):
        app.help_print(names)
    return True


def _app_of(given: list[str]) -> tuple[App, list[str]]:
    """What runs these words, and those that are left for it. A command is made alone, with its whole help."""
    if given and given[0] in _SHARED:
        from wren_async.cli.databases import check_driver

        check_driver()
    for length in (1, 2, 3, 4):
        words = tuple(given[:length])
        if words in _BY_WORDS:
            from wren_async.cli.calling import operation_app

            return operation_app(_BY_WORDS[words], given), given[length:]
        if words in ALONE:
            return _alone(words), given[length:]
    if given[:1] == ["batch"]:
        from wren_async.cli.databases import check_driver, is_shared

        if is_shared(given):
            check_driver()
            from wren_async.cli.shared_batches import shared_app

            return shared_app, given[1:]
    return root_app(), given


def _alone(words: tuple[str, ...]) -> App:
    """A command that is a function. It shows no exit codes, which say nothing of it."""
    module, _, name = ALONE[words][0].partition(":")
    app = App(
        name=" ".join(["wren-async", *words]), help_format="plaintext", version_flags=(), default_parameter=_SHOWN
    )
    app.default(getattr(importlib.import_module(module), name))
    for flag in app.help_flags:
        app[flag].show = False
    return app


def root_app() -> App:
    """All commands, of which none is loaded."""
    app = App(
        name="wren-async",
        help="Buy carbon credits from Wren and CNaught, never twice.",
        help_epilogue=(
            "Tokens come from the environment: WREN_API_TOKEN and CNAUGHT_API_KEY. With --sandbox, a command goes "
            f"to a throw-away sandbox instead, in which nothing costs anything.\n\n{help_text()}"
        ),
        help_format="plaintext",
        version=_version,
        default_parameter=_SHOWN,
    )
    for api, text in APIS.items():
        app.command(_api_app(api, text))
    app.command(
        "wren_async.cli.batches:batch_app",
        name="batch",
        help="Place many orders from a file, each once, whatever happens on the way.",
    )
    for name, (words, text) in SHORT.items():
        app.command(_path_of(words), name=name, help=text)
    _add_alone(app, ())
    app.command(
        "wren_async.cli.worker:worker",
        name="worker",
        help="Place the batches of a PostgreSQL database, together with any number of other workers.",
    )
    app.command(
        "wren_async.cli.outboxes:outbox_app",
        name="outbox",
        help="Look after the outboxes of a PostgreSQL database.",
    )
    app.command(
        "wren_async.cli.worker:database_app",
        name="database",
        help="Prepare a PostgreSQL database for batches that many workers place.",
    )
    return app


def _api_app(api: str, about: str) -> App:
    app = App(name=api, help=about, help_epilogue="`wren-async --help` tells the exit codes; 3 is *outcome unknown*.")
    groups: dict[tuple[str, ...], App] = {(api,): app}
    for command in COMMANDS:
        words = words_of(command)
        if words[0] == api:
            old = " (deprecated)" if command["deprecated"] else ""
            text = f"{command['summary']}{old}"
            _group(groups, words[:-1]).command(_path_of(words), name=words[-1], help=text)
    _add_alone(app, (api,))
    return app


def _add_alone(app: App, above: tuple[str, ...]) -> None:
    for words, (path, text) in ALONE.items():
        if words[:-1] == above:
            app.command(path, name=words[-1], help=text)


def _path_of(words: Sequence[str]) -> str:
    """Where the command of an operation is found, by its words."""
    return f"wren_async.cli.calling:{'_'.join(words).replace('-', '_')}"


def _group(groups: dict[tuple[str, ...], App], words: tuple[str, ...]) -> App:
    if words not in groups:
        groups[words] = App(name=words[-1], help=GROUPS[".".join(words).replace("-", "_")])
        _group(groups, words[:-1]).command(groups[words])
    return groups[words]


def _named(given: list[str]) -> list[str]:
    """As many of the first words as name something."""
    words = itertools.takewhile(lambda word: not word.startswith("-"), given)
    return list(root_app().parse_commands(list(words))[0])


def _version() -> str:
    from wren_async.core.client import __version__

    return __version__


def _say(text: str) -> None:
    from wren_async.cli.terminal import errors, say

    say(errors(), text)
