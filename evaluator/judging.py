"""The seam between the one path and whoever reaches verdicts.

In: a `Case`, the transcript with the criteria that apply. Out: a `Judgement`, one opinion per criterion with quotes
that nobody has checked yet. A judge never scores, never sees inapplicable criteria, and may say that it can't tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias, get_args

from evaluator.rubric import Criterion, Rubric
from evaluator.values.judge import Confirmation, JudgeInfo, Verdict, Vote
from evaluator.values.transcript import Flag, Transcript
from evaluator.values.usage import Usage

__all__ = ["Case", "Judge", "Judgement", "Opinion", "Quote", "needs_proof"]

_Opined: TypeAlias = Literal["present", "absent", "unscored"]
_OPINED: Final[tuple[str, ...]] = get_args(_Opined)


@dataclass(frozen=True, slots=True)
class Case:
    """What a judge is asked.

    Attributes:
        transcript: The whole interview; only the candidate's turns may count.
        rubric: Where the criteria come from; its reading rules bind the judge.
        question_type: Id of a question type of the rubric.
        criteria: Those that apply and that counting alone doesn't decide, in the rubric's order.
    """

    transcript: Transcript
    rubric: Rubric
    question_type: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """Words a judge attributes to a turn; `grounding` checks them.

    Attributes:
        turn: Number of the turn, from 0.
        text: The words, as the judge copied them.
    """

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge thinks of one criterion.

    Attributes:
        criterion: Its id.
        verdict: ``unscored`` if the judge can't tell.
        confidence: That the verdict is right, 0 to 1; ``None`` if unsaid, and where no usable answer was had.
        quotes: Proof, best first; may be empty.
        reason: One sentence.

    Raises:
        ValueError: The verdict is not one of the three, or the confidence not a share.
    """

    criterion: str
    verdict: _Opined
    confidence: float | None
    quotes: tuple[Quote, ...]
    reason: str

    def __post_init__(self) -> None:
        """Refuse what a careless judge might pass on from a reply."""
        if self.verdict not in _OPINED:
            raise ValueError(f"verdict of {self.criterion} is none of {', '.join(_OPINED)}")
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence about {self.criterion} is not between 0 and 1")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything one judge said about one case.

    Attributes:
        opinions: One per criterion asked. A criterion with none, or with several, is ``unscored``; opinions on
            criteria that were not asked about are ignored.
        usage: What it cost; ``duration_ms`` is filled in by the pipeline.
        summary: A model's own summary; ``None`` from judges that write no text.
        better_answer: A model's three sentences; ``None`` likewise.
        follow_ups: A model's questions; empty likewise.
        flags: What a person should know about how this was judged.
        repaired: Criteria whose first answer could not be used and was asked for again.
        votes: By criterion, what each of several answers said; empty if one judge answered once.
        flagged: By criterion, the members of a committee who found it present; empty outside a committee.
        confirmation: How many verdicts were asked about again, and flipped; ``None`` if none ever is.
        answered_by: The judge that answered, where it isn't the one that was asked.
        kept: Whether a store holds all of it, so that the same question costs nothing again, whatever happens.
    """

    opinions: tuple[Opinion, ...]
    usage: Usage = field(default_factory=Usage)
    summary: str | None = None
    better_answer: str | None = None
    follow_ups: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    repaired: frozenset[str] = frozenset()
    votes: Mapping[str, tuple[Vote, ...]] = field(default_factory=dict[str, tuple[Vote, ...]])
    flagged: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    confirmation: Confirmation | None = None
    answered_by: JudgeInfo | None = None
    kept: bool = False


class Judge(Protocol):
    """Reaches verdicts. Must be safe to share between threads and event loops."""

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return who judges by this rubric, exactly enough to repeat it; loads nothing slow."""
        ...

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes it can judge; ``None`` means any."""
        ...

    async def judge(self, case: Case) -> Judgement:
        """Judge one case.

        Raises:
            JudgeError: No answer at all; a criterion that alone failed is ``unscored`` instead.
        """
        ...


def needs_proof(criterion: Criterion, verdict: Verdict) -> bool:
    """Return whether the verdict must be proved by the candidate's words: a commission present, an omission absent."""
    return (criterion.kind, verdict) in {("commission", "present"), ("omission", "absent")}
