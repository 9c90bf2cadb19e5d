"""``evaluator agreement --leave-one-author-out``: what training is worth, measured on authors it has not seen.

Apart from `agreement`, which measures judges as they are, because this one trains its own.
"""

from __future__ import annotations

from pathlib import Path

from evaluator.agreement.labels import LabelSet
from evaluator.agreement.report import AgreementReport
from evaluator.backends.sentence_transformers import SentenceTransformerEncoder
from evaluator.cli.terminal import progress
from evaluator.errors import OptionError
from evaluator.fitting.calibrating import make_training_set
from evaluator.fitting.cross_validation import cross_validate
from evaluator.fitting.regression import check_installed
from evaluator.rubric import Rubric
from evaluator.settings import Settings

__all__ = ["held_out_report", "refuse_beside"]


def refuse_beside(
    settings: Settings, *, calibration: Path | None, predictions: Path | None, save_to: Path | None
) -> None:
    """Refuse options that speak of one judge, where several are trained.

    Raises:
        OptionError: The backend is not the one that is trained, or one of the options was given.
    """
    where = "--leave-one-author-out"
    if settings.backend != "local":
        raise OptionError("only the backend `local` is trained", where=where, remedy="use --backend local")
    given = {"--calibration": calibration, "--predictions": predictions, "--write-predictions": save_to}
    for name, value in given.items():
        if value is not None:
            raise OptionError(
                f"it trains judges of its own, so {name} means nothing", where=where, remedy="leave it out"
            )


def held_out_report(labels: LabelSet, rubric: Rubric, *, model: str | None, quiet: bool) -> AgreementReport:
    """Train without each author in turn, judge that author's transcripts, and report on all of them.

    Raises:
        LabelsError: There are too few labels to train on.
        MissingExtra: A package isn't installed.
    """
    check_installed()
    with progress("Training without each author in turn", quiet=quiet):
        training = make_training_set(labels, rubric, SentenceTransformerEncoder(model))
        return cross_validate(training).report(training)
