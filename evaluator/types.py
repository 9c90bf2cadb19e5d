"""The values that travel along the one path, and `Evaluation`, the one wire form.

In: nothing. Out: frozen models that forbid unknown keys, so that what is parsed at the door can be trusted behind it.
Spans are half-open ``[start, end)`` in code points of ``Turn.text``; turns are counted from 0; times are seconds from
the start of the recording.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "SCHEMA_VERSION",
    "SEVERITIES",
    "BandLine",
    "Confirmation",
    "Delivery",
    "Evaluation",
    "Evidence",
    "Feedback",
    "Finding",
    "Flag",
    "JudgeInfo",
    "Kind",
    "MatchKind",
    "QuestionTypeChoice",
    "Role",
    "RolesSource",
    "RubricRef",
    "ScoreLine",
    "Scorecard",
    "Severity",
    "SeverityCount",
    "SpeakerRoles",
    "Strength",
    "Transcript",
    "TranscriptRef",
    "Turn",
    "Usage",
    "Verdict",
    "Veto",
    "Vote",
]

SCHEMA_VERSION = "1.0"

Role = Literal["candidate", "interviewer", "other"]
Verdict = Literal["present", "absent", "na", "unscored"]
Severity = Literal["critical", "major", "minor"]
Kind = Literal["commission", "omission", "measured"]
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "major", "minor")
MatchKind = Literal["exact", "normalised"]
RolesSource = Literal["given", "labels", "inferred", "single_speaker", "unlabelled"]


class _Frozen(BaseModel):
    """Base of every value here: unchangeable; unknown keys, NaN and infinities are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# --- transcript -----------------------------------------------------------------------------------------------------


class Flag(_Frozen):
    """Something a person should know about the input; it never changes a verdict by itself."""

    code: str = Field(description="Stable name, e.g. `no_speaker_labels`.", pattern=r"^[a-z][a-z0-9_]*$")
    message: str = Field(description="One sentence for a person; never candidate text.")
    turn: int | None = Field(default=None, ge=0, description="Turn it concerns, if one.")
    start: int | None = Field(default=None, ge=0, description="Span start in that turn, code points.")
    end: int | None = Field(default=None, ge=0, description="Span end in that turn, code points, exclusive.")


class Turn(_Frozen):
    """What one speaker says until another speaks."""

    role: Role = Field(description="Part this speaker plays in the interview.")
    text: str = Field(min_length=1, description="The words, annotations such as `[applause]` taken out.")
    name: str | None = Field(default=None, description="Speaker label as the source wrote it.")
    start_s: float | None = Field(default=None, ge=0, description="Start, seconds.")
    end_s: float | None = Field(default=None, ge=0, description="End, seconds.")


class SpeakerRoles(_Frozen):
    """Who is the candidate, and how sure that is."""

    candidate: str | None = Field(default=None, description="The candidate's label; null if the source has none.")
    confidence: float = Field(ge=0.0, le=1.0, description="1.0 if given or labelled by role.")
    source: RolesSource = Field(description="What it was decided from.")


class Transcript(_Frozen):
    """One interview answer, parsed: the input of every judge."""

    turns: tuple[Turn, ...] = Field(min_length=1, description="In order of speech.")
    question: str | None = Field(default=None, description="Question asked, if the source or the caller told it.")
    question_type: str | None = Field(
        default=None, description="Question type id, if the source or the caller told it."
    )
    format: str = Field(description="Row of the FORMATS table that read it.")
    roles: SpeakerRoles
    language: str = Field(description="ISO 639-1 code of the candidate's words; `und` if too short to tell.")
    review_reasons: tuple[str, ...] = Field(
        default=(), description="Why a person must look before any verdict is worth giving; empty if none."
    )
    flags: tuple[Flag, ...] = ()


# --- evaluation -----------------------------------------------------------------------------------------------------


class RubricRef(_Frozen):
    """Which rubric decided."""

    id: str = Field(description="Id, as in its file.")
    version: str = Field(description="Version, `major.minor.patch`.")
    title: str = Field(description="Title for people.")
    sha256: str = Field(description="Hash of the rubric's canonical content.")


class TranscriptRef(_Frozen):
    """How the transcript was read."""

    format: str = Field(description="Row of the FORMATS table that read it.")
    language: str = Field(description="ISO 639-1 code, or `und`.")
    roles: SpeakerRoles
    turns: tuple[Turn, ...] = Field(description="The turns that spans and turn numbers refer to.")


class JudgeInfo(_Frozen):
    """Which judge decided, exactly enough to repeat it."""

    backend: str = Field(description="Row of the BACKENDS table.")
    method: str = Field(description="How verdicts are reached, e.g. `embedding`; never dressed up as another.")
    model: str = Field(description="Model name or path.")
    model_sha256: str | None = Field(default=None, description="Hash of local weights.")
    prompt_sha256: str | None = Field(default=None, description="Hash of the prompt files; null if none was used.")
    calibration: str | None = Field(default=None, description="Id of the calibration file; null if untrained.")


class QuestionTypeChoice(_Frozen):
    """The question's type, which decides what criteria apply."""

    value: str = Field(description="Question type id of the rubric.")
    source: Literal["given", "inferred", "default"] = Field(description="`default`: nothing told; the rubric's first.")
    confidence: float = Field(ge=0.0, le=1.0, description="1 if given; else a share of cue words, no probability.")


class Evidence(_Frozen):
    """Words of the candidate that prove a verdict: ``turns[turn].text[start:end] == quote``, always."""

    turn: int = Field(ge=0, description="Number of the turn, from 0.")
    speaker: Literal["candidate"] = Field(description="Stated so that a reader need not look it up.")
    start: int = Field(ge=0, description="Code points, inclusive.")
    end: int = Field(ge=1, description="Code points, exclusive.")
    quote: str = Field(min_length=1, description="The words, as the turn holds them.")
    match: MatchKind = Field(description="`normalised`: the judge's copy differed in space, case or typographic marks.")
    start_s: float | None = Field(default=None, description="When it was said, seconds; interpolated within the turn.")

    @model_validator(mode="after")
    def _span_fits(self) -> Evidence:
        if self.end - self.start != len(self.quote):
            raise ValueError("the span is not as long as the quote")
        return self


class Vote(_Frozen):
    """What one of several answers said about a criterion."""

    voter: str = Field(description="Member of the committee, or number of the answer.")
    verdict: Verdict = Field(description="What it said; `unscored` if it couldn't tell or could not be used.")
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="How sure it was; null if unsaid, and where no usable answer was had."
    )
    reason: str = Field(description="Why, in one sentence.")


class Confirmation(_Frozen):
    """How stable the verdicts were that were asked about again."""

    asked: int = Field(ge=0, description="Criteria that were asked about more than once.")
    flipped: int = Field(ge=0, description="Of those, how many got different verdicts; the flip rate is the share.")


class Finding(_Frozen):
    """The verdict on one criterion, with its proof."""

    criterion: str = Field(description="Id of the criterion.")
    title: str = Field(description="Its title.")
    kind: Kind = Field(description="What its proof is: words said, words missing, or a count.")
    severity: Severity = Field(description="What it costs.")
    verdict: Verdict = Field(description="`present`: the candidate failed this way.")
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="That the verdict is right; null if unsaid, and for na and unscored."
    )
    evidence: tuple[Evidence, ...] = ()
    due_turn: int | None = Field(
        default=None, ge=0, description="Omission that is present: the main answer's turn, where the words were due."
    )
    reason: str = Field(description="Why this verdict, in one sentence.")
    why_it_matters: str = Field(description="The rubric's words.")
    fix: str = Field(description="What to do instead; the rubric's words.")
    drill: str = Field(description="An exercise; the rubric's words.")
    source: str = Field(description="Section of the rubric's source.")
    votes: tuple[Vote, ...] = Field(default=(), description="Who said what, where several answers were asked for.")


class ScoreLine(_Frozen):
    """One line of the sum behind the score: ``score = 100 * (1 - sum(lost) / sum(weight of decided lines))``."""

    criterion: str = Field(description="Id of the criterion.")
    severity: Severity = Field(description="Decides the weight.")
    verdict: Verdict = Field(description="As in its finding.")
    weight: float = Field(ge=0, description="From the rubric; counts only when present or absent.")
    lost: float = Field(ge=0, description="`weight` if present, else 0.")


class SeverityCount(_Frozen):
    """How many criteria of one severity the candidate fell into."""

    present: int = Field(ge=0, description="Criteria the candidate fell into.")
    of: int = Field(ge=0, description="Criteria of this severity that apply and were decided.")


class BandLine(_Frozen):
    """What one band of the rubric asks, and whether this evaluation met it."""

    band: str = Field(description="Band id.")
    met: bool = Field(description="Whether every limit was kept.")
    reason: str = Field(description="What it asked, and what kept this answer out, if anything.")


class Veto(_Frozen):
    """A rule of the rubric that lowered the band."""

    id: str = Field(description="Id of the rule.")
    reason: str = Field(description="Why it exists; the rubric's words.")
    criteria: tuple[str, ...] = Field(
        description="The criteria that fired it: present, or flagged by committee members."
    )
    best_band: str = Field(description="Best band that it leaves open.")


class Scorecard(_Frozen):
    """Score and band, computed from verdicts by the rubric's data; no judge writes here."""

    score: float | None = Field(default=None, ge=0, le=100, description="Null if no applicable criterion was decided.")
    score_range: tuple[float, float] | None = Field(
        default=None, description="Score if every unscored criterion were present, and if every one were absent."
    )
    band: str | None = Field(default=None, description="Band id; null when a person must look first.")
    band_range: tuple[str, str] | None = Field(
        default=None, description="Band if every unscored criterion were present, and if every one were absent."
    )
    coverage: float = Field(ge=0, le=1, description="Decided criteria / applicable criteria; 0 if none applies.")
    needs_review: bool = Field(description="True exactly if there are review reasons, and then there is no band.")
    review_reasons: tuple[str, ...] = Field(default=(), description="Each is a stable code, a colon and a sentence.")
    vetoes: tuple[Veto, ...] = ()
    by_severity: dict[Severity, SeverityCount]
    bands: tuple[BandLine, ...] = Field(description="Best band first; the first that is met is the band.")
    lines: tuple[ScoreLine, ...] = Field(description="The sum behind the score, in the rubric's order.")

    @model_validator(mode="after")
    def _review_or_band(self) -> Scorecard:
        if not (self.needs_review == bool(self.review_reasons) == (self.band is None)):
            raise ValueError("a scorecard has either a band or reasons for a review")
        return self


class Strength(_Frozen):
    """Something the candidate did well, with the words that show it."""

    criterion: str = Field(description="Id of the criterion that was avoided.")
    note: str = Field(description="Praise, in the rubric's words.")
    evidence: tuple[Evidence, ...] = Field(min_length=1)


class Feedback(_Frozen):
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


class Delivery(_Frozen):
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


class Usage(_Frozen):
    """What the evaluation cost."""

    requests: int = Field(default=0, ge=0, description="Calls to a model, retries included.")
    batched_requests: int = Field(
        default=0, ge=0, description="Of these, sent through a provider's batch API, at its lower price."
    )
    input_tokens: int = Field(default=0, ge=0, description="Cached tokens included.")
    cached_tokens: int = Field(default=0, ge=0, description="Input tokens read from a cache.")
    output_tokens: int = Field(default=0, ge=0, description="Tokens written.")
    cost_usd: float = Field(default=0.0, ge=0, description="Price of the tokens, US dollars.")
    priced: bool = Field(default=True, description="False if a price is unknown; then `cost_usd` is a lower bound.")
    duration_ms: float = Field(default=0.0, ge=0, description="Wall time from the call to the result.")

    def __add__(self, other: Usage) -> Usage:
        """Return the sum; it is priced only if both parts are."""
        return Usage(
            requests=self.requests + other.requests,
            batched_requests=self.batched_requests + other.batched_requests,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            priced=self.priced and other.priced,
            duration_ms=self.duration_ms + other.duration_ms,
        )


class Evaluation(_Frozen):
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
