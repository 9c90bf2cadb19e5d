"""Tests of rubrics: what is shipped keeps the labelling contract, and files are opened with care."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Final, TypeAlias, cast

import pytest
import yaml

from evaluator.applicability import inapplicable_reason
from evaluator.errors import RubricError
from evaluator.question_types import choose_question_type
from evaluator.rubric import Rubric, load_rubric, parse_rubric, rubric_paths
from evaluator.rubric_advice import advise
from evaluator.scoring import score
from evaluator.values.judge import Verdict
from evaluator.values.transcript import SpeakerRoles, Transcript, Turn

_ROOT: Final = Path(__file__).resolve().parent.parent
_STARTER: Final = _ROOT / "rubrics" / "starter" / "starter.yaml"
_CONTRACT: Final = _ROOT / "fixtures" / "gold" / "failure_modes.yaml"
_GOLD: Final = _ROOT / "fixtures" / "gold" / "dev.jsonl"
_SHIPPED: Final = ("behavioural_star", "netflix_pm_metrics")

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def _mapping(value: Json) -> dict[str, Json]:
    assert isinstance(value, dict)
    return value


def _items(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value


@pytest.fixture(scope="module")
def netflix() -> Rubric:
    """The default rubric."""
    return load_rubric()


@pytest.fixture(scope="module")
def contract() -> dict[str, Json]:
    """The labelling contract, as committed beside the gold transcripts."""
    return cast("dict[str, Json]", yaml.safe_load(_CONTRACT.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def gold() -> list[dict[str, Json]]:
    """The labelled transcripts."""
    return [json.loads(line) for line in _GOLD.read_text(encoding="utf-8").splitlines()]


def _transcript(row: dict[str, Json]) -> Transcript:
    turns = [_mapping(turn) for turn in _items(row["turns"])]
    return Transcript.model_validate(
        {
            "turns": tuple(Turn.model_validate({"role": turn["speaker"], "text": turn["text"]}) for turn in turns),
            "question": row["question"],
            "format": "turns",
            "roles": SpeakerRoles(confidence=1.0, source="given"),
            "language": "en",
        }
    )


# --- what is shipped -------------------------------------------------------------------------------------------------


def test_the_shipped_rubrics_are_listed_by_id() -> None:
    """Every shipped file is a rubric whose id is its file's name; the starter is not among them."""
    assert tuple(rubric_paths()) == _SHIPPED
    assert [load_rubric(rubric_id).id for rubric_id in _SHIPPED] == list(_SHIPPED)


def test_modes_keep_ids_kinds_severities_and_sources_of_the_contract(
    netflix: Rubric, contract: dict[str, Json]
) -> None:
    """The default rubric has exactly the contract's failure modes, in its order."""
    modes = [_mapping(mode) for mode in _items(contract["modes"])]
    assert [(c.id, c.kind, c.severity, c.source) for c in netflix.criteria] == [
        (mode["id"], mode["kind"], mode["severity"], mode["source"]) for mode in modes
    ]


def test_question_types_and_bands_keep_the_ids_of_the_contract(netflix: Rubric, contract: dict[str, Json]) -> None:
    """Types and bands are those that transcripts are labelled with, bands best first."""
    assert [kind.id for kind in netflix.question_types] == list(_mapping(contract["question_types"]))
    assert [band.id for band in netflix.scoring.bands] == list(_mapping(contract["bands"]))


def test_conditional_modes_are_those_of_the_contract(netflix: Rubric, contract: dict[str, Json]) -> None:
    """A criterion has a rule of applicability exactly if the contract doesn't say ``always``."""
    modes = [_mapping(mode) for mode in _items(contract["modes"])]
    conditional = [mode["id"] for mode in modes if mode["applies"] != "always"]
    assert [c.id for c in netflix.criteria if c.applies != type(c.applies)()] == conditional


def test_wording_is_the_rubrics_own(netflix: Rubric, contract: dict[str, Json]) -> None:
    """No definition repeats seven words in a row of the contract: it says the same, not in the same words."""
    theirs = _runs(yaml.safe_dump(contract, width=10_000), 7)
    for criterion in netflix.criteria:
        for text in (criterion.definition, criterion.clarification or ""):
            assert not _runs(text, 7) & theirs, criterion.id


def test_exemplars_are_not_taken_from_the_gold_transcripts(netflix: Rubric, gold: list[dict[str, Json]]) -> None:
    """No exemplar shares eight words in a row with a transcript that the judge is measured on."""
    theirs: set[tuple[str, ...]] = set()
    for row in gold:
        for turn in _items(row["turns"]):
            theirs |= _runs(str(_mapping(turn)["text"]), 8)
    for criterion in netflix.criteria:
        for sentence in (*criterion.exemplars.commits, *criterion.exemplars.avoids):
            assert not _runs(sentence, 8) & theirs, sentence


@pytest.mark.parametrize("rubric_id", _SHIPPED)
def test_exemplars_of_a_rubric_are_all_different(rubric_id: str) -> None:
    """No sentence stands for two things."""
    sentences = [s for c in load_rubric(rubric_id).criteria for s in (*c.exemplars.commits, *c.exemplars.avoids)]
    assert len({" ".join(re.findall(r"\w+", s.casefold())) for s in sentences}) == len(sentences)


@pytest.mark.parametrize("rubric_id", _SHIPPED)
def test_every_criterion_of_a_shipped_rubric_is_complete(rubric_id: str) -> None:
    """Each judged criterion has a clarification and eight exemplars for and against, 4 to 40 words each."""
    rubric = load_rubric(rubric_id)
    assert advise(rubric) == ()
    for criterion in rubric.criteria:
        if criterion.kind != "measured":
            assert len(criterion.exemplars.commits) >= 8, criterion.id
            assert len(criterion.exemplars.avoids) >= 8, criterion.id
        for sentence in (*criterion.exemplars.commits, *criterion.exemplars.avoids):
            assert 4 <= len(sentence.split()) <= 40, sentence


@pytest.mark.parametrize("path", sorted((_ROOT / "rubrics").rglob("*.yaml")), ids=lambda path: path.name)
def test_a_shipped_file_reads_well(path: Path) -> None:
    """Lines are at most 110 wide, without tabs or trailing blanks, and the file starts by saying how to read it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert [line for line in lines if len(line) > 110 or "\t" in line or line != line.rstrip()] == []


def test_bands_follow_from_the_labels_as_people_gave_them(netflix: Rubric, gold: list[dict[str, Json]]) -> None:
    """Fed with the labels, the rubric's bands agree with the labelled bands on 9 of 10, and are never two apart."""
    order = [band.id for band in netflix.scoring.bands]
    distances: list[int] = []
    for row in gold:
        verdicts = cast("dict[str, Verdict]", _mapping(row["labels"]))
        given = score(netflix, verdicts).band
        assert given is not None
        distances.append(abs(order.index(given) - order.index(str(row["band"]))))
    assert sum(distance == 0 for distance in distances) / len(distances) >= 0.9
    assert max(distances) == 1


def test_the_veto_never_strikes_a_labelled_hire(netflix: Rubric, gold: list[dict[str, Json]]) -> None:
    """The rule of missing metric rigour is consistent with the labels: it fires often, and on no hire."""
    fired = [row["band"] for row in gold if score(netflix, cast("dict[str, Verdict]", row["labels"])).vetoes]
    assert len(fired) > 50
    assert not {"hire", "strong_hire"} & set(fired)


def test_question_types_are_recognised(netflix: Rubric, gold: list[dict[str, Json]]) -> None:
    """At least nine of ten labelled questions get their type from the cues."""
    right = [choose_question_type(netflix, str(row["question"])).value == row["question_type"] for row in gold]
    assert sum(right) / len(right) >= 0.9


@pytest.mark.parametrize("rubric_id", _SHIPPED)
def test_a_question_types_example_is_of_that_type(rubric_id: str) -> None:
    """The example that a rubric gives for a type is recognised as of that type."""
    rubric = load_rubric(rubric_id)
    assert [choose_question_type(rubric, kind.example).value for kind in rubric.question_types] == [
        kind.id for kind in rubric.question_types
    ]


@pytest.mark.parametrize(
    ("criterion_id", "least"),
    [
        ("no_instrumentation_note", 1.0),
        ("weak_experiment_rigor", 0.9),
        ("single_window_retention", 0.85),
        ("diversity_blind", 0.92),
        ("stalls_under_pushback", 0.98),
    ],
)
def test_applicability_agrees_with_the_labels(
    netflix: Rubric, gold: list[dict[str, Json]], criterion_id: str, least: float
) -> None:
    """The rule of each conditional criterion says ``na`` where the labels do, at least this often."""
    criterion = netflix.criterion(criterion_id)
    agreed = [
        (inapplicable_reason(criterion, netflix, _transcript(row), str(row["question_type"])) is not None)
        == (_mapping(row["labels"])[criterion_id] == "na")
        for row in gold
        if criterion_id not in _items(row["disputed"])
    ]
    assert sum(agreed) / len(agreed) >= least


def _runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9']+", text.casefold())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


# --- identity --------------------------------------------------------------------------------------------------------


def test_layout_and_comments_do_not_change_a_hash() -> None:
    """The hash is of the content: the same data without comments, in another order of keys, has the same."""
    text = _STARTER.read_text(encoding="utf-8")
    data = cast("dict[str, Json]", yaml.safe_load(text))
    shuffled = yaml.safe_dump(dict(reversed(data.items())), sort_keys=False)
    assert parse_rubric(shuffled).sha256 == parse_rubric(text).sha256


def test_an_edited_criterion_changes_its_own_hash_only() -> None:
    """An edit of one criterion changes its hash and the rubric's, not the other criteria's."""
    text = _STARTER.read_text(encoding="utf-8")
    before, after = parse_rubric(text), parse_rubric(text.replace("You kept it short.", "Short it was."))
    assert before.sha256 != after.sha256
    assert before.criterion("no_reason").sha256 == after.criterion("no_reason").sha256
    assert before.criterion("too_long").sha256 != after.criterion("too_long").sha256


def test_an_unknown_criterion_is_told_with_those_that_exist(netflix: Rubric) -> None:
    """Asking for a criterion that isn't there names those that are."""
    with pytest.raises(RubricError, match="no_guardrail"):
        netflix.criterion("no_such")


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\xff\xfei\x00d\x00:\x00", "not UTF-8"),
        ("id: é\n".encode("latin-1"), "not UTF-8"),
        (b"\x00" * 100, "U\\+0000"),
        (b"a" * 4_000_001, "larger than"),
        (b"PK\x03\x04" + b"\x00" * 20, "U\\+0003"),
    ],
    ids=["empty", "utf-16", "latin-1", "binary", "huge", "zip"],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """Empty, wrongly encoded, binary and oversized files are each told apart, with the file's name."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(RubricError, match=message) as caught:
        load_rubric(path)
    assert (caught.value.where or "").startswith("mine.yaml")


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    """UTF-8 with a mark at the start is UTF-8."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + _STARTER.read_bytes())
    assert load_rubric(str(path)).id == "my_rubric"


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A folder, a missing file, a pipe and an impossible name are errors, and nothing waits for a pipe's writer."""
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for path in (tmp_path, tmp_path / "none.yaml", pipe, Path("a\x00b.yaml")):
        with pytest.raises(RubricError):
            load_rubric(path)


@pytest.mark.parametrize("name", ["no_such_rubric", "netflix pm metrics", ""])
def test_an_unknown_id_is_told_with_those_that_exist(name: str) -> None:
    """A name that is neither a shipped id nor a path names what would do."""
    with pytest.raises(RubricError, match="behavioural_star, netflix_pm_metrics"):
        load_rubric(name)


def test_an_id_never_leads_out_of_the_shipped_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a path is read as a path: an id with dots finds nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_bytes(_STARTER.read_bytes())
    with pytest.raises(RubricError, match="no rubric is called"):
        load_rubric("..")
    assert load_rubric("mine.yaml").id == "my_rubric"
