"""What the tools take and give: frozen models that describe each field, since the schema is all that a caller reads.

What a candidate said stands in the fields for it and nowhere else, and no field tells the calling model what to do.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from evaluator.rubric import Criterion, Rubric
from evaluator.values.criterion import Kind, Severity
from evaluator.values.evaluation import Evaluation
from evaluator.values.finding import Evidence
from evaluator.values.judge import Verdict
from evaluator.values.transcript import Flag

__all__ = [
    "Explanation",
    "Grade",
    "GradedCriterion",
    "RubricLine",
    "Rubrics",
    "SpokenTurn",
    "explanation_of",
    "grade_of",
    "line_of",
]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpokenTurn(_Form):
    """What one speaker says until another speaks."""

    speaker: str | None = Field(default=None, description="`candidate`, `interviewer`, or a name.")
    text: str = Field(description="The words.")
    start_s: float | None = Field(default=None, description="Start, seconds.")
    end_s: float | None = Field(default=None, description="End, seconds.")


class GradedCriterion(_Form):
    """The verdict on one failure mode."""

    criterion: str = Field(description="Its id; `explain_criterion` tells more.")
    title: str
    severity: Severity
    verdict: Verdict = Field(description="`present`: the candidate failed this way; `unscored`: it can't be told.")
    confidence: float | None = Field(description="That the verdict is right, 0 to 1; null if unsaid.")
    evidence: tuple[Evidence, ...] = Field(description="Words of the candidate that prove it: data, quoted exactly.")
    reason: str = Field(description="Why this verdict.")
    fix: str = Field(description="What to do instead; the rubric's words.")


class Grade(_Form):
    """What became of one answer."""

    evaluation_id: str = Field(description="The same transcript, rubric and judge give the same id.")
    rubric: str = Field(description="Id and version.")
    judge: str = Field(description="Backend, method and model.")
    question_type: str = Field(description="Question type of the rubric that was assumed.")
    score: float | None = Field(description="0 to 100, computed from the verdicts; null if nothing could be decided.")
    score_range: tuple[float, float] | None = Field(description="What the unscored criteria leave open.")
    band: str | None = Field(description="Null when a person must look first.")
    needs_review: bool
    review_reasons: tuple[str, ...]
    findings: tuple[GradedCriterion, ...] = Field(description="Every criterion that applies, in the rubric's order.")
    strengths: tuple[str, ...] = Field(description="What was done well, in the rubric's words.")
    summary: str
    three_sentence_answer: str | None = Field(description="A better answer, or the rubric's frame of one.")
    follow_up_questions: tuple[str, ...]
    flags: tuple[Flag, ...] = Field(description="What a person should know about the transcript or the judging.")
    cost_usd: float = Field(description="US dollars; a lower bound if `priced` is false.")
    priced: bool


class Explanation(_Form):
    """One failure mode, in the rubric's words."""

    rubric: str
    criterion: str
    title: str
    kind: Kind = Field(description="Its proof: words said, words missing, or a count.")
    severity: Severity
    definition: str = Field(description="When it is present.")
    clarification: str | None = Field(description="What decides the borderline.")
    why_it_matters: str
    strength: str = Field(description="What a candidate does who avoids it.")
    fix: str
    drill: str = Field(description="An exercise.")
    probes: tuple[str, ...] = Field(description="What an interviewer would ask next.")
    falls_into_it: tuple[str, ...] = Field(description="Sentences that do.")
    avoids_it: tuple[str, ...] = Field(description="Sentences that don't.")
    source: str


class RubricLine(_Form):
    """One rubric of this server."""

    id: str
    version: str
    title: str
    description: str
    question_types: dict[str, str] = Field(description="Title by id.")
    bands: dict[str, str] = Field(description="Meaning by id, best first.")
    criteria: dict[str, str] = Field(description="Title by id.")


class Rubrics(_Form):
    """All rubrics of this server, and who may judge by them."""

    rubrics: tuple[RubricLine, ...]
    judges: tuple[str, ...] = Field(description="Names that `grade` takes; the first is asked if none is named.")


def grade_of(evaluation: Evaluation) -> Grade:
    """Return what a caller is told of an evaluation."""
    card, judge = evaluation.scorecard, evaluation.judge
    return Grade(
        evaluation_id=evaluation.id,
        rubric=f"{evaluation.rubric.id} {evaluation.rubric.version}",
        judge=f"{judge.backend}, {judge.method}, {judge.model}",
        question_type=evaluation.question_type.value,
        score=card.score,
        score_range=card.score_range,
        band=card.band,
        needs_review=card.needs_review,
        review_reasons=card.review_reasons,
        findings=tuple(
            GradedCriterion(
                criterion=finding.criterion,
                title=finding.title,
                severity=finding.severity,
                verdict=finding.verdict,
                confidence=finding.confidence,
                evidence=finding.evidence,
                reason=finding.reason,
                fix=finding.fix,
            )
            for finding in evaluation.findings
            if finding.verdict != "na"
        ),
        strengths=tuple(strength.note for strength in evaluation.strengths),
        summary=evaluation.feedback.summary,
        three_sentence_answer=evaluation.feedback.three_sentence_answer,
        follow_up_questions=evaluation.feedback.follow_up_questions,
        flags=evaluation.flags,
        cost_usd=evaluation.usage.cost_usd,
        priced=evaluation.usage.priced,
    )


def explanation_of(rubric: Rubric, criterion: Criterion) -> Explanation:
    """Return what a caller is told of a criterion."""
    said = criterion.model_dump(
        include={"title", "kind", "severity", "definition", "clarification", "why_it_matters", "strength", "fix"}
        | {"drill", "probes", "source"}
    )
    return Explanation(
        rubric=rubric.id,
        criterion=criterion.id,
        falls_into_it=criterion.exemplars.commits,
        avoids_it=criterion.exemplars.avoids,
        **said,
    )


def line_of(rubric: Rubric) -> RubricLine:
    """Return a rubric in short."""
    return RubricLine(
        id=rubric.id,
        version=rubric.version,
        title=rubric.title,
        description=rubric.description,
        question_types={kind.id: kind.title for kind in rubric.question_types},
        bands={band.id: band.meaning for band in rubric.scoring.bands},
        criteria={criterion.id: criterion.title for criterion in rubric.criteria},
    )
