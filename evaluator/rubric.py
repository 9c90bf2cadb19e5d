"""The rubric: a document that a coach can read and the only place where criteria, weights, bands and vetoes live.

In: a YAML file, or the id of one that is shipped. Out: a frozen `Rubric`. Every judge, stage and report takes its
words and numbers from here, so that a second rubric needs no line of code. `rubrics/README.md` tells how to write one.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from evaluator.cues import cue_matcher
from evaluator.errors import RubricError
from evaluator.resources import resource_dir
from evaluator.strict_yaml import YamlDocument, parse_yaml
from evaluator.types import Kind, Severity

__all__ = [
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
    "load_rubric",
    "parse_rubric",
    "rubric_paths",
]

_Id: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
_Text: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
_Cues: TypeAlias = tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)], ...]
_MAX_REPORTED = 8


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
        _unique("criterion", [c.id for c in self.criteria])
        _unique("question type", [t.id for t in self.question_types])
        _unique("band", [b.id for b in self.scoring.bands])
        known = _Known(self)
        for criterion in self.criteria:
            known.check_criterion(criterion)
        for band in self.scoring.bands:
            known.criteria(f"band {band.id}", band.unless_all_present)
        for veto in self.scoring.vetoes:
            known.criteria(f"veto {veto.id}", veto.criteria)
            known.bands(f"veto {veto.id}", veto.best_band)
        missing = {c.severity for c in self.criteria} - set(self.scoring.weights)
        if missing:
            raise ValueError(f"scoring.weights lacks {', '.join(sorted(missing))}")
        if self.metric_cues:
            known.cue_group("metric_cues", self.metric_cues)
        for group in (*self.cues.values(), *(t.cues for t in self.question_types)):
            cue_matcher(group)
        return self


class _Known:
    """The names that a rubric defines, for checking references."""

    def __init__(self, rubric: Rubric) -> None:
        self._rubric = rubric

    def check_criterion(self, criterion: Criterion) -> None:
        place, applies = f"criterion {criterion.id}", criterion.applies
        for question_type in applies.question_types:
            _expect(place, "question type", question_type, [t.id for t in self._rubric.question_types])
        for group in (applies.question_mentions, applies.candidate_mentions, applies.unless_question_mentions):
            if group is not None:
                self.cue_group(place, group)
        if (criterion.kind == "measured") != (criterion.measured is not None):
            raise ValueError(f"{place}: `measured` limits and kind `measured` go together")
        if criterion.measured:
            for name in (criterion.measured.longest_turn_over_s, criterion.measured.longest_turn_over_words):
                _expect(place, "quantity", name, list(self._rubric.quantities))

    def cue_group(self, place: str, group: str) -> None:
        _expect(place, "cue group", group, list(self._rubric.cues))

    def criteria(self, place: str, ids: tuple[str, ...]) -> None:
        for criterion_id in ids:
            _expect(place, "criterion", criterion_id, [c.id for c in self._rubric.criteria])

    def bands(self, place: str, band: str) -> None:
        _expect(place, "band", band, [b.id for b in self._rubric.scoring.bands])


def load_rubric(name: str | Path = "netflix_pm_metrics") -> Rubric:
    """Load a shipped rubric by id, or any rubric file by path.

    Raises:
        RubricError: No such rubric, or the file breaks a rule; the message holds file, line and key path.
    """
    path = _locate(name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RubricError("the file is not UTF-8 text", where=path.name) from error
    except OSError as error:
        raise RubricError(f"the file can't be read: {error.strerror}", where=path.name) from error
    return parse_rubric(text, name=path.name)


def parse_rubric(text: str, *, name: str = "rubric") -> Rubric:
    """Parse a rubric's YAML; ``name`` stands before line numbers in errors.

    Raises:
        RubricError: As `load_rubric`.
    """
    try:
        document = parse_yaml(text)
        return _validate(document)
    except RubricError as error:
        raise error.located(name) from error.__cause__


def rubric_paths() -> dict[str, Path]:
    """Return the shipped rubrics by id, sorted."""
    return {path.stem: path for path in sorted(resource_dir("rubrics").glob("*.yaml"))}


def _locate(name: str | Path) -> Path:
    if isinstance(name, Path) or name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name:
        return Path(name)
    shipped = rubric_paths()
    if name not in shipped:
        raise RubricError(
            f"no rubric is called {name!r}", remedy=f"one of: {', '.join(shipped)}; or the path of a .yaml file"
        )
    return shipped[name]


def _validate(document: YamlDocument) -> Rubric:
    if not isinstance(document.data, dict):
        raise RubricError("a rubric is a mapping of keys", where="line 1", remedy="start from `evaluator rubric new`")
    try:
        # Strict JSON mode: a number never stands for text, nor text for a number.
        return Rubric.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"line {document.line_of(p['loc'])}: {_path(p['loc'])}{_message(p['type'], p['msg'])}" for p in problems]
    more = f"\nand {len(lines) - _MAX_REPORTED} more" if len(lines) > _MAX_REPORTED else ""
    raise RubricError("\n".join(lines[:_MAX_REPORTED]) + more)


def _message(kind: str, text: str) -> str:
    return "unknown key" if kind == "extra_forbidden" else text.removeprefix("Value error, ")


def _path(loc: tuple[str | int, ...]) -> str:
    return f"`{'.'.join(map(str, loc))}`: " if loc else ""


def _digest(part: _Part) -> str:
    canonical = json.dumps(part.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _unique(what: str, ids: list[str]) -> None:
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise ValueError(f"{what} ids must differ: {', '.join(twice)}")


def _expect(place: str, what: str, name: str, known: list[str]) -> None:
    if name not in known:
        raise ValueError(f"{place}: no {what} is called {name!r} (known: {', '.join(known) or 'none'})")
