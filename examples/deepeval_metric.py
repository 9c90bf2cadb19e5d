"""Judge interview answers as a DeepEval metric.

    pip install deepeval 'interview-evaluator[local]'
    deepeval test run examples/deepeval_metric.py

A test case's input is the interviewer's question, its actual output the candidate's answer. The score is from 0 to 1,
the reason the summary, the breakdown 1 for each failure mode that was avoided and 0 for each that was not; what could
not be told is missing from it. Where a person must look first, the metric has an error and no score.
"""

from __future__ import annotations

import asyncio
import json

from deepeval import assert_test
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase, SingleTurnParams

from evaluator import aevaluate, parse_transcript


class InterviewMetric(BaseMetric):
    """Judges one answer by a rubric of failure modes."""

    _required_params = [SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT]

    def __init__(self, threshold: float = 0.5, rubric: str = "netflix_pm_metrics", judge: str = "local") -> None:
        """Choose what passes, the rubric (id or path) and the judge (a backend's name)."""
        self.threshold = threshold
        self.rubric = rubric
        self.judge = judge
        self.evaluation_model = judge

    @property
    def __name__(self) -> str:
        """What reports call it."""
        return "Interview answer"

    def measure(self, test_case: LLMTestCase, *args: object, **kwargs: object) -> float | None:
        """Judge, and wait."""
        return asyncio.run(self.a_measure(test_case, *args, **kwargs))

    async def a_measure(self, test_case: LLMTestCase, *args: object, **kwargs: object) -> float | None:
        """Judge; reports read the attributes. ``None`` where a person must look first: no score is made up."""
        del args, kwargs
        self.error = self.score = None
        turns = [
            {"speaker": "interviewer", "text": test_case.input},
            {"speaker": "candidate", "text": test_case.actual_output},
        ]
        transcript = parse_transcript(json.dumps({"turns": turns}), format="turns")
        evaluation = await aevaluate(transcript, self.rubric, self.judge)
        card = evaluation.scorecard
        decided = {"absent": 1.0, "present": 0.0}
        self.score_breakdown = {
            finding.criterion: decided[finding.verdict] for finding in evaluation.findings if finding.verdict in decided
        }
        self.reason = evaluation.feedback.summary
        self.evaluation_cost = evaluation.usage.cost_usd if evaluation.usage.priced else None
        if card.needs_review or card.score is None:
            self.error = "a person must look first: " + " ".join(card.review_reasons)
            self.success = False
            return None
        self.score = card.score / 100
        self.success = self.score >= self.threshold
        return self.score


def test_an_answer_that_names_goal_metric_and_guardrail() -> None:
    """Holds an answer to a score."""
    answer = (
        "The goal is that members find something worth watching sooner, so I'd measure the share of sessions that "
        "start a title within two minutes, over 28 days. I'd guard against regret by the share of titles left within "
        "five minutes, and we'd need play and exit events for each session."
    )
    case = LLMTestCase(input="How would you measure the success of a new preview feature?", actual_output=answer)
    assert_test(case, [InterviewMetric(threshold=0.3)])
