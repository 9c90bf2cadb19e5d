"""`Committee`: several judges answer independently and in parallel; then the debrief shows who said what.

After the article's hiring committee: each criterion goes by majority, disagreement is kept as votes, and a veto of the
rubric fires if enough members flag what it lists, even where no single criterion has a majority. Off unless asked for:
a panel costs the sum of its members and adds less than that (nine judges of seven families vote like two).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from evaluator.errors import JudgeError, OptionError
from evaluator.judges.voting import by_criterion, majority, votes_of
from evaluator.judging import Case, Judge, Judgement, Opinion
from evaluator.rubric import Rubric
from evaluator.together import together
from evaluator.types import Flag, JudgeInfo, Usage, Vote

__all__ = ["Committee"]

_FEWEST: Final = 2
_MOST: Final = 9


class Committee:
    """Judges by majority of its members."""

    def __init__(self, members: Mapping[str, Judge]) -> None:
        """Seat the members.

        Args:
            members: Judges by the name they vote under.

        Raises:
            OptionError: Fewer than two members, or more than nine.
        """
        if not _FEWEST <= len(members) <= _MOST:
            raise OptionError(f"a committee has {_FEWEST} to {_MOST} members, not {len(members)}", where="committee")
        self._members = dict(members)

    @property
    def languages(self) -> frozenset[str] | None:
        """What every member reads."""
        shared: frozenset[str] | None = None
        for judge in self._members.values():
            if judge.languages is not None:
                shared = judge.languages if shared is None else shared & judge.languages
        return shared

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return all members in one line each, in the order of their seats."""
        infos = {name: judge.info(rubric) for name, judge in self._members.items()}
        prompts = {info.prompt_sha256 for info in infos.values() if info.prompt_sha256}
        calibrations = [info.calibration for info in infos.values() if info.calibration]
        return JudgeInfo(
            backend="committee",
            method=" + ".join(info.method for info in infos.values()),
            model=" + ".join(f"{name}={info.model}" for name, info in infos.items()),
            prompt_sha256=prompts.pop() if len(prompts) == 1 else None,
            calibration=calibrations[0] if len(calibrations) == 1 else None,
        )

    async def judge(self, case: Case) -> Judgement:
        """Ask all members at once; one that fails is named and has no vote.

        Raises:
            JudgeError: Fewer than two members answered.
        """
        answers = await together(_attempt(judge, case) for judge in self._members.values())
        named = dict(zip(self._members, answers, strict=True))
        seated = {name: answer for name, answer in named.items() if isinstance(answer, Judgement)}
        failed = {name: answer for name, answer in named.items() if isinstance(answer, JudgeError)}
        if len(seated) < _FEWEST:
            raise next(iter(failed.values())).located("committee")
        said = {name: by_criterion(judgement.opinions) for name, judgement in seated.items()}
        opinions: list[Opinion] = []
        votes: dict[str, tuple[Vote, ...]] = {}
        for criterion in case.criteria:
            given = {name: opinions_[criterion.id] for name, opinions_ in said.items() if criterion.id in opinions_}
            if given:
                opinions.append(majority(criterion.id, given))
                votes[criterion.id] = votes_of(given)
        written = next((judgement for judgement in seated.values() if judgement.summary), None)
        return Judgement(
            opinions=tuple(opinions),
            usage=sum((judgement.usage for judgement in seated.values()), Usage()),
            summary=written.summary if written else None,
            better_answer=written.better_answer if written else None,
            follow_ups=written.follow_ups if written else (),
            flags=(
                *(flag for judgement in seated.values() for flag in judgement.flags),
                *(_absence(name, error) for name, error in failed.items()),
            ),
            votes=votes,
            flagged={
                c.id: frozenset(
                    name for name, given in said.items() if c.id in given and given[c.id].verdict == "present"
                )
                for c in case.criteria
            },
        )


async def _attempt(judge: Judge, case: Case) -> Judgement | JudgeError:
    try:
        return await judge.judge(case)
    except JudgeError as error:
        return error


def _absence(name: str, error: JudgeError) -> Flag:
    return Flag(code="committee_member_absent", message=f"Member {name} gave no answer: {error.message}.")
