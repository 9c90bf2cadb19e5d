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
    from evaluator.backends.local.calibration import Calibration, HeldOutFigures
    from evaluator.fitting.calibrating import TrainingSet
    from evaluator.fitting.comparing import Before

__all__ = ["fit"]

_NARROWEST, _WIDEST = 80, 120


def fit(  # noqa: PLR0913 - each is an option of the command
    rubric: Annotated[str, typer.Argument(metavar="RUBRIC", help="Rubric, by id or file.")],
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS.jsonl", help="Labelled transcripts, one JSON object a line.")
    ],
    *,
    also: Annotated[
        list[Path] | None,
        typer.Option(metavar="MORE.jsonl", help="Learn from these too, but tell no figures of them; repeatable."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this file, not beside the rubric's."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Encoder; the packaged one if not given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write heads that agree less than what is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the figures and errors.")] = False,
) -> None:
    """Train the local judge on labelled transcripts, and tell what it is worth on authors it has not seen.

    Each author (the id before its first dash) is held out in turn; the figures are of those. Without several authors,
    groups of transcripts are. Then all rows are trained on. Criteria with too few labels are named and left out, and
    nothing is written if the judge agreed better before, unless forced. The same rubric, labels and machine give the
    same file. Takes minutes. Needs the extras `local` and `stats`.

    Exit codes: 0 written, 2 bad input, or worse than before.
    """
    from evaluator.agreement.labels import read_labels  # noqa: PLC0415
    from evaluator.agreement.scikit import check_installed as check_scikit  # noqa: PLC0415
    from evaluator.backends.openvino import OpenVinoEncoder  # noqa: PLC0415
    from evaluator.cli.terminal import check_output, note, progress, write_file, write_stdout  # noqa: PLC0415
    from evaluator.fitting.calibrating import calibrate, make_training_set, too_few  # noqa: PLC0415
    from evaluator.fitting.comparing import measure_before  # noqa: PLC0415
    from evaluator.fitting.cross_validation import cross_validate, summarise  # noqa: PLC0415
    from evaluator.fitting.regression import check_installed as check_scipy  # noqa: PLC0415
    from evaluator.rubric import find_rubric_file, load_rubric  # noqa: PLC0415

    output, rubric_file = output or _beside(rubric), find_rubric_file(rubric)
    check_output(output, rubric_file, labels, *(also or ()))
    check_scikit()
    check_scipy()
    loaded = load_rubric(rubric_file)
    labelled = read_labels(labels, loaded)
    more = [read_labels(path, loaded) for path in also or ()]
    with progress(f"Reading {sum(len(part.rows) for part in (labelled, *more))} transcripts", quiet=quiet):
        encoder = OpenVinoEncoder(model, reduced=False)
        training = make_training_set(labelled, loaded, encoder, also=more, rubric_file=rubric_file)
    if unlearned := training.unlearned:
        note(
            f"{len(unlearned)} rows hold no answer that can be judged, and nothing is learned from them; the first is "
            f"{unlearned[0].id!r}, line {unlearned[0].line}; `evaluator grade` tells what it lacks"
        )
    for criterion, lack in too_few(training).items():
        without_heads = "is counted alone" if loaded.by_id[criterion].measured else "stays with its exemplars"
        note(f"{criterion} {without_heads}: {lack}")
    with progress("Holding out each author in turn", quiet=quiet):
        held_out = cross_validate(training)
    figures = summarise(held_out, training)
    with progress("Judging as before", quiet=quiet):
        before = measure_before(training, _replaced(output))
    with progress("Training on all rows", quiet=quiet):
        calibration = calibrate(training, figures)
    write_stdout(_table(training, held_out.report(training), figures.macro_f1_bare), exact=False)
    for criterion in figures.weak:
        note(f"{criterion} is too often wrong to be relied on; evaluations will say so")
    _hold_against(before, figures, force=force)
    write_file(output, calibration.to_json())
    if not quiet:
        note(f"wrote {output}; judge by it with --calibration {output}")


def _table(training: TrainingSet, report: AgreementReport, bare: float | None) -> str:
    from evaluator.agreement.report_text import render_text  # noqa: PLC0415
    from evaluator.reports.characters import one_line  # noqa: PLC0415

    width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size(fallback=(100, 24)).columns))
    folds = one_line(", ".join(sorted(set(training.held_out.values()))))
    shown = "undefined" if bare is None else f"{bare:.3f}"
    return (
        f"{render_text(report, width=width, color=False, by_author=True)}\n"
        f"Held out in turn: {folds}. Macro F1 on the same words without case and punctuation: {shown}.\n"
    )


def _beside(rubric: str) -> Path:
    """Return where the calibration of a rubric's file lies; a shipped one is not replaced by chance."""
    from evaluator.errors import OptionError  # noqa: PLC0415
    from evaluator.rubric import rubric_paths  # noqa: PLC0415

    if rubric in rubric_paths():
        raise OptionError("the rubric is shipped", where="--output", remedy=f"say where to write: -o {rubric}.json")
    return Path(rubric).with_suffix(".calibration.json")


def _replaced(output: Path) -> Calibration | None:
    """Return the calibration that is about to be replaced, if there is one that can be read."""
    from evaluator.backends.local.calibration import load_calibration  # noqa: PLC0415
    from evaluator.cli.terminal import note  # noqa: PLC0415
    from evaluator.errors import RubricError  # noqa: PLC0415

    if not output.is_file():
        return None
    try:
        return load_calibration(output)
    except RubricError:
        note("the file that is replaced is no calibration of this form")
        return None


def _hold_against(before: Before, after: HeldOutFigures, *, force: bool) -> None:
    """Tell what was lost; refuse what agrees less on the whole, unless forced.

    Raises:
        LabelsError: The judge agreed better before.
    """
    from evaluator.cli.terminal import note  # noqa: PLC0415
    from evaluator.errors import LabelsError  # noqa: PLC0415

    def shown(value: float | None) -> str:
        return "undefined" if value is None else f"{value:.3f}"

    told = f"macro F1 held out is {shown(after.macro_f1)}; {before.name}: {shown(before.macro_f1)}"
    if before.elsewhere is not None:
        told += f"; the calibration that is there reached {shown(before.elsewhere.macro_f1)} on its own labels"
    for criterion, (old, new) in before.lost(after).items():
        note(f"{criterion} does worse than before: F1 {new:.2f}, before {old:.2f}")
    if not before.betters(after):
        note(told)
    elif force:
        note(f"WORSE THAN BEFORE: {told}")
    else:
        raise LabelsError(
            f"nothing was written, for it would be worse than before: {told}",
            remedy="label more transcripts, or write it nonetheless with --force",
        )
