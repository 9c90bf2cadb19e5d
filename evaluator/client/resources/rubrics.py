"""Rubrics and judges as the service answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from evaluator.client.resources.shared import Resource
from evaluator.rubric import Rubric
from evaluator.values.judge import JudgeInfo

__all__ = ["JudgeAgreement", "JudgeResource", "Price", "RubricCheck", "RubricFault", "RubricResource", "RubricSummary"]


class RubricSummary(Resource):
    """One version of a rubric, in a list."""

    id: str
    object: Literal["rubric"]
    version: str
    title: str
    criteria: int
    sha256: str
    origin: Literal["shipped", "own"]
    created_at: datetime | None = None


class RubricResource(RubricSummary):
    """One version of a rubric, with all that it holds."""

    rubric: Rubric


class RubricFault(Resource):
    """One thing that keeps a document from being a rubric."""

    line: int
    path: str | None = None
    message: str
    remedy: str | None = None


class RubricCheck(Resource):
    """What was found in a document that is to become a rubric."""

    valid: bool
    faults: tuple[RubricFault, ...]
    advice: tuple[str, ...]
    rubric: RubricSummary | None = None


class Price(Resource):
    """What judging one short answer costs."""

    known: bool
    usd: float | None = None
    usd_at_most: float | None = None


class JudgeAgreement(Resource):
    """Agreement with people's labels on transcripts that the judge hadn't been trained on."""

    calibration: str
    labels: str
    rows: int
    macro_f1: float | None
    macro_f1_interval: tuple[float, float] | None
    coverage: float | None
    ece: float | None
    span_overlap: float | None
    by_criterion: dict[str, float | None]


class JudgeResource(Resource):
    """One judge that can be asked for."""

    name: str
    default: bool
    title: str
    hosted: bool
    needs: str
    available: bool
    problem: str | None = None
    judge: JudgeInfo | None = None
    price: Price
    measured: JudgeAgreement | None = None
