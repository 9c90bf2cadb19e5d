"""`Cached`: a judge in front of a store, so that the same criterion of the same transcript is never paid for twice.

Each criterion has a key of its own: an edit of one criterion asks for that one alone. Only usable opinions are kept;
what failed is asked for again. What a model wrote about the whole case is kept under a key of all its criteria.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from weakref import WeakValueDictionary

from evaluator.errors import OptionError
from evaluator.judges.voting import asked_again, by_criterion
from evaluator.judging import Case, Judge, Judgement
from evaluator.rubric import Criterion, Rubric
from evaluator.store.answers import Answers, AnswerStore, KeptOpinion, KeptTexts
from evaluator.values.judge import JudgeInfo
from evaluator.values.transcript import Flag

__all__ = ["Cached"]

_SHORT: Final = 24  # hex digits that tell one criterion of a case from another: 96 bits
_KEY_VERSION: Final = "1"  # raised when the same reply would be read differently


@dataclass(frozen=True, slots=True)
class _Keys:
    """Where the answers to a case are kept.

    Attributes:
        head: What all of them stand under.
        by_criterion: Key of each criterion's opinion.
        texts: Key of what was written about the whole.
    """

    head: str
    by_criterion: Mapping[str, str]
    texts: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store holds on a case.

    Attributes:
        opinions: By criterion.
        texts: ``None`` if nothing was written, or not about exactly this case.
    """

    opinions: Mapping[str, KeptOpinion]
    texts: KeptTexts | None


class Cached:
    """Asks the judge only what the store doesn't know."""

    def __init__(self, judge: Judge, store: AnswerStore) -> None:
        """Put a store before a judge."""
        self._judge = judge
        self._store = store
        self._criteria: dict[tuple[str, str], str] = {}
        self._turns: WeakValueDictionary[tuple[asyncio.AbstractEventLoop, str], asyncio.Lock] = WeakValueDictionary()

    @property
    def languages(self) -> frozenset[str] | None:
        """Those of the judge."""
        return self._judge.languages

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return the judge's: where an opinion was kept changes nothing about it."""
        return self._judge.info(rubric)

    async def judge(self, case: Case) -> Judgement:
        """Read what is known, ask for the rest, keep what was answered.

        The same case, asked at the same time on one event loop, is asked once. A store that fails is no reason to fail:
        the result says so.

        Raises:
            JudgeError: As the judge.
        """
        keys = self._keys(case)
        turn = self._turns.setdefault((asyncio.get_running_loop(), keys.head + keys.texts), asyncio.Lock())
        async with turn:
            try:
                known = await self._read(keys)
            except OptionError as error:
                asked = await self._judge.judge(case)
                return replace(asked, flags=(*asked.flags, _broken(error)))
            return await self._judge_rest(case, keys, known)

    async def _judge_rest(self, case: Case, keys: _Keys, known: _Known) -> Judgement:
        unknown = tuple(criterion for criterion in case.criteria if criterion.id not in known.opinions)
        if not unknown:
            return replace(_joined(case, Judgement(()), known), kept=True)
        asked = await self._judge.judge(replace(case, criteria=unknown))
        if asked.answered_by is not None:  # another judge's opinions don't belong under this one's keys
            return asked if not known.opinions else _joined(case, asked, known)
        try:
            written = await self._write(keys, asked, whole=not known.opinions)
        except OptionError as error:
            return _joined(case, replace(asked, flags=(*asked.flags, _broken(error))), known)
        return replace(_joined(case, asked, known), kept=all(criterion.id in written for criterion in unknown))

    def _keys(self, case: Case) -> _Keys:
        """Hash all that an opinion depends on: what was said, what was asked, who judged by which prompt."""
        rubric = case.rubric
        shared = {
            "version": _KEY_VERSION,
            "turns": [(turn.role, turn.text) for turn in case.transcript.turns],
            "question": case.transcript.question,
            "question_type": case.question_type,
            "reading_rules": rubric.reading_rules,
            "rubric": (rubric.title, rubric.description),
            "judge": self._judge.info(rubric).model_dump(mode="json"),
        }
        by_id = {criterion.id: self._criterion_key(criterion, rubric) for criterion in case.criteria}
        return _Keys(_digest(shared), by_id, _digest(sorted(by_id.values()))[:_SHORT])

    def _criterion_key(self, criterion: Criterion, rubric: Rubric) -> str:
        """Return the hash of what a judge reads of a criterion; the same for every transcript, so made once."""
        known = self._criteria.get((rubric.sha256, criterion.id))
        if known is None:
            known = self._criteria[rubric.sha256, criterion.id] = _digest(_read_by_judges(criterion))[:_SHORT]
        return known

    async def _read(self, keys: _Keys) -> _Known:
        kept = await self._store.read(keys.head)
        opinions = {
            criterion: kept.opinions[key]
            for criterion, key in keys.by_criterion.items()
            if key in kept.opinions and kept.opinions[key].opinion.criterion == criterion
        }
        whole = len(opinions) == len(keys.by_criterion)
        return _Known(opinions, kept.texts.get(keys.texts) if whole else None)

    async def _write(self, keys: _Keys, asked: Judgement, *, whole: bool) -> frozenset[str]:
        """Keep what can be used; return the criteria that it is about."""
        usable = {
            criterion: KeptOpinion(opinion, tuple(asked.votes.get(criterion, ())), asked.confirmation is not None)
            for criterion, opinion in by_criterion(asked.opinions).items()
            if criterion in keys.by_criterion and opinion.confidence is not None
        }
        written = KeptTexts(asked.summary if whole else None, asked.better_answer, asked.follow_ups)
        texts = {} if written == KeptTexts(None, None, ()) else {keys.texts: written}
        if usable or texts:
            opinions = {keys.by_criterion[criterion]: kept for criterion, kept in usable.items()}
            await self._store.write(keys.head, Answers(opinions, texts))
        return frozenset(usable)


def _joined(case: Case, asked: Judgement, known: _Known) -> Judgement:
    """Return one judgement of what was known and what was asked.

    A summary that was written about part of the case is left out: it would tell of a part as if it were the whole.
    """
    if not known.opinions:
        return asked
    kept = known.opinions
    votes = {**{key: one.votes for key, one in kept.items() if one.votes}, **asked.votes}
    confirms = asked.confirmation is not None or any(one.confirmed for one in kept.values())
    message = f"{len(kept)} of {len(case.criteria)} opinions come from an earlier run and cost nothing now."
    joined = replace(
        asked,
        opinions=(*(one.opinion for one in kept.values()), *asked.opinions),
        summary=None,
        flags=(*asked.flags, Flag(code="from_cache", message=message)),
        votes=votes,
        confirmation=asked_again(votes) if confirms else None,
    )
    if known.texts is None:
        return joined
    texts = known.texts
    return replace(joined, summary=texts.summary, better_answer=texts.better_answer, follow_ups=tuple(texts.follow_ups))


def _broken(error: OptionError) -> Flag:
    return Flag(code="cache_failed", message=f"Nothing was kept: {error.message}.")


def _read_by_judges(criterion: Criterion) -> dict[str, object]:
    """Return the parts of a criterion that a judge reads; the rest is for the candidate."""
    return criterion.model_dump(
        mode="json", include={"id", "title", "kind", "definition", "clarification", "strength", "exemplars"}
    )


def _digest(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
