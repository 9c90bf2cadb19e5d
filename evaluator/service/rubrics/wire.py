"""What is sent to and from ``/v1/rubrics``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evaluator.rubric import Rubric
from evaluator.service.wire import Time, Wire

__all__ = ["RubricCheck", "RubricFault", "RubricResource", "RubricSummary"]


class RubricSummary(Wire):
    """One version of a rubric, in a list."""

    id: str = Field(description="Id; `ID` names the latest version wherever a rubric is asked for.")
    object: Literal["rubric"] = "rubric"
    version: str = Field(description="Version; `ID@VERSION` names this one.")
    title: str = Field(description="Title for people.")
    criteria: int = Field(ge=1, description="How many failure modes it holds.")
    sha256: str = Field(description="Hash of its content.")
    origin: Literal["shipped", "own"] = Field(description="Whether it came with the service or is yours.")
    created_at: Time | None = Field(default=None, description="When you sent it; null for a shipped one.")


class RubricResource(RubricSummary):
    """One version of a rubric, with all that it holds."""

    rubric: Rubric = Field(description="The rubric; sent back as it is, it is the same rubric.")


class RubricFault(Wire):
    """One thing that keeps a document from being a rubric."""

    line: int = Field(ge=1, description="Line of the document.")
    path: str | None = Field(description="Key path, such as `criteria.3.kind`; null if the whole is meant.")
    message: str = Field(description="What is wrong.")
    remedy: str | None = Field(description="What would put it right; null if nothing is known.")


class RubricCheck(Wire):
    """What was found in a document that is to become a rubric."""

    valid: bool = Field(description="Whether it is a rubric.")
    faults: tuple[RubricFault, ...] = Field(description="All that is wrong, by line; empty if it is a rubric.")
    advice: tuple[str, ...] = Field(description="What a valid rubric could do better; empty if it is none.")
    rubric: RubricSummary | None = Field(default=None, description="What it would be on the shelf; null if invalid.")
