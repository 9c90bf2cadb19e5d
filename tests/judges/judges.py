"""A judge that answers by a script, and cases to ask it about."""

from __future__ import annotations

from collections.abc import Sequence

from evaluator.errors import JudgeError
from evaluator.judging import Case, Judgement, Opinion
from evaluator.rubric import Rubric
from evaluator.values.judge import JudgeInfo
from evaluator.values.transcript import Transcript
from evaluator.values.usage import Usage
from tests.fakes import RUBRIC_YAML, make_rubric, make_transcript

__all__ = ["CRITERIA", "Scripted", "make_case"]

CRITERIA = ("vanity", "no_goal", "no_guardrail", "vague")


class Scripted:
    """Gives the next answer of its script, the last one for ever, narrowed to what was asked; remembers the cases."""

    def __init__(
        self,
        *answers: Judgement | Sequence[Opinion] | JudgeError,
        model: str = "m",
        prompt: str | None = "p",
        languages: frozenset[str] | None = None,
    ) -> None:
        """Hold the script; a plain sequence of opinions stands for a judgement that took one request."""
        self._answers = [
            one if isinstance(one, Judgement | JudgeError) else Judgement(tuple(one), usage=Usage(requests=1))
            for one in answers
        ]
        self._model = model
        self._prompt = prompt
        self._languages = languages
        self.asked: list[tuple[str, ...]] = []

    @property
    def languages(self) -> frozenset[str] | None:
        """Return what it was built with."""
        return self._languages

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return the model and prompt it was built with."""
        del rubric
        return JudgeInfo(backend="scripted", method="chat", model=self._model, prompt_sha256=self._prompt)

    async def judge(self, case: Case) -> Judgement:
        """Return the next answer."""
        self.asked.append(tuple(criterion.id for criterion in case.criteria))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, JudgeError):
            raise answer
        given = tuple(opinion for opinion in answer.opinions if opinion.criterion in self.asked[-1])
        return Judgement(
            given,
            usage=answer.usage,
            summary=answer.summary,
            better_answer=answer.better_answer,
            follow_ups=answer.follow_ups,
            flags=answer.flags,
            repaired=answer.repaired,
        )


def make_case(
    *criteria: str, transcript: Transcript | None = None, edit: tuple[str, str] | None = None, language: str = "en"
) -> Case:
    """Return a case of the small rubric, which ``edit`` changes by replacing one text by another."""
    text = RUBRIC_YAML.replace(*edit) if edit else RUBRIC_YAML
    if edit and text == RUBRIC_YAML:
        raise ValueError("the edit changed nothing")
    rubric = make_rubric(text)
    said = (transcript or make_transcript()).model_copy(update={"language": language})
    return Case(said, rubric, "design", tuple(rubric.criterion(key) for key in criteria or CRITERIA))
