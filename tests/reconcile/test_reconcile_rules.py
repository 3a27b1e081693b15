"""The rules as tables, and the law behind them: no proof, no verdict that it was not placed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wren_async import InvalidArgument
from wren_async._generated.cnaught.operations.orders import create_order_by_amount
from wren_async._generated.wren.operations.offset_orders import create_offset_order
from wren_async.reconcile import KEY_TRUST, SETTLE_TIME, CannotTell, Look, NotPlaced, Present, Shows, Unsettled
from wren_async.reconcile.listing import Search
from wren_async.reconcile.rules import (
    classify_absence,
    hides,
    horizon,
    key_trust_left,
    settle_seconds,
    stable_key,
)

SENT = datetime(2026, 7, 1, 12, tzinfo=UTC)
CALL = create_offset_order(tons=1, payment_method="credits", reference="r1")


def lost(**known: Any) -> Unsettled[Any]:
    return Unsettled(**{"call": CALL, "first_sent": SENT, "last_sent": SENT, **known})


def at(here: float, there: float | None = None) -> Present:
    """So many seconds after the sending, by the two clocks."""
    return Present(
        here=SENT + timedelta(seconds=here), there=None if there is None else SENT + timedelta(seconds=there)
    )


def look(**seen: Any) -> Look:
    return Look(**{"where": "GET /list", "rows": 3, "shows": Shows.REFERENCES, "to_the_end": True, **seen})


PROOF = {"settled": True, "shows": Shows.REFERENCES, "to_the_end": True}


@pytest.mark.parametrize(("settled", "shows", "to_the_end"), list(product([True, False], Shows, [True, False])))
def test_absence_needs_the_settle_time_a_telling_list_and_its_end(settled: bool, shows: Shows, to_the_end: bool):
    passed = SETTLE_TIME if settled else SETTLE_TIME - 1

    verdict = classify_absence(lost(), [look(shows=shows, to_the_end=to_the_end)], at(passed, passed), SETTLE_TIME)

    proven = {"settled": settled, "shows": shows, "to_the_end": to_the_end} == PROOF
    assert isinstance(verdict, NotPlaced if proven else CannotTell)


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"reference": None, "call": create_offset_order(tons=1, payment_method="credits")}, "no reference"),
        ({"last_sent": None}, "last byte was sent is not known"),
        ({"accepted": True}, "answered with a success"),
        ({"last_sent": SENT + timedelta(hours=2)}, "only 0 s have passed"),
        ({"last_sent": SENT + timedelta(hours=1, milliseconds=300)}, "only 0 s have passed"),
    ],
)
def test_what_is_not_known_of_the_sending_forbids_a_proof_and_is_named(known: dict[str, Any], says: str):
    verdict = classify_absence(lost(**known), [look()], at(3600, 3600), SETTLE_TIME)

    assert isinstance(verdict, CannotTell)
    assert says in str(verdict.evidence)


@pytest.mark.parametrize(("here", "there"), [(7200, 60), (60, 7200), (7200, -7200)])
def test_one_clock_that_jumps_settles_nothing(here: float, there: float):
    assert isinstance(classify_absence(lost(), [look()], at(here, there), SETTLE_TIME), CannotTell)


def test_one_unproven_list_among_several_is_enough_for_doubt():
    looks = [look(), look(where="GET /other", shows=Shows.NO_ROWS)]

    verdict = classify_absence(lost(), looks, at(3600, 3600), SETTLE_TIME)

    assert isinstance(verdict, CannotTell)
    assert "GET /other has not shown" in verdict.evidence.reason


def test_no_list_at_all_proves_nothing():
    assert isinstance(classify_absence(lost(), [], at(3600, 3600), SETTLE_TIME), CannotTell)


def test_evidence_tells_what_was_looked_at_and_when():
    verdict = classify_absence(lost(), [look()], at(3600, 3600), SETTLE_TIME)

    told = str(verdict.evidence)
    assert "GET /list: 3 rows, to the end, showing references" in told
    assert "2026-07-01 13:00:00" in told
    assert "reference r1" in told


seconds = st.floats(min_value=-1e6, max_value=1e6)
looks = st.builds(
    Look,
    where=st.sampled_from(["GET /a", "GET /b"]),
    rows=st.integers(0, 5),
    shows=st.sampled_from(Shows),
    to_the_end=st.booleans(),
    trouble=st.none() | st.just("ConnectionLost"),
)


@given(
    here=seconds,
    there=st.none() | seconds,
    seen=st.lists(looks, max_size=3),
    accepted=st.booleans(),
    last_sent=st.none() | st.just(SENT),
    reference=st.none() | st.just("r1"),
    settle_time=st.floats(min_value=0, max_value=1e5),
    doubts=st.lists(st.just("a doubt"), max_size=1),
)
def test_law_never_not_placed_without_proof(
    here: float,
    there: float | None,
    seen: list[Look],
    accepted: bool,
    last_sent: datetime | None,
    reference: str | None,
    settle_time: float,
    doubts: list[str],
):
    case = lost(accepted=accepted, last_sent=last_sent, reference=reference)

    verdict = classify_absence(case, seen, at(here, there), settle_time, doubts=doubts)

    if isinstance(verdict, NotPlaced):
        assert reference is not None
        assert last_sent is not None
        assert not accepted
        assert not doubts
        assert at(here, there).least_since(SENT) >= settle_time
        assert seen
        assert all(each.shows is Shows.REFERENCES and each.to_the_end and each.trouble is None for each in seen)
    assert verdict.evidence.reason


@pytest.mark.parametrize(
    ("seen", "hidden"),
    [
        (look(), False),
        (look(shows=Shows.TEXTS), False),
        (look(shows=Shows.ATTRIBUTE), False),
        (look(rows=0, shows=Shows.NO_ROWS), False),
        (look(shows=Shows.NOTHING), True),
        (look(to_the_end=False), True),
        (look(trouble="ConnectionLost"), True),
    ],
)
def test_find_or_place_places_nothing_that_a_list_may_hide(seen: Look, hidden: bool):
    assert (hides(seen) is not None) is hidden


@pytest.mark.parametrize(
    ("here", "there", "trusted"),
    [
        (5, 5, True),
        (KEY_TRUST - 1, KEY_TRUST - 1, True),
        (KEY_TRUST, KEY_TRUST, False),
        (5, KEY_TRUST, False),  # this machine's clock was set back
        (KEY_TRUST, 5, False),  # it ran ahead
        (-30, 5, True),  # it is a little late
        (-120, 5, False),  # one of the two was wrong
        (5, None, False),  # the server does not say
    ],
)
def test_a_key_is_trusted_for_ten_minutes_by_both_clocks(here: float, there: float | None, trusted: bool):
    assert (key_trust_left(SENT, at(here, there)) > 0) is trusted


def test_a_key_is_not_trusted_where_its_age_is_not_known():
    assert key_trust_left(None, at(1, 1)) <= 0


def test_the_walk_goes_back_past_the_sending_by_more_than_the_clocks_differ():
    assert horizon(SENT, at(3600, 0)) == SENT - timedelta(days=1, hours=1)
    assert horizon(None, at(0, 0)) is None
    assert horizon(SENT, at(0)) is None


def test_the_key_of_a_reference_is_stable_and_its_own():
    call = create_order_by_amount(amount_kg=1)
    keys = {
        stable_key(call, "r1", None),
        stable_key(call, "r1", None),
        stable_key(call, "r2", None),
        stable_key(call, "r1", "sub"),
    }

    assert len(keys) == 3
    assert stable_key(call, "ride-7", None) == "e8afad9c-989e-56c3-8548-616ca84fa460"


@pytest.mark.parametrize("wrong", [-1, float("inf"), float("nan"), True, "900", None])
def test_a_settle_time_is_a_number_of_seconds(wrong: Any):
    with pytest.raises(InvalidArgument, match="settle_time"):
        settle_seconds(wrong)


def test_references_are_told_apart_to_the_letter():
    search: Search[str] = Search({"r1"}, lambda row: row)
    search.look_at("x [ref:r10]")
    assert not search.found
    assert search.shows is Shows.REFERENCES
    search.look_at("[ref:r1]")
    assert search.found == {"r1": ["[ref:r1]"]}
    assert search.complete


def test_a_list_shows_what_its_rows_have_shown():
    def shown(rows: list[dict[str, Any]], body: bytes) -> Shows:
        search: Search[dict[str, Any]] = Search({"r1"}, lambda row: row.get("note"))
        for row in rows:
            search.look_at(row)
        search.see_raw(body, "note")
        return search.shows

    assert shown([], b'{"rows": []}') is Shows.NO_ROWS
    assert shown([{}], b'{"stats": {"note": 1}, "rows": [{"id": 1}]}') is Shows.NOTHING
    assert shown([{}], b'[{"note": null}]') is Shows.ATTRIBUTE
    assert shown([{"note": "hello"}], b'[{"note": "hello"}]') is Shows.TEXTS
    assert shown([{"note": "[ref:other]"}], b"[]") is Shows.REFERENCES


def test_what_is_unsettled_carries_its_call_again():
    call = create_order_by_amount(amount_kg=Decimal(1))
    case = Unsettled(call=call, reference="r1", key="k1")

    assert (case.repeat.reference, case.repeat.idempotency_key) == ("r1", "k1")
    assert attrs.evolve(case, reference=None, key=None).repeat == call
    assert case.body == {"amount_kg": 1}
    with pytest.raises(InvalidArgument, match="time zone"):
        Unsettled(call=call, last_sent=datetime(2026, 7, 1))
