"""What every format's parser hands on: utterances as the source wrote them, before roles, joining and cleaning.

Apart from `evaluator.values.transcript` because a draft is not yet safe to judge: its text still holds annotations and
hidden characters, its speakers are labels without a role, its times are unchecked.
"""

from __future__ import annotations

from dataclasses import dataclass

from evaluator.values.transcript import Flag

__all__ = ["Draft", "Utterance"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """One cue, paragraph or turn of the source.

    Attributes:
        speaker: Label as written; ``None`` if the source names nobody here.
        text: Words as written; may hold annotations, line ends and hidden characters.
        start_s: Start, seconds; unchecked.
        end_s: End, seconds; unchecked.
    """

    speaker: str | None
    text: str
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """One source, split into utterances.

    Attributes:
        utterances: In the order of the source; may be empty.
        question: The question, if the source has a field for it.
        question_type: The question type, if the source has a field for it.
        candidate: Label of the candidate, if the source has a field for it.
        flags: What the parser noticed.
    """

    utterances: tuple[Utterance, ...]
    question: str | None = None
    question_type: str | None = None
    candidate: str | None = None
    flags: tuple[Flag, ...] = ()
