"""Utterances into turns: fragments of one speaker joined, their times checked.

In: a draft. Out: what each speaker says until another speaks, without annotations and hidden characters, from the
start of the first fragment to the end of the last. Times that can't be true are dropped, all of them, because a clock
that jumps once can't be trusted between its jumps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.errors import TranscriptError
from evaluator.transcripts.draft import Utterance
from evaluator.transcripts.limits import MAX_NAME_CHARS, MAX_SECONDS, MAX_SPEECH_CHARS, MAX_TURNS
from evaluator.transcripts.roles import same_label
from evaluator.transcripts.speech import hear, plain_line
from evaluator.values.transcript import Flag

__all__ = ["Joined", "JoinedTurn", "join"]

_OVERLAP_S: Final = 10.0  # people talk at once; a start this far before the last one is a broken clock


@dataclass(frozen=True, slots=True)
class JoinedTurn:
    """What one speaker says until another speaks; the fields are those of `evaluator.values.transcript.Turn`."""

    label: str | None
    text: str
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Joined:
    """The turns of one source.

    Attributes:
        turns: In order; every text holds at least one character.
        lost: How many annotations say that words could not be made out.
        flags: ``hidden_characters`` and ``times_out_of_order``.
    """

    turns: tuple[JoinedTurn, ...]
    lost: int
    flags: tuple[Flag, ...]


@dataclass(slots=True)
class _Open:
    """A turn that is still growing."""

    label: str | None
    texts: list[str]
    start_s: float | None
    end_s: float | None

    def close(self) -> JoinedTurn:
        return JoinedTurn(self.label, " ".join(self.texts), self.start_s, self.end_s)


def join(utterances: Iterable[Utterance]) -> Joined:
    """Join ``utterances`` into turns.

    Raises:
        TranscriptError: More than `MAX_TURNS` turns, or more than `MAX_SPEECH_CHARS` characters.
    """
    turns: list[_Open] = []
    spelling: dict[str, str] = {}
    hidden = lost = 0
    heard = 0
    for utterance in utterances:
        heard += len(utterance.text)
        if heard > MAX_SPEECH_CHARS:
            raise TranscriptError(
                f"there are more than {MAX_SPEECH_CHARS:,} characters of speech",
                where="turns",
                remedy="cut it to one interview",
            )
        speech = hear(utterance.text)
        hidden += speech.hidden
        lost += speech.lost
        if not speech.text:
            continue
        label = _name(utterance.speaker, spelling)
        if turns and turns[-1].label == label:
            turns[-1].texts.append(speech.text)
            turns[-1].end_s = _latest(turns[-1].end_s, utterance.end_s)
        else:
            turns.append(_Open(label, [speech.text], utterance.start_s, utterance.end_s))
            if len(turns) > MAX_TURNS:
                raise TranscriptError(
                    f"there are more than {MAX_TURNS:,} turns", where="turns", remedy="cut it to one interview"
                )
    closed = [turn.close() for turn in turns]
    flags: list[Flag] = []
    if hidden:
        flags.append(Flag(code="hidden_characters", message=f"Characters that can't be seen were taken out: {hidden}."))
    if not _in_order(closed):
        closed = [JoinedTurn(turn.label, turn.text, None, None) for turn in closed]
        flags.append(
            Flag(code="times_out_of_order", message="The times run backwards or can't be true; none of them is used.")
        )
    return Joined(tuple(closed), lost, tuple(flags))


def _name(speaker: str | None, spelling: dict[str, str]) -> str | None:
    """Return the first spelling of a speaker's label, safe to print; ``None`` if nothing of it is left."""
    if speaker is None:
        return None
    plain = plain_line(speaker[: 4 * MAX_NAME_CHARS])[:MAX_NAME_CHARS].strip()
    return spelling.setdefault(same_label(plain), plain) if plain else None


def _latest(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return second if first is None else first
    return max(first, second)


def _in_order(turns: Sequence[JoinedTurn]) -> bool:
    before = 0.0
    for turn in turns:
        for moment in (turn.start_s, turn.end_s):
            if moment is not None and not 0.0 <= moment <= MAX_SECONDS:
                return False
        if turn.start_s is not None:
            if turn.start_s < before - _OVERLAP_S or (turn.end_s is not None and turn.end_s < turn.start_s):
                return False
            before = max(before, turn.start_s)
    return True
