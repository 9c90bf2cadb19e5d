"""From labels, or from reviews, to a report on a judge: the same figures as `evaluator agreement` computes.

Bounded, since the caller waits and the report holds every row: larger sets are the command line's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import islice
from typing import Final

from evaluator.agreement.labels import LabelledRow, LabelSet
from evaluator.agreement.measure import Failure, Measurement
from evaluator.agreement.report import AgreementReport, calibration_warnings, report_of
from evaluator.backends.similarity_judge import trained_on
from evaluator.judges.building import JudgePlan
from evaluator.rubric import Rubric
from evaluator.service.problems import Problem
from evaluator.service.reviews.labels import label_line, labelled_row
from evaluator.service.reviews.review import Reviewed
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import JudgeInfo

__all__ = ["MOST_REVIEWED", "MOST_ROWS", "bounded", "report_asked", "report_reviewed"]

MOST_ROWS: Final = 200  # that a judge is asked about while the caller waits
MOST_REVIEWED: Final = 1000  # evaluations with reviews; nobody is asked about them
_NAME: Final = "reviews"
_NOTE: Final = "Reviews given through this service; where reviewers differ, a label counts in no figure."
_ANCHORED: Final = (
    "Reviewers saw the judge's verdict before they gave theirs, and chose what to review: people who label without "
    "knowing what the judge said agree with it less."
)


def bounded(labels: LabelSet) -> LabelSet:
    """Return the labels, if they aren't too many for one request.

    Raises:
        Problem: 413; they are.
    """
    if labels.total > MOST_ROWS:
        raise _too_many(f"{labels.total:,} rows; at most {MOST_ROWS} are measured in one request")
    return labels


def report_asked(
    labels: LabelSet, rubric: Rubric, judge: JudgeInfo, plan: JudgePlan, measurement: Measurement
) -> AgreementReport:
    """Return the report on what a judge said about labelled rows.

    Raises:
        MissingExtra: scikit-learn isn't installed.
    """
    known = trained_on(judge.calibration, plan.options.calibration) if judge.calibration else None
    return report_of(labels, rubric, judge, measurement, warnings=calibration_warnings(judge, known, labels))


def report_reviewed(found: Iterable[Reviewed], rubric: Rubric) -> AgreementReport:
    """Return the report on stored verdicts against what people said of them; no judge is asked.

    Where the judge has changed since some were judged, the one that judged last is reported on; what its forerunners
    judged stands among the failures.

    Raises:
        Problem: 404, nothing was reviewed; 413, too much was.
        MissingExtra: scikit-learn isn't installed.
    """
    several = list(islice(found, MOST_REVIEWED + 1))
    if len(several) > MOST_REVIEWED:
        raise _too_many(f"more than {MOST_REVIEWED:,} evaluations have reviews")
    digest = hashlib.sha256()
    rows: list[LabelledRow] = []
    evaluations: dict[str, Evaluation] = {}
    newest: tuple[float, JudgeInfo] | None = None
    for reviewed in several:
        row = labelled_row(reviewed, rubric, len(rows) + 1)
        if row is None:
            continue
        digest.update(f"{label_line(reviewed, rubric)}\n".encode())
        rows.append(row)
        evaluations[row.id] = reviewed.evaluation
        if newest is None or reviewed.settled_s >= newest[0]:
            newest = (reviewed.settled_s, reviewed.evaluation.judge)
    if newest is None:
        raise Problem(
            404,
            "not_found",
            "Nothing was reviewed",
            where="source",
            remedy="PUT /v1/evaluations/{id}/reviews/{criterion} confirms or overrides a verdict",
        )
    judge = newest[1]
    labels = LabelSet(_NAME, digest.hexdigest(), tuple(rows), len(rows), _NOTE)
    return report_of(labels, rubric, judge, _measurement(rows, evaluations, judge), warnings=(_ANCHORED,))


def _measurement(rows: list[LabelledRow], evaluations: dict[str, Evaluation], judge: JudgeInfo) -> Measurement:
    other = "it was judged by another model, prompt or calibration of this judge"
    return Measurement(
        evaluations={row_id: evaluation for row_id, evaluation in evaluations.items() if evaluation.judge == judge},
        failures=tuple(
            Failure(id=row.id, line=row.line, error="NoMatch", message=other)
            for row in rows
            if evaluations[row.id].judge != judge
        ),
    )


def _too_many(detail: str) -> Problem:
    return Problem(
        413,
        "too_many_labels",
        "There are too many labels for one request",
        detail=detail,
        where="body",
        remedy="measure a part, or use `evaluator agreement LABELS.jsonl`, which takes any number",
    )
