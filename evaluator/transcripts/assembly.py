"""A draft into a `Transcript`: joined turns, roles, question, language, and why a person should look first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.errors import TranscriptError
from evaluator.transcripts.draft import Draft
from evaluator.transcripts.garble import garble_reasons
from evaluator.transcripts.joining import join
from evaluator.transcripts.language import language_of
from evaluator.transcripts.limits import MAX_QUESTION_CHARS
from evaluator.transcripts.roles import Said, decide_roles
from evaluator.transcripts.speech import plain_line
from evaluator.values.transcript import Flag, Transcript, Turn

__all__ = ["Told", "assemble"]

_ANSWER_WORDS: Final = 20  # shorter turns of the candidate greet, or ask back
_TYPE_CHARS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the caller told about a transcript; it wins over what the source says.

    Attributes:
        candidate: Label of the candidate; ``None`` if untold, like the others.
        question: The question asked.
        question_type: Id of its type.
    """

    candidate: str | None = None
    question: str | None = None
    question_type: str | None = None


def assemble(draft: Draft, format_name: str, told: Told, flags: tuple[Flag, ...] = ()) -> Transcript:
    """Return the transcript of ``draft``.

    Raises:
        TranscriptError: Nothing was said, or nothing by the candidate.
    """
    joined = join(draft.utterances)
    if not joined.turns:
        raise TranscriptError("the transcript holds no words", where="turns", remedy="give a file with speech in it")
    decision = decide_roles(
        [Said(turn.label, turn.text) for turn in joined.turns],
        told.candidate if told.candidate is not None else draft.candidate,
    )
    turns = tuple(
        Turn(
            role=decision.roles[turn.label],
            text=turn.text,
            name=turn.label,
            start_s=turn.start_s,
            end_s=turn.end_s,
        )
        for turn in joined.turns
    )
    spoken = [turn.text for turn in turns if turn.role == "candidate"]
    language = language_of(" ".join(spoken))
    return Transcript(
        turns=turns,
        question=_question(told.question, draft.question, turns),
        question_type=_question_type(told.question_type) or _question_type(draft.question_type),
        format=format_name,
        roles=decision.speakers,
        language=language,
        review_reasons=(*decision.reasons, *garble_reasons(spoken, language, joined.lost)),
        flags=(*flags, *draft.flags, *joined.flags),
    )


def _question(told: str | None, field: str | None, turns: Sequence[Turn]) -> str | None:
    for question in (told, field, _asked(turns)):
        plain = plain_line(question) if question else ""
        if plain:
            return _cut(plain)
    return None


def _asked(turns: Sequence[Turn]) -> str | None:
    """Return an interviewer's last words before the candidate's first real answer, or before any of their words."""
    asked: str | None = None
    for turn in turns:
        if turn.role == "interviewer":
            asked = turn.text
        elif turn.role == "candidate" and len(turn.text.split(maxsplit=_ANSWER_WORDS)) >= _ANSWER_WORDS:
            return asked
    first = next((index for index, turn in enumerate(turns) if turn.role == "candidate"), 0)
    return next((turn.text for turn in reversed(turns[:first]) if turn.role == "interviewer"), None)


def _cut(question: str) -> str:
    if len(question) <= MAX_QUESTION_CHARS:
        return question
    return question[: MAX_QUESTION_CHARS - 1].rsplit(" ", 1)[0][: MAX_QUESTION_CHARS - 1] + "…"


def _question_type(value: str | None) -> str | None:
    plain = plain_line(value) if value else ""
    if len(plain) > _TYPE_CHARS:
        raise TranscriptError(
            f"the question type is longer than {_TYPE_CHARS} characters",
            where="question_type",
            remedy="write the id of a question type, such as metric_design",
        )
    return plain or None
