"""Score interview answers in Inspect AI: each sample's conversation is judged by a rubric of failure modes.

    pip install inspect-ai 'interview-evaluator[local]'
    inspect eval examples/inspect_scorer.py --model openai/gpt-6-luna
    inspect eval examples/inspect_scorer.py --model mockllm/model -T judge=openai

The user's messages are the interviewer's, the model's are the candidate's. The value is the score, from 0 to 1. Where a
person must look first, the sample is unscored rather than wrong: Inspect leaves it out of the means. The metadata hold
the band and, for each failure mode, the verdict with the words that prove it.
"""

from __future__ import annotations

import json

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState, generate

from evaluator import aevaluate, parse_transcript

_SPEAKERS = {"user": "interviewer", "assistant": "candidate"}


@scorer(metrics=[mean(), stderr()])
def failure_modes(rubric: str = "netflix_pm_metrics", judge: str = "local") -> Scorer:
    """Judge a sample's conversation.

    Args:
        rubric: Id of a shipped rubric, or path of a rubric file.
        judge: Name of a backend, as `evaluator grade --backend` takes it.
    """

    async def score(state: TaskState, target: Target) -> Score:
        del target  # a rubric needs no reference answer
        turns = [
            {"speaker": _SPEAKERS[message.role], "text": message.text}
            for message in state.messages
            if message.role in _SPEAKERS and message.text.strip()
        ]
        transcript = parse_transcript(json.dumps({"turns": turns}), format="turns")
        evaluation = await aevaluate(transcript, rubric, judge)
        card = evaluation.scorecard
        metadata = {
            "evaluation": evaluation.id,
            "band": card.band,
            "verdicts": {finding.criterion: finding.verdict for finding in evaluation.findings},
            "evidence": {
                finding.criterion: [evidence.quote for evidence in finding.evidence]
                for finding in evaluation.findings
                if finding.evidence
            },
        }
        answer, explanation = state.output.completion, evaluation.feedback.summary
        if card.needs_review or card.score is None:
            return Score.unscored(reason="needs_review", answer=answer, explanation=explanation, metadata=metadata)
        return Score(value=card.score / 100, answer=answer, explanation=explanation, metadata=metadata)

    return score


@task
def interview(rubric: str = "netflix_pm_metrics", judge: str = "local") -> Task:
    """Ask a model one interview question, and judge its answer."""
    question = "How would you measure the success of a new row of previews on the home page?"
    return Task(dataset=[Sample(input=question)], solver=generate(), scorer=failure_modes(rubric, judge))
