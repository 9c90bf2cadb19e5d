"""What the server does, without the protocol: judges and rubrics by name in, results for a caller out.

Nothing but these names can be asked for, so that no caller reaches a file, a key or a model that the server's owner
didn't choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from evaluator.errors import OptionError, RubricError, TranscriptError
from evaluator.judging import Judge
from evaluator.mcp_server.forms import Explanation, Grade, Rubrics, SpokenTurn, explanation_of, grade_of, line_of
from evaluator.pipeline import aevaluate
from evaluator.rubric import Rubric
from evaluator.transcripts import parse_transcript, parse_turns_row
from evaluator.values.transcript import Transcript

__all__ = ["Desk"]


class Desk:
    """What the server does, without the protocol."""

    def __init__(self, judges: Mapping[str, Callable[[], Judge]], rubrics: Mapping[str, Callable[[], Rubric]]) -> None:
        """Open the desk.

        Args:
            judges: What builds each judge that may be asked; the first is asked if none is named.
            rubrics: What loads each rubric, by id; likewise.
        """
        self._judges = {name: cache(build) for name, build in judges.items()}
        self._rubrics = {name: cache(load) for name, load in rubrics.items()}

    @property
    def rubric_ids(self) -> tuple[str, ...]:
        """Ids of the rubrics."""
        return tuple(self._rubrics)

    def rubric(self, rubric: str | None = None) -> Rubric:
        """Return a rubric of the server, never one from elsewhere.

        Raises:
            RubricError: It has none of that id.
        """
        name = next(iter(self._rubrics)) if rubric is None else rubric
        if name not in self._rubrics:
            raise RubricError(
                "this server has no rubric of that id", where="rubric", remedy=f"one of: {', '.join(self._rubrics)}"
            )
        return self._rubrics[name]()

    async def grade(  # noqa: PLR0913 - one parameter for each field of the tool
        self,
        transcript: str | None = None,
        turns: list[SpokenTurn] | None = None,
        *,
        rubric: str | None = None,
        question: str | None = None,
        question_type: str | None = None,
        judge: str | None = None,
        candidate: str | None = None,
    ) -> Grade:
        """Judge one answer.

        Raises:
            TranscriptError: Neither or both forms are given, or the transcript can't be read.
            OptionError: The server has no such judge.
            RubricError: The server has no such rubric.
            JudgeError: The judge gave no answer.
        """
        loaded, asked = self.rubric(rubric), self._judge(judge)
        read = _transcript(transcript, turns, candidate=candidate, question=question)
        return grade_of(await aevaluate(read, loaded, asked, question_type=question_type))

    def explain(self, criterion: str, rubric: str | None = None) -> Explanation:
        """Return what a rubric says of one criterion.

        Raises:
            RubricError: There is no such criterion or rubric.
        """
        loaded = self.rubric(rubric)
        if criterion not in loaded.by_id:
            raise RubricError(
                f"the rubric {loaded.id} has no criterion of that id",
                where="criterion",
                remedy=f"one of: {', '.join(loaded.by_id)}",
            )
        return explanation_of(loaded, loaded.by_id[criterion])

    def list(self) -> Rubrics:
        """Return all rubrics and the names of the judges."""
        return Rubrics(rubrics=tuple(line_of(self.rubric(name)) for name in self._rubrics), judges=tuple(self._judges))

    def _judge(self, judge: str | None) -> Judge:
        name = next(iter(self._judges)) if judge is None else judge
        if name not in self._judges:
            raise OptionError(
                "this server asks no judge of that name", where="judge", remedy=f"one of: {', '.join(self._judges)}"
            )
        return self._judges[name]()


def _transcript(
    transcript: str | None, turns: list[SpokenTurn] | None, *, candidate: str | None, question: str | None
) -> Transcript:
    if (transcript is None) == (turns is None):
        problem = "both are given" if turns is not None else "neither is given"
        raise TranscriptError(problem, where="transcript, turns", remedy="give one of the two")
    if transcript is not None:
        return parse_transcript(transcript, candidate=candidate, question=question)
    rows = [turn.model_dump(exclude_none=True) for turn in turns or ()]
    return parse_turns_row({"turns": rows}, "arguments", candidate=candidate, question=question)
