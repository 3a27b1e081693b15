"""The variables of the environment that the commands read. Tokens never stand on a command line."""

from __future__ import annotations

import os
from typing import Final

TOKENS: Final = {"wren": "WREN_API_TOKEN", "cnaught": "CNAUGHT_API_KEY"}
"""What holds the token of each API."""
ADDRESSES: Final = {"wren": "WREN_BASE_URL", "cnaught": "CNAUGHT_BASE_URL"}
"""What names another server than the API's own."""


def has_token(api: str) -> bool:
    """Whether the token of an API is set."""
    return bool(os.environ.get(TOKENS[api], "").strip())
