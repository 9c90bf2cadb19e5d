"""What kind of question was asked: question in, type with a confidence out.

Apart because the type decides which criteria apply, before any judge is asked.
"""

from __future__ import annotations

from evaluator.cues import cue_matcher
from evaluator.errors import OptionError
from evaluator.rubric import Rubric
from evaluator.values.evaluation import QuestionTypeChoice

__all__ = ["choose_question_type"]


def choose_question_type(rubric: Rubric, question: str | None, given: str | None = None) -> QuestionTypeChoice:
    """Return the type that was given, else the one whose cues cover most words of the question, the first in a tie.

    The confidence of an inferred type is a share, not a probability: its words among all words that cues of any type
    cover, with one word added to the others, so that a lone short cue stays doubtful. Where no cue matches, the
    rubric's first type stands in, source ``default``: criteria of other types then stay out, since to ask of an answer
    what its question may not have asked is the worse mistake. The pipeline raises a flag about it.

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
