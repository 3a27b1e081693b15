"""Orders, ledgers and the rows of batches as tables of Arrow, pandas and polars, exact to the last digit.

None of these packages is imported before its function is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._lazy import lazy

if TYPE_CHECKING:
    from wren_async.tables.frames import to_arrow, to_pandas, to_polars

__all__ = ["to_arrow", "to_pandas", "to_polars"]

__getattr__ = lazy(__name__, {".frames": "to_arrow to_pandas to_polars"})
