"""`classify`: every result of every effect has a decision, and an order is sent again only with proof."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wren_async import Effect
from wren_async.core.outcome import AttemptResult, Decision, Next, classify, is_undecided
from wren_async.http.exchange import Answer

CONCURRENT = {"type": "https://api.cnaught.com/v1/errors/idempotency-concurrent-requests", "status": 409}
READS = (Effect.READ, Effect.COMPUTE)
EFFECTS = tuple(Effect)
FLAGS = [
    {"can_repeat": repeat, "resend_rate_limited": resend, "gone_is_done": gone}
    for repeat, resend, gone in itertools.product((True, False), repeat=3)
]


def answered(status: int, *, parsed: object = None, problems: tuple[str, ...] = ()) -> AttemptResult[Any]:
    return AttemptResult(answer=Answer(status=status), parsed=parsed, problems=problems)


UNSENT: AttemptResult[Any] = AttemptResult(reason="refused", unsent=True)
LATE: AttemptResult[Any] = AttemptResult(reason="no answer in time", timed_out=True)
RESET: AttemptResult[Any] = AttemptResult(reason="reset")
UNREADABLE = answered(200, problems=("$: not JSON",))

every_result = st.one_of(
    st.builds(AttemptResult, unsent=st.booleans(), timed_out=st.booleans(), reason=st.just("x")),
    st.builds(
        lambda status, parsed, problems: answered(status, parsed=parsed, problems=problems),
        st.integers(100, 599),
        st.sampled_from([None, {}, [], "x", CONCURRENT, {"type": 7}]),
        st.sampled_from([(), ("$: not JSON",)]),
    ),
)


@settings(max_examples=500, deadline=None)
@given(effect=st.sampled_from(EFFECTS), result=every_result, flags=st.sampled_from(FLAGS))
def test_every_result_of_every_effect_has_a_decision(
    effect: Effect, result: AttemptResult[Any], flags: dict[str, bool]
) -> None:
    found = classify(effect, result, **flags)
    assert isinstance(found, Decision)
    if effect in READS:
        assert not found.may_have_acted, "what changes nothing cannot have acted"
    if found.next is Next.DONE:
        assert not found.may_have_acted
        assert result.answer is not None
    if not flags["can_repeat"] and not result.unsent:
        assert found.next is not Next.AGAIN, "a stream is sent once"


@pytest.mark.parametrize("effect", EFFECTS)
def test_only_a_success_or_what_is_gone_is_done(effect: Effect) -> None:
    for status, flags in itertools.product(range(100, 600), FLAGS):
        found = classify(effect, answered(status), **flags)
        assert (found.next is Next.DONE) == (200 <= status < 300 or (status == 404 and flags["gone_is_done"]))


def test_a_once_write_is_sent_again_only_on_proof_that_nothing_was_sent() -> None:
    results = [LATE, RESET, UNREADABLE, *(answered(status) for status in range(100, 600))]
    for result, flags in itertools.product(results, FLAGS):
        found = classify(Effect.ONCE, result, **flags)
        allowed = result.status == 429 and flags["resend_rate_limited"] and flags["can_repeat"]
        assert (found.next is Next.AGAIN) == allowed
    assert classify(Effect.ONCE, UNSENT) == Decision(Next.AGAIN)


@pytest.mark.parametrize("effect", EFFECTS)
def test_proof_that_nothing_was_sent_lets_every_call_go_again(effect: Effect) -> None:
    assert classify(effect, UNSENT) == Decision(Next.AGAIN)
    assert classify(effect, AttemptResult(reason="late", unsent=True, timed_out=True)) == Decision(Next.AGAIN)


STATUSES_WITHOUT_AN_OUTCOME = (100, 300, 301, 302, 307, 308, 408, 500, 502, 503, 504, 599)
WITHOUT_AN_OUTCOME = [LATE, RESET, *(answered(status) for status in STATUSES_WITHOUT_AN_OUTCOME)]


@pytest.mark.parametrize("result", WITHOUT_AN_OUTCOME)
def test_a_lost_answer_lets_reads_and_keyed_writes_go_again_and_stops_a_once_write(result: AttemptResult[Any]) -> None:
    for effect in READS:
        assert classify(effect, result) == Decision(Next.AGAIN)
    for effect in (Effect.REPEATABLE, Effect.KEYED):
        assert classify(effect, result) == Decision(Next.AGAIN, may_have_acted=True)
    assert classify(Effect.ONCE, result) == Decision(Next.STOP, may_have_acted=True)


def test_a_success_that_cannot_be_read_is_a_decode_error_a_replay_or_an_unknown_outcome() -> None:
    for effect in (*READS, Effect.REPEATABLE):
        assert classify(effect, UNREADABLE).next is Next.STOP
        assert not is_undecided(effect, UNREADABLE, may_have_acted=classify(effect, UNREADABLE).may_have_acted)
    assert classify(Effect.KEYED, UNREADABLE) == Decision(Next.AGAIN, may_have_acted=True)
    assert classify(Effect.ONCE, UNREADABLE) == Decision(Next.STOP, may_have_acted=True)


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_rate_limit_says_that_nothing_was_done(effect: Effect) -> None:
    found = classify(effect, answered(429))
    assert not found.may_have_acted
    assert found.next is (Next.STOP if effect is Effect.ONCE else Next.AGAIN)


def test_only_a_keyed_write_waits_for_its_own_key() -> None:
    busy = answered(409, parsed=CONCURRENT)
    assert classify(Effect.KEYED, busy).next is Next.AGAIN
    assert classify(Effect.KEYED, answered(409)).next is Next.STOP
    for effect in set(EFFECTS) - {Effect.KEYED}:
        assert classify(effect, busy).next is Next.STOP


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 451, 499])
def test_any_other_refusal_stops_and_did_nothing(effect: Effect, status: int) -> None:
    assert classify(effect, answered(status)) == Decision(Next.STOP)


def test_a_404_counts_as_done_only_after_an_earlier_attempt_to_delete() -> None:
    assert classify(Effect.REPEATABLE, answered(404), gone_is_done=True) == Decision(Next.DONE)
    assert classify(Effect.REPEATABLE, answered(404)) == Decision(Next.STOP)
    assert classify(Effect.REPEATABLE, answered(410), gone_is_done=True).next is Next.STOP


@pytest.mark.parametrize("effect", [Effect.KEYED, Effect.ONCE, Effect.REPEATABLE])
@pytest.mark.parametrize("result", [UNSENT, LATE, answered(400), answered(429), answered(500)])
def test_no_later_failure_clears_a_write_that_may_have_been_carried_out(
    effect: Effect, result: AttemptResult[Any]
) -> None:
    assert is_undecided(effect, result, may_have_acted=True)
    assert not is_undecided(effect, result, may_have_acted=False)
