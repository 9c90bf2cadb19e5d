"""`Committee`: several judges answer independently and in parallel; then the debrief shows who said what.

After the article's hiring committee: each criterion goes by majority, disagreement is kept as votes, and a veto of the
rubric fires if enough members flag what it lists, even where no single criterion has a majority. Off unless asked for:
a panel costs the sum of its members and adds less than that (nine judges of seven families vote like two).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from evaluator.errors import JudgeError, OptionError
from evaluator.judges.voting import attempt, by_criterion, count, texts_of
from evaluator.judging import Case, Judge, Judgement
from evaluator.rubric import Rubric
from evaluator.together import together
from evaluator.values.judge import JudgeInfo
from evaluator.values.transcript import Flag
from evaluator.values.usage import Usage

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
        """Return all members in one line each, in the order of their seats; several hashes are hashed together."""
        infos = {name: judge.info(rubric) for name, judge in self._members.items()}
        calibrations = [f"{name}={info.calibration}" for name, info in infos.items() if info.calibration]
        return JudgeInfo(
            backend="committee",
            method=" + ".join(dict.fromkeys(info.method for info in infos.values())),
            model=" + ".join(f"{name} ({info.model})" for name, info in infos.items()),
            model_sha256=_one_hash({name: info.model_sha256 for name, info in infos.items()}),
            prompt_sha256=_one_hash({name: info.prompt_sha256 for name, info in infos.items()}),
            calibration=" + ".join(calibrations) or None,
        )

    async def judge(self, case: Case) -> Judgement:
        """Ask all members at once; one that fails is named and has no vote.

        Raises:
            JudgeError: Fewer than two members answered.
        """
        answers = await together(attempt(judge, case) for judge in self._members.values())
        named = dict(zip(self._members, answers, strict=True))
        seated = {name: answer for name, answer in named.items() if isinstance(answer, Judgement)}
        failed = {name: answer for name, answer in named.items() if isinstance(answer, JudgeError)}
        if len(seated) < _FEWEST:
            name, error = next(iter(failed.items()))
            raise error.located(f"committee of {len(named)}, of which {len(seated)} answered, {name}")
        said = {name: by_criterion(judgement.opinions) for name, judgement in seated.items()}
        tally = count(case.criteria, said)
        texts = texts_of(tuple(seated.values()), tally.opinions)
        return Judgement(
            opinions=tally.opinions,
            usage=sum((judgement.usage for judgement in seated.values()), Usage()),
            summary=texts.summary,
            better_answer=texts.better_answer,
            follow_ups=texts.follow_ups,
            flags=(
                *(_of_member(name, flag) for name, judgement in seated.items() for flag in judgement.flags),
                *(_absence(name, error) for name, error in failed.items()),
            ),
            votes=tally.votes,
            flagged={
                c.id: frozenset(name for name, one in said.items() if c.id in one and one[c.id].verdict == "present")
                for c in case.criteria
            },
            kept=not failed and all(judgement.kept for judgement in seated.values()),
        )


def _one_hash(hashes: Mapping[str, str | None]) -> str | None:
    """Return the one hash that members have, or a hash of all of them by name."""
    known = {name: value for name, value in hashes.items() if value}
    if len(set(known.values())) < _FEWEST:
        return next(iter(known.values()), None)
    return hashlib.sha256("\n".join(f"{name}={value}" for name, value in known.items()).encode()).hexdigest()


def _of_member(name: str, flag: Flag) -> Flag:
    return flag.model_copy(update={"message": f"Member {name}: {flag.message}"})


def _absence(name: str, error: JudgeError) -> Flag:
    return Flag(code="committee_member_absent", message=f"Member {name} gave no answer and no vote: {error.message}.")
