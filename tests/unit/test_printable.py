"""What a message repeats of a server's or a file's words: one bounded line that steers no terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wren_async.core.printable import printable


@given(text=st.text(alphabet=st.characters(), max_size=300), longest=st.integers(1, 100))
def test_what_is_shown_is_one_printable_line_of_bounded_length(text: str, longest: int) -> None:
    shown = printable(text, longest)
    assert shown.isprintable()
    assert len(shown) <= longest


@given(text=st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), max_size=100))
def test_words_without_anything_odd_are_repeated_as_they_are(text: str) -> None:
    assert printable(text, 100) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\r\ntwo\tthree", "one\\r\\ntwo\\tthree"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u0663 t CO\u2082e", "\u0663 t CO\u2082e"),
        ("x" * 10**6, "x" * 499 + "…"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
