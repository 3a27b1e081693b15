"""A reference is found exactly: in its own text, whatever stands beside it, and in no other's."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wren_async import InvalidArgument
from wren_async.core.reference import attach, carried, check_reference, check_text, token

characters = st.characters(blacklist_characters="[]\r\n", blacklist_categories=["Cs"])
references = st.text(characters, min_size=1, max_size=100).filter(lambda text: text == text.strip() and text)
texts = st.none() | st.text(st.characters(blacklist_categories=["Cs"]), max_size=60)
laws = settings(max_examples=300, deadline=None)


def valid(reference: str) -> bool:
    try:
        check_reference(reference)
    except InvalidArgument:
        return False
    return True


def mark(text: str | None, reference: str, limit: int | None = None) -> str:
    return attach(text, reference, attribute="note", max_length=limit)


def free(text: str | None) -> bool:
    """Whether a text may stand beside a reference: it carries none of its own."""
    return carried(text) is None


@laws
@given(text=texts, reference=references)
def test_a_reference_is_found_in_the_text_that_it_was_attached_to(text: str | None, reference: str) -> None:
    assume(valid(reference) and free(text))
    whole = mark(text, reference)
    assert carried(whole) == reference
    assert whole.endswith(text or "")


@laws
@given(text=texts, reference=references, kept=st.integers(0, 200))
def test_a_server_that_shortens_the_text_does_not_lose_the_reference(
    text: str | None, reference: str, kept: int
) -> None:
    assume(valid(reference) and free(text))
    assert carried(mark(text, reference)[: len(token(reference)) + kept]) == reference


@pytest.mark.slow
@laws
@given(text=texts, reference=references, other=references)
def test_text_that_carries_a_reference_is_refused(text: str | None, reference: str, other: str) -> None:
    assume(valid(reference) and valid(other))
    with pytest.raises(InvalidArgument) as caught:
        mark(f"{text or ''} {token(other)} and more", reference)
    assert caught.value.argument == "note"
    with pytest.raises(InvalidArgument):
        check_text(token(other), attribute="note")


def test_of_several_references_in_a_text_of_other_origin_the_last_counts() -> None:
    assert carried("[ref:fake] lunch [ref:r1]") == "r1"


@pytest.mark.parametrize(
    ("mine", "others"), [("r1", "r10"), ("r10", "r1"), ("1", "r1"), ("r1", "R1"), ("a b", "a"), ("b", "a b")]
)
def test_r1_is_not_r10(mine: str, others: str) -> None:
    assert carried(mark("lunch", mine)) != others


@pytest.mark.parametrize("text", ["r1", "ref:r1", "[ref:]", "[ref:r1", "", None])
def test_what_merely_stands_in_the_users_own_words_is_no_reference(text: str | None) -> None:
    assert carried(text) is None
    assert mark(text, "r1").endswith(text or "[ref:r1]")


@laws
@given(text=st.text(max_size=40), reference=references, limit=st.integers(1, 150))
def test_the_fields_limit_is_kept_or_the_text_is_refused(text: str, reference: str, limit: int) -> None:
    assume(valid(reference) and free(text))
    room = limit - len(token(reference)) - (len(text) + 1 if text else 0)
    if room < 0:
        with pytest.raises(InvalidArgument) as caught:
            mark(text, reference, limit)
        assert caught.value.argument == "note"
    else:
        assert len(mark(text, reference, limit)) <= limit


def test_the_refusal_tells_how_much_room_there_is() -> None:
    with pytest.raises(InvalidArgument, match="must have 504 characters or fewer"):
        mark("x" * 505, "r1"[:1], limit=512)
    assert len(mark("x" * 504, "r", limit=512)) <= 512


@pytest.mark.parametrize("bad", ["", " r", "r ", "a[b", "a]b", "a\nb", "a\rb", "x" * 101, "\n", None, 7, b"r1"])
def test_a_reference_that_could_not_be_found_again_is_refused(bad: object) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_reference(bad)  # type: ignore[arg-type]
    assert caught.value.argument == "reference"
