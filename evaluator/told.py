"""What is told of an evaluation to those who watch the program: ids, figures and codes, and no word that was said."""

from __future__ import annotations

from collections import Counter

from evaluator.rubric import Rubric
from evaluator.tracing import Attributes
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import JudgeInfo

__all__ = ["asked_attributes", "settled_attributes"]


def asked_attributes(rubric: Rubric, judge: JudgeInfo) -> Attributes:
    """Return what is known before anybody is asked."""
    return {
        "evaluator.rubric.id": rubric.id,
        "evaluator.rubric.version": rubric.version,
        "evaluator.judge.backend": judge.backend,
        "evaluator.judge.method": judge.method,
        "evaluator.judge.model": judge.model,
    }


def settled_attributes(evaluation: Evaluation) -> Attributes:
    """Return what became of it: how many verdicts of each kind, score, band, flags by code, tokens and cost."""
    verdicts = Counter(finding.verdict for finding in evaluation.findings)
    card, usage = evaluation.scorecard, evaluation.usage
    return {
        "evaluator.question_type": evaluation.question_type.value,
        "evaluator.answered_by": evaluation.judge.backend,
        "evaluator.verdicts.present": verdicts["present"],
        "evaluator.verdicts.absent": verdicts["absent"],
        "evaluator.verdicts.unscored": verdicts["unscored"],
        "evaluator.verdicts.na": verdicts["na"],
        "evaluator.coverage": card.coverage,
        "evaluator.needs_review": card.needs_review,
        "evaluator.flags": sorted({flag.code for flag in evaluation.flags}),
        "evaluator.requests": usage.requests,
        "evaluator.cost_usd": usage.cost_usd if usage.priced else None,
        "gen_ai.evaluation.name": evaluation.rubric.id,
        "gen_ai.evaluation.score.value": card.score,
        "gen_ai.evaluation.score.label": card.band,
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
    }
