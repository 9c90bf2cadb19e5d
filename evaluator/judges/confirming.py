"""`Confirming` and `Sampled`: the same judge asked again, where that tells something.

`Confirming` asks once more about criteria with a low confidence or repaired evidence only, and reports how many
verdicts flipped. `Sampled` asks for everything several times. Both decide by majority and keep every answer as a vote.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from evaluator.errors import OptionError
from evaluator.judges.voting import by_criterion, majority, votes_of
from evaluator.judging import Case, Judge, Judgement, Opinion
from evaluator.rubric import Rubric
from evaluator.together import together
from evaluator.types import Confirmation, JudgeInfo, Usage, Vote

__all__ = ["Confirming", "Sampled"]

SURE: Final = 0.7  # below it a verdict is asked about again
_MOST_SAMPLES: Final = 15


class Confirming:
    """Asks again where the first answer was unsure."""

    def __init__(self, judge: Judge, *, sure: float = SURE) -> None:
        """Wrap a judge; verdicts of a confidence below ``sure``, or none, are asked about again."""
        self._judge = judge
        self._sure = sure

    @property
    def languages(self) -> frozenset[str] | None:
        """Those of the judge."""
        return self._judge.languages

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return the judge's, marked as confirmed."""
        info = self._judge.info(rubric)
        return info.model_copy(update={"method": f"{info.method}, confirmed below {self._sure:g}"})

    async def judge(self, case: Case) -> Judgement:
        """Judge, then judge the unsure criteria once more; where both differ, a third answer decides.

        Raises:
            JudgeError: As the judge.
        """
        first = await self._judge.judge(case)
        said = by_criterion(first.opinions)
        unsure = [c for c in case.criteria if c.id in said and self._unsure(said[c.id], first)]
        if not unsure:
            return replace(first, confirmation=Confirmation(asked=0, flipped=0))
        second = await self._judge.judge(replace(case, criteria=tuple(unsure)))
        again = by_criterion(second.opinions)
        flipped = [c for c in unsure if c.id in again and again[c.id].verdict != said[c.id].verdict]
        third = await self._judge.judge(replace(case, criteria=tuple(flipped))) if flipped else Judgement(())
        rounds = [said, again, by_criterion(third.opinions)]
        opinions: list[Opinion] = []
        votes: dict[str, tuple[Vote, ...]] = {}
        for criterion_id, opinion in said.items():
            answers = {
                f"answer {n + 1}": given[criterion_id] for n, given in enumerate(rounds) if criterion_id in given
            }
            asked_again = len(answers) > 1
            opinions.append(majority(criterion_id, answers) if asked_again else opinion)
            if asked_again:
                votes[criterion_id] = votes_of(answers)
        return replace(
            first,
            opinions=tuple(opinions),
            usage=first.usage + second.usage + third.usage,
            votes=votes,
            confirmation=Confirmation(asked=len(unsure), flipped=len(flipped)),
        )

    def _unsure(self, opinion: Opinion, judgement: Judgement) -> bool:
        if opinion.criterion in judgement.repaired:
            return True
        return opinion.verdict != "unscored" and (opinion.confidence is None or opinion.confidence < self._sure)


class Sampled:
    """Asks several times and decides by majority."""

    def __init__(self, judge: Judge, samples: int) -> None:
        """Wrap a judge.

        Raises:
            OptionError: ``samples`` is not an odd number from 3 to 15: an even one could tie.
        """
        if samples not in range(3, _MOST_SAMPLES + 1, 2):
            raise OptionError(f"must be an odd number from 3 to {_MOST_SAMPLES}, not {samples}", where="samples")
        self._judge = judge
        self._samples = samples

    @property
    def languages(self) -> frozenset[str] | None:
        """Those of the judge."""
        return self._judge.languages

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return the judge's, marked with the number of samples."""
        info = self._judge.info(rubric)
        return info.model_copy(update={"method": f"{info.method}, majority of {self._samples}"})

    async def judge(self, case: Case) -> Judgement:
        """Ask for everything several times at once; a flip is a criterion on which not all answers agree.

        Raises:
            JudgeError: As the judge.
        """
        answers = await together(self._judge.judge(case) for _ in range(self._samples))
        said = [by_criterion(answer.opinions) for answer in answers]
        opinions: list[Opinion] = []
        votes: dict[str, tuple[Vote, ...]] = {}
        flipped = 0
        for criterion in case.criteria:
            given = {f"answer {n + 1}": one[criterion.id] for n, one in enumerate(said) if criterion.id in one}
            if not given:
                continue
            opinions.append(majority(criterion.id, given))
            votes[criterion.id] = votes_of(given)
            flipped += len({opinion.verdict for opinion in given.values()}) > 1
        return replace(
            answers[0],
            opinions=tuple(opinions),
            usage=sum((answer.usage for answer in answers), Usage()),
            votes=votes,
            confirmation=Confirmation(asked=len(opinions), flipped=flipped),
        )
