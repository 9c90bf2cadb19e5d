"""The whole path under a judge that may claim anything about a transcript that may hold anything."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.judging import Case, Judgement
from evaluator.pipeline import evaluate
from evaluator.rubric import Rubric
from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import Transcript
from tests.fakes import FakeJudge
from tests.property.strategies import judgements, rubrics, transcripts


class _Says(FakeJudge):
    """Says one thing, whatever it is asked."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__()
        self._judgement = judgement

    async def judge(self, case: Case) -> Judgement:
        """Return it."""
        self.cases.append(case)
        return self._judgement


@settings(max_examples=200)
@given(data=st.data(), rubric=rubrics(), transcript=transcripts())
def test_no_judge_can_break_the_promises(data: st.DataObject, rubric: Rubric, transcript: Transcript) -> None:
    """Every criterion has one verdict, proof stands where it must, nothing is made up, and the result survives JSON."""
    judgement = data.draw(judgements(rubric, transcript))
    evaluation = evaluate(transcript, rubric, _Says(judgement))
    said = {(opinion.criterion, opinion.verdict) for opinion in judgement.opinions}
    assert [finding.criterion for finding in evaluation.findings] == [criterion.id for criterion in rubric.criteria]
    for finding in evaluation.findings:
        if (finding.kind, finding.verdict) in {("commission", "present"), ("omission", "absent")}:
            assert finding.evidence
        if finding.kind != "measured" and finding.verdict in {"present", "absent"}:
            assert (finding.criterion, finding.verdict) in said
    assert len(evaluation.feedback.top_fixes) <= 3
    assert evaluation.feedback.origin == "rubric"
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation
