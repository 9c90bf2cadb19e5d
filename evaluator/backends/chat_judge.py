"""`ChatJudge`: one call to a chat model grades all criteria; one re-ask mends what could not be used.

In: a `Case`. Out: a `Judgement` whose every opinion carries quotes that stand in the candidate's turns, or is
``unscored`` with the reason. The judged text travels as one JSON string in a message of its own; nothing that it says
can add a verdict, because verdicts are read from exactly one schema-valid reply and proved against the turns.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

from evaluator.backends.chat_model import ChatModel, ChatReply, ChatRequest
from evaluator.backends.patience import one_allowance
from evaluator.backends.reply import BetterAnswer, Reply, ReplyProblem, ReplyVerdict, read_reply, reply_schema
from evaluator.errors import JudgeError
from evaluator.judging import Case, Judgement, Opinion, Quote, needs_proof
from evaluator.prompt import Prompts
from evaluator.quotes import find_quote, judged_view
from evaluator.rubric import Criterion, Rubric
from evaluator.together import together
from evaluator.values.judge import JudgeInfo
from evaluator.values.usage import Usage

__all__ = ["ChatJudge", "new_nonce", "transcript_message"]

_NONCE_BYTES: Final = 16  # 128 bits: a transcript can't guess the identifier of the request that carries it
_TOKENS_PER_VERDICT: Final = 220  # measured replies: 90 to 160, quotes included
_TOKENS_FOR_TEXT: Final = 900  # summary, better answer, questions, and the object around them
_REJECTED_CHARS: Final = 160
_STOPS: Final = {
    "truncated": "the reply was cut off at its token limit",
    "refused": "the model refused to answer",
    "filtered": "the provider's filter withheld the reply",
}


@dataclass(frozen=True, slots=True)
class _Answers:
    """What was said: usable opinions, and what was wrong with the first answer to a criterion."""

    opinions: dict[str, Opinion]
    problems: dict[str, _Problem]
    reply: Reply | None
    usage: Usage


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why a criterion has no usable opinion.

    Attributes:
        message: In our words alone, so that it may stand in a task message.
        quotes: The quotes nobody said; untrusted, so they travel with the transcript.
    """

    message: str
    quotes: tuple[str, ...] = ()


class ChatJudge:
    """Judges with a chat model."""

    def __init__(self, model: ChatModel, prompts: Prompts, *, split: int | None = None) -> None:
        """Build a judge.

        Args:
            model: Who answers.
            prompts: From `load_prompts`.
            split: Most criteria in one call; ``None`` asks for all in one.
        """
        self._model = model
        self._prompts = prompts
        self._split = split
        self._statics: dict[str, tuple[str, dict[str, object]]] = {}

    @property
    def languages(self) -> frozenset[str] | None:
        """Any: hosted models read them all."""
        return None

    def info(self, rubric: Rubric) -> JudgeInfo:  # noqa: ARG002 - the protocol's; this judge has no calibration
        """Return provider, model and the hash of the prompts."""
        split = f" split={self._split}" if self._split else ""
        return JudgeInfo(
            backend=self._model.provider,
            method="chat",
            model=f"{self._model.model}{split}",
            prompt_sha256=self._prompts.sha256,
        )

    async def judge(self, case: Case) -> Judgement:
        """Ask for all criteria, re-ask once for those that could not be used, and give the rest up as ``unscored``.

        Raises:
            JudgeError: The model could not be asked at all.
        """
        groups = self._groups(case)
        with one_allowance(len(groups)):
            parts = await together(self._grade(case, group) for group in groups)
        texts = next((answers.reply for answers in parts if answers.reply), None)
        better = texts.better_answer if texts else None
        return Judgement(
            opinions=tuple(opinion for answers in parts for opinion in answers.opinions.values()),
            repaired=frozenset(key for answers in parts for key in answers.problems),
            usage=_total([answers.usage for answers in parts]),
            summary=(texts.summary.strip() or None) if texts else None,
            better_answer=_joined(better) if better else None,
            follow_ups=texts.follow_up_questions if texts else (),
        )

    async def _grade(self, case: Case, asked: Sequence[Criterion]) -> _Answers:
        first = await self._ask(case, asked, {})
        if not first.problems:
            return first
        again = [criterion for criterion in asked if criterion.id in first.problems]
        try:
            second = await self._ask(case, again, first.problems)
        except JudgeError as error:  # what the first reply gave was paid for and stays
            second = _nothing(again, f"the re-ask got no answer: {error.message}", Usage())
        lost = {key: _unscored(key, problem.message) for key, problem in second.problems.items()}
        return _Answers(
            opinions={**first.opinions, **second.opinions, **lost},
            problems=first.problems,
            reply=first.reply or second.reply,
            usage=first.usage + second.usage,
        )

    async def _ask(self, case: Case, asked: Sequence[Criterion], problems: dict[str, _Problem]) -> _Answers:
        reply = await self._model.complete(self.request(case, asked, problems))
        return _read(reply, case, asked)

    def requests(self, case: Case) -> list[ChatRequest]:
        """Return what is sent for a case if nothing has to be asked again."""
        return [self.request(case, group, {}) for group in self._groups(case)]

    def _groups(self, case: Case) -> list[list[Criterion]]:
        asked = _shuffled(case)
        return [asked[i : i + self._split] for i in range(0, len(asked), self._split)] if self._split else [asked]

    def request(self, case: Case, asked: Sequence[Criterion], problems: dict[str, _Problem]) -> ChatRequest:
        """Return the request for some criteria of a case; with ``problems``, the re-ask that names them."""
        nonce = new_nonce()
        shared = {"nonce": nonce, "question_type": case.question_type}
        if problems:
            listed = [{"criterion": c.id, "message": problems[c.id].message} for c in asked]
            task = self._prompts.render("judge.reask.md", problems=listed, **shared)
        else:
            task = self._prompts.render("judge.task.md", criteria=[c.id for c in asked], **shared)
        system, schema = self._static(case.rubric)
        return ChatRequest(
            system=system,
            messages=(task, transcript_message(case, nonce, problems)),
            schema=schema,
            max_output_tokens=_TOKENS_FOR_TEXT + _TOKENS_PER_VERDICT * len(asked),
            nonce=nonce,
        )

    def _static(self, rubric: Rubric) -> tuple[str, dict[str, object]]:
        """Return the system part and the schema: the same for every transcript, so filled once for each rubric."""
        if rubric.sha256 not in self._statics:
            system = self._prompts.render("judge.system.md", rubric=rubric, criteria=rubric.criteria)
            self._statics[rubric.sha256] = system, reply_schema([criterion.id for criterion in rubric.criteria])
        return self._statics[rubric.sha256]


def new_nonce() -> str:
    """Return an identifier that no transcript can hold: 128 random bits."""
    return f"request-{secrets.token_hex(_NONCE_BYTES)}"


def transcript_message(case: Case, nonce: str, problems: Mapping[str, _Problem] | None = None) -> str:
    """Return the judged text as one JSON object; JSON's own quoting is what keeps it inside."""
    turns = [
        {"turn": number, "role": turn.role, "text": judged_view(turn.text)}
        for number, turn in enumerate(case.transcript.turns)
    ]
    question = judged_view(case.transcript.question) if case.transcript.question else None
    judged: dict[str, object] = {"question": question, "turns": turns}
    rejected = {key: problem.quotes for key, problem in (problems or {}).items() if problem.quotes}
    if rejected:
        judged["rejected_quotes"] = rejected
    return json.dumps({nonce: judged}, ensure_ascii=False)


def _shuffled(case: Case) -> list[Criterion]:
    """Order the criteria by a hash of the transcript: none always stands last, and the same case has one order."""
    text = "\0".join(turn.text for turn in case.transcript.turns).encode()
    return sorted(case.criteria, key=lambda c: hashlib.sha256(b"%b\0%b" % (c.id.encode(), text)).digest())


def _read(reply: ChatReply, case: Case, asked: Sequence[Criterion]) -> _Answers:
    if reply.stop != "complete":
        return _nothing(asked, _STOPS[reply.stop], reply.usage)
    try:
        parsed = read_reply(reply.text)
    except ReplyProblem as problem:
        return _nothing(asked, str(problem), reply.usage)
    opinions: dict[str, Opinion] = {}
    problems: dict[str, _Problem] = {}
    verdicts: dict[str, list[ReplyVerdict]] = {}
    for verdict in parsed.verdicts:
        verdicts.setdefault(verdict.criterion, []).append(verdict)
    for criterion in asked:
        given = verdicts.get(criterion.id, [])
        if len(given) != 1:
            problems[criterion.id] = _Problem("no verdict was given" if not given else "it was given more than once")
            continue
        opinion, problem = _checked(given[0], criterion, case)
        if problem:
            problems[criterion.id] = problem
        else:
            opinions[criterion.id] = opinion
    return _Answers(opinions, problems, parsed, reply.usage)


def _checked(verdict: ReplyVerdict, criterion: Criterion, case: Case) -> tuple[Opinion, _Problem | None]:
    """Return the opinion with the quotes that stand in the transcript, and what is wrong if its proof does not."""
    quotes = [Quote(quote.turn, quote.text) for quote in verdict.quotes]
    earning = case.rubric.ids if verdict.verdict == "absent" else None
    grounded = tuple(quote for quote in quotes if find_quote(quote, case.transcript, earning))
    opinion = Opinion(
        criterion=criterion.id,
        verdict="unscored" if verdict.verdict == "cannot_tell" else verdict.verdict,
        confidence=verdict.confidence,
        quotes=grounded,
        reason=verdict.reasoning.strip() or "The model gave no reason.",
    )
    if not needs_proof(criterion, opinion.verdict) or grounded:
        return opinion, None
    if not quotes:
        return opinion, _Problem(f"the verdict `{verdict.verdict}` needs a quote of the candidate's words and had none")
    return opinion, _Problem(
        "its quotes, listed under `rejected_quotes`, stand in no candidate turn; copy exact words",
        tuple(quote.text[:_REJECTED_CHARS] for quote in quotes[:3]),
    )


def _nothing(asked: Sequence[Criterion], message: str, usage: Usage) -> _Answers:
    return _Answers({}, {criterion.id: _Problem(message) for criterion in asked}, None, usage)


def _unscored(criterion_id: str, problem: str) -> Opinion:
    return Opinion(
        criterion=criterion_id,
        verdict="unscored",
        confidence=None,
        quotes=(),
        reason=f"No usable verdict, after one re-ask: {problem}.",
    )


def _total(usages: Sequence[Usage]) -> Usage:
    return reduce(add, usages) if usages else Usage()


def _joined(better: BetterAnswer) -> str | None:
    sentences = (better.goal_and_metric, better.guardrail, better.instrumentation)
    return " ".join(sentence.strip() for sentence in sentences if sentence.strip()) or None
