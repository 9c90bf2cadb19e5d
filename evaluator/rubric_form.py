"""What a rubric is made of: frozen parts that refuse unknown keys, each key with its meaning.

In: plain data. Out: a `Rubric` whose references all lead somewhere. Apart from `rubric`, which reads files, because
every judge, stage and report takes its words and numbers from these parts.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from evaluator.errors import RubricError
from evaluator.rubric_references import BrokenReferences, find_faults
from evaluator.values.criterion import Kind, Severity

__all__ = [
    "KEYS",
    "Applicability",
    "Band",
    "Criterion",
    "Exemplars",
    "Measured",
    "Quantity",
    "QuestionType",
    "Rubric",
    "Scoring",
    "VetoRule",
]

_Id: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
_Text: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
_Cue: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
_Cues: TypeAlias = Annotated[tuple[_Cue, ...], Field(max_length=500)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class Quantity(_Part):
    """A number the source gives, kept as data: ``{value: 180, unit: seconds, note: …}``."""

    value: float
    unit: _Text
    note: _Text


class QuestionType(_Part):
    """A kind of question, recognised by its cues."""

    id: _Id
    title: _Text
    example: _Text
    cues: _Cues = Field(min_length=1)


class Applicability(_Part):
    """When a criterion applies: if any of the given conditions holds (none given: always), and no exception does."""

    question_types: tuple[_Id, ...] = ()
    question_mentions: _Id | None = Field(default=None, description="Cue group, looked for in the question.")
    candidate_mentions: _Id | None = Field(default=None, description="Cue group, looked for in the candidate's words.")
    interviewer_follows_up: bool = Field(default=False, description="The interviewer speaks after the candidate has.")
    unless_question_mentions: _Id | None = Field(default=None, description="Cue group that rules the criterion out.")


class Exemplars(_Part):
    """Sentences of other answers: ``commits`` fall into the failure, ``avoids`` stay clear of it."""

    commits: tuple[_Text, ...] = ()
    avoids: tuple[_Text, ...] = ()


class Measured(_Part):
    """Limits for a criterion of kind ``measured``; names of quantities of this rubric."""

    longest_turn_over_s: _Id = Field(description="Present if the longest turn lasts longer, by its timestamps.")
    longest_turn_over_words: _Id = Field(description="Without timestamps: present if it holds more words.")


class Criterion(_Part):
    """One failure mode."""

    id: _Id
    title: _Text
    kind: Kind
    severity: Severity
    source: _Text
    applies: Applicability = Applicability()
    definition: _Text = Field(description="When it is present: for a judge.")
    clarification: _Text | None = Field(default=None, description="What decides the borderline: for a judge.")
    why_it_matters: _Text
    strength: _Text = Field(description="What a candidate does who avoids it; said as praise.")
    fix: _Text
    drill: _Text
    probes: tuple[_Text, _Text] = Field(description="Two questions that an interviewer would ask next.")
    exemplars: Exemplars = Exemplars()
    measured: Measured | None = None

    @cached_property
    def sha256(self) -> str:
        """Hash of the whole criterion: an edit of one regrades only that one."""
        return _digest(self)


class Band(_Part):
    """One outcome. Bands stand best first; an answer gets the first whose limits it keeps, else the last."""

    id: _Id
    title: _Text
    meaning: _Text
    at_most: dict[Severity, Annotated[int, Field(ge=0)]] = Field(
        default={}, description="Criteria present, by severity."
    )
    unless_all_present: tuple[_Id, ...] = Field(default=(), description="Not this band if all of these are present.")


class VetoRule(_Part):
    """If ``at_least`` of ``criteria`` are present, no band better than ``best_band`` is given."""

    id: _Id
    criteria: tuple[_Id, ...] = Field(min_length=1)
    at_least: int = Field(ge=1)
    best_band: _Id
    reason: _Text


class Scoring(_Part):
    """How verdicts become a score and a band."""

    weights: dict[Severity, Annotated[float, Field(gt=0, le=100)]]
    minimum_coverage: float = Field(ge=0, le=1, description="Below it no band is given.")
    bands: tuple[Band, ...] = Field(min_length=2)
    vetoes: tuple[VetoRule, ...] = ()


class Rubric(_Part):
    """A whole rubric; see `rubrics/README.md` for each key in a coach's words."""

    schema_version: Literal[1]
    id: _Id
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    title: _Text
    description: _Text
    source: _Text
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] = "en"
    reading_rules: tuple[_Text, ...] = ()
    answer_frame: _Text = Field(description="The strong answer as a fill-in sentence.")
    quantities: dict[_Id, Quantity] = {}
    cues: dict[_Id, _Cues] = Field(default={}, description="Groups of phrases that are counted.")
    metric_cues: _Id | None = Field(default=None, description="Cue group whose phrases name metrics.")
    question_types: tuple[QuestionType, ...] = Field(min_length=1)
    scoring: Scoring
    criteria: tuple[Criterion, ...] = Field(min_length=1)

    @cached_property
    def sha256(self) -> str:
        """Hash of the canonical content; comments and layout of the file don't change it."""
        return _digest(self)

    @cached_property
    def by_id(self) -> dict[str, Criterion]:
        """Criteria by id, in the rubric's order."""
        return {criterion.id: criterion for criterion in self.criteria}

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids of the criteria, in the rubric's order; always the same object, which is what makes it a cheap key."""
        return tuple(self.by_id)

    def criterion(self, criterion_id: str) -> Criterion:
        """Return one criterion.

        Raises:
            RubricError: The rubric has none of that id.
        """
        try:
            return self.by_id[criterion_id]
        except KeyError:
            raise RubricError(
                f"rubric {self.id} has no criterion {criterion_id!r}", remedy=f"one of: {', '.join(self.by_id)}"
            ) from None

    @model_validator(mode="after")
    def _names_exist(self) -> Rubric:
        """Every id is used once, and every reference leads somewhere."""
        faults = find_faults(self)
        if faults:
            raise BrokenReferences(faults)
        return self


def _digest(part: _Part) -> str:
    canonical = json.dumps(part.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


KEYS: Final = tuple(sorted({key for part in _Part.__subclasses__() for key in part.model_fields}))
"""Every key that some part of a rubric knows, for telling what an unknown one may have meant."""
