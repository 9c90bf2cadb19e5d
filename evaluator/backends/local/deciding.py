"""From trained heads to opinions: the numbers of one case in, verdicts with their odds and quotes out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.backends.local.calibration import Calibration
from evaluator.backends.local.features import Features
from evaluator.backends.local.heads import SentenceScores, score_sentences
from evaluator.judging import Opinion, Quote
from evaluator.rubric import Criterion

__all__ = ["decide"]

_QUOTES: Final = 2
_MOST_SURE: Final = 0.99  # what a few hundred labelled transcripts can show at the most
_LIKELIER_RIGHT: Final = 0.5  # a verdict that is likelier wrong than right is no verdict
_PROVES: Final = re.compile(r"(?:[\W_]*+[^\W_]){4}")  # fewer letters and digits prove nothing to `grounding`


def decide(
    criteria: Sequence[Criterion], calibration: Calibration, features: Features, claims: Features | None
) -> dict[str, Opinion]:
    """Return an opinion on each of some criteria, all of which were trained.

    Args:
        criteria: Whatever is asked about.
        calibration: Their heads.
        features: The whole answer; what is said, and how long it takes, is judged by these.
        claims: The answer without hollow sentences; what is missing is judged by these. ``None`` if nothing is left.
    """
    if not criteria:
        return {}
    whole = _heads(calibration, features)
    said = whole if claims is features else None if claims is None else _heads(calibration, claims)
    return {
        criterion.id: _hollow(criterion) if judged is None else judged.opinion(criterion)
        for criterion in criteria
        for judged in (said if criterion.kind == "omission" else whole,)
    }


def _heads(calibration: Calibration, features: Features) -> _Heads:
    return _Heads(calibration, features, score_sentences(features, calibration.sentence_heads))


def _hollow(criterion: Criterion) -> Opinion:
    return Opinion(
        criterion=criterion.id,
        verdict="unscored",
        confidence=None,
        quotes=(),
        reason="The candidate names terms and says nothing with them.",
    )


@dataclass(frozen=True, slots=True)
class _Heads:
    """The trained heads over one case.

    Attributes:
        calibration: They are its.
        features: The case.
        scores: What the first layer says of it.
    """

    calibration: Calibration
    features: Features
    scores: SentenceScores

    def opinion(self, criterion: Criterion) -> Opinion:
        """Decide one criterion that was trained.

        A measured criterion is here only if its count is within the limit; then doubt leaves it to the count.
        """
        place = self.calibration.places[criterion.id]
        row, _ = self.scores.document_row(place, self.features)
        margin = self.calibration.document_heads[place].margin(row)
        present = margin >= 0
        curve = self.calibration.present if present else self.calibration.absent
        least = self.calibration.absent.least_margin if criterion.kind == "measured" else curve.least_margin
        confidence = round(min(_MOST_SURE, _sigmoid(curve.intercept + curve.slope * abs(margin))), 4)
        doubtful = abs(margin) < least or confidence < _LIKELIER_RIGHT
        if doubtful or (criterion.kind == "measured" and not present):
            return Opinion(
                criterion=criterion.id,
                verdict="unscored",
                confidence=None,
                quotes=(),
                reason=f"Likeness to labelled sentences can't tell: the margin is {margin:+.2f}.",
            )
        return Opinion(
            criterion=criterion.id,
            verdict="present" if present else "absent",
            confidence=confidence,
            quotes=self._quotes(criterion, place, present=present),
            reason=(
                "Estimated by likeness to sentences with known labels, not by reading: "
                f"margin {margin:+.2f}, right about {confidence:.0%} of the time."
            ),
        )

    def _quotes(self, criterion: Criterion, place: int, *, present: bool) -> tuple[Quote, ...]:
        """Return the sentences that show the verdict, best first.

        A verdict that owes proof gets the best sentence whatever it is; beyond that, only sentences of which the heads
        say that they rather do than don't.
        """
        owed = (criterion.kind, present) in {("commission", True), ("omission", False)}
        order, shown = self.scores.evidence(place, present=present)
        quotes: list[Quote] = []
        for number in order:
            sentence = self.features.sentences[number]
            if ((owed and not quotes) or shown[number] > 0) and _PROVES.match(sentence.text):
                quotes.append(Quote(sentence.turn, sentence.text))
                if len(quotes) == _QUOTES:
                    break
        return tuple(quotes)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))
