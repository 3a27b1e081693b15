"""Short names for what is looked at most often."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from cyclopts import Parameter

from wren_async.cli.environment import TOKENS, has_token
from wren_async.cli.exits import Exit, Stop

_LISTS: Final = {"wren": ["wren", "offset-orders", "list"], "cnaught": ["cnaught", "orders", "list"]}
_NAMES: Final = {"wren": "Wren, offset orders:", "cnaught": "CNaught:"}


def orders(
    *,
    api: Annotated[Literal["wren", "cnaught"] | None, Parameter(help="Whose orders; of both, if left out.")] = None,
    json: Annotated[bool, Parameter(help="Write them as JSON; with --api.", negative=())] = False,
    csv: Annotated[bool, Parameter(help="Write them as CSV; with --api.", negative=())] = False,
) -> Exit:
    """List your orders of each API whose token is set, the newest first.

    Of Wren these are offset orders, as `wren-async wren offset-orders list` shows them; trees have a list of their own,
    `wren-async wren tree-orders list`. Of CNaught these are the newest 100; `wren-async cnaught orders list` has
    --limit and --all.
    """
    from wren_async.cli.app import run
    from wren_async.cli.terminal import output, say

    apis = [api] if api is not None else [each for each in _LISTS if has_token(each)]
    if not apis:
        raise Stop(f"no token is there: set {' or '.join(TOKENS.values())} in the environment, or add --sandbox")
    if len(apis) > 1 and (json or csv):
        raise Stop("--json and --csv write the orders of one API: say which by --api wren or --api cnaught")
    codes = []
    for each in apis:
        if len(apis) > 1:
            say(output(), f"{_NAMES[each]}" if each == apis[0] else f"\n{_NAMES[each]}")
        codes.append(run([*_LISTS[each], *(["--json"] if json else []), *(["--csv"] if csv else [])]))
    return Exit(max(codes))
