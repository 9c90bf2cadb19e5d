"""The one path: transcript, rubric and judge in, `Evaluation` out.

Everything that grades — command line, service, batch, library — calls `aevaluate`. Stages run forwards only; the judge
is the only one that waits.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from evaluator.applicability import inapplicable_reason
from evaluator.backends import make_judge
from evaluator.feedback import compose, find_strengths
from evaluator.grounding import Grounded, ground
from evaluator.instruction_like import find_instruction_like, proof_in_doubt
from evaluator.judging import Case, Judge, Judgement, Opinion
from evaluator.measures import judge_by_count, main_turn, measure
from evaluator.question_types import choose_question_type
from evaluator.rubric import Criterion, Rubric, load_rubric
from evaluator.scoring import score
from evaluator.told import asked_attributes, settled_attributes
from evaluator.tracing import traced
from evaluator.values.evaluation import Evaluation, QuestionTypeChoice, RubricRef, TranscriptRef
from evaluator.values.finding import Finding
from evaluator.values.judge import JudgeInfo, Verdict, Vote
from evaluator.values.transcript import Flag, Transcript
from evaluator.version import __version__
from evaluator.waiting import wait_for

__all__ = ["STAGES_VERSION", "aevaluate", "evaluate"]

STAGES_VERSION: Final = "2"  # raised when a stage changes what the same opinions lead to; part of the content key


def evaluate(
    transcript: Transcript,
    rubric: Rubric | Path | str = "netflix_pm_metrics",
    judge: Judge | str = "local",
    *,
    question_type: str | None = None,
) -> Evaluation:
    """Judge one transcript and wait for the result; may be called from any thread, inside a running event loop too.

    Args and Raises: as `aevaluate`.
    """
    return wait_for(aevaluate(transcript, rubric, judge, question_type=question_type))


async def aevaluate(
    transcript: Transcript,
    rubric: Rubric | Path | str = "netflix_pm_metrics",
    judge: Judge | str = "local",
    *,
    question_type: str | None = None,
) -> Evaluation:
    """Judge one transcript.

    Where a person must look first (no candidate, roles in doubt, a language that the judge can't read) no judge is
    asked, and every criterion that applies is ``unscored``.

    Args:
        transcript: From `parse_transcript`. If it tells no question, what the interviewer says before the main answer
            stands for it.
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
    rubric = rubric if isinstance(rubric, Rubric) else load_rubric(rubric)
    judge = make_judge(judge) if isinstance(judge, str) else judge
    info = judge.info(rubric)
    with traced("evaluate", "internal", asked_attributes(rubric, info)) as span:
        evaluation = await _evaluated(transcript, rubric, judge, info, question_type, started)
        if span.wanted:
            span.tell(settled_attributes(evaluation))
    return evaluation


async def _evaluated(  # noqa: PLR0913, PLR0917 - what `aevaluate` was given, made ready
    transcript: Transcript, rubric: Rubric, judge: Judge, info: JudgeInfo, question_type: str | None, started: float
) -> Evaluation:
    transcript = _with_question(transcript)
    kind = choose_question_type(rubric, transcript.question, question_type or transcript.question_type)
    not_applicable = {c.id: inapplicable_reason(c, rubric, transcript, kind.value) for c in rubric.criteria}
    applicable = tuple(c for c in rubric.criteria if not_applicable[c.id] is None)
    review_reasons = (*_silence_reason(transcript), *transcript.review_reasons, *_language_reason(transcript, judge))
    if review_reasons:
        judgement = Judgement(())
        opinions = {c.id: _unscored(c, "Not judged: a person should look first.") for c in applicable}
    else:
        judgement, opinions = await _judge(judge, Case(transcript, rubric, kind.value, applicable))
    grounded = {c.id: ground(opinions[c.id], c, transcript, rubric.ids) for c in applicable}
    main = main_turn(transcript)
    findings = tuple(
        _finding(c, grounded.get(c.id), not_applicable[c.id], main, judgement.votes.get(c.id, ()))
        for c in rubric.criteria
    )
    return _Outcome(transcript, rubric, info, kind, findings, judgement, review_reasons).evaluation(started)


async def _judge(judge: Judge, case: Case) -> tuple[Judgement, dict[str, Opinion]]:
    """Ask the judge about what counting alone doesn't decide; return one opinion for each criterion of the case.

    A count over the limit stands and isn't asked about; a count within it yields to the judge if it can tell.
    """
    counted = {c.id: judge_by_count(c, case.rubric, case.transcript) for c in case.criteria if c.measured}
    settled = {key for key, opinion in counted.items() if opinion.verdict == "present"}
    asked = replace(case, criteria=tuple(c for c in case.criteria if c.id not in settled))
    judgement = await judge.judge(asked) if asked.criteria else Judgement(())
    times = Counter(opinion.criterion for opinion in judgement.opinions)
    single = {opinion.criterion: opinion for opinion in judgement.opinions if times[opinion.criterion] == 1}
    opinions: dict[str, Opinion] = {}
    for criterion in case.criteria:
        count = counted.get(criterion.id)
        given = single.get(criterion.id) or _unscored(criterion, "The judge gave no verdict, or more than one.")
        if count is not None and (criterion.id in settled or given.verdict == "unscored"):
            given = count
        opinions[criterion.id] = given
    return judgement, opinions


@dataclass(frozen=True, slots=True)
class _Outcome:
    """All that an `Evaluation` is made of."""

    transcript: Transcript
    rubric: Rubric
    info: JudgeInfo
    question_type: QuestionTypeChoice
    findings: tuple[Finding, ...]
    judgement: Judgement
    review_reasons: tuple[str, ...]

    def evaluation(self, started: float) -> Evaluation:
        verdicts: dict[str, Verdict] = {finding.criterion: finding.verdict for finding in self.findings}
        scorecard = score(self.rubric, verdicts, self.review_reasons, self.judgement.flagged)
        key = self._content_key()
        assumed = (_ASSUMED_TYPE,) if self.question_type.source == "default" else ()
        suspicious = find_instruction_like(self.transcript, self.rubric.ids)
        return Evaluation(
            id=f"ev_{key.removeprefix('sha256:')[:24]}",
            content_key=key,
            evaluator_version=__version__,
            rubric=RubricRef(
                id=self.rubric.id, version=self.rubric.version, title=self.rubric.title, sha256=self.rubric.sha256
            ),
            judge=self.judgement.answered_by or self.info,
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
            feedback=compose(self.rubric, scorecard, self.findings, self.judgement),
            delivery=measure(self.transcript, self.rubric),
            flags=(*self.transcript.flags, *assumed, *suspicious, *self._doubts(suspicious), *self.judgement.flags),
            confirmation=self.judgement.confirmation,
            usage=self.judgement.usage.model_copy(
                update={"duration_ms": round((time.perf_counter() - started) * 1000, 2)}
            ),
        )

    def _doubts(self, suspicious: Sequence[Flag]) -> tuple[Flag, ...]:
        """Name the verdicts whose whole proof lies in flagged text: what a person should look at first."""
        doubted = [f.criterion for f in self.findings if proof_in_doubt(suspicious, f.evidence)]
        message = f"All evidence lies in text that reads like an instruction: {', '.join(doubted)}."
        return (Flag(code="evidence_in_doubt", message=message),) if doubted else ()

    def _content_key(self) -> str:
        """Hash what verdicts depend on; the same key means the same words, question, criteria, judge and stages.

        Left out is what only describes: the format read, how roles and type were found, flags, usage.
        """
        content = {
            "turns": [turn.model_dump(mode="json") for turn in self.transcript.turns],
            "question": self.transcript.question,
            "question_type": self.question_type.value,
            "review_reasons": self.review_reasons,
            "rubric": self.rubric.sha256,
            "judge": (self.judgement.answered_by or self.info).model_dump(mode="json"),
            "stages": STAGES_VERSION,
        }
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


_ASSUMED_TYPE: Final = Flag(
    code="question_type_assumed",
    message="No question, or none that the rubric's cues recognise: the rubric's first question type was assumed.",
)


def _finding(
    criterion: Criterion, grounded: Grounded | None, why_na: str | None, main: int | None, votes: tuple[Vote, ...]
) -> Finding:
    opinion = grounded.opinion if grounded else None
    verdict: Verdict = opinion.verdict if opinion else "na"
    return Finding(
        criterion=criterion.id,
        title=criterion.title,
        kind=criterion.kind,
        severity=criterion.severity,
        verdict=verdict,
        confidence=opinion.confidence if opinion and verdict != "unscored" else None,
        evidence=grounded.evidence if grounded else (),
        due_turn=main if (criterion.kind, verdict) == ("omission", "present") else None,
        reason=opinion.reason if opinion else why_na or "",
        why_it_matters=criterion.why_it_matters,
        fix=criterion.fix,
        drill=criterion.drill,
        source=criterion.source,
        votes=votes,
    )


def _with_question(transcript: Transcript) -> Transcript:
    """Return the transcript with a question: its own, else what the interviewer says before the main answer."""
    if transcript.question:
        return transcript
    before = transcript.turns[: main_turn(transcript) or 0]
    said = " ".join(turn.text for turn in before if turn.role == "interviewer")
    return transcript.model_copy(update={"question": said or None})


def _silence_reason(transcript: Transcript) -> tuple[str, ...]:
    if any(turn.role == "candidate" and any(map(str.isalnum, turn.text)) for turn in transcript.turns):
        return ()
    return ("no_candidate: nothing in the transcript is said by the candidate.",)


def _language_reason(transcript: Transcript, judge: Judge) -> tuple[str, ...]:
    known = judge.languages
    if known is None or transcript.language in known or transcript.language == "und":
        return ()
    spoken, read = transcript.language, ", ".join(sorted(known))
    return (f"language_unsupported: the candidate speaks {spoken!r}; this judge reads {read} only.",)


def _unscored(criterion: Criterion, reason: str) -> Opinion:
    return Opinion(criterion=criterion.id, verdict="unscored", confidence=None, quotes=(), reason=reason)
