"""Which criteria apply to a transcript: decided by the rubric's rules alone, before any judge is asked."""

from __future__ import annotations

from evaluator.cues import cue_matcher
from evaluator.rubric import Criterion, Rubric
from evaluator.values.transcript import Transcript

__all__ = ["inapplicable_reason"]


def inapplicable_reason(criterion: Criterion, rubric: Rubric, transcript: Transcript, question_type: str) -> str | None:
    """Return why the criterion doesn't apply here, in one sentence; ``None`` if it applies."""
    rule = criterion.applies
    question = transcript.question or ""
    if rule.unless_question_mentions and _mentions(rubric, rule.unless_question_mentions, question):
        return f"It does not apply: the question falls under the exception {_named(rule.unless_question_mentions)}."
    unmet: list[str] = []
    if rule.question_types:
        if question_type in rule.question_types:
            return None
        titles = [f"“{kind.title}”" for kind in rubric.question_types if kind.id in rule.question_types]
        unmet.append(f"the question is not of type {_either(titles)}")
    if rule.question_mentions:
        if _mentions(rubric, rule.question_mentions, question):
            return None
        unmet.append(f"the question does not touch on {_named(rule.question_mentions)}")
    if rule.candidate_mentions:
        if any(_mentions(rubric, rule.candidate_mentions, t.text) for t in transcript.turns if t.role == "candidate"):
            return None
        unmet.append(f"the answer does not touch on {_named(rule.candidate_mentions)}")
    if rule.interviewer_follows_up:
        if _answered_again(transcript):
            return None
        unmet.append("the interviewer asks nothing more after the answer")
    return f"It does not apply: {', and '.join(unmet)}." if unmet else None


def _mentions(rubric: Rubric, group: str, text: str) -> bool:
    return cue_matcher(rubric.cues[group]).found(text)


def _named(group: str) -> str:
    return f"“{group.replace('_', ' ')}”"


def _either(titles: list[str]) -> str:
    return " or ".join(part for part in (", ".join(titles[:-1]), titles[-1]) if part)


def _answered_again(transcript: Transcript) -> bool:
    """Return whether candidate, interviewer and candidate speak in that order: a closing thank-you is no follow-up."""
    parts = iter(turn.role for turn in transcript.turns)
    return all(role in parts for role in ("candidate", "interviewer", "candidate"))
