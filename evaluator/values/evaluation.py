"""`Evaluation`, the one wire form: what HTTP, JSON lines, the stores, the library and the command line all return."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from evaluator.values.finding import Finding, Strength
from evaluator.values.frozen import Frozen
from evaluator.values.judge import Confirmation, JudgeInfo
from evaluator.values.scorecard import Scorecard
from evaluator.values.transcript import Flag, SpeakerRoles, Turn
from evaluator.values.usage import Usage

__all__ = ["SCHEMA_VERSION", "Delivery", "Evaluation", "Feedback", "QuestionTypeChoice", "RubricRef", "TranscriptRef"]

SCHEMA_VERSION = "1.0"


class RubricRef(Frozen):
    """Which rubric decided."""

    id: str = Field(description="Id, as in its file.")
    version: str = Field(description="Version, `major.minor.patch`.")
    title: str = Field(description="Title for people.")
    sha256: str = Field(description="Hash of the rubric's canonical content.")


class TranscriptRef(Frozen):
    """How the transcript was read."""

    format: str = Field(description="Row of the FORMATS table that read it.")
    language: str = Field(description="ISO 639-1 code, or `und`.")
    roles: SpeakerRoles
    turns: tuple[Turn, ...] = Field(description="The turns that spans and turn numbers refer to.")


class QuestionTypeChoice(Frozen):
    """The question's type, which decides what criteria apply."""

    value: str = Field(description="Question type id of the rubric.")
    source: Literal["given", "inferred", "default"] = Field(description="`default`: nothing told; the rubric's first.")
    confidence: float = Field(ge=0.0, le=1.0, description="1 if given; else a share of cue words, no probability.")


class Feedback(Frozen):
    """What to say and practise next."""

    origin: Literal["rubric", "model"] = Field(
        description="`model`: one wrote the summary, the three sentences or the questions; fixes are the rubric's."
    )
    summary: str = Field(description="The result in two or three sentences.")
    top_fixes: tuple[str, ...] = Field(max_length=3, description="Most severe first, each with its quote or its turn.")
    drills: tuple[str, ...] = Field(default=(), description="One for each fix, in the same order.")
    three_sentence_answer: str | None = Field(
        default=None,
        description="Goal and decision metric; guardrail; instrumentation. A model's, or the rubric's frame.",
    )
    follow_up_questions: tuple[str, ...] = Field(default=(), description="What an interviewer would ask next.")


class Delivery(Frozen):
    """What can be counted about how the answer was given; candidate's turns only."""

    words: int = Field(ge=0, description="Words spoken.")
    duration_s: float = Field(ge=0, description="Spoken time.")
    duration_source: Literal["timestamps", "estimated"] = Field(description="`estimated`: at 150 words a minute.")
    wpm: float | None = Field(default=None, ge=0, description="Words per minute; null if estimated or no time passed.")
    fillers: int = Field(ge=0, description="`um`, `you know`, …")
    longest_turn_words: int = Field(ge=0, description="Words of the wordiest turn.")
    longest_turn_s: float = Field(ge=0, description="Spoken time of the turn that lasted longest.")
    first_metric_s: float | None = Field(
        default=None, description="Spoken seconds before the first metric; null: none."
    )
    metrics_named: int = Field(ge=0, description="Distinct phrases among the rubric's metric cues.")


class Evaluation(Frozen):
    """The result: what HTTP, JSONL, the library and the command line all return."""

    schema_version: Literal["1.0"] = Field(default=SCHEMA_VERSION, description="Version of this form.")
    id: str = Field(description="`ev_` and the head of the content key: the same input and judge give the same id.")
    content_key: str = Field(description="Hash of transcript, criteria, prompt, judge and code that matters.")
    evaluator_version: str = Field(description="Version of the package.")
    rubric: RubricRef
    judge: JudgeInfo
    question: str | None = Field(
        description="As told; else what the interviewer said before the main answer; null if neither."
    )
    question_type: QuestionTypeChoice
    transcript: TranscriptRef
    scorecard: Scorecard
    findings: tuple[Finding, ...] = Field(description="Every criterion of the rubric, in its order.")
    strengths: tuple[Strength, ...] = ()
    feedback: Feedback
    delivery: Delivery
    flags: tuple[Flag, ...] = ()
    confirmation: Confirmation | None = Field(default=None, description="Null if nothing is ever asked about again.")
    usage: Usage

    @model_validator(mode="after")
    def _evidence_was_said(self) -> Evaluation:
        """Hold the promise of `Evidence` wherever an evaluation comes from, a file or a store included."""
        turns = self.transcript.turns
        for item in (e for part in (*self.findings, *self.strengths) for e in part.evidence):
            turn = turns[item.turn] if item.turn < len(turns) else None
            if turn is None or turn.role != "candidate" or turn.text[item.start : item.end] != item.quote:
                raise ValueError(f"evidence in turn {item.turn} is not what the candidate said there")
        return self
