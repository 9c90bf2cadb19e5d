"""One evaluation as the page shows it: the report's own view, what would change the score, and what coaches said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from evaluator.feedback import worst_first
from evaluator.reports.characters import one_line
from evaluator.reports.html import report_values
from evaluator.reports.view import view
from evaluator.reports.wording import spoken
from evaluator.rubric import Rubric
from evaluator.service.context import Service
from evaluator.service.evaluations.wire import EvaluationResource
from evaluator.service.page.attempts import Attempt, Attempts
from evaluator.service.page.outlook import outlook_of, rescored
from evaluator.service.problems import Problem
from evaluator.service.reviews.review import Review, consensus, latest
from evaluator.service.wire import time_of
from evaluator.values.criterion import Severity
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Verdict

__all__ = ["Card", "Said", "findings_by_verdict", "result_values", "rubric_of"]

_ATTEMPTS: Final = 50


@dataclass(frozen=True, slots=True)
class Said:
    """What one coach said of a verdict, harmless to show."""

    verdict: Verdict
    judged: Verdict
    overridden: bool
    reason: str
    reviewer: str
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One finding to review; ``label``, ``tone`` and ``anchor`` are those of its marks in the transcript, if any."""

    criterion: str
    title: str
    severity: Severity
    label: str
    anchor: str
    tone: str
    confidence: str
    reason: str
    quotes: tuple[str, ...]


def result_values(service: Service, tenant: str, resource: EvaluationResource) -> dict[str, object]:
    """Return what ``result.html`` shows of a judged evaluation.

    Raises:
        DatabaseFailed: What is stored beside it can't be read.
    """
    evaluation = cast("Evaluation", resource.evaluation)
    rubric = rubric_of(service, tenant, evaluation)
    reviews = service.reviews.of(tenant, resource.id) if resource.stored else ()
    agreed = consensus(reviews)
    said: dict[str, Verdict] = {criterion: word.verdict for criterion, word in agreed.items()}
    after = rescored(evaluation, rubric, said)
    return {
        **report_values(evaluation),
        "resource": resource,
        "evaluation": evaluation,
        "outlook": outlook_of(evaluation, rubric),
        "said": _said(reviews),
        "agreed": agreed,
        "after": after,
        "after_band": _band_title(rubric, after.band if after else None),
        "earlier": _earlier(service, tenant, resource),
    }


def findings_by_verdict(evaluation: Evaluation) -> dict[Verdict, list[Card]]:
    """Return every finding to review, under its verdict, the most severe first, labelled as in the transcript."""
    shown = view(evaluation)
    known = {part.criterion: part for part in (*shown.failures, *shown.strengths)}
    cards: dict[Verdict, list[Card]] = {"present": [], "unscored": [], "absent": [], "na": []}
    for finding in worst_first(evaluation.findings):
        part = known.get(finding.criterion)
        cards[finding.verdict].append(
            Card(
                criterion=finding.criterion,
                title=one_line(finding.title),
                severity=finding.severity,
                label=part.label if part else "",
                anchor=part.anchor if part else f"x-{finding.criterion}",
                tone=finding.severity if finding.verdict == "present" else "strength",
                confidence="" if finding.confidence is None else f"{finding.confidence:.0%} sure",
                reason=one_line(finding.reason),
                quotes=tuple(one_line(item.quote) for item in finding.evidence),
            )
        )
    return cards


def rubric_of(service: Service, tenant: str, evaluation: Evaluation) -> Rubric | None:
    """Return the very rubric that judged; ``None`` if it is gone or was changed."""
    for name in (evaluation.rubric.id, f"{evaluation.rubric.id}@{evaluation.rubric.version}"):
        try:
            rubric = service.rubrics.get(tenant, name).rubric
        except Problem:
            continue
        if rubric.sha256 == evaluation.rubric.sha256:
            return rubric
    return None


def _said(reviews: tuple[Review, ...]) -> dict[str, list[Said]]:
    found: dict[str, list[Said]] = {}
    for review in latest(reviews):
        found.setdefault(review.criterion, []).append(
            Said(
                verdict=review.verdict,
                judged=review.judged,
                overridden=review.outcome == "overridden",
                reason=one_line(review.reason),
                reviewer=one_line(review.reviewer, 60),
                day=f"{time_of(review.created_s):%Y-%m-%d}",
            )
        )
    return found


def _earlier(service: Service, tenant: str, resource: EvaluationResource) -> Attempt | None:
    """Return the candidate's attempt before this one, to compare with."""
    if not resource.stored or resource.candidate is None:
        return None
    attempts = Attempts(service.database).of_candidate(tenant, resource.candidate, _ATTEMPTS)
    places = [place for place, attempt in enumerate(attempts) if attempt.id == resource.id]
    before = [attempt for attempt in attempts[: places[0]] if attempt.verdicts] if places else []
    return before[-1] if before else None


def _band_title(rubric: Rubric | None, band: str | None) -> str:
    if band is None:
        return "a person must look first"
    titles = {one.id: one.title for one in rubric.scoring.bands} if rubric else {}
    return one_line(titles.get(band, spoken(band).capitalize()))
