"""`wren-async completion`: a script by which a shell completes commands, flags and values.

The script holds all of them, so that a key press starts no Python.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import attrs
from cyclopts import App, Parameter

from wren_async.cli.exits import Exit

_FILES: Final = "<files>"
"""Stands among words for the names of files."""
_EVERYWHERE: Final = ("--sandbox", "--help")
_BASH: Final = """\
# Completion of wren-async for bash{also}. Load it by: {load}
_wren_async_words() {{
    case "$1" in
{words}
    esac
}}

_wren_async_values() {{
    case "$1" in
{values}
    esac
}}

_wren_async() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="${{COMP_WORDS[COMP_CWORD-1]}}" command="" flag="" word number words
    # Bash splits --flag=value into three words, zsh leaves it one.
    if [[ "$cur" == "=" ]]; then
        cur=""
    elif [[ "$prev" == "=" ]]; then
        prev="${{COMP_WORDS[COMP_CWORD-2]}}"
    elif [[ "$cur" == --*=* ]]; then
        prev="${{cur%%=*}}" flag="${{cur%%=*}}=" cur="${{cur#*=}}"
    fi
    for ((number = 1; number < COMP_CWORD; number++)); do
        word="${{COMP_WORDS[number]}}"
        case " $(_wren_async_words "$command") " in
            *" $word "*) [[ "$word" == -* ]] || command="${{command:+$command }}$word" ;;
        esac
    done
    words="$(_wren_async_values "$command $prev")"
    [[ -n "$words" ]] || words="$(_wren_async_words "$command")"
    COMPREPLY=()
    if [[ "$words" == *"{files}"* && "$cur" != -* ]]; then
        COMPREPLY=($(compgen -P "$flag" -f -- "$cur"))
        compopt -o filenames 2>/dev/null
    fi
    words="${{words//{files}/}}"
    COMPREPLY+=($(compgen -P "$flag" -W "$words" -- "$cur"))
}}

complete -F _wren_async wren-async
"""
_FISH: Final = """\
# Completion of wren-async for fish. Load it by: wren-async completion fish | source
function __wren_async_is
    set -l found
    for word in (commandline -opc)[2..-1]
        if string match -qv -- '-*' $word; and contains -- (string join ' ' $found $word) $__wren_async_commands
            set -a found $word
        end
    end
    test "$found" = "$argv[1]"
end

set -g __wren_async_commands {commands}
complete -c wren-async -f
{lines}
"""


@attrs.frozen(kw_only=True)
class Completed:
    """What may follow the words of a command."""

    command: str
    words: tuple[str, ...]
    values: dict[str, tuple[str, ...]]
    """What may follow each of its flags that takes a value; nothing where nobody can know."""


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell that is to complete.")], /
) -> Exit:
    """Print a script by which a shell completes commands, flags and their values.

    For bash: `source <(wren-async completion bash)`, in ~/.bashrc to keep it. For zsh, after `compinit`: the same with
    zsh, in ~/.zshrc. For fish: `wren-async completion fish > ~/.config/fish/completions/wren-async.fish`.
    """
    from wren_async.cli.app import root_app
    from wren_async.cli.terminal import write

    found = sorted(_walk(root_app(), ()), key=lambda each: each.command)
    write(_fish(found) if shell == "fish" else _bash(found, shell))
    return Exit.ALL_PLACED


def _walk(app: App, words: tuple[str, ...]) -> Iterator[Completed]:
    """Every command below one, itself included."""
    _, apps, _ = app.parse_commands(list(words))
    names = [name for name in apps[-1] if not name.startswith("-")]
    if names:
        yield Completed(command=" ".join(words), words=(*names, *_EVERYWHERE), values={})
        for name in names:
            yield from _walk(app, (*words, name))
        return
    own: list[str] = []
    flags: dict[str, tuple[str, ...] | None] = {}
    for each in apps[-1].assemble_argument_collection():
        if each.parse and each.field_info.is_positional:
            own += _values(each)
        elif each.parse:
            flags |= dict.fromkeys((name for name in each.names if name.startswith("--")), _taken(words, each))
    takes = {name: values for name, values in flags.items() if values is not None}
    yield Completed(command=" ".join(words), words=(*own, *flags, *_EVERYWHERE), values=takes)


def _taken(words: tuple[str, ...], argument: Any) -> tuple[str, ...] | None:
    """What a flag takes, as far as it is known; `None` for a flag that takes nothing."""
    if bool in _kinds(argument):
        return None
    if (words[-1], argument.name) == ("sandbox", "--fault"):
        from wren_async.cli.serving import fault_names

        with contextlib.suppress(ModuleNotFoundError):
            return fault_names()
    return _values(argument)


def _values(argument: Any) -> tuple[str, ...]:
    if choices := argument.get_choices():
        return tuple(choices)
    return (_FILES,) if Path in _kinds(argument) else ()


def _kinds(argument: Any) -> tuple[Any, ...]:
    return (argument.hint, *get_args(argument.hint))


def _bash(found: list[Completed], shell: str) -> str:
    words = [_case(each.command, each.words) for each in found]
    values = [_case(f"{each.command} {flag}", told) for each in found for flag, told in each.values.items()]
    load = f"source <(wren-async completion {shell})"
    script = _BASH.format(
        words="\n".join(words), values="\n".join(values), files=_FILES, load=load, also="" if shell == "bash" else
        ", which zsh takes, too"
    )  # fmt: skip
    return script if shell == "bash" else f"autoload -U +X bashcompinit && bashcompinit\n{script}"


def _case(of: str, words: tuple[str, ...]) -> str:
    # A space stands for a value that nobody can know, after which no other word is offered.
    return f"        {shlex.quote(of)}) echo {shlex.quote(' '.join(words) or ' ')} ;;"


def _fish(found: list[Completed]) -> str:
    lines = []
    for each in found:
        when = f"complete -c wren-async -n '__wren_async_is \"{each.command}\"'"
        plain = [word for word in each.words if not word.startswith("-") and word != _FILES]
        if plain:
            lines.append(f"{when} -a {shlex.quote(' '.join(plain))}")
        if _FILES in each.words:
            lines.append(f"{when} -F")
        for flag in (word for word in each.words if word.startswith("--")):
            lines.append(f"{when} -l {flag[2:]}{_fish_value(each.values.get(flag))}")
    commands = " ".join(shlex.quote(each.command) for each in found if each.command)
    return _FISH.format(commands=commands, lines="\n".join(lines))


def _fish_value(values: tuple[str, ...] | None) -> str:
    if values is None:
        return ""
    return " -r -F" if _FILES in values else f" -x -a {shlex.quote(' '.join(values))}"
