"""`Cached`: a judge in front of a store, so that the same criterion of the same transcript is never paid for twice.

Each criterion has a key of its own: an edit of one criterion asks for that one alone. Only usable opinions are kept;
what failed is asked for again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from typing import Final

from evaluator.judging import Case, Judge, Judgement
from evaluator.rubric import Criterion, Rubric
from evaluator.store.opinions import OpinionStore
from evaluator.types import Flag, JudgeInfo

__all__ = ["Cached"]

_KEY_VERSION: Final = "1"  # raised when the same reply would be read differently


class Cached:
    """Asks the judge only what the store doesn't know."""

    def __init__(self, judge: Judge, store: OpinionStore) -> None:
        """Put a store before a judge."""
        self._judge = judge
        self._store = store

    @property
    def languages(self) -> frozenset[str] | None:
        """Those of the judge."""
        return self._judge.languages

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return the judge's: where an opinion was kept changes nothing about it."""
        return self._judge.info(rubric)

    async def judge(self, case: Case) -> Judgement:
        """Read what is known, ask for the rest, keep what was answered.

        Raises:
            JudgeError: As the judge.
        """
        info = self._judge.info(case.rubric)
        keys = {criterion.id: _key(case, criterion, info) for criterion in case.criteria}
        known = await asyncio.to_thread(self._store.read, list(keys.values()))
        unknown = tuple(criterion for criterion in case.criteria if keys[criterion.id] not in known)
        asked = await self._judge.judge(replace(case, criteria=unknown)) if unknown else Judgement(())
        if asked.answered_by is None:
            fresh = {keys[o.criterion]: o for o in asked.opinions if o.criterion in keys and o.confidence is not None}
            await asyncio.to_thread(self._store.write, fresh)
        if not known:
            return asked
        flag = Flag(code="from_cache", message=f"{len(known)} of {len(keys)} opinions were kept from an earlier run.")
        return replace(asked, opinions=(*known.values(), *asked.opinions), flags=(*asked.flags, flag))


def _key(case: Case, criterion: Criterion, info: JudgeInfo) -> str:
    """Hash all that an opinion depends on: what was said, what was asked, who judged by which prompt."""
    rubric = case.rubric
    content = {
        "version": _KEY_VERSION,
        "turns": [(turn.role, turn.text) for turn in case.transcript.turns],
        "question": case.transcript.question,
        "question_type": case.question_type,
        "reading_rules": rubric.reading_rules,
        "rubric": (rubric.title, rubric.description),
        "criterion": (criterion.id, criterion.title, criterion.kind, criterion.definition, criterion.clarification),
        "judge": info.model_dump(mode="json"),
    }
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
