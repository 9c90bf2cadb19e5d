"""The local judge as the pipeline sees it: proved verdicts, honest doubts, and the same answer every time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.backends import JudgeOptions, make_judge
from evaluator.backends.encoder import Vectors
from evaluator.backends.local.calibration import Calibration, HeldOutFigures
from evaluator.backends.local.packed_array import PackedArray
from evaluator.backends.similarity_judge import SimilarityJudge, trained_on
from evaluator.errors import JudgeMisuse, OptionError, RubricError
from evaluator.judging import Judgement, Opinion
from evaluator.pipeline import evaluate
from evaluator.rubric import Rubric, parse_rubric
from evaluator.values.transcript import Transcript
from tests.backends.cases import DIALOGUE, case_of, random_calibration, rubric_with_exemplars
from tests.encoders import WordEncoder
from tests.fakes import RUBRIC_YAML, make_rubric, make_transcript
from tests.property.strategies import transcripts

_RUBRIC = rubric_with_exemplars()
_ENCODER = WordEncoder()
_CALIBRATION = random_calibration(_RUBRIC, _ENCODER)


def _judged(
    transcript: Transcript | None = None,
    *,
    rubric: Rubric = _RUBRIC,
    calibration: Calibration | None = _CALIBRATION,
    encoder: WordEncoder = _ENCODER,
) -> Judgement:
    judge = SimilarityJudge(encoder, calibration=calibration)
    return asyncio.run(judge.judge(case_of(rubric, transcript)))


def _opinions(judgement: Judgement) -> dict[str, Opinion]:
    return {opinion.criterion: opinion for opinion in judgement.opinions}


@settings(max_examples=60)
@given(transcripts())
def test_every_quote_stands_in_the_candidates_words(transcript: Transcript) -> None:
    """Whatever is said, every quote is a slice of the turn that it names, and every criterion has one opinion."""
    judgement = _judged(transcript)
    assert [opinion.criterion for opinion in judgement.opinions] == list(_RUBRIC.by_id)
    for opinion in judgement.opinions:
        for quote in opinion.quotes:
            assert transcript.turns[quote.turn].role == "candidate"
            assert quote.text in transcript.turns[quote.turn].text


@settings(max_examples=40)
@given(transcripts())
def test_no_quote_is_rejected_by_the_pipeline(transcript: Transcript) -> None:
    """Grounding drops no verdict for want of proof where a sentence could prove it."""
    transcript = transcript.model_copy(update={"review_reasons": (), "language": "en"})
    evaluation = evaluate(transcript, _RUBRIC, SimilarityJudge(_ENCODER, calibration=_CALIBRATION))
    for finding in evaluation.findings:
        assert "not the candidate's words" not in finding.reason
        for item in finding.evidence:
            assert transcript.turns[item.turn].text[item.start : item.end] == item.quote


def test_the_same_case_gives_the_same_opinions_from_any_thread() -> None:
    """One judge may be shared: what others ask at the same time changes nothing."""
    judge = SimilarityJudge(_ENCODER, calibration=_CALIBRATION)
    other = make_transcript("Something else entirely, about churn and refunds.")

    def ask(transcript: Transcript | None) -> Judgement:
        return asyncio.run(judge.judge(case_of(_RUBRIC, transcript)))

    with ThreadPoolExecutor(4) as pool:
        asked = [None if number % 2 else other for number in range(16)]
        found = list(pool.map(ask, asked))
    assert all(judgement == found[number % 2] for number, judgement in enumerate(found))


def test_proved_verdicts_carry_quotes_and_a_confidence() -> None:
    """A commission that is present and an omission that is absent come with words; every verdict with its odds."""
    seen = {"owed": 0}
    for seed in range(8):
        for opinion in _judged(calibration=random_calibration(_RUBRIC, _ENCODER, seed=seed)).opinions:
            kind = _RUBRIC.by_id[opinion.criterion].kind
            if (kind, opinion.verdict) in {("commission", "present"), ("omission", "absent")}:
                seen["owed"] += 1
                assert 1 <= len(opinion.quotes) <= 2
            if opinion.verdict != "unscored":
                assert opinion.confidence is not None
                assert "not by reading" in opinion.reason
    assert seen["owed"] > 4


def test_doubt_is_unscored() -> None:
    """Below the least margin a verdict absent is given up; present never is."""
    unsure = _CALIBRATION.absent.model_copy(update={"least_margin": 1e9})
    doubted = _opinions(_judged(calibration=_CALIBRATION.model_copy(update={"absent": unsure})))
    for key, before in _opinions(_judged()).items():
        if _RUBRIC.by_id[key].kind == "measured" or before.verdict == "absent":
            assert doubted[key].verdict == "unscored"
            assert doubted[key].confidence is None
        else:
            assert doubted[key] == before


def test_a_count_within_its_limit_is_never_called_absent_by_the_heads() -> None:
    """The heads may find disorder; that an answer is short enough is the count's to say."""
    found = {
        _opinions(_judged(calibration=random_calibration(_RUBRIC, _ENCODER, seed=s)))["rambling"].verdict
        for s in range(24)
    }
    assert found == {"present", "unscored"}


def test_an_untrained_rubric_is_judged_by_exemplars_and_says_so() -> None:
    """Without a calibration the judge works, names none, claims no confidence and raises a flag."""
    judgement = _judged(calibration=None)
    assert [flag.code for flag in judgement.flags] == ["untrained_rubric"]
    assert SimilarityJudge(_ENCODER, calibration=None).info(_RUBRIC).calibration is None
    opinions = _opinions(judgement)
    assert opinions["vanity"].verdict == "present"
    assert opinions["no_guardrail"].verdict == "absent"
    assert {opinion.confidence for opinion in judgement.opinions} == {None}


def test_an_edited_criterion_falls_back_to_its_exemplars() -> None:
    """Heads trained for another meaning are not used; a flag names the criterion, and the others stay trained."""
    edited = parse_rubric(RUBRIC_YAML.replace("A metric lacks window or denominator.", "Something quite different."))
    calibration = random_calibration(make_rubric(), _ENCODER)
    judgement = _judged(rubric=edited, calibration=calibration)
    (flag,) = judgement.flags
    assert flag.code == "calibration_stale"
    assert "vague" in flag.message
    assert "vanity" not in flag.message
    assert _opinions(judgement)["vague"].verdict == "unscored"


def test_advice_may_be_edited_without_training_again() -> None:
    """Words that only people read don't make a calibration stale."""
    edited = parse_rubric(RUBRIC_YAML.replace("Name what a member gains and count that.", "Count gains."))
    assert _judged(rubric=edited, calibration=random_calibration(make_rubric(), _ENCODER)).flags == ()


@pytest.mark.parametrize("changed", ["encoder", "lexicon", "question types"])
def test_what_all_heads_depend_on_makes_all_of_them_stale(changed: str) -> None:
    """Another model, other phrases or other question types: nothing that was trained is used."""
    encoder, rubric = _ENCODER, _RUBRIC
    if changed == "encoder":
        encoder = WordEncoder(salt="other")
    elif changed == "lexicon":
        rubric = parse_rubric(RUBRIC_YAML.replace("experiment: [experiment, test]", "experiment: [experiment]"))
    else:
        rubric = parse_rubric(RUBRIC_YAML.replace("id: reading,", "id: readings,").replace("[reading]", "[readings]"))
    (flag,) = _judged(rubric=rubric, encoder=encoder).flags
    assert flag.code == "calibration_stale"
    assert all(key in flag.message for key in rubric.by_id)


def test_a_criterion_without_labels_is_named() -> None:
    """What was never trained is told apart from what went stale."""
    (flag,) = _judged(calibration=random_calibration(_RUBRIC, _ENCODER, leave_out="vague")).flags
    assert flag.code == "untrained_criteria"
    assert flag.message.endswith(": vague.")


def test_a_count_needs_no_labels() -> None:
    """A measured criterion without heads is counted as it was meant to be; no flag says that exemplars judged it."""
    assert _judged(calibration=random_calibration(_RUBRIC, _ENCODER, leave_out="rambling")).flags == ()


def test_a_criterion_that_is_too_often_wrong_is_named() -> None:
    """What held-out figures don't support is declared in the file, and every evaluation that holds it says so."""
    figures = HeldOutFigures(
        folds=("A", "B"),
        macro_f1=0.5,
        macro_f1_interval=None,
        macro_f1_bare=None,
        coverage=1.0,
        ece=None,
        brier=None,
        band_kappa=None,
        span_overlap=None,
        precision=0.5,
        recall_decided=0.5,
        by_author={},
        by_criterion={},
        weak=("vague",),
    )
    (flag,) = _judged(calibration=_CALIBRATION.model_copy(update={"held_out": figures})).flags
    assert flag.code == "weak_criteria"
    assert flag.message.endswith(": vague.")


def test_heads_of_the_wrong_width_are_refused() -> None:
    """A file made by hand that claims to fit ends as an error that names its key, not as a traceback."""
    short = PackedArray.of(_CALIBRATION.sentences.array[:-1])
    narrow = PackedArray.of(_CALIBRATION.polarity.array[:-1])
    broken = _CALIBRATION.model_copy(update={"sentences": short, "polarity": narrow})
    with pytest.raises(RubricError, match="sentences"):
        _judged(calibration=broken)


def test_a_calibration_of_another_rubric_is_refused() -> None:
    """Heads trained for one rubric say nothing about another's criteria."""
    other = make_rubric(RUBRIC_YAML.replace("id: small\n", "id: other\n"))
    with pytest.raises(OptionError, match="trained for the rubric 'small'"):
        SimilarityJudge(_ENCODER, calibration=_CALIBRATION).info(other)


def test_words_without_a_letter_are_not_judged() -> None:
    """A candidate who says nothing comparable gets no verdict."""
    judgement = _judged(make_transcript("… — ?!"))
    assert {opinion.verdict for opinion in judgement.opinions} == {"unscored"}


def test_case_and_punctuation_may_be_missing() -> None:
    """Speech as a bare recogniser writes it is judged, with quotes from it."""
    bare = make_transcript(
        *[
            (role, text.lower().replace(".", "").replace(",", ""))
            for role, text in [turn if isinstance(turn, tuple) else ("candidate", turn) for turn in DIALOGUE]
        ]
    )
    assert any(opinion.quotes for opinion in _judged(bare).opinions)


def test_a_calibration_file_can_be_given(tmp_path: Path) -> None:
    """`JudgeOptions.calibration` is used instead of the shipped one, and a damaged one is refused at once."""
    path = tmp_path / "small.calibration.json"
    path.write_text(_CALIBRATION.to_json())
    assert trained_on(_CALIBRATION.id, path) == {_CALIBRATION.labels.sha256}
    assert trained_on("unknown", path) is None
    path.write_text("{}")
    with pytest.raises(RubricError):
        make_judge("local", JudgeOptions(calibration=path))


def test_a_verdict_likelier_wrong_than_right_is_none() -> None:
    """Where the curve gives a verdict less than even odds, the judge says that it can't tell."""
    hopeless = _CALIBRATION.present.model_copy(update={"slope": 0.0, "intercept": -1.0})
    doubted = _opinions(_judged(calibration=_CALIBRATION.model_copy(update={"present": hopeless})))
    before = _opinions(_judged())
    assert "present" in {opinion.verdict for opinion in before.values()}
    assert {doubted[key].verdict for key, opinion in before.items() if opinion.verdict == "present"} == {"unscored"}


@settings(max_examples=20)
@given(st.lists(transcripts(), min_size=1, max_size=8))
def test_judged_in_bulk_is_judged_alone(several: list[Transcript]) -> None:
    """Cases judged at the same time get the opinions that each would get by itself."""
    judge = SimilarityJudge(WordEncoder(), calibration=_CALIBRATION)

    async def together() -> list[Judgement]:
        return await asyncio.gather(*(judge.judge(case_of(_RUBRIC, transcript)) for transcript in several))

    assert asyncio.run(together()) == [_judged(transcript) for transcript in several]


class _BrokenEncoder(WordEncoder):
    """Fails as damaged weights do."""

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Raise."""
        del sentences
        raise JudgeMisuse("the weights are damaged", where="model words", remedy="install them again")


def test_an_encoder_that_fails_fails_every_case_alike() -> None:
    """No case is left waiting or judged without vectors: each gets the encoder's own error."""
    judge = SimilarityJudge(_BrokenEncoder(), calibration=None)

    async def together() -> list[Judgement | BaseException]:
        return await asyncio.gather(*(judge.judge(case_of(_RUBRIC)) for _ in range(9)), return_exceptions=True)

    answers = asyncio.run(together())
    assert [type(answer) for answer in answers] == [JudgeMisuse] * 9


def test_a_case_that_is_given_up_harms_no_other() -> None:
    """Cancelling some of the cases judged at the same time leaves the others' opinions as they are."""
    judge = SimilarityJudge(WordEncoder(), calibration=_CALIBRATION)

    async def together() -> list[Judgement | BaseException]:
        tasks = [asyncio.ensure_future(judge.judge(case_of(_RUBRIC))) for _ in range(12)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(together())
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
    assert answers[1::2] == [_judged()] * 6
