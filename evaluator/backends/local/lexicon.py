"""The lexicon beside a rubric: groups of phrases that the local judge counts, read from a strict YAML file.

Data, not code: which phrases there are, which pairs of them count together, and which labelled words state the metric
that decides. A rubric without a lexicon has its own cue groups counted.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from evaluator.backends.local.phrases import PhraseFinder, phrase_finder
from evaluator.backends.local.words import plain_cue
from evaluator.cues import check_cue
from evaluator.errors import RubricError
from evaluator.resources import resource_dir
from evaluator.rubric import Rubric, read_rubric_file
from evaluator.strict_yaml import YamlDocument, parse_yaml

__all__ = ["NUMBER_GROUP", "Lexicon", "SizeRange", "lexicon_for", "parse_lexicon"]

NUMBER_GROUP: Final = "number"
_Id: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
_Cue: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
_Word: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,40}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class SizeRange(_Part):
    """Numbers in ``[at_least, below)``."""

    at_least: float = Field(ge=0)
    below: float = Field(gt=0)


class Lexicon(_Part):
    """What is counted in each sentence."""

    schema_version: Literal[1]
    rubric: _Id
    groups: dict[_Id, Annotated[tuple[_Cue, ...], Field(min_length=1, max_length=500)]]
    pairs: tuple[tuple[_Id, _Id], ...] = Field(default=(), description="Groups that count together in one sentence.")
    distinct: tuple[_Id, ...] = Field(default=(), description="Groups whose different phrases are counted.")
    listed: _Id | None = Field(default=None, description="Group whose different phrases are counted per sentence.")
    people: tuple[_Word, ...] = Field(default=(), description="Nouns that make a number one of people.")
    not_people: tuple[_Word, ...] = Field(default=(), description="Nouns that keep a number from being one of people.")
    small_group: SizeRange = SizeRange(at_least=0, below=1)
    large_group_from: float = Field(default=1e18, gt=0)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Groups in the order of their columns; the built-in one comes first."""
        return (NUMBER_GROUP, *self.groups)

    @cached_property
    def pair_columns(self) -> NDArray[np.intp]:
        """``(2, p)``, columns of the first and of the second group of each pair."""
        column = {name: place for place, name in enumerate(self.names)}
        return np.array([[column[name] for name in pair] for pair in self.pairs], np.intp).reshape(-1, 2).T

    @cached_property
    def plain_groups(self) -> dict[str, tuple[str, ...]]:
        """The groups' cues, for plain words; a cue of punctuation alone finds nothing and is left out."""
        return {name: tuple(dict.fromkeys(filter(None, map(plain_cue, cues)))) for name, cues in self.groups.items()}

    @cached_property
    def phrases(self) -> PhraseFinder:
        """Who finds them all; its lists are `plain_groups`, in that order."""
        return phrase_finder(tuple(self.plain_groups.values()))

    @cached_property
    def sha256(self) -> str:
        """Hash of the canonical content."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if NUMBER_GROUP in self.groups:
            raise ValueError(f"group `{NUMBER_GROUP}` is built in and can't be given")
        for cues in self.groups.values():
            for cue in cues:
                check_cue(cue)
        named = [
            *(name for pair in self.pairs for name in pair),
            *self.distinct,
            *([self.listed] if self.listed else []),
        ]
        unknown = sorted(set(named) - set(self.names))
        if unknown:
            raise ValueError(f"no group is called {unknown[0]!r}")
        return self


def parse_lexicon(text: str, *, name: str) -> Lexicon:
    """Parse a lexicon's YAML; ``name`` stands before line numbers in errors.

    Raises:
        RubricError: It breaks a rule; the message holds file, line and key path.
    """
    try:
        document = parse_yaml(text)
    except RubricError as error:
        raise error.located(name) from error
    try:
        return Lexicon.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        raise _fault(error, document).located(name) from None


def lexicon_for(rubric: Rubric) -> Lexicon:
    """Return the lexicon shipped beside the rubric of that id; without one, the rubric's own cue groups.

    Raises:
        RubricError: The shipped file breaks a rule, or is made for another rubric.
    """
    path = resource_dir("rubrics") / f"{rubric.id}.lexicon.yaml"
    try:
        changed_ns = path.stat().st_mtime_ns
    except FileNotFoundError:
        groups = {name: cues for name, cues in rubric.cues.items() if cues and name != NUMBER_GROUP}
        return Lexicon(schema_version=1, rubric=rubric.id, groups=groups)
    return _read(path, rubric.id, changed_ns)


@lru_cache(maxsize=8)
def _read(path: Path, rubric_id: str, changed_ns: int) -> Lexicon:
    """Read a file once for each time that it changes."""
    del changed_ns
    lexicon = parse_lexicon(read_rubric_file(path), name=path.name)
    if lexicon.rubric != rubric_id:
        raise RubricError(
            f"it is made for the rubric {lexicon.rubric!r}", where=f"{path.name}, `rubric`", remedy=f"write {rubric_id}"
        )
    return lexicon


def _fault(error: ValidationError, document: YamlDocument) -> RubricError:
    detail = error.errors(include_url=False, include_input=False)[0]
    path = detail["loc"]
    line = document.line_of(path)
    where = f"line {line}, `{'.'.join(map(str, path))}`" if path else f"line {line}"
    return RubricError(detail["msg"].removeprefix("Value error, "), where=where)
