"""Tests of what would change a score."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaluator.scoring import score
from evaluator.service.page.outlook import outlook_of, rescored
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Verdict
from tests.fakes import make_rubric
from tests.reports.golden import stored

_VERDICTS: tuple[Verdict, ...] = ("present", "absent", "na")


def _verdicts(evaluation: Evaluation) -> dict[str, Verdict]:
    return {finding.criterion: finding.verdict for finding in evaluation.findings}


def test_steps_add_up() -> None:
    """Each step's gain is the difference to the one before, the first to the score itself; mending never costs."""
    evaluation = stored("failed")
    outlook = outlook_of(evaluation, make_rubric())
    before = evaluation.scorecard.score or 0.0
    assert outlook.steps
    for step in outlook.steps:
        assert step.gain == step.score - before >= 0
        before = step.score


def test_one_band_is_where_the_answer_stands() -> None:
    """All bands are told, best first, and one of them is the answer's; none where a person must look first."""
    for case, here in (("failed", 1), ("strong", 1), ("review", 0)):
        evaluation = stored(case)
        rungs = outlook_of(evaluation, make_rubric()).rungs
        assert len(rungs) == len(evaluation.scorecard.bands)
        assert sum(rung.here for rung in rungs) == here
        assert not any(name in rung.reason for rung in rungs for name in _verdicts(evaluation) if "_" in name)


def test_without_the_rubric_nothing_is_made_up() -> None:
    """Where the rubric is gone there are no steps and no new score, only what the evaluation itself says."""
    evaluation = stored("failed")
    assert outlook_of(evaluation, None).steps == ()
    assert rescored(evaluation, None, {evaluation.findings[0].criterion: "na"}) is None


@given(st.data())
def test_a_coachs_word_is_scored_as_a_judges(data: st.DataObject) -> None:
    """The score with overrides is the rubric's own sum over the overridden verdicts; confirmations change nothing."""
    evaluation = stored("failed")
    rubric = make_rubric()
    names = list(_verdicts(evaluation))
    said = data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from(_VERDICTS)))
    after = rescored(evaluation, rubric, said)
    merged: dict[str, Verdict] = {**_verdicts(evaluation), **said}
    assert after == (None if merged == _verdicts(evaluation) else score(rubric, merged))
