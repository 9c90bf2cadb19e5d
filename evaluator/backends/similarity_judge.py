"""The local judge: verdicts from the likeness of sentences, on this machine, with nothing asked of anybody.

Criteria that a calibration was trained for are decided by its heads; the others by likeness to the rubric's exemplars,
with a flag that says so. It never reads an argument, and its reasons don't pretend to.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from evaluator.backends import JudgeOptions
from evaluator.backends.encoder import Encoder, Vectors
from evaluator.backends.gathering import GatheringEncoder
from evaluator.backends.local.calibration import Calibration, find_calibration, load_calibration
from evaluator.backends.local.claims import claims_of
from evaluator.backends.local.counting import Counts, count_phrases
from evaluator.backends.local.deciding import decide
from evaluator.backends.local.exemplars import ExemplarVectors, encode_exemplars, judge_by_exemplars
from evaluator.backends.local.features import Sentence, make_features, read_sentences, texts_to_encode
from evaluator.backends.local.freshness import fresh_criteria
from evaluator.backends.local.lexicon import Lexicon, lexicon_for
from evaluator.backends.openvino import OpenVinoEncoder
from evaluator.errors import OptionError, RubricError
from evaluator.judging import Case, Judgement, Opinion
from evaluator.resources import resource_dir
from evaluator.rubric import Criterion, Rubric
from evaluator.values.judge import JudgeInfo
from evaluator.values.transcript import Flag

__all__ = ["SimilarityJudge", "build_judge", "shipped_calibration", "trained_on"]

_LANGUAGES: Final = frozenset({"en"})
_RUBRICS_KNOWN: Final = 64
_NOTHING_SAID: Final = "The candidate says nothing that could be compared."


class SimilarityJudge:
    """Judges by trained heads over sentence vectors, and by exemplars where nothing was trained."""

    def __init__(self, encoder: Encoder, *, calibration: Calibration | Literal["shipped"] | None = "shipped") -> None:
        """Take an encoder; nothing is loaded yet.

        Args:
            encoder: Who turns sentences into vectors; cases judged at the same time share its work, of several
                judges too if all are given one `GatheringEncoder`.
            calibration: Trained heads; ``"shipped"`` takes those beside each rubric, ``None`` none at all.
        """
        self._encoder = encoder if isinstance(encoder, GatheringEncoder) else GatheringEncoder(encoder)
        self._calibration = calibration
        self._fresh: dict[tuple[str, str, str], frozenset[str]] = {}
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
        """Judge one case in threads; sentences are encoded together with those of other cases judged meanwhile.

        Raises:
            JudgeMisuse: The weights are damaged.
            RubricError: As `info`.
            MissingExtra: The encoder's packages aren't installed.
        """
        begun = await asyncio.to_thread(self._begin, case)
        if begun is None:
            return Judgement(tuple(_unscored(criterion, _NOTHING_SAID) for criterion in case.criteria))
        encoded = await asyncio.wrap_future(begun.encoded)
        return await asyncio.to_thread(self._decide, case, begun, encoded)

    def _begin(self, case: Case) -> _Begun | None:
        """Ask for the vectors, and count while they are computed; ``None`` if the candidate says nothing."""
        sentences = read_sentences(case)
        if not sentences:
            return None
        encoded = self._encoder.ask(texts_to_encode(case, sentences))
        lexicon = lexicon_for(case.rubric)
        counts = count_phrases([sentence.text for sentence in sentences], lexicon)
        return _Begun(sentences, lexicon, counts, encoded)

    def _decide(self, case: Case, begun: _Begun, encoded: Vectors) -> Judgement:
        calibration = self._calibration_for(case.rubric)
        trained = self._trained(case.rubric, calibration, begun.lexicon)
        features = make_features(case, begun.sentences, begun.lexicon, begun.counts, encoded)
        decided: dict[str, Opinion] = {}
        if calibration is not None and trained:
            calibration.check_fits(features)
            claims = claims_of(case, features, begun.counts, encoded, begun.lexicon, calibration.sentence_heads)
            decided = decide([c for c in case.criteria if c.id in trained], calibration, features, claims)
        opinions = [
            decided.get(c.id) or self._by_exemplars(c, begun.sentences, features.vectors) for c in case.criteria
        ]
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

    def _trained(self, rubric: Rubric, calibration: Calibration | None, lexicon: Lexicon) -> frozenset[str]:
        """Return the criteria whose trained heads still fit rubric, lexicon and encoder."""
        if calibration is None or calibration.encoder.sha256 != self._encoder.sha256:
            return frozenset()
        key = (rubric.sha256, lexicon.sha256, calibration.id)
        with self._lock:
            known = self._fresh.get(key)
        if known is None:
            known = fresh_criteria(calibration, rubric, lexicon)
            with self._lock:
                if len(self._fresh) >= _RUBRICS_KNOWN:
                    self._fresh.clear()
                self._fresh[key] = known
        return known


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
    calibration = find_calibration(path)
    if calibration is None:
        return None
    if calibration.rubric != rubric_id:
        raise RubricError(f"it was trained for the rubric {calibration.rubric!r}", where=f"{path.name}, rubric")
    return calibration


def trained_on(calibration_id: str, file: Path | None = None) -> frozenset[str] | None:
    """Return the SHA-256 of each file that a calibration learned from; ``None`` if nothing at hand has that id.

    Args:
        calibration_id: As `JudgeInfo` gives it.
        file: A calibration file to look into beside the shipped ones.
    """
    known = [*([file] if file else []), *sorted(resource_dir("rubrics").glob("*.calibration.json"))]
    for path in known:
        calibration = load_calibration(path)
        if calibration.id == calibration_id:
            return frozenset(used.sha256 for used in (calibration.labels, *calibration.also))
    return None


@lru_cache(maxsize=2)
def _encoder(model: str | None) -> GatheringEncoder:
    """Return the encoder of a model, the same for every judge, so that weights are loaded once and work is shared."""
    return GatheringEncoder(OpenVinoEncoder(model))


@dataclass(frozen=True, slots=True)
class _Begun:
    """A case whose vectors are being computed."""

    sentences: tuple[Sentence, ...]
    lexicon: Lexicon
    counts: Counts
    encoded: Future[Vectors]


def _flags(case: Case, calibration: Calibration | None, trained: frozenset[str]) -> tuple[Flag, ...]:
    """Say which verdicts rest on exemplars alone, and why; what is counted needs neither those nor heads."""
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
    unknown = [name for name in asked if name not in calibration.places and not case.rubric.by_id[name].measured]
    flags: list[Flag] = []
    if stale:
        flags.append(
            Flag(
                code="calibration_stale",
                message=(
                    "Rubric, lexicon or model changed since the calibration was trained; judged without it: "
                    f"{', '.join(stale)}. Train it again with `evaluator fit`."
                ),
            )
        )
    weak = [criterion.id for criterion in case.criteria if criterion.id in trained and criterion.id in calibration.weak]
    if weak:
        flags.append(
            Flag(
                code="weak_criteria",
                message=(
                    "On authors it had not seen, this judge was too often wrong about these; take its verdicts for "
                    f"hints: {', '.join(weak)}."
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


def _unscored(criterion: Criterion, reason: str) -> Opinion:
    return Opinion(criterion=criterion.id, verdict="unscored", confidence=None, quotes=(), reason=reason)
