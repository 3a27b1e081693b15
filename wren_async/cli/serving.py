"""`wren-async sandbox`: the sandbox as a server, until Ctrl-C."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import attrs
from cyclopts import Parameter

from wren_async.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from wren_async.sandbox import FaultKind, Sandbox

MISSING: Final = "the sandbox needs its extra: pip install 'wren-async[sandbox]'"
_LAST_PORT: Final = 65_535
_LOW_CENTS: Final = 500
"""What `--low-wallet` leaves: enough for a first order, and for no second one of the same size."""
_FIRST: Final = {
    "latency": "seconds",
    "slow_drip": "seconds",
    "late_commit": "seconds",
    "status": "status",
    "proxy_error": "status",
    "rate_limit": "retry_after",
    "redirect": "location",
    "reset": "when",
    "never_answer": "when",
}
"""What an option without a name is, by the name of the fault."""


def sandbox(
    *,
    port: Annotated[int, Parameter(help="The port; 0 takes a free one.")] = 8765,
    seed: Annotated[int, Parameter(help="Decides ids and chances.")] = 1,
    file: Annotated[str | None, Parameter(help="A SQLite file in which the sandbox survives its end.")] = None,
    fault: Annotated[
        tuple[str, ...],
        Parameter(
            help="What goes wrong, as NAME or NAME=OPTIONS: reset, latency=0.5, status=503,operation=createOrder,"
            "times=2. May be repeated; an unknown NAME lists all.",
            negative=(),
        ),
    ] = (),
    low_wallet: Annotated[bool, Parameter(help="Leave only $5.00 in Wren's wallet.", negative=())] = False,
    quiet: Annotated[bool, Parameter(help="Do not tell each request.", negative=())] = False,
    json: Annotated[
        bool, Parameter(help="Print addresses and tokens as one line of JSON, and nothing after it.", negative=())
    ] = False,
) -> Exit:
    """Serve a sandbox of both APIs on this machine, and tell each request, until Ctrl-C. Nothing in it costs money."""
    try:
        from wren_async.sandbox.__main__ import main
    except ModuleNotFoundError:
        raise Stop(MISSING) from None
    if not 0 <= port <= _LAST_PORT:
        raise Stop(f"--port takes a number from 0 to {_LAST_PORT}, not {port}")

    def prepare(served: Sandbox) -> None:
        for given in fault:
            add_fault(served, given)
        if low_wallet:
            served.wren_api.accounts[served.wren.live_token].wallet.balance_cents = _LOW_CENTS

    words = [f"--port={port}", f"--seed={seed}"]
    words += (
        ([] if file is None else [f"--file={file}"]) + (["--json"] if json else []) + (["--quiet"] if quiet else [])
    )
    return Exit.ALL_PLACED if main(words, prepare) == 0 else Exit.USAGE


def add_fault(served: Sandbox, given: str) -> None:
    """Switch on a fault that is told as `NAME` or `NAME=OPTIONS`. Raises `Stop`, which lists what there is."""
    from wren_async.sandbox import FaultKind

    name, _, options = given.partition("=")
    name = name.strip().replace("-", "_")
    kinds = {kind.value: kind for kind in FaultKind}
    if name not in kinds:
        raise Stop(f"--fault {given}: no fault has this name; {_there_are(name, fault_names())}")
    arguments: dict[str, Any] = dict(_option(given, kinds[name], each) for each in options.split(",") if each)
    try:
        served.faults.add(kinds[name], **arguments)
    except (ValueError, TypeError) as error:
        raise Stop(f"--fault {given}: {error}") from None


def fault_names() -> tuple[str, ...]:
    """What `--fault` may name. Raises `ModuleNotFoundError` without the extra."""
    from wren_async.sandbox import FaultKind

    return tuple(sorted(kind.value for kind in FaultKind))


def _option(given: str, kind: FaultKind, text: str) -> tuple[str, object]:
    """An option by its name in Python, with its value."""
    from wren_async.sandbox import Fault
    from wren_async.sandbox.fault_kinds import arguments_of

    told, equals, value = text.partition("=")
    if not equals:
        told, value = _FIRST.get(kind.value, ""), text
    name, options = told.strip().replace("-", "_"), arguments_of(kind)
    if name not in options:
        raise Stop(f"--fault {given}: {text!r} is no option of {kind.value}; {_there_are(name, options)}")
    return name, _read(value.strip(), str(getattr(attrs.fields(Fault), name).type))


def _there_are(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"{f'did you mean {near[0]}? In all, ' if near else ''}there are: {', '.join(names)}"


def _read(text: str, hint: str) -> object:
    """What a text is where an option takes this type; what does not fit is told by whoever checks the option."""
    if "bool" in hint and text in ("true", "false"):
        return text == "true"
    for kind, read in (("int", int), ("float", float)):
        if kind in hint:
            try:
                return read(text)
            except ValueError:
                continue
    return text
