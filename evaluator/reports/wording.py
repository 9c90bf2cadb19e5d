"""The sentences that reports share: values of an `Evaluation` in, plain English out; no layout, no escaping."""

from __future__ import annotations

import re
from typing import Final

from evaluator.reports.characters import one_line
from evaluator.values.criterion import SEVERITIES
from evaluator.values.evaluation import Delivery, Evaluation, QuestionTypeChoice
from evaluator.values.judge import JudgeInfo
from evaluator.values.scorecard import Scorecard
from evaluator.values.usage import Usage

__all__ = [
    "clock",
    "cost_line",
    "delivery_line",
    "delivery_measures",
    "judge_line",
    "nothing_failed",
    "question_type_line",
    "range_line",
    "score_sum",
    "spoken",
    "verdict_title",
    "without_code",
]

_TIMES: Final = "\u00d7"
_CODE: Final = re.compile(r"^[a-z][a-z0-9_]*: ")
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_METHODS: Final = {
    "embedding": "sentence embeddings on this machine: an estimate by likeness of wording, not a model's reading",
    "chat": "a language model's reading, each quote checked against the candidate's words",
    "decisions, quotes by sentence embeddings": "probabilities by a language model that gives no reasons; quotes found "
    "apart, on this machine, by likeness of wording",
}
_VERDICTS: Final = {"present": "found", "absent": "avoided", "na": "does not apply", "unscored": "undecided"}


def verdict_title(evaluation: Evaluation) -> str:
    """Return the headline: the band in words, or that a person must look."""
    band = evaluation.scorecard.band
    return spoken(band).capitalize() if band else "Needs a person's review"


def spoken(name: str) -> str:
    """Return an id or verdict as words: ``no_hire`` gives ``no hire``, ``absent`` gives ``avoided``."""
    return _VERDICTS.get(name) or one_line(name.replace("_", " "))


def judge_line(judge: JudgeInfo) -> str:
    """Say who judged and how, without dressing it up."""
    how = "; and ".join(_method(method) for method in judge.method.split(" + "))
    calibration = f", calibrated by {judge.calibration}" if judge.calibration else ""
    return one_line(f"{judge.backend} judge, {judge.model}{calibration}; {how}")


def _method(method: str) -> str:
    """Return a method in words; what stands behind a known one, such as that it was confirmed, stays."""
    for known, words in _METHODS.items():
        if method == known or method.startswith(f"{known}, "):
            return words + method.removeprefix(known)
    return f"method {method}"


def cost_line(usage: Usage) -> str:
    """Say what judging took and cost; nothing if nobody was asked for it."""
    if not usage.requests:
        return ""
    calls = "1 call" if usage.requests == 1 else f"{usage.requests} calls"
    if usage.batched_requests:
        calls += (
            " at batch price"
            if usage.batched_requests >= usage.requests
            else f" ({usage.batched_requests} at batch price)"
        )
    cached = f" ({usage.cached_tokens / usage.input_tokens:.0%} cached)" if usage.input_tokens else ""
    tokens = f"{usage.input_tokens:,} tokens read{cached}, {usage.output_tokens:,} written"
    if usage.priced:
        return f"{calls}, {tokens}, ${usage.cost_usd:.4f}"
    known = f"; what is known comes to ${usage.cost_usd:.4f}" if usage.cost_usd else ""
    return f"{calls}, {tokens}, cost unknown: not every price is known{known}"


def question_type_line(choice: QuestionTypeChoice) -> str:
    """Say which type the question was taken for, and why."""
    name = spoken(choice.value)
    match choice.source:
        case "given":
            return f"{name}, as given"
        case "inferred":
            return f"{name}, inferred with confidence {choice.confidence:.0%}"
        case "default":
            return f"{name}, assumed: the question did not tell"


def without_code(reason: str) -> str:
    """Return a reason for review without the stable name before it, as a sentence."""
    sentence = one_line(_CODE.sub("", reason, count=1))
    return sentence[:1].upper() + sentence[1:]


def clock(seconds: float | None) -> str:
    """Return a time as ``m:ss`` or ``h:mm:ss``; an unknown one as nothing."""
    if seconds is None:
        return ""
    whole = int(seconds)
    minutes, rest = divmod(whole, _MINUTE_S)
    if whole < _HOUR_S:
        return f"{minutes}:{rest:02d}"
    return f"{whole // _HOUR_S}:{minutes % _MINUTE_S:02d}:{rest:02d}"


def range_line(score_range: tuple[float, float] | None, undecided: int) -> str:
    """Say between which scores the answer would end once everything was decided; nothing if all is."""
    if score_range is None or not undecided:
        return ""
    low, high = score_range
    what = "the undecided criterion is" if undecided == 1 else f"the {undecided} undecided criteria are"
    return f"{low:g} to {high:g} once {what} settled"


def score_sum(card: Scorecard) -> str:
    """Say how the score came about: points lost of points at stake, by severity."""
    stake = sum(line.weight for line in card.lines if line.verdict in {"present", "absent"})
    lost = sum(line.lost for line in card.lines)
    if card.score is None:
        return "No criterion that applies could be decided, so there is no score."
    parts: list[str] = []
    for severity in SEVERITIES:
        losses = [line.lost for line in card.lines if line.severity == severity and line.lost]
        if losses:
            parts.append(f"{len(losses)} {severity} {_TIMES} {losses[0]:g}")
    how = f" ({' + '.join(parts)})" if parts else ""
    return f"Lost {lost:g} of {stake:g} points{how}: 100 {_TIMES} (1 − {lost:g}/{stake:g}) = {card.score:g}."


def nothing_failed(card: Scorecard) -> str:
    """Say how much it means that no failure was found."""
    if not card.coverage:
        return "Nothing was decided."
    return "Nothing." if card.coverage == 1 else "Nothing that could be decided."


def delivery_measures(delivery: Delivery) -> tuple[tuple[str, str], ...]:
    """Return pairs of name and value for what was counted; what could not be told is left out."""
    about = "" if delivery.duration_source == "timestamps" else "about "
    measures = [("words", f"{delivery.words}"), ("spoken time", f"{about}{_duration(delivery.duration_s)}")]
    if delivery.wpm is not None:
        measures.append(("pace", f"{delivery.wpm:.0f} words a minute"))
    measures.append(("fillers", f"{delivery.fillers}"))
    measures.append(("longest turn", f"{delivery.longest_turn_words} words, {_duration(delivery.longest_turn_s)}"))
    if delivery.first_metric_s is not None:
        measures.append(("first metric named", f"after {about}{_duration(delivery.first_metric_s)}"))
        measures.append(("metrics named", f"{delivery.metrics_named}"))
    return tuple(measures)


def delivery_line(delivery: Delivery) -> str:
    """Return what was counted on one line."""
    about = "" if delivery.duration_source == "timestamps" else "about "
    parts = [f"{delivery.words} words in {about}{_duration(delivery.duration_s)}"]
    if delivery.wpm is not None:
        parts.append(f"{delivery.wpm:.0f} a minute")
    parts.append(f"{delivery.fillers} {'filler' if delivery.fillers == 1 else 'fillers'}")
    parts.append(f"longest turn {delivery.longest_turn_words} words")
    if delivery.first_metric_s is not None:
        parts.append(f"first metric after {about}{_duration(delivery.first_metric_s)}")
        parts.append(f"{delivery.metrics_named} {'metric' if delivery.metrics_named == 1 else 'metrics'} named")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * _MINUTE_S else f"{clock(seconds)} min"
