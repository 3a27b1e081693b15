"""Whether somebody who named a place meant a database. Pure, and loads no driver."""

from __future__ import annotations

import os
import re
from typing import Final

_URL: Final = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*://|postgres(?:ql)?(?:\+\w+)?:)", re.IGNORECASE)
_WORDS: Final = re.compile(r"\s*(?:host|hostaddr|port|dbname|user|password|passfile|service|sslmode)\s*=")


def is_address(where: str | os.PathLike[str]) -> bool:
    """Whether a place is meant as the address of a database, be it a wrong one, and not as the path of a file.

    A wrong one must not become a file: each machine would have one of its own, with a password for a name.
    """
    text = os.fspath(where)
    return _URL.match(text) is not None or (isinstance(where, str) and _WORDS.match(text) is not None)
