"""Stand-ins that meet the protocols: a judge with opinions made by hand, transcripts and a small rubric in memory.

Tests that need an `Evaluation` run the real pipeline over these; nothing here patches the product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluator.judging import Case, Judge, Judgement, Opinion, Quote
from evaluator.pipeline import evaluate
from evaluator.rubric import Rubric, parse_rubric
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import JudgeInfo
from evaluator.values.transcript import Flag, SpeakerRoles, Transcript, Turn
from evaluator.values.usage import Usage

__all__ = ["RUBRIC_YAML", "FakeJudge", "make_evaluation", "make_rubric", "make_transcript", "opinion"]


class FakeJudge:
    """Gives the opinions it was built with, and remembers the cases it was asked."""

    def __init__(
        self,
        opinions: Sequence[Opinion] = (),
        *,
        error: BaseException | None = None,
        languages: frozenset[str] | None = None,
        flags: tuple[Flag, ...] = (),
        method: str = "by_hand",
    ) -> None:
        """Hold what to answer; ``error`` is raised instead, if given."""
        self.cases: list[Case] = []
        self._opinions = tuple(opinions)
        self._error = error
        self._languages = languages
        self._flags = flags
        self._method = method

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Say that the verdicts were made by hand."""
        return JudgeInfo(backend="fake", method=self._method, model=f"opinions on {rubric.id}")

    @property
    def languages(self) -> frozenset[str] | None:
        """Return the languages it was built with."""
        return self._languages

    async def judge(self, case: Case) -> Judgement:
        """Return the opinions on the criteria that were asked."""
        self.cases.append(case)
        if self._error is not None:
            raise self._error
        asked = {criterion.id for criterion in case.criteria}
        given = tuple(opinion for opinion in self._opinions if opinion.criterion in asked)
        return Judgement(given, usage=Usage(), flags=self._flags)


def opinion(
    criterion: str,
    verdict: str,
    *quotes: str,
    turn: int = 1,
    confidence: float | None = 0.8,
    reason: str = "Decided by hand.",
) -> Opinion:
    """Return an opinion whose quotes are said to stand in ``turn``."""
    if verdict not in ("present", "absent", "unscored"):
        raise ValueError(f"no verdict is called {verdict!r}")
    claimed = tuple(Quote(turn, text) for text in quotes)
    return Opinion(criterion, verdict, confidence, claimed, reason)


def make_transcript(
    *turns: str | tuple[str, str] | Turn,
    question: str | None = "How would you measure success of the new row?",
    review_reasons: tuple[str, ...] = (),
    flags: tuple[Flag, ...] = (),
    names: Mapping[str, str] | None = None,
) -> Transcript:
    """Return a transcript. A bare string is the candidate's; a pair is ``(role, text)``; ``names`` maps roles."""
    labels = names or {}
    made = tuple(_turn(turn, labels) for turn in turns or ("I would track clicks and look at the trend.",))
    return Transcript(
        turns=made,
        question=question,
        format="plain",
        roles=SpeakerRoles(candidate=labels.get("candidate"), confidence=1.0, source="labels"),
        language="en",
        review_reasons=review_reasons,
        flags=flags,
    )


def make_rubric(text: str | None = None) -> Rubric:
    """Return the small rubric of these tests, or the one in ``text``."""
    return parse_rubric(text or RUBRIC_YAML, name="small.yaml")


def make_evaluation(
    transcript: Transcript | None = None,
    *opinions: Opinion,
    rubric: Rubric | None = None,
    question_type: str | None = None,
    judge: Judge | None = None,
) -> Evaluation:
    """Return what the real pipeline makes of hand-made opinions; its wall time is set to 0 so that it repeats."""
    evaluation = evaluate(
        transcript or make_transcript(),
        rubric or make_rubric(),
        judge or FakeJudge(opinions),
        question_type=question_type,
    )
    return evaluation.model_copy(update={"usage": evaluation.usage.model_copy(update={"duration_ms": 0.0})})


def _turn(turn: str | tuple[str, str] | Turn, names: Mapping[str, str]) -> Turn:
    if isinstance(turn, Turn):
        return turn
    role, text = ("candidate", turn) if isinstance(turn, str) else turn
    if role not in ("candidate", "interviewer", "other"):
        raise ValueError(f"no role is called {role!r}")
    return Turn(role=role, text=text, name=names.get(role))


RUBRIC_YAML = """\
schema_version: 1
id: small
version: 1.2.0
title: Small metrics rubric
description: Six failures, enough to reach every branch.
source: Written for the tests.
answer_frame: Goal and metric are __; the guardrail is __; it is measured by __.
quantities:
  longest: {value: 180, unit: seconds, note: Three minutes.}
  longest_words: {value: 450, unit: words, note: Three minutes at 150 words a minute.}
cues:
  metrics: [clicks, retention, minutes watched, cancellations]
  experiment: [experiment, test]
metric_cues: metrics
question_types:
  - {id: design, title: Metric design, example: How would you measure it?, cues: [how would you measure]}
  - {id: reading, title: Reading a test, example: Here are the results., cues: [here are the results]}
scoring:
  weights: {critical: 5, major: 3, minor: 1}
  minimum_coverage: 0.5
  bands:
    - {id: strong_hire, title: Strong hire, meaning: Nothing to mend., at_most: {critical: 0, major: 0}}
    - {id: hire, title: Hire, meaning: Little to mend., at_most: {critical: 1, major: 1}}
    - {id: no_hire, title: No hire, meaning: Much to mend.}
  vetoes:
    - {id: rigour, criteria: [vanity, vague], at_least: 2, best_band: no_hire, reason: Two signs of lacking rigour.}
criteria:
  - id: vanity
    title: Counts activity, not value
    kind: commission
    severity: critical
    source: Section A
    definition: The main metric counts activity.
    why_it_matters: Activity rises while members leave.
    strength: Chose a metric that shows value.
    fix: Name what a member gains and count that.
    drill: Rewrite three activity counts as value.
    probes: [What would that number hide?, Which one would you drop?]
  - id: no_goal
    title: No business goal
    kind: omission
    severity: critical
    source: Section B
    definition: No goal of the business is named.
    why_it_matters: A metric without a goal decides nothing.
    strength: Tied the metric to a goal of the business.
    fix: Open with the goal.
    drill: Say the goal in one sentence, ten times.
    probes: [Why does the business care?, What is it worth?]
  - id: no_guardrail
    title: No guardrail
    kind: omission
    severity: major
    source: Section C
    definition: Nothing guards against harm.
    why_it_matters: A gain can be paid for elsewhere.
    strength: Named what must not get worse.
    fix: Add one metric that must not fall.
    drill: Name a guardrail for five features.
    probes: [What could get worse?, Where would you stop?]
  - id: vague
    title: Vague definition
    kind: commission
    severity: major
    source: Section D
    definition: A metric lacks window or denominator.
    why_it_matters: Two analysts would compute two numbers.
    strength: Defined the metric so that anyone can compute it.
    fix: Say who counts, over which days.
    drill: Define one metric in a sentence.
    probes: [Over which days?, Out of whom?]
  - id: misread_test
    title: Misreads the test
    kind: commission
    severity: major
    source: Section E
    applies: {question_types: [reading], candidate_mentions: experiment}
    definition: Noise is taken for a result.
    why_it_matters: Noise ships as often as gains.
    strength: Told noise from result.
    fix: Give the interval before the verdict.
    drill: Read three published tests.
    probes: [How sure are you?, How long did it run?]
  - id: rambling
    title: Rambles
    kind: measured
    severity: minor
    source: Section F
    definition: One turn lasts too long.
    why_it_matters: The point drowns.
    strength: Came to the point.
    fix: Stop at three minutes.
    drill: Answer once in ninety seconds.
    probes: [In one sentence?, What matters most?]
    measured: {longest_turn_over_s: longest, longest_turn_over_words: longest_words}
"""
