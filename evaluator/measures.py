"""What can be counted about an answer: transcript in, `Delivery` out, and the verdicts that counts alone decide."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from evaluator.cues import cue_matcher
from evaluator.judging import Opinion
from evaluator.rubric import Criterion, Rubric
from evaluator.values.evaluation import Delivery
from evaluator.values.transcript import Transcript, Turn

__all__ = ["WORDS_PER_MINUTE", "judge_by_count", "main_turn", "measure", "spoken_seconds"]

WORDS_PER_MINUTE: Final = 150.0  # usual pace of prepared speech; used where a transcript has no times
_WORD: Final = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")
_SHAPE: Final = {code: "a" if chr(code).isalnum() else "-" if chr(code) in "'.,-" else " " for code in range(128)}
# Of 165 labelled answers within the limit, 156 did not ramble; the other 9 did by their disorder.
_WITHIN_LIMIT_CONFIDENCE: Final = 0.95
# Words that carry nothing. "like", "so" and "well" are left out: more often than not they carry something.
_FILLERS: Final = (
    *("um", "umm", "uh", "uhh", "uhm", "er", "erm", "hmm", "mm", "ah", "eh"),
    *("you know", "i mean", "sort of", "kind of", "basically", "literally", "so yeah", "and stuff", "or whatever"),
)
_SHORTEST_S: Final = 0.01  # what rounds to no time at all has no pace: it would come close to endless
# A word before "you know" or "kind of" that makes it mean something: "do you know", "what kind of", "because you know".
_MAKES_MEANT: Final = re.compile(
    r"\b(?:how|do|did|would|if|when|because|that|before|whether|where|once|"
    r"this|these|the|a|one|two|what|which|some|any|every|each|no|other|same|right)\s+$",
    re.IGNORECASE,
)


def measure(transcript: Transcript, rubric: Rubric) -> Delivery:
    """Count the candidate's turns.

    A turn's spoken time is its end minus its start; a turn without times counts at `WORDS_PER_MINUTE`.
    ``first_metric_s`` counts the candidate's own spoken seconds before the first phrase of the rubric's metric cues.
    """
    turns = [turn for turn in transcript.turns if turn.role == "candidate"]
    seconds = [spoken_seconds(turn) for turn in turns]
    words = [_words(turn.text) for turn in turns]
    metrics = _metric_spans(turns, rubric)
    timed = bool(turns) and all(_timed(turn) for turn in turns)
    total_s = sum(seconds)
    return Delivery(
        words=sum(words),
        duration_s=round(total_s, 2),
        duration_source="timestamps" if timed else "estimated",
        wpm=round(sum(words) / total_s * 60, 1) if timed and total_s >= _SHORTEST_S else None,
        fillers=sum(_fillers(turn.text) for turn in turns),
        longest_turn_words=max(words, default=0),
        longest_turn_s=round(max(seconds, default=0.0), 2),
        first_metric_s=_first_metric_s(turns, seconds, metrics),
        metrics_named=len(
            {
                " ".join(turn.text[start:end].casefold().split())
                for turn, spans in zip(turns, metrics, strict=True)
                for start, end in spans
            }
        ),
    )


def spoken_seconds(turn: Turn) -> float:
    """Return how long the turn lasted by its times, else by its words."""
    if turn.start_s is not None and turn.end_s is not None and turn.end_s > turn.start_s:
        return turn.end_s - turn.start_s
    return _words(turn.text) / WORDS_PER_MINUTE * 60


def main_turn(transcript: Transcript) -> int | None:
    """Return the number of the main answer, the candidate's turn that lasted longest; ``None`` without any."""
    turns = transcript.turns
    numbers = [number for number, turn in enumerate(turns) if turn.role == "candidate"]
    return max(numbers, key=lambda number: (spoken_seconds(turns[number]), len(turns[number].text)), default=None)


def judge_by_count(criterion: Criterion, rubric: Rubric, transcript: Transcript) -> Opinion:
    """Decide a criterion of kind ``measured`` by the main answer: over the limit is ``present``, for certain.

    Times override words. Within the limit the count says ``absent``; a judge that finds the answer disordered may
    still say otherwise.

    Raises:
        ValueError: The criterion is not measured, or the candidate has no turn.
    """
    main = main_turn(transcript)
    if criterion.measured is None or main is None:
        raise ValueError(f"criterion {criterion.id} can't be counted here")
    longest = transcript.turns[main]
    if _timed(longest):
        limit = rubric.quantities[criterion.measured.longest_turn_over_s]
        value, unit = spoken_seconds(longest), "seconds"
    else:
        limit = rubric.quantities[criterion.measured.longest_turn_over_words]
        value, unit = float(_words(longest.text)), "words"
    over = value > limit.value
    return Opinion(
        criterion=criterion.id,
        verdict="present" if over else "absent",
        confidence=1.0 if over else _WITHIN_LIMIT_CONFIDENCE,
        quotes=(),
        reason=f"The main answer ran to {value:.0f} {unit}; the limit is {limit.value:.0f}.",
    )


def _timed(turn: Turn) -> bool:
    return turn.start_s is not None and turn.end_s is not None and turn.end_s > turn.start_s


@lru_cache(maxsize=256)
def _words(text: str) -> int:
    if text.isascii():  # a word starts at a letter that neither a letter nor one mark after a letter stands before
        shape = f" {text.translate(_SHAPE)}"
        return shape.count(" a") + shape.count(" -a") + shape.count("--a")
    return len(_WORD.findall(text))


def _fillers(text: str) -> int:
    spans = cue_matcher(_FILLERS).spans(text)
    return sum(
        len(text[start:end].split()) == 1 or _MAKES_MEANT.search(text[max(0, start - 12) : start]) is None
        for start, end in spans
    )


def _metric_spans(turns: list[Turn], rubric: Rubric) -> list[list[tuple[int, int]]]:
    """Return where each turn names metrics of the rubric's list; nowhere if it has none."""
    if rubric.metric_cues is None:
        return [[] for _ in turns]
    matcher = cue_matcher(rubric.cues[rubric.metric_cues])
    return [matcher.spans(turn.text) for turn in turns]


def _first_metric_s(turns: list[Turn], seconds: list[float], metrics: list[list[tuple[int, int]]]) -> float | None:
    before = 0.0
    for turn, length_s, spans in zip(turns, seconds, metrics, strict=True):
        if spans:
            return round(before + length_s * spans[0][0] / len(turn.text), 2)
        before += length_s
    return None
