"""The small run of `mutated_answers`: a hundred answers over each HTTP library."""

from __future__ import annotations

import random

import pytest

from tests.safety.mutated_answers import ASKED, answer, examples, run


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_is_answered_a_call_ends_in_a_value_or_in_a_typed_error(seed: int) -> None:
    result = await run(200, seed)
    assert result.faults == []
    assert result.answers >= 200
    assert {"a value", "DecodeError", "OutcomeUnknown", "RateLimited"} <= result.ends.keys()


def test_every_operation_that_is_called_has_examples_and_each_seed_answers_alike() -> None:
    assert ASKED.keys() <= examples().keys()
    for operation in ASKED:
        assert answer(operation, random.Random(5)) == answer(operation, random.Random(5))
