"""Numbers as people and spreadsheets write them: with a point or a comma before the fraction, and never guessed. Pure.

What stands before three digits may be the point of a fraction or the mark of thousands. Where both are common the
number is refused: to guess wrong would order a thousand times too much, or too little.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from wren_async.batch.input.faults import quoted

_LONGEST: Final = 50
"""Characters of a number. Longer ones are no amounts, and only cost time to read."""
_EITHER: Final = re.compile(r"([+-]?[1-9][0-9]{0,2})([.,])([0-9]{3})")
"""One mark before three digits: a fraction, or thousands. Nobody writes `0,450` for thousands."""
_COMMA: Final = re.compile(r"[+-]?[0-9]*,[0-9]+")
_MARKS: Final = ",.'\N{RIGHT SINGLE QUOTATION MARK} \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"


def read_number(value: str | int | Decimal, *, points_may_group: bool) -> Decimal:
    """A number of the input. Raises `ValueError`, which says what to write instead.

    Args:
        value: As the file has it: text, or a number of its own.
        points_may_group: Whether a point before three digits may stand for thousands.
    """
    text = str(value)
    if len(text) > _LONGEST:
        raise ValueError(f"has {len(text):,} characters, and no amount has more than {_LONGEST}; correct it")
    if isinstance(value, str):
        text = _with_point(text, points_may_group=points_may_group)
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"takes a number, not {quoted(text)}{_remedy(text)}") from None
    if not number.is_finite() or "_" in text:
        raise ValueError(f"takes a number, not {quoted(text)}")
    if abs(number.adjusted()) >= _LONGEST:
        raise ValueError(f"is beyond any amount: {quoted(text)}; write it out, such as 1234.5")
    return number


def _with_point(text: str, *, points_may_group: bool) -> str:
    if (either := _EITHER.fullmatch(text)) and (points_may_group or either[2] == ","):
        whole, _, rest = either.groups()
        raise ValueError(
            f"{quoted(text)} may be {whole}{rest} or {whole}.{rest}; write {whole}{rest} or {whole}.{rest}0"
        )
    return text.replace(",", ".") if _COMMA.fullmatch(text) else text


def _remedy(text: str) -> str:
    """What to write, for a text that is a number but for the marks in it."""
    marks = sorted({each for each in text if each in _MARKS})
    if not marks:
        return ""
    last = max(text.rfind("."), text.rfind(","))
    plain = "".join(
        "." if place == last else each for place, each in enumerate(text) if each not in _MARKS or place == last
    )
    # `1.234.567` and `1,234,567` have thousands and no fraction.
    if last >= 0 and text.count(text[last]) > 1:
        plain = plain.replace(".", "")
    try:
        Decimal(plain)
    except InvalidOperation:
        return "; write a point and no separators, such as 1234.5"
    return f"; write {plain}, without separators of thousands"
