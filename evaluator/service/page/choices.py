"""What a form offers: rubrics with their question types, judges with what becomes of the words, samples to try."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

from evaluator.errors import EvaluatorError
from evaluator.resources import resource_dir
from evaluator.rubric import QuestionType, Rubric
from evaluator.service.context import Service
from evaluator.service.evaluations.wire import Asked
from evaluator.service.problems import Problem

__all__ = ["SAMPLES", "Choices", "JudgeChoice", "RubricChoice", "choices_of", "sample_text"]

SAMPLES: Final = {
    "weak.md": "A list of frameworks",
    "strong.srt": "A strong answer, with times",
    "past_experience.txt": "A redesign and its numbers",
    "ab_test.otter.txt": "Reading a test",
    "behavioural.md": "A disagreement",
}
"""Shipped transcripts to try, with what each is, in the order in which they are offered."""
_RUBRIC_OF: Final = {"behavioural.md": "behavioural_star"}
_LOCAL: Final = "local"
_USUAL: Final = cast("str", Asked.model_fields["rubric"].default)


@dataclass(frozen=True, slots=True)
class RubricChoice:
    """One rubric: the name that a request takes, and what people read."""

    name: str
    title: str
    version: str
    own: bool
    question_types: tuple[QuestionType, ...]


@dataclass(frozen=True, slots=True)
class JudgeChoice:
    """One judge; ``hosted`` if the words leave this machine, ``None`` if it can't be told because it can't be built."""

    name: str
    title: str
    hosted: bool | None


@dataclass(frozen=True, slots=True)
class Choices:
    """All that there is to choose among."""

    rubrics: tuple[RubricChoice, ...]
    judges: tuple[JudgeChoice, ...]
    samples: dict[str, str]

    def rubric(self, name: str) -> RubricChoice:
        """Return a rubric by the name of a request; the first if there is none of that name."""
        return next((rubric for rubric in self.rubrics if rubric.name == name), self.rubrics[0])


def choices_of(service: Service, tenant: str) -> Choices:
    """Return what a tenant may choose among: the latest version of each rubric, and every judge.

    Raises:
        DatabaseFailed: Their rubrics can't be read.
    """
    latest = [_rubric(kept.rubric, own=kept.text is not None) for kept in service.rubrics.latest(tenant)]
    usual_first = sorted(latest, key=lambda choice: (choice.name != _USUAL, choice.own))
    return Choices(tuple(usual_first), tuple(_judge(service, name) for name in service.judges.names), SAMPLES)


def sample_text(name: str) -> tuple[str, str | None]:
    """Return the text of a sample, and the rubric that fits it best, if it isn't the usual one.

    Raises:
        Problem: 404; there is no such sample.
    """
    if name not in SAMPLES:
        raise Problem(
            404, "not_found", "There is no such sample", where="sample", remedy="choose one on the first page"
        )
    return _read(name), _RUBRIC_OF.get(name)


@lru_cache(maxsize=len(SAMPLES))
def _read(name: str) -> str:
    return (resource_dir("fixtures") / "transcripts" / name).read_text(encoding="utf-8")


def _rubric(rubric: Rubric, *, own: bool) -> RubricChoice:
    return RubricChoice(rubric.id, rubric.title, rubric.version, own, rubric.question_types)


def _judge(service: Service, name: str) -> JudgeChoice:
    backend, _, model = name.partition(":")
    title = "On this machine" if backend == _LOCAL else f"{backend} {model}".strip()
    try:
        service.judges.judge(name)
        return JudgeChoice(name, title, service.judges.hosted(name))
    except EvaluatorError:  # a key or a package is missing: the choice stays, and says so when it is taken
        return JudgeChoice(name, title, None)
