"""``evaluator fit``: a rubric and labelled transcripts in, a calibration for the local judge out.

Held-out figures are printed before anything is written: they are what the new heads are worth. Heavy imports stand
inside the functions, so that ``evaluator fit --help`` stays quick.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evaluator.agreement.report import AgreementReport
    from evaluator.backends.local.calibration import Calibration
    from evaluator.fitting.calibrating import TrainingSet

__all__ = ["fit"]

_NARROWEST, _WIDEST = 80, 120


def fit(
    rubric: Annotated[str, typer.Argument(metavar="RUBRIC", help="Rubric, by id or file.")],
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS.jsonl", help="Labelled transcripts, one JSON object a line.")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Write the calibration to this file.")],
    model: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Encoder; the packaged one if not given.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the figures and errors.")] = False,
) -> None:
    """Train the local judge on labelled transcripts, and tell what it is worth on authors it has not seen.

    Each author (the id before its first dash) is held out in turn; the figures are of those. Then all rows are
    trained on. The same rubric, labels and machine give the same file. Takes minutes. Needs the extras `local` and
    `stats`.

    Exit codes: 0 written, 2 bad input.
    """
    from evaluator.agreement.labels import read_labels  # noqa: PLC0415
    from evaluator.agreement.scikit import check_installed as check_scikit  # noqa: PLC0415
    from evaluator.backends.openvino import OpenVinoEncoder  # noqa: PLC0415
    from evaluator.cli.terminal import check_output, note, progress, write_file, write_stdout  # noqa: PLC0415
    from evaluator.fitting.calibrating import calibrate, make_training_set, too_few  # noqa: PLC0415
    from evaluator.fitting.cross_validation import cross_validate, summarise  # noqa: PLC0415
    from evaluator.fitting.regression import check_installed as check_scipy  # noqa: PLC0415
    from evaluator.rubric import load_rubric  # noqa: PLC0415

    check_output(output, labels)
    check_scikit()
    check_scipy()
    loaded = load_rubric(rubric)
    labelled = read_labels(labels, loaded)
    with progress(f"Reading {len(labelled.rows)} transcripts", quiet=quiet):
        training = make_training_set(labelled, loaded, OpenVinoEncoder(model, reduced=False))
    for criterion, lack in too_few(training).items():
        note(f"{criterion} stays with its exemplars: {lack}")
    with progress("Holding out each author in turn", quiet=quiet):
        held_out = cross_validate(training)
    figures = summarise(held_out, training)
    with progress("Training on all rows", quiet=quiet):
        calibration = calibrate(training, figures)
    write_stdout(_table(training, held_out.report(training), figures.macro_f1_bare), exact=False)
    _compare(output, calibration)
    write_file(output, calibration.to_json())
    if not quiet:
        note(f"wrote {output}")


def _table(training: TrainingSet, report: AgreementReport, bare: float | None) -> str:
    from evaluator.agreement.report_text import render_text  # noqa: PLC0415

    width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size(fallback=(100, 24)).columns))
    folds = ", ".join(sorted(set(training.folds.values())))
    shown = "undefined" if bare is None else f"{bare:.3f}"
    return (
        f"{render_text(report, width=width, color=False, by_author=True)}\n"
        f"Held out in turn: {folds}. Macro F1 on the same words without case and punctuation: {shown}.\n"
    )


def _compare(output: Path, calibration: Calibration) -> None:
    """Say so if the file that is about to be replaced measured better."""
    from evaluator.backends.local.calibration import load_calibration  # noqa: PLC0415
    from evaluator.cli.terminal import note  # noqa: PLC0415
    from evaluator.errors import RubricError  # noqa: PLC0415

    if not output.is_file():
        return
    try:
        before = load_calibration(output).held_out
    except RubricError:
        note("the file that is replaced is no calibration of this form")
        return
    after = calibration.held_out
    old, new = before and before.macro_f1, after and after.macro_f1
    if old is not None and new is not None and new < old:
        note(f"WORSE THAN BEFORE: macro F1 held out is {new:.3f}; the file that is replaced reached {old:.3f}")
