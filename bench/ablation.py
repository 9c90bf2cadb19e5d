"""What each part of the local judge's training adds, on authors that it has not seen.

Run from the checkout: ``PYTHONPATH=. python bench/ablation.py [--only NAME ...]``. Each line leaves one part out,
trains without each author in turn, and judges that author through the whole pipeline; minutes a line. ``within bands``
is the mean of macro F1 inside the labelled bands: what is left once overall quality is known.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from evaluator.agreement.figures import AgreementFigures
from evaluator.agreement.labels import read_labels
from evaluator.backends.encoder import Vectors
from evaluator.backends.local.features import Features
from evaluator.backends.openvino import OpenVinoEncoder
from evaluator.fitting.calibrating import TrainingSet, make_training_set
from evaluator.fitting.comparing import measure_before
from evaluator.fitting.cross_validation import cross_validate
from evaluator.fitting.examples import Example
from evaluator.fitting.folds import folds_of
from evaluator.rubric import load_rubric

_GOLD: Final = Path(__file__).resolve().parent.parent / "fixtures" / "gold"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", choices=list(_PARTS), default=list(_PARTS), help="lines to print")
    only: Sequence[str] = parser.parse_args().only
    rubric = load_rubric("netflix_pm_metrics")
    labels, more = (read_labels(_GOLD / name, rubric) for name in ("dev.jsonl", "more.jsonl"))
    training = make_training_set(labels, rubric, OpenVinoEncoder(None, reduced=False), also=[more])
    authors = sorted({row.author for row in training.labels.rows})
    print(f"{'':<32}macro F1  95 %         {'     '.join(authors)}     within bands  coverage")
    before = measure_before(training, None)
    print(f"{'exemplars alone':<32}{before.macro_f1 or 0:>8.3f}")
    for name in only:
        figures = cross_validate(_PARTS[name](training)).report(training).figures
        print(f"{name:<32}{_line(figures)}", flush=True)


def _line(figures: AgreementFigures) -> str:
    low, high = figures.f1.interval or (0.0, 0.0)
    authors = " ".join(f"{group.macro_f1 or 0:.3f}" for group in figures.authors)
    within = [group.macro_f1 or 0.0 for group in figures.gold_bands]
    bands = sum(within) / max(1, len(within))
    coverage = figures.coverage.value or 0.0
    return f"{figures.f1.value or 0:>8.3f}  {low:.3f}-{high:.3f}  {authors}  {bands:>12.3f}  {coverage:>8.3f}"


def _without_more(training: TrainingSet) -> TrainingSet:
    authors = {row.author for row in training.labels.rows}
    kept = tuple(example for example in training.examples if example.author in authors)
    return replace(training, also=(), examples=kept, folds=folds_of(training.labels.rows))


def _without_made(training: TrainingSet) -> TrainingSet:
    return replace(training, made=tuple(row for row in training.made if row.criterion is None))


def _without_hollow(training: TrainingSet) -> TrainingSet:
    return replace(training, made=tuple(row for row in training.made if row.criterion is not None))


def _without_evidence(training: TrainingSet) -> TrainingSet:
    return replace(training, examples=tuple(replace(e, decisive={}) for e in training.examples))


def _masked(mask: Callable[[Features], Features]) -> Callable[[TrainingSet], TrainingSet]:
    """Return what trains on features with columns of zeros: heads then have no weight where a case has numbers."""

    def masked(training: TrainingSet) -> TrainingSet:
        def apply(example: Example) -> Example:
            return replace(example, features=mask(example.features))

        rows = tuple(
            replace(made, row=_zeroed(made.row[None], mask, training.examples[0].features)[0]) for made in training.made
        )
        return replace(training, examples=tuple(map(apply, training.examples)), made=rows)

    return masked


def _zeroed(rows: Vectors, mask: Callable[[Features], Features], like: Features) -> Vectors:
    return mask(replace(like, rows=rows)).rows


def _no_context(features: Features) -> Features:
    rows, d, g = features.rows.copy(), features.vectors.shape[1], features.phrases.shape[1]
    rows[:, d : 2 * d] = 0
    rows[:, 2 * d + g : 2 * d + 3 * g] = 0
    return replace(features, rows=rows)


def _no_phrases(features: Features) -> Features:
    rows = features.rows.copy()
    rows[:, 2 * features.vectors.shape[1] : -_AFTER_PHRASES] = 0
    return replace(
        features,
        rows=rows,
        phrases=features.phrases * 0,
        pairs=features.pairs * 0,
        document=features.document * 0,
    )


def _no_replies(features: Features) -> Features:
    return replace(features, replies=features.replies * 0, reply_vectors=features.reply_vectors * 0)


_AFTER_PHRASES: Final = 9  # texture, place and likeness to the question stand behind phrases and pairs

_PARTS: Final[dict[str, Callable[[TrainingSet], TrainingSet]]] = {
    "everything": lambda training: training,
    "without more labels": _without_more,
    "without made sentences": _without_made,
    "without the hollow column": _without_hollow,
    "without labelled evidence": _without_evidence,
    "without neighbouring sentences": _masked(_no_context),
    "without counted phrases": _masked(_no_phrases),
    "without replies": _masked(_no_replies),
}

if __name__ == "__main__":
    main()
