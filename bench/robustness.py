"""What empty words gain at the local judge, and what the form of speech costs it.

Run from the checkout: ``PYTHONPATH=. python bench/robustness.py``. First, answers that fail are given lists of terms
and words of the rubric (``tests/robustness/hollow.py``): a case gains if any failure of omission is no longer found
and counts as avoided. The judge's settings were chosen with those at hand, so the same is done with additions whose
writer had read the rubric and had seen neither those nor what the judge learns from (``bench/unseen_additions.json``,
written down before any was judged); with them stand honest sentences, each of which avoids one failure. Then the
labelled transcripts are judged by heads that had not seen their author, as they stand and as speech may come: the
shift of macro F1 should stay below 0.03. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Final, TypeAlias, TypedDict

from evaluator.agreement.comparison import agreement_of
from evaluator.agreement.figures import AgreementFigures
from evaluator.agreement.labels import LabelledRow, read_labels
from evaluator.agreement.measure import measure
from evaluator.agreement.predictions import predictions_of
from evaluator.backends import make_judge
from evaluator.backends.openvino import OpenVinoEncoder
from evaluator.backends.similarity_judge import SimilarityJudge
from evaluator.fitting.calibrating import calibrate, make_training_set
from evaluator.judging import Judge
from evaluator.pipeline import evaluate
from evaluator.rubric import Rubric, load_rubric
from evaluator.transcripts import parse_transcript
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Verdict
from tests.robustness.hollow import BASES, HOLLOW, PADDING, PLACES, attempt, gained
from tests.robustness.perturbing import FORMS

_Turns: TypeAlias = list[dict[str, str]]

_UNSEEN: Final = Path(__file__).resolve().with_name("unseen_additions.json")
_GOLD: Final = Path(__file__).resolve().parent.parent / "fixtures" / "gold" / "dev.jsonl"


class _Honest(TypedDict):
    answer: int
    avoids: str
    text: str


class _Unseen(TypedDict):
    answers: list[_Turns]
    empty: dict[str, list[str]]
    honest: list[_Honest]


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--no-forms", action="store_true", help="leave out the last table, which takes minutes")
    _print_gains(make_judge("local"))
    _print_unseen(make_judge("local"), json.loads(_UNSEEN.read_text(encoding="utf-8")))
    if not arguments.parse_args().no_forms:
        _print_shifts(load_rubric("netflix_pm_metrics"))


def _print_gains(judge: Judge) -> None:
    print(f"{'added to answers that fail':<28}cases  gained")
    for kind, texts in (*_kinds().items(), ("padding", dict(enumerate(PADDING)))):
        cases = lost = 0
        for base in BASES.values():
            for text in texts.values():
                for place in PLACES:
                    cases += 1
                    lost += bool(gained(base, attempt(judge, base, text, place), attempt(judge, base)))
        _print_line(kind, cases, lost)


def _kinds() -> dict[str, dict[str, str]]:
    kinds: dict[str, dict[str, str]] = {"all hollow": HOLLOW}
    for name, text in HOLLOW.items():
        kinds.setdefault(name.partition(",")[0], {})[name] = text
    return kinds


def _print_unseen(judge: Judge, unseen: _Unseen) -> None:
    """Print how often empty additions clear an answer of a failure, and honest ones of theirs, at start and end."""
    answers = unseen["answers"]
    before = [_verdicts(judge, answer) for answer in answers]
    print(f"\n{'not seen before':<28}cases  gained")
    lines: list[tuple[int, int]] = []
    for kind, texts in unseen["empty"].items():
        cleared = [
            bool(_cleared(_verdicts(judge, said), verdicts))
            for text in texts
            for answer, verdicts in zip(answers, before, strict=True)
            for said in _with(answer, text)
        ]
        lines.append((len(cleared), sum(cleared)))
        _print_line(kind, *lines[-1])
    _print_line("all empty", *(sum(column) for column in zip(*lines, strict=True)))
    honest = [line for line in unseen["honest"] if before[line["answer"]][line["avoids"]] == "present"]
    for place, name in enumerate(("start", "end")):
        credited = [
            line["avoids"] in _cleared(_verdicts(judge, said), before[line["answer"]])
            for line in honest
            for said in [_with(answers[line["answer"]], line["text"])[place]]
        ]
        _print_line(f"honest, at the {name}", len(credited), sum(credited))


def _print_line(name: str, cases: int, gained: int) -> None:
    print(f"{name:<28}{cases:>5}{gained:>8}  {gained / cases:.3f}")


def _with(answer: _Turns, text: str) -> tuple[_Turns, _Turns]:
    """Return an answer's turns with a text before all that the candidate says, and with it after all."""
    own = [number for number, turn in enumerate(answer) if turn["speaker"] == "candidate"]
    first, last = dict(answer[own[0]]), dict(answer[own[-1]])
    first["text"], last["text"] = f"{text} {first['text']}", f"{last['text']} {text}"
    return [*answer[: own[0]], first, *answer[own[0] + 1 :]], [*answer[: own[-1]], last, *answer[own[-1] + 1 :]]


def _verdicts(judge: Judge, turns: _Turns) -> dict[str, Verdict]:
    """Return the verdicts on failures of omission."""
    rubric = load_rubric("netflix_pm_metrics")
    omitted = {criterion.id for criterion in rubric.criteria if criterion.kind == "omission"}
    evaluation = evaluate(parse_transcript(json.dumps({"turns": turns})), rubric, judge)
    return {finding.criterion: finding.verdict for finding in evaluation.findings if finding.criterion in omitted}


def _cleared(after: dict[str, Verdict], before: dict[str, Verdict]) -> list[str]:
    """Return the failures that were found before and count as avoided now."""
    return [name for name, verdict in after.items() if verdict == "absent" and before[name] == "present"]


def _print_shifts(rubric: Rubric) -> None:
    labels = read_labels(_GOLD, rubric)
    more = read_labels(_GOLD.with_name("more.jsonl"), rubric)
    training = make_training_set(labels, rubric, OpenVinoEncoder(None, reduced=False), also=[more])
    found: dict[str, dict[str, Evaluation]] = {name: {} for name in FORMS}
    for fold in sorted(set(training.held_out.values())):
        judge = SimilarityJudge(training.encoder, calibration=calibrate(training.without(fold)))
        rows = [row for row in labels.rows if training.held_out[row.id] == fold]
        for name, form in FORMS.items():
            found[name] |= asyncio.run(measure(form(rows), rubric, judge, concurrency=1)).evaluations
    figures = {name: _figures(rubric, FORMS[name](labels.rows), found[name]) for name in FORMS}
    plain = figures["as they stand"].f1.value or 0.0
    print(f"\n{'labelled transcripts':<28}macro F1   shift  coverage")
    for name, line in figures.items():
        f1, coverage = line.f1.value or 0.0, line.coverage.value or 0.0
        print(f"{name:<28}{f1:>8.3f}{f1 - plain:>+8.3f}{coverage:>10.3f}")


def _figures(rubric: Rubric, rows: tuple[LabelledRow, ...], evaluations: dict[str, Evaluation]) -> AgreementFigures:
    predictions = {row_id: predictions_of(evaluation) for row_id, evaluation in evaluations.items()}
    bands = {row_id: evaluation.scorecard.band for row_id, evaluation in evaluations.items()}
    return agreement_of(rubric, rows, predictions, bands=bands)


if __name__ == "__main__":
    main()
