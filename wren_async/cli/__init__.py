"""The command line, `wren-async`. It needs the extra `cli`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from wren_async.cli.collecting import passed_over_at_the_end, seldom

_NEEDED = ("cyclopts", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: The words after `wren-async`; those of the process, if left out.
    """
    if arguments is None:
        # The process ends with it. Python would look through everything several times more, a sixth of a short command.
        with passed_over_at_the_end():
            return main(sys.argv[1:])
    try:
        with seldom():
            from wren_async.cli.app import run

            return run(arguments)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _NEEDED:
            raise
        sys.stderr.write("the command line needs its extra: pip install 'wren-async[cli]'\n")
        return 1
