"""The one path: transcript, rubric and judge in, `Evaluation` out.

Everything that grades — command line, service, batch, library — calls `aevaluate`. Stages run forwards only; the judge
is the only one that waits.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Final

from evaluator.applicability import inapplicable_reason
from evaluator.backends import make_judge
from evaluator.feedback import compose, find_strengths
from evaluator.grounding import Grounded, ground
from evaluator.judging import Case, Judge, Judgement, Opinion
from evaluator.measures import judge_by_count, measure
from evaluator.question_types import choose_question_type
from evaluator.rubric import Criterion, Rubric, load_rubric
from evaluator.scoring import score
from evaluator.types import (
    Evaluation,
    Finding,
    Flag,
    JudgeInfo,
    QuestionTypeChoice,
    RubricRef,
    Transcript,
    TranscriptRef,
    Verdict,
)
from evaluator.version import __version__

__all__ = ["aevaluate", "evaluate"]

_STAGES_VERSION: Final = "1"  # raised when a stage changes what the same opinions lead to; part of the content key


def evaluate(
    transcript: Transcript,
    rubric: Rubric | str = "netflix_pm_metrics",
    judge: Judge | str = "local",
    *,
    question_type: str | None = None,
) -> Evaluation:
    """Judge one transcript and wait for the result; may be called from any thread, inside a running event loop too.

    Args and Raises: as `aevaluate`.
    """
    work = aevaluate(transcript, rubric, judge, question_type=question_type)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    return _run_in_thread(work)


async def aevaluate(
    transcript: Transcript,
    rubric: Rubric | str = "netflix_pm_metrics",
    judge: Judge | str = "local",
    *,
    question_type: str | None = None,
) -> Evaluation:
    """Judge one transcript.

    Args:
        transcript: From `parse_transcript`.
        rubric: A rubric, or the id or path of one.
        judge: A judge, or the name of a backend.
        question_type: Id of a question type; inferred from the question if neither this nor the transcript tells.

    Raises:
        RubricError: The rubric can't be loaded.
        OptionError: No such backend or question type.
        MissingExtra: The backend needs a package that isn't installed.
        JudgeError: The judge gave no answer at all.
    """
    started = time.perf_counter()
    rubric = load_rubric(rubric) if isinstance(rubric, str) else rubric
    judge = make_judge(judge) if isinstance(judge, str) else judge
    info = judge.info(rubric)
    kind = choose_question_type(rubric, transcript.question, question_type or transcript.question_type)
    not_applicable = {c.id: inapplicable_reason(c, rubric, transcript, kind.value) for c in rubric.criteria}
    applicable = tuple(c for c in rubric.criteria if not_applicable[c.id] is None)
    review_reasons = (*transcript.review_reasons, *_language_reason(transcript, judge))
    if review_reasons:
        judgement, opinions = None, _not_judged(applicable, review_reasons[0])
    else:
        judgement, opinions = await _judge(judge, Case(transcript, rubric, kind.value, applicable))
    grounded = {c.id: ground(opinions[c.id], c, transcript) for c in applicable}
    findings = tuple(_finding(c, grounded.get(c.id), not_applicable[c.id], transcript) for c in rubric.criteria)
    outcome = _Outcome(transcript, rubric, info, kind, findings, judgement, review_reasons)
    return outcome.evaluation(duration_ms=(time.perf_counter() - started) * 1000)


async def _judge(judge: Judge, case: Case) -> tuple[Judgement | None, dict[str, Opinion]]:
    """Ask the judge about what counting alone doesn't decide; return one opinion for each criterion of the case."""
    counted = {c.id: judge_by_count(c, case.rubric, case.transcript) for c in case.criteria if c.measured}
    settled = {key: opinion for key, opinion in counted.items() if opinion.verdict == "present"}
    asked = tuple(c for c in case.criteria if c.id not in settled)
    judgement = await judge.judge(Case(case.transcript, case.rubric, case.question_type, asked)) if asked else None
    given = {opinion.criterion: opinion for opinion in judgement.opinions} if judgement else {}
    opinions: dict[str, Opinion] = {}
    for criterion in case.criteria:
        opinion = settled.get(criterion.id) or given.get(criterion.id) or _unscored(criterion, "The judge gave none.")
        if opinion.verdict == "unscored" and criterion.id in counted:
            opinion = counted[criterion.id]
        opinions[criterion.id] = opinion
    return judgement, opinions


@dataclass(frozen=True, slots=True)
class _Outcome:
    """All that an `Evaluation` is made of."""

    transcript: Transcript
    rubric: Rubric
    info: JudgeInfo
    question_type: QuestionTypeChoice
    findings: tuple[Finding, ...]
    judgement: Judgement | None
    review_reasons: tuple[str, ...]

    def evaluation(self, duration_ms: float) -> Evaluation:
        verdicts: dict[str, Verdict] = {finding.criterion: finding.verdict for finding in self.findings}
        scorecard = score(self.rubric, verdicts, self.review_reasons)
        judgement = self.judgement or Judgement(())
        key = self._content_key()
        assumed = (_ASSUMED_TYPE,) if self.question_type.source == "default" else ()
        return Evaluation(
            id=f"ev_{key.removeprefix('sha256:')[:24]}",
            content_key=key,
            evaluator_version=__version__,
            rubric=RubricRef(
                id=self.rubric.id, version=self.rubric.version, title=self.rubric.title, sha256=self.rubric.sha256
            ),
            judge=self.info,
            question=self.transcript.question,
            question_type=self.question_type,
            transcript=TranscriptRef(
                format=self.transcript.format,
                language=self.transcript.language,
                roles=self.transcript.roles,
                turns=self.transcript.turns,
            ),
            scorecard=scorecard,
            findings=self.findings,
            strengths=find_strengths(self.rubric, self.findings),
            feedback=compose(self.rubric, scorecard, self.findings, judgement),
            delivery=measure(self.transcript, self.rubric),
            flags=(*self.transcript.flags, *assumed, *judgement.flags),
            usage=judgement.usage.model_copy(update={"duration_ms": round(duration_ms, 2)}),
        )

    def _content_key(self) -> str:
        """Hash what the result depends on; the same key means the same input, criteria, judge and stages."""
        content = {
            "turns": [turn.model_dump(mode="json") for turn in self.transcript.turns],
            "question": self.transcript.question,
            "question_type": self.question_type.value,
            "review_reasons": self.review_reasons,
            "rubric": self.rubric.sha256,
            "judge": self.info.model_dump(mode="json"),
            "stages": _STAGES_VERSION,
        }
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


_ASSUMED_TYPE: Final = Flag(
    code="question_type_assumed",
    message="No question, or none that the rubric's cues recognise: the rubric's first question type was assumed.",
)


def _finding(criterion: Criterion, grounded: Grounded | None, why_na: str | None, transcript: Transcript) -> Finding:
    opinion = grounded.opinion if grounded else None
    verdict: Verdict = opinion.verdict if opinion else "na"
    return Finding(
        criterion=criterion.id,
        title=criterion.title,
        kind=criterion.kind,
        severity=criterion.severity,
        verdict=verdict,
        confidence=opinion.confidence if opinion else None,
        evidence=grounded.evidence if grounded else (),
        due_turn=_main_turn(transcript) if (criterion.kind, verdict) == ("omission", "present") else None,
        reason=opinion.reason if opinion else why_na or "",
        why_it_matters=criterion.why_it_matters,
        fix=criterion.fix,
        drill=criterion.drill,
        source=criterion.source,
    )


def _main_turn(transcript: Transcript) -> int | None:
    """Return the number of the candidate's longest turn: the main answer, where what is missing was due."""
    turns = [number for number, turn in enumerate(transcript.turns) if turn.role == "candidate"]
    return max(turns, key=lambda number: len(transcript.turns[number].text), default=None)


def _language_reason(transcript: Transcript, judge: Judge) -> tuple[str, ...]:
    known = judge.languages
    if known is None or transcript.language in known or transcript.language == "und":
        return ()
    spoken, read = transcript.language, ", ".join(sorted(known))
    return (f"language_unsupported: the candidate speaks {spoken!r}; this judge reads {read} only",)


def _not_judged(criteria: tuple[Criterion, ...], reason: str) -> dict[str, Opinion]:
    return {criterion.id: _unscored(criterion, f"Not judged: {reason}.") for criterion in criteria}


def _unscored(criterion: Criterion, reason: str) -> Opinion:
    return Opinion(criterion=criterion.id, verdict="unscored", confidence=None, quotes=(), reason=reason)


def _run_in_thread(work: Coroutine[None, None, Evaluation]) -> Evaluation:
    """Run a coroutine to its end in a thread of its own: the caller's event loop can't be entered twice."""
    results: list[Evaluation] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name="evaluator-evaluate")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
