"""``evaluator agreement --leave-one-author-out``: what training is worth, measured on authors it has not seen.

Apart from `agreement`, which measures judges as they are, because this one trains its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from evaluator.agreement.labels import LabelSet, read_labels
from evaluator.agreement.report import AgreementReport
from evaluator.backends.openvino import OpenVinoEncoder
from evaluator.cli.terminal import progress
from evaluator.errors import OptionError
from evaluator.fitting.calibrating import make_training_set
from evaluator.fitting.cross_validation import cross_validate
from evaluator.fitting.regression import check_installed
from evaluator.rubric import Rubric, find_rubric_file, load_rubric
from evaluator.settings import Settings

__all__ = ["held_out_report", "read_more", "refuse_beside"]

_OF_TRAINING: Final = frozenset({"backend", "model"})


def refuse_beside(
    settings: Settings, flags: Mapping[str, object], *, predictions: Path | None, save_to: Path | None
) -> None:
    """Refuse options that speak of one judge, where several are trained.

    Args:
        settings: With the options that were given.
        flags: The judge's options that were given, by name.
        predictions: As given.
        save_to: As given.

    Raises:
        OptionError: The backend is not the one that is trained, or one of the options was given.
    """
    where = "--leave-one-author-out"
    if settings.backend != "local":
        raise OptionError("only the backend `local` is trained", where=where, remedy="use --backend local")
    foreign = {name: value for name, value in flags.items() if name not in _OF_TRAINING}
    given = {**foreign, "predictions": predictions, "write_predictions": save_to}
    for name, value in given.items():
        if value is not None:
            option = f"--{name.replace('_', '-')}"
            raise OptionError(
                f"it trains judges of its own, so {option} means nothing", where=where, remedy="leave it out"
            )


def read_more(paths: Sequence[Path], rubric: Rubric, *, training: bool) -> list[LabelSet]:
    """Read the labels to learn from beside those that are measured.

    Raises:
        LabelsError: As `read_labels`.
        OptionError: Nothing is trained.
    """
    if paths and not training:
        raise OptionError("only training learns from it", where="--also", remedy="add --leave-one-author-out")
    return [read_labels(path, rubric) for path in paths]


def held_out_report(
    labels: LabelSet, rubric: str, *, also: Sequence[LabelSet], model: str | None, quiet: bool
) -> AgreementReport:
    """Train without each author in turn, judge that author's transcripts, and report on all of them.

    Args:
        labels: What is judged, and learned from when it isn't.
        rubric: What they judge by, by id or file.
        also: More to learn from.
        model: The encoder; ``None`` takes the packaged one.
        quiet: Whether to show no progress.

    Raises:
        LabelsError: There are too few labels to train on.
        MissingExtra: A package isn't installed.
    """
    check_installed()
    file = find_rubric_file(rubric)
    with progress("Training without each author in turn", quiet=quiet):
        encoder = OpenVinoEncoder(model, reduced=False)
        training = make_training_set(labels, load_rubric(file), encoder, also=also, rubric_file=file)
        return cross_validate(training).report(training)
