"""The calibration in the package: small, fresh, and honest about what it learned from."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

import pytest
from pydantic import JsonValue

from evaluator.backends import make_judge
from evaluator.backends.gathering import GatheringEncoder
from evaluator.backends.local.freshness import criterion_digest, features_digest
from evaluator.backends.local.lexicon import lexicon_for
from evaluator.backends.openvino import OpenVinoEncoder
from evaluator.backends.similarity_judge import SimilarityJudge, shipped_calibration, trained_on
from evaluator.fitting.cross_validation import LEAST_RELIABLE
from evaluator.fitting.made_sentences import made_sentences_for
from evaluator.pipeline import aevaluate, evaluate
from evaluator.resources import resource_dir
from evaluator.rubric import load_rubric
from evaluator.transcripts import parse_transcript
from evaluator.values.evaluation import Evaluation
from tests.backends.cases import case_of
from tests.fakes import make_transcript

_ROOT = Path(__file__).resolve().parents[2]
_RUBRIC = load_rubric("netflix_pm_metrics")
_CALIBRATION = shipped_calibration("netflix_pm_metrics")


def test_every_criterion_is_trained_and_fresh() -> None:
    """Nobody edited a criterion, the lexicon or the features and forgot ``make fit``."""
    assert _CALIBRATION is not None
    assert _CALIBRATION.features == features_digest(_RUBRIC, lexicon_for(_RUBRIC))
    stale = [
        part.id
        for part in _CALIBRATION.criteria
        if part.depends_on != criterion_digest(_RUBRIC.by_id[part.id], _RUBRIC)
    ]
    assert stale == []
    assert [part.id for part in _CALIBRATION.criteria] == list(_RUBRIC.by_id)


def test_it_was_trained_on_the_labels_beside_it() -> None:
    """Its provenance is the files of labels in this checkout, so agreement can warn of measuring on them."""
    assert _CALIBRATION is not None
    assert _CALIBRATION.labels.name == "dev.jsonl"
    files = (_CALIBRATION.labels, *_CALIBRATION.also)
    for used in files:
        labels = (_ROOT / "fixtures/gold" / used.name).read_bytes()
        assert used.sha256 == hashlib.sha256(labels).hexdigest()
        assert used.rows == sum(used.authors.values())
    assert trained_on(_CALIBRATION.id) == {used.sha256 for used in files}


@pytest.mark.parametrize("name", ["exam", "varied"])
def test_it_learned_nothing_from_the_authors_of_examinations(name: str) -> None:
    """What is measured at the end was written by nobody whom it knows."""
    assert _CALIBRATION is not None
    known = {author for used in (_CALIBRATION.labels, *_CALIBRATION.also) for author in used.authors}
    rows = (_ROOT / f"fixtures/gold/{name}.jsonl").read_text(encoding="utf-8").splitlines()
    assert known.isdisjoint(json.loads(row)["id"].partition("-")[0] for row in rows)


def test_it_reaches_what_was_asked_of_the_local_judge() -> None:
    """On authors it had not seen: how much it finds, how much of what it says is right, and how well it knows that."""
    assert _CALIBRATION is not None
    figures = _CALIBRATION.held_out
    assert figures is not None
    assert figures.macro_f1 is not None
    assert figures.coverage is not None
    assert figures.macro_f1 >= 0.76
    assert figures.coverage >= 0.85
    assert (figures.by_author["E"] or 0) >= 0.72
    assert (figures.precision or 0) >= 0.85
    assert (figures.recall_decided or 0) >= 0.85
    assert (figures.band_kappa or 0) >= 0.70
    assert (figures.ece or 1) <= 0.05
    assert figures.macro_f1 - (figures.macro_f1_bare or 0) < 0.03
    assert figures.folds == tuple(sorted(_CALIBRATION.labels.authors))


def test_it_learned_from_the_sentences_beside_it() -> None:
    """Nobody edited the made sentences and forgot ``make fit``."""
    assert _CALIBRATION is not None
    assert _CALIBRATION.made_sentences == made_sentences_for(_RUBRIC).sha256


def test_what_it_can_not_be_relied_on_for_is_declared() -> None:
    """Weak are exactly the criteria whose held-out precision, or recall where decided, is below the mark."""
    assert _CALIBRATION is not None
    assert _CALIBRATION.held_out is not None
    lines = _CALIBRATION.held_out.by_criterion
    low = {k for k, f in lines.items() if min(f.precision or 0, f.recall_decided or 0) < LEAST_RELIABLE}
    assert set(_CALIBRATION.weak) == low
    assert len(low) < len(lines) / 2


def test_it_is_small() -> None:
    """It travels in the package and in every checkout, so it stays under a megabyte."""
    assert (resource_dir("rubrics") / "netflix_pm_metrics.calibration.json").stat().st_size < 1_000_000


def test_it_holds_no_transcript() -> None:
    """Weights and figures only: no words of the answers that it learned from."""
    content = json.loads((resource_dir("rubrics") / "netflix_pm_metrics.calibration.json").read_text())
    texts = [value for value in _strings(content) if " " in value]
    assert texts == []


@pytest.mark.parametrize("name", ["sample.vtt", "weak.md", "strong.srt", "monologue.txt"])
def test_a_sample_is_judged_the_same_way_twice_with_proof(name: str) -> None:
    """The real model on a real file: trained verdicts, exact quotes, and the same result every time."""
    transcript = parse_transcript(_ROOT / "fixtures/transcripts" / name)
    first, second = (evaluate(transcript, _RUBRIC, make_judge("local")) for _ in range(2))
    assert first.findings == second.findings
    assert first.judge.method == "embedding"
    assert _CALIBRATION is not None
    assert first.judge.calibration == _CALIBRATION.id
    assert not {flag.code for flag in first.flags} & {"untrained_rubric", "calibration_stale", "untrained_criteria"}
    for finding in first.findings:
        for item in finding.evidence:
            assert first.transcript.turns[item.turn].text[item.start : item.end] == item.quote


def test_samples_judged_in_bulk_get_what_each_gets_alone() -> None:
    """The real model on real files, at once and several times over: the same findings and score as one by one."""
    files = ("sample.vtt", "weak.md", "strong.srt", "monologue.txt")
    parsed = [parse_transcript(_ROOT / "fixtures/transcripts" / name) for name in files]
    alone = [evaluate(transcript, _RUBRIC, make_judge("local")) for transcript in parsed]

    async def together() -> list[Evaluation]:
        judge = SimilarityJudge(GatheringEncoder(OpenVinoEncoder()))
        return await asyncio.gather(*(aevaluate(transcript, _RUBRIC, judge) for transcript in parsed * 4))

    for first, second in zip(alone * 4, asyncio.run(together()), strict=True):
        assert first.scorecard == second.scorecard
        for one, other in zip(first.findings, second.findings, strict=True):
            assert (one.criterion, one.verdict, one.evidence) == (other.criterion, other.verdict, other.evidence)
            assert (one.confidence or 0.0) == pytest.approx(other.confidence or 0.0, abs=1e-3)


def test_the_other_shipped_rubric_is_judged_by_exemplars() -> None:
    """A rubric without labels works from its exemplars, and says that this is weak."""
    rubric = load_rubric("behavioural_star")
    said = "We were losing schools every summer, so I called twelve of them myself, and then changed the renewal mail."
    case = case_of(rubric, make_transcript(said, question="Tell me about a time you fixed something."))
    judgement = asyncio.run(make_judge("local").judge(case))
    assert [flag.code for flag in judgement.flags] == ["untrained_rubric"]
    assert any(opinion.verdict in {"present", "absent"} for opinion in judgement.opinions)


def _strings(value: JsonValue) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return []
