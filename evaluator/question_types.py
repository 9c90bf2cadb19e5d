"""What kind of question was asked: question in, type with a confidence out.

Apart because the type decides which criteria apply, before any judge is asked.
"""

from __future__ import annotations

from evaluator.cues import cue_matcher
from evaluator.errors import OptionError
from evaluator.rubric import Rubric
from evaluator.types import QuestionTypeChoice

__all__ = ["choose_question_type"]


def choose_question_type(rubric: Rubric, question: str | None, given: str | None = None) -> QuestionTypeChoice:
    """Return the type that was given, else the one whose cues cover most words of the question.

    The confidence of an inferred type is its share of all words that cues of any type cover, with one word added to
    the others: a lone short cue stays doubtful.

    Raises:
        OptionError: ``given`` is not a question type of the rubric.
    """
    ids = [kind.id for kind in rubric.question_types]
    if given is not None:
        if given not in ids:
            raise OptionError(
                f"rubric {rubric.id} has no question type {given!r}",
                where="question_type",
                remedy=f"one of: {', '.join(ids)}",
            )
        return QuestionTypeChoice(value=given, source="given", confidence=1.0)
    weights = [_covered_words(kind.cues, question or "") for kind in rubric.question_types]
    best = max(weights)
    if best == 0:
        return QuestionTypeChoice(value=ids[0], source="default", confidence=round(1 / len(ids), 4))
    confidence = best / (sum(weights) + 1)
    return QuestionTypeChoice(value=ids[weights.index(best)], source="inferred", confidence=round(confidence, 4))


def _covered_words(cues: tuple[str, ...], question: str) -> int:
    return sum(len(question[start:end].split()) for start, end in cue_matcher(cues).spans(question))
