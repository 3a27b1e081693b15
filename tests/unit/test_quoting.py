"""What a message repeats of a server's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wren_async.core.quoting import quoted


@given(text=st.text(alphabet=st.characters(), max_size=300), longest=st.integers(1, 100))
def test_a_quote_is_one_printable_line_of_bounded_length(text: str, longest: int) -> None:
    shown = quoted(text, longest)
    assert shown.isprintable()
    assert len(shown) <= longest + len("… (300 characters)")


@given(text=st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), max_size=100))
def test_words_without_anything_odd_are_repeated_as_they_are(text: str) -> None:
    assert quoted(text, 100) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\r\ntwo\tthree", "one  two three"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u0663 t CO\u2082e, 1\u00a0000 \u20ac", "\u0663 t CO\u2082e, 1 000 \u20ac"),
        ("x" * 10**6, "x" * 500 + "… (1,000,000 characters)"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert quoted(text) == shown
