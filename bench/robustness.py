"""What empty words gain at the local judge, and what the form of speech costs it.

Run from the checkout: ``PYTHONPATH=. python bench/robustness.py``. First, answers that fail are given lists of terms
and words of the rubric (``tests/robustness/hollow.py``): a case gains if any failure of omission is no longer found
and counts as avoided. Then the labelled transcripts are judged by heads that had not seen their author, as they stand
and as speech may come: the shift of macro F1 should stay below 0.03. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Final

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
from evaluator.rubric import Rubric, load_rubric
from evaluator.values.evaluation import Evaluation
from tests.robustness.hollow import BASES, HOLLOW, PADDING, PLACES, attempt, gained
from tests.robustness.perturbing import FORMS

_GOLD: Final = Path(__file__).resolve().parent.parent / "fixtures" / "gold" / "dev.jsonl"


def main() -> None:
    """Print both tables."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--no-forms", action="store_true", help="leave out the second table, which takes minutes")
    _print_gains(make_judge("local"))
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
        print(f"{kind:<28}{cases:>5}{lost:>8}  {lost / cases:.3f}")


def _kinds() -> dict[str, dict[str, str]]:
    kinds: dict[str, dict[str, str]] = {"all hollow": HOLLOW}
    for name, text in HOLLOW.items():
        kinds.setdefault(name.partition(",")[0], {})[name] = text
    return kinds


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
