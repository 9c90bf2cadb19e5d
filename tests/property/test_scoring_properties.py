"""Scores and bands: bounded, monotone, blind to order, and open to being added up again."""

from __future__ import annotations

import random
from typing import TypeAlias

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluator.rubric import Rubric
from evaluator.scoring import score
from evaluator.values.judge import Verdict
from evaluator.values.scorecard import Scorecard
from tests.property.strategies import rubrics, verdict_maps

_Verdicts: TypeAlias = dict[str, Verdict]
_Case: TypeAlias = tuple[Rubric, _Verdicts]

cases: st.SearchStrategy[_Case] = rubrics().flatmap(lambda rubric: st.tuples(st.just(rubric), verdict_maps(rubric)))


def _changed(case: _Case, data: st.DataObject, before: set[Verdict], after: Verdict) -> tuple[Scorecard, Scorecard]:
    """Score a case, and again with one verdict of ``before`` turned into ``after``."""
    rubric, verdicts = case
    able = [key for key, verdict in verdicts.items() if verdict in before]
    assume(able)
    return score(rubric, verdicts), score(rubric, {**verdicts, data.draw(st.sampled_from(able)): after})


def _place(rubric: Rubric, band: str) -> int:
    return [line.id for line in rubric.scoring.bands].index(band)


@given(cases)
def test_a_score_is_bounded_and_within_its_range(case: _Case) -> None:
    """Score and range lie in 0 to 100, the score in the range; all three are missing together."""
    card = score(*case)
    assert (card.score is None) == (card.score_range is None) == (card.band_range is None)
    if card.score is not None and card.score_range is not None:
        low, high = card.score_range
        assert 0 <= low <= card.score <= high <= 100


@given(cases)
def test_a_score_can_be_added_up_again(case: _Case) -> None:
    """The lines alone give the score, the coverage and the counts."""
    card = score(*case)
    decided = [line for line in card.lines if line.verdict in {"present", "absent"}]
    asked = [line for line in card.lines if line.verdict != "na"]
    assert [line.criterion for line in card.lines] == [criterion.id for criterion in case[0].criteria]
    assert card.coverage == pytest.approx(len(decided) / len(asked) if asked else 0, abs=1e-4)
    assert sum(count.of for count in card.by_severity.values()) == len(decided)
    if decided:
        lost, weight = sum(line.lost for line in decided), sum(line.weight for line in decided)
        assert card.score == pytest.approx(100 * (1 - lost / weight), abs=0.051)


@given(cases, st.data())
def test_a_failure_never_raises_score_or_band(case: _Case, data: st.DataObject) -> None:
    """Turning an absent into a present leaves the score as it was or lowers it, and the band likewise."""
    before, after = _changed(case, data, {"absent"}, "present")
    assert before.score is not None
    assert after.score is not None
    assert after.score <= before.score
    assert before.needs_review == after.needs_review
    if before.band and after.band:
        assert _place(case[0], after.band) >= _place(case[0], before.band)


@given(cases, st.data())
def test_unscored_never_adds_to_coverage(case: _Case, data: st.DataObject) -> None:
    """Turning any verdict into unscored leaves coverage as it was or lowers it."""
    before, after = _changed(case, data, {"present", "absent", "na"}, "unscored")
    assert after.coverage <= before.coverage


@given(cases, st.data())
def test_ranges_hold_whatever_the_unscored_turn_out_to_be(case: _Case, data: st.DataObject) -> None:
    """However the unscored are decided later, score and band stay within the ranges given before."""
    rubric, verdicts = case
    card = score(rubric, verdicts)
    assume(card.score_range and card.band_range)
    later: _Verdicts = {
        key: data.draw(st.sampled_from(["present", "absent"])) if verdict == "unscored" else verdict
        for key, verdict in verdicts.items()
    }
    final = score(rubric, later)
    assert card.score_range is not None
    assert card.band_range is not None
    assert final.score is not None
    assert final.band is not None
    assert card.score_range[0] <= final.score <= card.score_range[1]
    assert _place(rubric, card.band_range[0]) >= _place(rubric, final.band) >= _place(rubric, card.band_range[1])


@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_criteria_does_not_matter(case: _Case, rng: random.Random) -> None:
    """Shuffling criteria and verdicts changes nothing but the order of the lines."""
    rubric, verdicts = case
    criteria, items = list(rubric.criteria), list(verdicts.items())
    rng.shuffle(criteria)
    rng.shuffle(items)
    shuffled = rubric.model_copy(update={"criteria": tuple(criteria)})
    one, other = score(rubric, verdicts), score(shuffled, dict(items))
    assert one.model_copy(update={"lines": ()}) == other.model_copy(update={"lines": ()})


@given(cases)
def test_there_is_a_band_or_a_reason(case: _Case) -> None:
    """A band is missing exactly if a person must look; nothing decided is a reason; the last band is always met."""
    card = score(*case)
    assert card.needs_review == bool(card.review_reasons) == (card.band is None)
    assert card.needs_review or card.score is not None
    assert card.bands[-1].met
    if card.band:
        assert card.band == next(line.band for line in card.bands if line.met)


@given(cases)
def test_a_veto_only_lowers_the_band(case: _Case) -> None:
    """Without its vetoes a rubric gives the same score, and the same band or a better one."""
    rubric, verdicts = case
    lenient = rubric.model_copy(update={"scoring": rubric.scoring.model_copy(update={"vetoes": ()})})
    strict_card, lenient_card = score(rubric, verdicts), score(lenient, verdicts)
    assert strict_card.score == lenient_card.score
    if strict_card.band and lenient_card.band:
        assert _place(rubric, strict_card.band) >= _place(rubric, lenient_card.band)
        assert all(_place(rubric, strict_card.band) >= _place(rubric, veto.best_band) for veto in strict_card.vetoes)


@given(cases)
def test_a_reason_known_before_withholds_the_band(case: _Case) -> None:
    """A reason for review that is given takes the band away, stands alone and changes no figure."""
    card, plain = score(*case, ["roles_uncertain: who speaks?"]), score(*case)
    assert (card.band, card.review_reasons) == (None, ("roles_uncertain: who speaks?",))
    assert (card.score, card.coverage, card.bands) == (plain.score, plain.coverage, plain.bands)
