"""`DecisionsJudge`: a probability for each criterion from a hosted model, the proof from the encoder on this machine.

The endpoint says how likely each failure is and writes no text: no quote, no reason, no feedback. Where a verdict needs
the candidate's words, the sentence that is nearest in meaning to the rubric's examples is quoted, and if none is near,
the verdict can't stand. `method` says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

import numpy as np
from pydantic import TypeAdapter

from evaluator.backends import JudgeOptions
from evaluator.backends.chat_judge import new_nonce, transcript_message
from evaluator.backends.chat_model import ChatModel, ChatRequest
from evaluator.backends.decisions_model import MOST_QUESTIONS, PROVIDER, build_model
from evaluator.backends.encoder import Encoder
from evaluator.backends.estimates import Estimate, estimated
from evaluator.backends.hosted_judge import HostedBackend
from evaluator.backends.openai_client import KEY_ENV
from evaluator.backends.openvino import OpenVinoEncoder
from evaluator.backends.patience import one_allowance
from evaluator.judging import Case, Judge, Judgement, Opinion, Quote, needs_proof
from evaluator.prompt import DECISION_FILES, Prompts, load_prompts
from evaluator.quotes import find_quote
from evaluator.rubric import Criterion, Rubric
from evaluator.segments import sentence_spans
from evaluator.together import together
from evaluator.values.judge import JudgeInfo
from evaluator.values.usage import Usage

__all__ = ["DecisionsJudge", "build_estimate", "build_judge"]

_UNSURE: Final = (0.35, 0.65)
"""Probabilities between these give no verdict: either side would be held at odds below two to one, with no reason given
that a person could weigh, while an open criterion shows as such in the score's range. Nobody has measured yet how well
the endpoint's probabilities are calibrated on interviews."""

_NEAR: Final = 0.35
"""Least cosine between a quoted sentence and what it should show, measured with the packaged encoder: of the labelled
verdicts that hold, 99 in 100 have a sentence as near as this; an answer about other things comes to 0.31 at most."""

_Decided: TypeAlias = Literal["present", "absent", "unscored"]
_PROBABILITIES: Final = TypeAdapter(dict[str, float | None])


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of the candidate: the turn's number and the words."""

    turn: int
    text: str


class DecisionsJudge:
    """Judges by probabilities, and quotes by likeness of meaning."""

    def __init__(self, model: ChatModel, prompts: Prompts, encoder: Encoder, *, split: int | None = None) -> None:
        """Build a judge.

        Args:
            model: A `DecisionsModel`, or what wraps one.
            prompts: Those of ``DECISION_FILES``.
            encoder: Finds the sentences that are quoted.
            split: Most questions in one request; ``None`` asks as many as the endpoint takes.
        """
        self._model = model
        self._prompts = prompts
        self._encoder = encoder
        self._split = min(split or MOST_QUESTIONS, MOST_QUESTIONS)

    @property
    def languages(self) -> frozenset[str] | None:
        """English: the model may read others, the encoder that finds the proof doesn't."""
        return frozenset({"en"})

    def info(self, rubric: Rubric) -> JudgeInfo:  # noqa: ARG002 - the protocol's; this judge has no calibration
        """Return both models and the hash of the prompts."""
        split = f" split={self._split}" if self._split < MOST_QUESTIONS else ""
        return JudgeInfo(
            backend=self._model.provider,
            method="decisions, quotes by sentence embeddings",
            model=f"{self._model.model}{split}, quotes by {self._encoder.name}",
            model_sha256=self._encoder.sha256,
            prompt_sha256=self._prompts.sha256,
        )

    async def judge(self, case: Case) -> Judgement:
        """Ask for all probabilities and look for the proof of each verdict.

        Raises:
            JudgeError: The model could not be asked at all.
            MissingExtra: The encoder isn't installed.
        """
        requests = self.requests(case)
        with one_allowance(len(requests)):
            replies = await together(self._model.complete(request) for request in requests)
        found: dict[str, float | None] = {}
        for reply in replies:
            if reply.stop == "complete":
                found |= _PROBABILITIES.validate_json(reply.text)
        opinions = await asyncio.to_thread(self._opinions, case, found)
        return Judgement(opinions=opinions, usage=sum((reply.usage for reply in replies), Usage()))

    def requests(self, case: Case) -> list[ChatRequest]:
        """Return what is sent for a case."""
        groups = [case.criteria[i : i + self._split] for i in range(0, len(case.criteria), self._split)]
        return [self._request(case, group) for group in groups]

    def _request(self, case: Case, criteria: Sequence[Criterion]) -> ChatRequest:
        nonce = new_nonce()
        questions = {
            criterion.id: {
                "type": "number",
                "description": self._prompts.render("decisions.question.md", criterion=criterion).strip(),
            }
            for criterion in criteria
        }
        return ChatRequest(
            system=self._prompts.render("decisions.system.md", rubric=case.rubric),
            messages=(
                self._prompts.render("decisions.task.md", nonce=nonce, question_type=case.question_type),
                transcript_message(case, nonce),
            ),
            schema={"type": "object", "properties": questions, "required": list(questions)},
            max_output_tokens=0,
            nonce=nonce,
        )

    def _opinions(self, case: Case, found: dict[str, float | None]) -> tuple[Opinion, ...]:
        sentences = _sentences(case)
        quoted = self._nearest(case, found, sentences) if sentences else {}
        return tuple(_opinion(c, found.get(c.id), quoted.get(c.id)) for c in case.criteria)

    def _nearest(
        self, case: Case, found: dict[str, float | None], sentences: Sequence[_Sentence]
    ) -> dict[str, tuple[Quote, float]]:
        """Return the best supporting sentence of each verdict that needs proof, and how near it is."""
        sought = {
            criterion.id: _shown_by(criterion, verdict)
            for criterion in case.criteria
            if needs_proof(criterion, verdict := _verdict(found.get(criterion.id)))
        }
        examples = [text for texts in sought.values() for text in texts]
        if not examples:
            return {}
        rows = self._encoder.encode([*(sentence.text for sentence in sentences), *examples])
        likeness = rows[: len(sentences)] @ rows[len(sentences) :].T
        quoted: dict[str, tuple[Quote, float]] = {}
        first = 0
        for criterion_id, texts in sought.items():
            nearness = likeness[:, first : first + len(texts)].max(axis=1)
            best = int(np.argmax(nearness))
            quoted[criterion_id] = (Quote(sentences[best].turn, sentences[best].text), float(nearness[best]))
            first += len(texts)
        return quoted


def build_judge(options: JudgeOptions) -> Judge:
    """Build a judge that asks the decisions endpoint.

    Raises:
        JudgeMisuse: There is no key, or a budget but no price.
        MissingExtra: The extra `openai` isn't installed.
        OptionError: The endpoint doesn't take an option.
    """
    _BACKEND.refuse_calibration(options)
    prompts = load_prompts(options.prompts, DECISION_FILES)
    return DecisionsJudge(_BACKEND.model(options), prompts, _encoder(), split=options.split)


def build_estimate(options: JudgeOptions) -> Callable[[Case], Estimate]:
    """Return what tells the tokens and the price of a case; needs no key and sends nothing.

    Raises:
        MissingExtra: The extra `openai` isn't installed.
        OptionError: The endpoint doesn't take an option.
    """
    _BACKEND.refuse_calibration(options)
    model, prompts = _BACKEND.unsent_model(options), load_prompts(options.prompts, DECISION_FILES)
    judge = DecisionsJudge(model, prompts, _encoder(), split=options.split)
    return lambda case: estimated(judge, model, case)


_BACKEND: Final = HostedBackend(PROVIDER, build_model, KEY_ENV)


def _encoder() -> Encoder:
    return cast("Encoder", OpenVinoEncoder())  # its hash is computed once, which the protocol can't say


def _sentences(case: Case) -> list[_Sentence]:
    """Return what the candidate said, by sentence, apart from what can't be quoted."""
    ids = case.rubric.ids
    said = [
        _Sentence(number, turn.text[start:end])
        for number, turn in enumerate(case.transcript.turns)
        if turn.role == "candidate"
        for start, end in sentence_spans(turn.text)
    ]
    return [one for one in said if find_quote(Quote(one.turn, one.text), case.transcript, ids)]


def _shown_by(criterion: Criterion, verdict: _Decided) -> tuple[str, ...]:
    """Return sentences that say what the proof of a verdict would say."""
    if verdict == "present":
        return criterion.exemplars.commits or (criterion.definition,)
    return criterion.exemplars.avoids or (criterion.strength,)


def _verdict(probability: float | None) -> _Decided:
    low, high = _UNSURE
    if probability is None or low < probability < high:
        return "unscored"
    return "present" if probability >= high else "absent"


def _opinion(criterion: Criterion, probability: float | None, quoted: tuple[Quote, float] | None) -> Opinion:
    if probability is None:
        return Opinion(criterion.id, "unscored", None, (), "The model declined to answer this question.")
    told = f"The model puts the probability of this failure at {probability:.0%}"
    sure = round(max(probability, 1 - probability), 4)
    match _verdict(probability):
        case "unscored":
            return Opinion(criterion.id, "unscored", sure, (), f"{told}, too near to even odds for a verdict.")
        case verdict if not needs_proof(criterion, verdict):
            return Opinion(criterion.id, verdict, sure, (), f"{told}; it gives no reason.")
        case verdict if quoted and quoted[1] >= _NEAR:
            reason = f"{told}; the quote is the sentence nearest in meaning, found apart (likeness {quoted[1]:.2f})."
            return Opinion(criterion.id, verdict, sure, (quoted[0],), reason)
        case _:
            reason = f"{told}, but no sentence of the candidate is near enough in meaning to prove the verdict."
            return Opinion(criterion.id, "unscored", sure, (), reason)
