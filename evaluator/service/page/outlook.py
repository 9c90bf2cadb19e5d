"""What would change a score: the bands with what each asks, what each mended failure is worth, what a coach's word did.

In: an evaluation, and the rubric that judged it if it is still at hand. Out: figures by the same sum as its score.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.feedback import worst_first
from evaluator.reports.characters import one_line
from evaluator.reports.wording import spoken
from evaluator.rubric import Rubric
from evaluator.scoring import score
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Verdict
from evaluator.values.scorecard import Scorecard

__all__ = ["Outlook", "Rung", "Step", "outlook_of", "rescored"]

_STEPS: Final = 5
_ID: Final = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b")


@dataclass(frozen=True, slots=True)
class Rung:
    """One band, best first: whether this answer meets it, and what kept it out."""

    title: str
    met: bool
    here: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """Where the answer would stand with this failure mended, and all before it."""

    title: str
    severity: str
    anchor: str
    score: float
    gain: float
    band: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """All of it; ``steps`` is empty where the rubric is gone."""

    rungs: tuple[Rung, ...]
    steps: tuple[Step, ...]


def outlook_of(evaluation: Evaluation, rubric: Rubric | None) -> Outlook:
    """Return what would change the score."""
    titles = _band_titles(rubric)
    card = evaluation.scorecard
    named = {finding.criterion: one_line(finding.title) for finding in evaluation.findings}
    rungs = tuple(
        Rung(
            titles.get(line.band, spoken(line.band).capitalize()),
            line.met,
            line.band == card.band,
            _in_words(line.reason.removeprefix("Kept out: "), named),
        )
        for line in card.bands
    )
    return Outlook(rungs, tuple(_steps(evaluation, rubric)) if rubric is not None else ())


def rescored(evaluation: Evaluation, rubric: Rubric | None, said: Mapping[str, Verdict]) -> Scorecard | None:
    """Return the scorecard if verdicts were as people say; ``None`` if nothing changes or the rubric is gone."""
    verdicts = _verdicts(evaluation)
    as_said: dict[str, Verdict] = {**verdicts, **{name: said[name] for name in verdicts if name in said}}
    if rubric is None or as_said == verdicts:
        return None
    return score(rubric, as_said)


def _in_words(reason: str, named: Mapping[str, str]) -> str:
    """Return a reason with titles in place of ids, and blanks in those of rules."""
    return _ID.sub(lambda match: named.get(match[0]) or match[0].replace("_", " "), one_line(reason))


def _steps(evaluation: Evaluation, rubric: Rubric) -> Sequence[Step]:
    verdicts: dict[str, Verdict] = _verdicts(evaluation)
    before = evaluation.scorecard.score
    if before is None or evaluation.scorecard.needs_review:
        return ()
    titles = _band_titles(rubric)
    steps: list[Step] = []
    found = worst_first([finding for finding in evaluation.findings if finding.verdict == "present"])
    for number, finding in enumerate(found[:_STEPS], start=1):
        verdicts[finding.criterion] = "absent"
        card = score(rubric, verdicts)
        if card.score is None:
            break
        band = titles.get(card.band, spoken(card.band).capitalize()) if card.band else "for a person to say"
        steps.append(
            Step(one_line(finding.title), finding.severity, f"f{number}", card.score, card.score - before, band)
        )
        before = card.score
    return steps


def _verdicts(evaluation: Evaluation) -> dict[str, Verdict]:
    return {finding.criterion: finding.verdict for finding in evaluation.findings}


def _band_titles(rubric: Rubric | None) -> dict[str, str]:
    return {band.id: one_line(band.title) for band in rubric.scoring.bands} if rubric is not None else {}
