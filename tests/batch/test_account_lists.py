"""Which order a reference stands for, where some tell their position and others are the caller's own."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from wren_async.batch.intents import CNaughtMass, canonical, digest
from wren_async.batch.journal.contract import Entry, Result, Row, State
from wren_async.batch.run.account_lists import Sought

INTENT = canonical(CNaughtMass(amount_kg=1))


def entry(position: int, reference: str) -> Entry:
    row = Row(
        position=position, intent=INTENT, digest=digest(INTENT), reference=reference, key="k", cents=1, grams=1000
    )
    return Entry(row=row, result=Result(state=State.PENDING))


REFERENCES = st.builds(
    lambda root, number: f"{root}-{number}" if root else f"{number}",
    st.sampled_from(["", "ride", "ride-2", "7", "other"]),
    st.sampled_from(["1", "2", "3", "10", "01", "x", "²", "1" * 30]),
)


@example(["ride-1"], "ride-01")
@given(st.lists(REFERENCES, unique=True, max_size=8), REFERENCES)
def test_a_reference_is_found_at_its_position_and_no_other_is(references: list[str], other: str) -> None:
    sought = Sought()
    for position, reference in enumerate(references, 1):
        sought.add(entry(position, reference))
    assert [sought.position(reference) for reference in references] == list(range(1, len(references) + 1))
    assert (sought.position(other) is None) == (other not in references)
