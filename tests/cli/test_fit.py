"""``evaluator fit`` and ``agreement --leave-one-author-out`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluator.backends import openvino, similarity_judge
from evaluator.backends.local.calibration import load_calibration
from evaluator.backends.similarity_judge import trained_on
from evaluator.cli import held_out
from evaluator.cli.main import run
from tests.encoders import WordEncoder
from tests.fakes import RUBRIC_YAML
from tests.fitting.cases import label_bytes


def _encoder(model: str | None, *, reduced: bool = True) -> WordEncoder:
    del reduced
    return WordEncoder(name=model or "words")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Work in a folder with a rubric and labels, and with an encoder that needs no model."""
    monkeypatch.setattr(openvino, "OpenVinoEncoder", _encoder)
    monkeypatch.setattr(similarity_judge, "_encoder", _encoder)
    monkeypatch.setattr(held_out, "OpenVinoEncoder", _encoder)
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(RUBRIC_YAML, encoding="utf-8")
    Path("made.jsonl").write_bytes(label_bytes())


def _fit(*options: str) -> int:
    return run(["fit", "small.yaml", "made.jsonl", "-o", "small.calibration.json", *options])


def test_fit_writes_a_calibration_and_prints_what_it_is_worth(capsys: pytest.CaptureFixture[str]) -> None:
    """Held-out figures go to the output stream, what stays untrained to the error stream, the heads to the file."""
    assert _fit() == 0
    said = capsys.readouterr()
    assert "Held out in turn: A, B." in said.out
    assert "Macro F1" in said.out
    assert "vague stays with its exemplars: 0 labels present and 0 absent; 10 of each are needed" in said.err
    calibration = load_calibration(Path("small.calibration.json"))
    assert calibration.held_out is not None
    assert calibration.held_out.folds == ("A", "B")


def test_fitting_twice_changes_no_byte() -> None:
    """The file is a function of rubric, labels and model."""
    assert _fit("--quiet") == 0
    first = Path("small.calibration.json").read_bytes()
    assert _fit("--quiet") == 0
    assert Path("small.calibration.json").read_bytes() == first


def test_a_worse_calibration_is_refused_unless_forced(capsys: pytest.CaptureFixture[str]) -> None:
    """Heads that agree less than those that are there don't replace them by chance; both figures are told."""
    assert _fit() == 0
    assert "WORSE" not in capsys.readouterr().err
    path = Path("small.calibration.json")
    good = load_calibration(path)
    assert good.held_out is not None
    assert good.held_out.macro_f1 is not None
    rows = [json.loads(line) for line in label_bytes().splitlines()]
    for row in rows[::3]:
        row["labels"]["vanity"] = {"present": "absent", "absent": "present"}[row["labels"]["vanity"]]
    Path("made.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert _fit() == 2
    assert "nothing was written, for it would be worse than before" in capsys.readouterr().err
    assert load_calibration(path) == good
    assert _fit("--force") == 0
    said = capsys.readouterr().err
    assert "WORSE THAN BEFORE" in said
    assert "vanity does worse than before" in said
    assert load_calibration(path) != good


def test_the_calibration_of_a_rubrics_file_lies_beside_it() -> None:
    """Without a name for it the file goes where the rubric is; a shipped rubric's is never replaced like that."""
    Path("rubrics").mkdir()
    Path("rubrics/other.yaml").write_text(RUBRIC_YAML, encoding="utf-8")
    assert run(["fit", "rubrics/other.yaml", "made.jsonl", "--quiet"]) == 0
    assert load_calibration(Path("rubrics/other.calibration.json")).held_out is not None
    assert run(["fit", "netflix_pm_metrics", "made.jsonl"]) == 2


def test_a_trained_rubric_judges_by_what_it_learned(capsys: pytest.CaptureFixture[str]) -> None:
    """From labels to a verdict: the new heads find in a new answer what the labels taught them."""
    assert _fit("--quiet") == 0
    answer = {
        "question": "How would you measure success of the new row?",
        "turns": [
            {"speaker": "interviewer", "text": "How would you measure success of the new row?"},
            {"speaker": "candidate", "text": "We talked about it at lunch. I would count clicks on the new row."},
        ],
    }
    Path("answer.json").write_text(json.dumps(answer), encoding="utf-8")
    capsys.readouterr()
    options = ["--rubric", "small.yaml", "--calibration", "small.calibration.json", "--format", "json"]
    assert run(["grade", "answer.json", *options]) == 0
    graded = json.loads(capsys.readouterr().out)
    verdicts = {finding["criterion"]: finding["verdict"] for finding in graded["findings"]}
    assert verdicts["vanity"] == "present"
    assert verdicts["no_goal"] == "present"
    flags = {flag["code"]: flag["message"] for flag in graded["flags"]}
    assert "vague" in flags["untrained_criteria"]


def test_labels_too_few_leave_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    """What can't be trained is refused before anything is written."""
    Path("made.jsonl").write_bytes(label_bytes(each=3))
    assert _fit() == 2
    assert "no criterion has 10 labels" in capsys.readouterr().err
    assert not Path("small.calibration.json").exists()


def test_agreement_holds_each_author_out(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of a judge that had not seen the author can be printed without writing a calibration."""
    command = ["agreement", "made.jsonl", "--rubric", "small.yaml", "--leave-one-author-out"]
    assert run(command) == 0
    said = capsys.readouterr().out
    assert "trained without the author judged" in said
    assert "TRAINED ON THESE ROWS" not in said


def test_more_labels_are_learned_from_and_not_measured() -> None:
    """Rows of another file train the heads of every fold; figures and folds are of the first file's authors alone."""
    Path("more.jsonl").write_bytes(label_bytes(authors="CD", seed=2))
    assert _fit("--also", "more.jsonl", "--quiet") == 0
    learned = load_calibration(Path("small.calibration.json"))
    assert learned.held_out is not None
    assert learned.held_out.folds == ("A", "B")
    assert set(learned.held_out.by_author) == {"A", "B"}
    assert [(used.name, used.authors) for used in (learned.labels, *learned.also)] == [
        ("made.jsonl", {"A": 36, "B": 36}),
        ("more.jsonl", {"C": 36, "D": 36}),
    ]
    assert trained_on(learned.id, Path("small.calibration.json")) == {learned.labels.sha256, learned.also[0].sha256}


def test_one_author_is_held_out_with_more_labels_to_learn_from(capsys: pytest.CaptureFixture[str]) -> None:
    """What one author's labels can't tell alone, others' labels can."""
    Path("made.jsonl").write_bytes(label_bytes(authors="A", bands=False))
    Path("more.jsonl").write_bytes(label_bytes(authors="BC", seed=2, bands=False))
    command = ["agreement", "made.jsonl", "--rubric", "small.yaml", "--leave-one-author-out", "--also", "more.jsonl"]
    assert run(command) == 0
    assert "36 transcripts" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (
            ["fit", "small.yaml", "made.jsonl", "--also", "made.jsonl"],
            "holds transcripts of this author too",
        ),
        (["agreement", "made.jsonl", "--rubric", "small.yaml", "--also", "more.jsonl"], "add --leave-one-author-out"),
    ],
)
def test_more_labels_that_can_not_help_are_refused(
    command: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody who is held out is learned from, and nothing is named to learn from where nothing is learned."""
    assert run(command) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--backend", "none_such"], "--leave-one-author-out"),
        (["--calibration", "x.json"], "--calibration means nothing"),
        (["--write-predictions", "x.jsonl"], "--write-predictions means nothing"),
    ],
)
def test_options_of_one_judge_are_refused_beside_it(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What speaks of one judge has no meaning where one is trained for each author."""
    assert run(["agreement", "made.jsonl", "--rubric", "small.yaml", "--leave-one-author-out", *options]) == 2
    assert says in capsys.readouterr().err


def test_agreement_warns_of_a_calibration_trained_on_the_same_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """Figures on what was learned by heart carry a warning, also for a file that was given."""
    assert _fit("--quiet") == 0
    capsys.readouterr()
    given = ["--rubric", "small.yaml", "--calibration", "small.calibration.json"]
    assert run(["agreement", "made.jsonl", *given]) == 0
    assert "TRAINED ON THESE ROWS" in capsys.readouterr().out


def test_no_file_that_is_read_is_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the rubric nor labels are lost to a slip in the name of the output, under another spelling either."""
    Path("more.jsonl").write_bytes(label_bytes(authors="CD", seed=2))
    for name in ("small.yaml", "./small.yaml", "made.jsonl", "more.jsonl"):
        before = Path(name).read_bytes()
        assert run(["fit", "small.yaml", "made.jsonl", "--also", "more.jsonl", "-o", name]) == 2
        assert "it is the input itself" in capsys.readouterr().err
        assert Path(name).read_bytes() == before


def test_an_author_can_not_speak_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Ids come from strangers: what a terminal would obey is shown as harmless characters."""
    Path("made.jsonl").write_bytes(label_bytes().replace(b'"A-', b'"A\\u001b[31m-'))
    assert _fit() == 0
    said = capsys.readouterr()
    assert "Held out in turn: A" in said.out
    assert "\x1b" not in said.out + said.err


def test_a_file_of_labels_may_grow(capsys: pytest.CaptureFixture[str]) -> None:
    """Heads that remember its older rows are no bar for new ones that are held out; what they once reached is told."""
    assert _fit("--quiet") == 0
    Path("made.jsonl").write_bytes(label_bytes(authors="ABC", seed=2))
    capsys.readouterr()
    assert _fit() == 0
    assert "the rubric's exemplars alone: 0.000; the calibration that is there reached 1.000" in capsys.readouterr().err


def test_rows_that_teach_nothing_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A row without words to judge is named by its line, not passed over in silence."""
    rows = label_bytes().splitlines()
    silent = json.loads(rows[4])
    silent["turns"][1]["text"] = "..."
    rows[4] = json.dumps(silent).encode()
    Path("made.jsonl").write_bytes(b"\n".join(rows))
    assert _fit() == 0
    assert "1 rows hold no answer that can be judged" in (said := capsys.readouterr().err)
    assert "the first is 'A-004', line 5" in said


def test_what_is_counted_has_no_exemplars_to_fall_back_on(capsys: pytest.CaptureFixture[str]) -> None:
    """A measured criterion without labels is counted as ever: neither weak nor judged by likeness."""
    rows = [json.loads(line) for line in label_bytes().splitlines()]
    for row in rows:
        row["labels"]["rambling"] = "absent"
    Path("made.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert _fit() == 0
    said = capsys.readouterr().err
    assert "rambling is counted alone: 0 labels present and 72 absent; 10 of each are needed" in said
    assert "rambling is too often wrong" not in said
    calibration = load_calibration(Path("small.calibration.json"))
    assert calibration.held_out is not None
    assert "rambling" not in calibration.held_out.weak


def test_labels_that_suffice_only_with_an_author_are_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Who is held out is named: the labels of all would do, so that the bare count would only puzzle."""
    Path("made.jsonl").write_bytes(label_bytes(each=14))
    assert _fit() == 2
    said = capsys.readouterr().err
    assert "labels enough with author 'A', and too few without" in said
    assert not Path("small.calibration.json").exists()


def test_figures_of_one_author_carry_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """Groups of one person's transcripts don't tell how the judge does on others."""
    Path("made.jsonl").write_bytes(label_bytes(authors="A", each=60))
    assert _fit() == 0
    said = capsys.readouterr().out
    assert "All transcripts are one author's" in said
    assert "trained without the transcripts judged" in said
    assert "without the author" not in said


def test_sentences_beside_a_rubrics_file_are_learned_from(capsys: pytest.CaptureFixture[str]) -> None:
    """They lie where the rubric lies, whoever's it is; a fault in them is named before anything is trained."""
    assert _fit("--quiet") == 0
    without = load_calibration(Path("small.calibration.json"))
    beside = Path("small.sentences.yaml")
    beside.write_text(f"schema_version: 1\nrubric: {without.rubric}\nempty: [Guardrails are important.]\n")
    assert _fit("--quiet", "--force") == 0
    learned = load_calibration(Path("small.calibration.json"))
    assert learned.made_sentences != without.made_sentences
    assert learned.id != without.id
    beside.write_text("schema_version: 1\nrubric: another\n")
    capsys.readouterr()
    for command in (["fit", "small.yaml", "made.jsonl"], ["agreement", "made.jsonl", "--leave-one-author-out"]):
        more = ["--rubric", "small.yaml"] if command[0] == "agreement" else []
        assert run([*command, *more]) == 2
        assert "small.sentences.yaml, `rubric`: it is made for the rubric 'another'" in capsys.readouterr().err
