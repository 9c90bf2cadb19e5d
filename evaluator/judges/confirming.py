"""`Confirming` and `Sampled`: the same judge asked again, where that tells something.

`Confirming` asks once more about criteria with a low confidence or repaired evidence only, and reports how many
verdicts flipped. `Sampled` asks for everything several times. Both decide by majority and keep every answer as a vote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from evaluator.backends.repetition import asking
from evaluator.errors import JudgeError, OptionError
from evaluator.judges.voting import asked_again, attempt, by_criterion, count, texts_of
from evaluator.judging import Case, Judge, Judgement, Opinion
from evaluator.rubric import Criterion, Rubric
from evaluator.together import together
from evaluator.values.judge import JudgeInfo
from evaluator.values.transcript import Flag
from evaluator.values.usage import Usage

__all__ = ["Confirming", "Sampled"]

_SURE: Final = 0.7  # below it a verdict is asked about again; whether that was worth it, the flip rate tells

_MOST_SAMPLES: Final = 15


class Confirming:
    """Asks again where the first answer was unsure."""

    def __init__(self, judge: Judge, *, sure: float = _SURE) -> None:
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

        What was answered stays if asking again fails; the result says so.

        Raises:
            JudgeError: As the judge, when first asked.
        """
        answers = [first := await self._judge.judge(case)]
        said = by_criterion(first.opinions)
        again: tuple[Criterion, ...] = tuple(
            c for c in case.criteria if c.id in said and self._is_unsure(said[c.id], first)
        )
        failure: JudgeError | None = None
        for _ in range(2):
            if not again:
                break
            answer = await _asked(self._judge, replace(case, criteria=again), len(answers) + 1)
            if isinstance(answer, JudgeError):
                failure = answer
                break
            asked = {criterion.id for criterion in again}  # what it says of others takes nothing back
            answers.append(replace(answer, opinions=tuple(o for o in answer.opinions if o.criterion in asked)))
            other = by_criterion(answer.opinions)
            again = tuple([c for c in again if c.id not in other or other[c.id].verdict != said[c.id].verdict])
        tally = count(case.criteria, _numbered(answers))
        votes = {key: given for key, given in tally.votes.items() if len(given) > 1}
        opinions = tuple(
            decided if decided.criterion in votes else said[decided.criterion] for decided in tally.opinions
        )
        texts = texts_of([first], opinions)
        return replace(
            first,
            opinions=opinions,
            usage=sum((answer.usage for answer in answers), Usage()),
            summary=texts.summary,
            flags=(*first.flags, *_unconfirmed(again, failure)),
            votes=votes,
            confirmation=asked_again(votes),
        )

    def _is_unsure(self, opinion: Opinion, judgement: Judgement) -> bool:
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
        """Ask for everything several times; a flip is a criterion on which not all answers agree.

        The first answer comes alone, so that the others, which are asked for at once, read the provider's cache.

        Raises:
            JudgeError: As the judge, when first asked, or if so many answers fail that no majority is left.
        """
        first = await self._judge.judge(case)
        others = await together(_asked(self._judge, case, time) for time in range(2, self._samples + 1))
        failed = [answer for answer in others if isinstance(answer, JudgeError)]
        if 2 * len(failed) >= self._samples:
            raise failed[0].located(f"{len(failed)} of {self._samples} samples")
        answers = [first, *(answer for answer in others if isinstance(answer, Judgement))]
        tally = count(case.criteria, _numbered(answers))
        texts = texts_of(answers, tally.opinions)
        missing = Flag(
            code="samples_missing",
            message=f"{len(failed)} of {self._samples} answers failed; the others decided by majority.",
        )
        return replace(
            first,
            opinions=tally.opinions,
            usage=sum((answer.usage for answer in answers), Usage()),
            summary=texts.summary,
            better_answer=texts.better_answer,
            follow_ups=texts.follow_ups,
            flags=(*first.flags, *((missing,) if failed else ())),
            repaired=frozenset[str]().union(*(answer.repaired for answer in answers)),
            votes=tally.votes,
            confirmation=asked_again(tally.votes),
        )


async def _asked(judge: Judge, case: Case, time: int) -> Judgement | JudgeError:
    """Ask once more; which time it is tells recordings one answer from the next."""
    with asking(time):
        return await attempt(judge, case)


def _numbered(answers: Sequence[Judgement]) -> dict[str, dict[str, Opinion]]:
    return {f"answer {number}": by_criterion(answer.opinions) for number, answer in enumerate(answers, start=1)}


def _unconfirmed(criteria: Sequence[Criterion], failure: JudgeError | None) -> tuple[Flag, ...]:
    if failure is None:
        return ()
    names = ", ".join(criterion.id for criterion in criteria)
    return (Flag(code="not_confirmed", message=f"Asking again about {names} failed: {failure.message}."),)
