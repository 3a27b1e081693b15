"""One operation as a command: its help, its words, and what calling it comes to."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

from cyclopts import App, Parameter

from wren_async._generated.commands import COMMANDS, Command
from wren_async.cli.exits import Exit, Stop
from wren_async.cli.parameters import FIRST, Word, arguments_of, nullable_names, read_moment, words_of_builder
from wren_async.cli.wording import described, flag_of, in_flags

if TYPE_CHECKING:
    from wren_async.core.operation import Call
    from wren_async.errors import InvalidArgument


def operation_app(command: Command, given: list[str], *, name: str | None = None) -> App:
    """The command of one operation; `given` are all words of the command line, its own included."""
    build = builder_of(command)
    words = words_of_builder(build, command["api"])
    if command["paged"]:
        words = [each for each in words if each.argument != "limit"]

    def default(*ids: str, **values: Any) -> Exit:
        by_place = zip((each.name for each in words if each.positional), ids, strict=False)
        return _run(command, build, words, given, {**values, **dict(by_place)})

    parameters = [*_own(words), *_settings(command, words)]
    default.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    default.__annotations__ = {each.name: each.annotation for each in parameters}
    whole = " ".join(["wren-async", command["api"], *command["method"].replace("_", "-").split(".")])
    app = App(name=name or whole, help=_help(command, build, words), help_format="plaintext", version_flags=())
    app.default(default)
    for flag in app.help_flags:
        app[flag].show = False
    return app


def builder_of(command: Command) -> Callable[..., Call[Any]]:
    """The generated builder of an operation."""
    module = importlib.import_module(f"wren_async._generated.{command['api']}.operations.{command['module']}")
    build: Callable[..., Call[Any]] = getattr(module, command["builder"])
    return build


def __getattr__(name: str) -> object:
    # Where other options stand before the words that name an operation: the command line resolves it by itself then.
    for command in COMMANDS:
        words = [command["api"], *command["method"].replace("_", "-").split(".")]
        if "_".join(words).replace("-", "_") == name:
            return operation_app(command, words, name=words[-1])
    raise AttributeError(name)


# --- the words ------------------------------------------------------------------------------------------------------


def _help(command: Command, build: Callable[..., object], words: list[Word]) -> str:
    told = described(build)
    flags = {each.argument: each.flag for each in words}
    lines = [told.summary, told.text]
    if command["spends"]:
        lines.append("It spends money, so it asks first where the server is a live one; --yes answers that.")
    if command["effect"] in ("keyed", "once"):
        lines.append("Where its answer is lost it exits with 3, and tells how to find out what became of it.")
    return in_flags("\n\n".join(lines), flags, command["api"])


def _own(words: list[Word]) -> list[inspect.Parameter]:
    found = []
    for each in words:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if each.positional else inspect.Parameter.KEYWORD_ONLY
        must = each.required and not each.nullable and each.flag != "--content-type"
        option = Parameter(name=each.flag, help=each.text, required=must, show_default=False)
        found.append(_parameter(each.name, kind, each.hint, option, must=must))
    return found


def _settings(command: Command, words: list[Word]) -> list[inspect.Parameter]:
    """What every command has beside its operation's own words, and what some have."""
    settings = [
        _setting("json_", bool, "--json", "Write the answer as JSON."),
        _setting("csv_", bool, "--csv", "Write the answer as CSV."),
    ]
    if command["paged"]:
        settings.append(_setting("limit_", int, "--limit", f"Rows to show at most; {FIRST} unless told."))
        settings.append(_setting("all_", bool, "--all", "Show all rows."))
    if builder_answer(command) is bytes:
        settings = [_setting("output_", Path, ("--output", "-o"), "The file to write; replaced whole, or not at all.")]
    if command["spends"]:
        settings.append(_setting("yes_", bool, ("--yes", "-y"), "Spend money without asking."))
    if any(each.argument in ("reference", "idempotency_key") for each in words):
        text = "Find out what became of this very command, sent before with this reference or key. It buys nothing."
        settings.append(_setting("find_", str, "--find", text))
        settings.append(_setting("sent_", str, "--sent", "When that was sent at the latest, with the zone."))
    if names := nullable_names(words):
        text = "Send a null for one of these instead of leaving it out."
        settings.append(_setting("null_", tuple[str, ...], "--null", text, choices=tuple(names)))
    return settings


def _setting(
    name: str, hint: Any, flag: str | tuple[str, ...], text: str, *, choices: tuple[str, ...] | None = None
) -> inspect.Parameter:
    option = Parameter(name=flag, help=text, negative=(), show_default=False, choices=choices)
    return _parameter(name, inspect.Parameter.KEYWORD_ONLY, hint, option, must=False)


def _parameter(name: str, kind: Any, hint: Any, option: Parameter, *, must: bool) -> inspect.Parameter:
    annotation: Any = Annotated[hint if must else Optional[hint], option]  # noqa: UP045 -- made while it runs
    default = inspect.Parameter.empty if must else None
    return inspect.Parameter(name, kind, annotation=annotation, default=default)


def builder_answer(command: Command) -> type[Any]:
    """What a success is decoded into; the models load only where it is asked for them."""
    module = importlib.import_module(f"wren_async._generated.{command['api']}.operations.{command['module']}")
    hint = str(getattr(module, command["builder"]).__annotations__["return"])
    return bytes if hint == "Call[bytes]" else object


# --- calling --------------------------------------------------------------------------------------------------------


def _run(
    command: Command, build: Callable[..., Call[Any]], words: list[Word], given: list[str], values: dict[str, Any]
) -> Exit:
    from wren_async.cli.task import Task
    from wren_async.errors import InvalidArgument

    if values.get("json_") and values.get("csv_"):
        raise Stop("--json and --csv are both given; leave one of them out")
    arguments = arguments_of(words, _with_content_type(words, values), values.get("null_") or ())
    try:
        call = build(**arguments)
    except InvalidArgument as error:
        raise in_flags_of(error) from None
    task = Task(
        command=command,
        call=call,
        arguments=arguments,
        given=given,
        limit=_limit(values),
        output=_output(command, values),
        yes=bool(values.get("yes_")),
        find=values.get("find_"),
        sent=None if values.get("sent_") is None else read_moment("--sent", values["sent_"]),
    )
    from wren_async.cli.answers import Form, show_answer
    from wren_async.cli.performing import perform

    form = Form.JSON if values.get("json_") else Form.CSV if values.get("csv_") else Form.TABLE
    try:
        code, answer = perform(task)
    except InvalidArgument as error:
        raise in_flags_of(error) from None
    try:
        show_answer(answer, form, command["rows"])
    except OSError as error:
        if isinstance(error, BrokenPipeError) and not call.operation.effect.writes:
            return code
        # Not the code of a mistake, which promises that nothing was sent.
        raise Stop(f"it was carried out, and its answer could not be written: {error}", Exit.UNFINISHED) from error
    return code


def in_flags_of(error: InvalidArgument) -> Stop:
    """What is wrong with an argument, by the name of its flag."""
    from wren_async.cli.messages import in_words

    return Stop(f"{flag_of(error.argument)}: {in_words(error.problem)}")


def _with_content_type(words: list[Word], values: dict[str, Any]) -> dict[str, Any]:
    """The media type by the name of the file, where the command is not told and its operation takes such."""
    word = next((each for each in words if each.flag == "--content-type"), None)
    file = next((values.get(each.name) for each in words if each.flag == "--file"), None)
    if word is None or file is None or values.get(word.name) is not None:
        return values
    import mimetypes

    known = mimetypes.guess_type(file.name)[0]
    choices = word.hint.__args__
    if known not in choices:
        raise Stop(f"--content-type is missing: the name {file.name!r} does not tell it; one of {', '.join(choices)}")
    return {**values, word.name: known}


def _limit(values: dict[str, Any]) -> int | None:
    limit = values.get("limit_")
    if values.get("all_"):
        if limit is not None:
            raise Stop("--limit and --all are both given; leave one of them out")
        return None
    if limit is not None and limit < 1:
        raise Stop(f"--limit takes a number of 1 or more, not {limit}")
    return FIRST if limit is None else int(limit)


def _output(command: Command, values: dict[str, Any]) -> Path | None:
    output: Path | None = values.get("output_")
    if output is None and builder_answer(command) is bytes:
        raise Stop("--output is missing: name the file to write")
    return output
