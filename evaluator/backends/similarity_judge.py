"""The local judge: verdicts from the likeness of sentences, on this machine, with nothing asked of anybody.

Criteria that a calibration was trained for are decided by its heads; the others by likeness to the rubric's exemplars,
with a flag that says so. It never reads an argument, and its reasons don't pretend to.
"""

from __future__ import annotations

import asyncio
import math
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from evaluator.backends import JudgeOptions
from evaluator.backends.encoder import Encoder, Vectors
from evaluator.backends.local.calibration import Calibration, load_calibration
from evaluator.backends.local.exemplars import ExemplarVectors, encode_exemplars, judge_by_exemplars
from evaluator.backends.local.features import Features, Sentence, read_features, read_sentences
from evaluator.backends.local.freshness import criterion_digest, features_digest
from evaluator.backends.local.heads import SentenceScores, score_sentences
from evaluator.backends.local.lexicon import lexicon_for
from evaluator.backends.sentence_transformers import SentenceTransformerEncoder
from evaluator.errors import OptionError, RubricError
from evaluator.judging import Case, Judgement, Opinion, Quote
from evaluator.resources import resource_dir
from evaluator.rubric import Criterion, Rubric
from evaluator.types import Flag, JudgeInfo

__all__ = ["SimilarityJudge", "build_judge", "shipped_calibration", "trained_on"]

_LANGUAGES: Final = frozenset({"en"})
_QUOTES: Final = 2
_MOST_SURE: Final = 0.99  # what a few hundred labelled transcripts can show at the most
_LIKELIER_RIGHT: Final = 0.5  # a verdict that is likelier wrong than right is no verdict
_LEAST_LETTERS: Final = 4  # fewer prove nothing to `grounding`
_NOTHING_SAID: Final = "The candidate says nothing that could be compared."


class SimilarityJudge:
    """Judges by trained heads over sentence vectors, and by exemplars where nothing was trained."""

    def __init__(self, encoder: Encoder, *, calibration: Calibration | Literal["shipped"] | None = "shipped") -> None:
        """Take an encoder; nothing is loaded yet.

        Args:
            encoder: Who turns sentences into vectors.
            calibration: Trained heads; ``"shipped"`` takes those beside each rubric, ``None`` none at all.
        """
        self._encoder = encoder
        self._calibration = calibration
        self._exemplars: dict[str, ExemplarVectors] = {}
        self._lock = threading.Lock()

    @property
    def languages(self) -> frozenset[str]:
        """English: cues, exemplars and labels are."""
        return _LANGUAGES

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return who judges by this rubric.

        Raises:
            RubricError: The rubric's calibration is damaged, or one was given that belongs to another rubric.
            MissingExtra: The package with the default weights isn't installed.
            OptionError: The model isn't on this machine.
        """
        calibration = self._calibration_for(rubric)
        return JudgeInfo(
            backend="local",
            method="embedding",
            model=self._encoder.name,
            model_sha256=self._encoder.sha256,
            calibration=None if calibration is None else calibration.id,
        )

    async def judge(self, case: Case) -> Judgement:
        """Judge one case in a thread of its own.

        Raises:
            JudgeMisuse: The weights are damaged.
            RubricError: As `info`.
            MissingExtra: torch or sentence-transformers isn't installed.
        """
        return await asyncio.to_thread(self._judge, case)

    def _judge(self, case: Case) -> Judgement:
        calibration = self._calibration_for(case.rubric)
        trained = self._trained(case.rubric, calibration)
        sentences = read_sentences(case)
        if not sentences:
            return Judgement(tuple(_unscored(criterion, _NOTHING_SAID) for criterion in case.criteria))
        features = read_features(case, sentences, lexicon_for(case.rubric), self._encoder)
        decided: dict[str, Opinion] = {}
        if calibration is not None and trained:
            calibration.check_fits(features)
            heads = _Heads(calibration, features, score_sentences(features, calibration.sentence_heads))
            decided = {c.id: heads.opinion(c) for c in case.criteria if c.id in trained}
        opinions = [decided.get(c.id) or self._by_exemplars(c, sentences, features.vectors) for c in case.criteria]
        return Judgement(tuple(opinions), flags=_flags(case, calibration, trained))

    def _by_exemplars(self, criterion: Criterion, sentences: tuple[Sentence, ...], vectors: Vectors) -> Opinion:
        with self._lock:
            exemplars = self._exemplars.get(criterion.sha256)
        if exemplars is None:
            exemplars = encode_exemplars(criterion, self._encoder)
            with self._lock:
                self._exemplars[criterion.sha256] = exemplars
        return judge_by_exemplars(criterion, exemplars, sentences, vectors)

    def _calibration_for(self, rubric: Rubric) -> Calibration | None:
        if not isinstance(self._calibration, Calibration):
            return None if self._calibration is None else shipped_calibration(rubric.id)
        if self._calibration.rubric != rubric.id:
            raise OptionError(
                f"the calibration was trained for the rubric {self._calibration.rubric!r}",
                where="calibration",
                remedy=f"train one for {rubric.id!r} with `evaluator fit`, or leave it out",
            )
        return self._calibration

    def _trained(self, rubric: Rubric, calibration: Calibration | None) -> frozenset[str]:
        """Return the criteria whose trained heads still fit rubric, lexicon and encoder."""
        if calibration is None or calibration.encoder.sha256 != self._encoder.sha256:
            return frozenset()
        if calibration.features != features_digest(rubric, lexicon_for(rubric)):
            return frozenset()
        return frozenset(
            part.id
            for part in calibration.criteria
            if part.id in rubric.by_id and part.depends_on == criterion_digest(rubric.by_id[part.id], rubric)
        )


def build_judge(options: JudgeOptions) -> SimilarityJudge:
    """Build the judge of the backend `local`; models load when first asked.

    Raises:
        RubricError: The calibration file that was given is damaged.
    """
    options.refuse_batching("local")
    if options.calibration is None:
        return SimilarityJudge(_encoder(options.model))
    return SimilarityJudge(_encoder(options.model), calibration=load_calibration(options.calibration))


def shipped_calibration(rubric_id: str) -> Calibration | None:
    """Return the calibration shipped beside the rubric of that id, if there is one.

    Raises:
        RubricError: It is damaged, or made for another rubric.
    """
    path = resource_dir("rubrics") / f"{rubric_id}.calibration.json"
    if not path.is_file():
        return None
    calibration = load_calibration(path)
    if calibration.rubric != rubric_id:
        raise RubricError(f"it was trained for the rubric {calibration.rubric!r}", where=f"{path.name}, rubric")
    return calibration


def trained_on(calibration_id: str, file: Path | None = None) -> str | None:
    """Return the SHA-256 of the labels that a calibration learned from; ``None`` if nothing at hand has that id.

    Args:
        calibration_id: As `JudgeInfo` gives it.
        file: A calibration file to look into beside the shipped ones.
    """
    known = [*([file] if file else []), *sorted(resource_dir("rubrics").glob("*.calibration.json"))]
    for path in known:
        calibration = load_calibration(path)
        if calibration.id == calibration_id:
            return calibration.labels.sha256
    return None


@lru_cache(maxsize=2)
def _encoder(model: str | None) -> SentenceTransformerEncoder:
    """Return the encoder of a model, the same for every judge, so that weights are loaded once."""
    return SentenceTransformerEncoder(model)


@dataclass(frozen=True, slots=True)
class _Heads:
    """The trained heads over one case."""

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
            return _unscored(criterion, f"Likeness to labelled sentences can't tell: the margin is {margin:+.2f}.")
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
        shown = (self.scores.commits if present else self.scores.avoids)[:, place]
        quotes: list[Quote] = []
        order: list[int] = self.scores.evidence(place, present=present).tolist()
        for number in order:
            sentence = self.features.sentences[number]
            if sum(map(str.isalnum, sentence.text)) >= _LEAST_LETTERS and ((owed and not quotes) or shown[number] > 0):
                quotes.append(Quote(sentence.turn, sentence.text))
        return tuple(quotes[:_QUOTES])


def _flags(case: Case, calibration: Calibration | None, trained: frozenset[str]) -> tuple[Flag, ...]:
    """Say which verdicts rest on exemplars alone, and why."""
    if calibration is None:
        flag = Flag(
            code="untrained_rubric",
            message=(
                "No calibration was trained for this rubric: verdicts rest on likeness to its exemplars alone, "
                "which is weak."
            ),
        )
        return (flag,)
    asked = [criterion.id for criterion in case.criteria if criterion.id not in trained]
    stale = [name for name in asked if name in calibration.places]
    unknown = [name for name in asked if name not in calibration.places]
    flags: list[Flag] = []
    if stale:
        flags.append(
            Flag(
                code="calibration_stale",
                message=(
                    "Rubric, lexicon or model changed since the calibration was trained; judged by exemplars alone: "
                    f"{', '.join(stale)}. Train it again with `evaluator fit`."
                ),
            )
        )
    if unknown:
        flags.append(
            Flag(
                code="untrained_criteria",
                message=f"There were too few labels to train; judged by exemplars alone: {', '.join(unknown)}.",
            )
        )
    return tuple(flags)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def _unscored(criterion: Criterion, reason: str) -> Opinion:
    return Opinion(criterion=criterion.id, verdict="unscored", confidence=None, quotes=(), reason=reason)
