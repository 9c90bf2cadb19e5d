"""What was found out about a judge's agreement with labels: frozen figures that travel as JSON.

An undefined figure is ``null``, never 0: a criterion that is neither labelled nor judged present has no F1, and a
macro figure says over how many criteria it averages.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from evaluator.values.criterion import Kind, Severity

__all__ = [
    "AgreementFigures",
    "BandFigures",
    "ConfidenceFigures",
    "CriterionFigures",
    "GroupFigures",
    "MacroFigure",
    "NaFigures",
    "RiskPoint",
    "SpanFigures",
]


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ConfidenceFigures(_Figures):
    """Whether confidence means what it says, over verdicts present or absent where a label applies."""

    n: int = Field(ge=0, description="Verdicts that came with a confidence.")
    brier: float | None = Field(ge=0, le=1, description="Mean squared gap between confidence and being right; 0 best.")
    ece: float | None = Field(ge=0, le=1, description="Expected calibration error, ten equally wide bins; 0 best.")


class SpanFigures(_Figures):
    """Whether the evidence is the labelled evidence, over verdicts that agree with a label that has evidence."""

    quotes: int = Field(ge=0, description="Quotes that could be checked.")
    overlapping: int = Field(ge=0, description="Quotes that share a letter or digit with the labelled evidence.")
    share: float | None = Field(ge=0, le=1, description="`overlapping / quotes`.")


class NaFigures(_Figures):
    """Whether criteria are left out where the labels leave them out."""

    labelled: int = Field(ge=0, description="Labels `na`.")
    judged: int = Field(ge=0, description="Verdicts `na`.")
    both: int = Field(ge=0)
    precision: float | None = Field(ge=0, le=1, description="`both / judged`.")
    recall: float | None = Field(ge=0, le=1, description="`both / labelled`.")


class CriterionFigures(_Figures):
    """Agreement on one criterion, over labels present or absent that nobody disputed."""

    criterion: str
    title: str
    kind: Kind
    severity: Severity
    n: int = Field(ge=0, description="Labels that apply: present or absent, not disputed.")
    present: int = Field(ge=0, description="Of them, labelled present.")
    hits: int = Field(ge=0, description="Labelled and judged present.")
    false_alarms: int = Field(ge=0, description="Labelled absent, judged present.")
    misses: int = Field(ge=0, description="Labelled present, judged anything else.")
    unscored: int = Field(ge=0, description="Labels that apply with the verdict `unscored`.")
    precision: float | None = Field(ge=0, le=1)
    recall: float | None = Field(ge=0, le=1, description="`na` and `unscored` are misses.")
    recall_decided: float | None = Field(ge=0, le=1, description="`unscored` left out; `na` is still a miss.")
    f1: float | None = Field(ge=0, le=1, description="Of `present`; null if neither labelled nor judged.")
    f1_interval: tuple[float, float] | None = Field(description="95 %, transcripts resampled.")
    kappa: float | None = Field(ge=-1, le=1, description="Cohen's; `na` and `unscored` agree with no label.")
    coverage: float | None = Field(ge=0, le=1, description="Share not `unscored`.")
    confidence: ConfidenceFigures
    spans: SpanFigures
    na: NaFigures
    disputed: int = Field(ge=0, description="Labels left out because annotators differ.")


class MacroFigure(_Figures):
    """A mean over criteria, each weighing the same."""

    value: float | None
    interval: tuple[float, float] | None = Field(description="95 %, transcripts resampled; null if undefined.")
    criteria: int = Field(ge=0, description="Criteria for which the figure is defined; the others are left out.")


class GroupFigures(_Figures):
    """Macro F1 within one author's transcripts, or within one gold band."""

    name: str
    transcripts: int = Field(ge=0)
    macro_f1: float | None = Field(ge=0, le=1)
    criteria: int = Field(ge=0, description="Criteria for which F1 is defined in this group.")


class RiskPoint(_Figures):
    """What is right among the verdicts of at least some confidence."""

    coverage: float = Field(ge=0, le=1, description="Share of the labels that apply with such a verdict.")
    least_confidence: float = Field(ge=0, le=1)
    risk: float = Field(ge=0, le=1, description="Share of these verdicts that are wrong.")
    precision: float | None = Field(ge=0, le=1, description="Macro, of `present`.")
    recall: float | None = Field(ge=0, le=1, description="Macro, of the labels `present` with such a verdict.")


class BandFigures(_Figures):
    """Agreement on the outcome, over transcripts with a labelled band and a band of the judge's verdicts."""

    n: int = Field(ge=0)
    kappa: float | None = Field(ge=-1, le=1, description="Cohen's, quadratic weights, the rubric's order.")
    order: tuple[str, ...] = Field(description="Band ids, best first.")
    confusion: tuple[tuple[int, ...], ...] = Field(description="Rows: labelled band; columns: the judge's.")
    needs_review: int = Field(ge=0, description="Transcripts with a labelled band whose evaluation gives none.")
    unlabelled: int = Field(ge=0, description="Transcripts whose labels name no band.")


class AgreementFigures(_Figures):
    """Every figure of one judge against one set of labels."""

    transcripts: int = Field(ge=0, description="Transcripts with labels and verdicts.")
    resamples: int = Field(ge=0)
    seed: int
    precision: MacroFigure
    recall: MacroFigure
    recall_decided: MacroFigure
    f1: MacroFigure
    kappa: MacroFigure
    coverage: MacroFigure
    f1_undefined: tuple[str, ...] = Field(description="Criteria left out of macro F1: nothing labelled or judged.")
    confidence: ConfidenceFigures
    spans: SpanFigures
    na: NaFigures
    band: BandFigures
    risk: tuple[RiskPoint, ...] = Field(description="Selective risk, from all that was decided to its surer half.")
    authors: tuple[GroupFigures, ...] = Field(description="By the id's prefix before the first `-`.")
    gold_bands: tuple[GroupFigures, ...] = Field(description="Within each labelled band, best first.")
    criteria: tuple[CriterionFigures, ...] = Field(description="In the rubric's order.")
