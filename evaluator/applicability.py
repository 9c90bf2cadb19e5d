"""Which criteria apply to a transcript: decided by the rubric's rules alone, before any judge is asked."""

from __future__ import annotations

from evaluator.cues import cue_matcher
from evaluator.rubric import Criterion, Rubric
from evaluator.types import Transcript

__all__ = ["inapplicable_reason"]


def inapplicable_reason(criterion: Criterion, rubric: Rubric, transcript: Transcript, question_type: str) -> str | None:
    """Return why the criterion doesn't apply here, in one sentence; ``None`` if it applies."""
    rule = criterion.applies
    question = transcript.question or ""
    if rule.unless_question_mentions and _mentions(rubric, rule.unless_question_mentions, question):
        return "It does not apply to a question about such a feature."
    conditions: list[tuple[bool, str]] = []
    if rule.question_types:
        titles = [kind.title for kind in rubric.question_types if kind.id in rule.question_types]
        conditions.append((question_type in rule.question_types, f"the question is of type {' or '.join(titles)}"))
    if rule.question_mentions:
        what = rule.question_mentions.replace("_", " ")
        conditions.append((_mentions(rubric, rule.question_mentions, question), f"the question is about {what}"))
    if rule.candidate_mentions:
        what = rule.candidate_mentions.replace("_", " ")
        said = any(
            _mentions(rubric, rule.candidate_mentions, t.text) for t in transcript.turns if t.role == "candidate"
        )
        conditions.append((said, f"the answer speaks of {what}"))
    if rule.interviewer_follows_up:
        conditions.append((_followed_up(transcript), "the interviewer asks again after the answer"))
    if not conditions or any(holds for holds, _ in conditions):
        return None
    return f"It applies only if {' or '.join(condition for _, condition in conditions)}."


def _mentions(rubric: Rubric, group: str, text: str) -> bool:
    return cue_matcher(rubric.cues[group]).found(text)


def _followed_up(transcript: Transcript) -> bool:
    roles = [turn.role for turn in transcript.turns]
    return "candidate" in roles and "interviewer" in roles[roles.index("candidate") :]
