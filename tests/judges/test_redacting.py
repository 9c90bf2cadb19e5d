"""Tests of the judge that redacts: what a hosted model sees, and what a caller gets back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from evaluator.backends import BACKENDS, Backend
from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_model import ChatReply, ChatRequest
from evaluator.batch.spec import make_spec
from evaluator.judges.building import JudgePlan, build_judge
from evaluator.judges.cached import Cached
from evaluator.judges.redacting import Redacting
from evaluator.judging import Judgement
from evaluator.pipeline import aevaluate
from evaluator.prompt import load_prompts
from evaluator.store.answers import AnswerFile, Answers
from evaluator.values.judge import Vote
from evaluator.values.transcript import Transcript
from evaluator.values.usage import Usage
from tests.fakes import make_rubric, make_transcript, opinion
from tests.judges.judges import Scripted, make_case

_SECRETS: Final = ("Anna", "Kowalska", "Tomoko", "anna.k@b.example", "555", "kowalska", "gmail")
_SAID: Final = (
    "Thanks, Tomoko, I'm Anna Kowalska. Anna tracks clicks, because clicks are what Tomoko's team can count. "
    "Cancellations must not rise. Write to anna.k@b.example or anna dot k at gmail dot com, or call 555-123-4567."
)


def _transcript() -> Transcript:
    return make_transcript(
        ("interviewer", "Hello Anna, tell me how you'd measure it."),
        _SAID,
        question="Anna, how would you measure success of the new row?",
        names={"candidate": "Anna Kowalska", "interviewer": "Tomoko"},
    )


class _Hosted:
    """A chat model elsewhere: refuses to be shown a secret, and quotes what it was shown."""

    provider = "elsewhere"
    model = "m"

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def complete(self, request: ChatRequest) -> ChatReply:
        sent = "\n".join((request.system, *request.messages, json.dumps(request.schema)))
        leaked = [secret for secret in _SECRETS if secret in sent]
        assert not leaked, leaked
        self.asked.append(request.messages[-1])
        shown = json.loads(request.messages[-1])[request.nonce]["turns"][1]["text"]
        quote = shown[shown.index("[NAME_1] tracks") : shown.index(" can count")]
        verdicts = [
            {
                "criterion": key,
                "reasoning": "[NAME_1] counts activity.",
                "quotes": [{"turn": 1, "text": quote}] if key == "vanity" else [],
                "verdict": "present",
                "confidence": 0.9,
            }
            for key in ("vanity", "no_goal", "no_guardrail")
        ]
        reply = {
            "verdicts": verdicts,
            "summary": "[NAME_1] counts clicks.",
            "better_answer": {"goal_and_metric": "I'm [NAME_1].", "guardrail": "g", "instrumentation": "i"},
            "follow_up_questions": ["Why, [NAME_1]?"],
        }
        return ChatReply(text=json.dumps(reply), stop="complete", usage=Usage(requests=1))


class _Memory:
    """A store that can be looked into."""

    def __init__(self) -> None:
        self.kept: dict[str, Answers] = {}

    async def read(self, head: str) -> Answers:
        return self.kept.get(head, Answers({}, {}))

    async def write(self, head: str, answers: Answers) -> None:
        self.kept[head] = answers


async def test_a_hosted_model_never_sees_what_was_redacted() -> None:
    """No request holds a name, address or number; all that comes back is in the candidate's own words, and proved."""
    model = _Hosted()
    store = _Memory()
    judge = Redacting(Cached(ChatJudge(model, load_prompts()), store))
    evaluation = await aevaluate(_transcript(), make_rubric(), judge)
    assert model.asked
    vanity = next(finding for finding in evaluation.findings if finding.criterion == "vanity")
    assert vanity.evidence[0].quote == "Anna tracks clicks, because clicks are what Tomoko's team"
    assert vanity.evidence[0].match == "exact"
    assert vanity.reason == "Anna counts activity."
    assert evaluation.feedback.summary == "Anna counts clicks."
    assert evaluation.feedback.three_sentence_answer == "I'm Anna. g i"
    assert evaluation.feedback.follow_up_questions == ("Why, Anna?",)
    assert evaluation.transcript.turns[1].text == _SAID
    flag = next(flag for flag in evaluation.flags if flag.code == "redacted")
    assert "3 words of names, 2 e-mail addresses and 1 phone number" in flag.message
    assert not any(secret in flag.message for secret in _SECRETS)
    kept = repr(store.kept)
    assert "[NAME_1] tracks clicks" in kept
    assert not any(secret in kept for secret in _SECRETS)


async def test_what_was_kept_comes_back_in_the_same_words(tmp_path: Path) -> None:
    """An answer from the store costs nothing and reads like the first; the flag is told again."""
    model = _Hosted()
    judge = Redacting(Cached(ChatJudge(model, load_prompts()), AnswerFile(tmp_path / "answers.sqlite")))
    first = await judge.judge(make_case("vanity", "no_goal", "no_guardrail", transcript=_transcript()))
    asked = len(model.asked)
    again = await judge.judge(make_case("vanity", "no_goal", "no_guardrail", transcript=_transcript()))
    assert len(model.asked) == asked
    assert again.opinions == first.opinions
    assert [flag.code for flag in again.flags] == ["redacted", "from_cache"]


async def test_votes_and_texts_are_filled_in() -> None:
    """What several answers said of a criterion is told in the words of the transcript, too."""

    class _Voting(Scripted):
        async def judge(self, case: object) -> Judgement:
            del case
            vote = Vote(voter="answer 1", verdict="present", confidence=0.5, reason="[NAME_1] said so.")
            return Judgement((opinion("vanity", "present"),), votes={"vanity": (vote,)})

    judged = await Redacting(_Voting(())).judge(make_case(transcript=make_transcript("I'm Anna.", question=None)))
    assert judged.votes["vanity"][0].reason == "Anna said so."
    assert (judged.summary, judged.better_answer, judged.follow_ups) == (None, None, ())


def test_a_plan_redacts_for_hosted_judges_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each hosted judge stands behind the redaction, its cache too; one on this machine sees the words."""
    for name, hosted in (("one", True), ("free", False)):
        row = Backend(title=name, module="tests.judges.hosted_backend", needs="nothing", hosted=hosted)
        monkeypatch.setitem(BACKENDS, name, row)
    plan = JudgePlan(backend="one", cache=tmp_path / "o.sqlite", redact=True)
    redacting = build_judge(plan)
    assert isinstance(redacting, Redacting)
    assert isinstance(vars(redacting)["_judge"], Cached)
    assert isinstance(build_judge(JudgePlan(backend="free", redact=True)), Scripted)
    seated = vars(build_judge(replace(plan, backend="local", committee=("one", "free"))))["_members"]
    assert {name: type(judge) for name, judge in seated.items()} == {"one": Redacting, "free": Scripted}


def test_a_run_that_redacts_is_another_run() -> None:
    """Answers differ, so the hash under which results are kept differs; without it, it is what it always was."""
    rubric, judge = make_rubric(), Scripted(())
    plain = make_spec(rubric, judge, {"backend": "one"}).grading
    assert make_spec(rubric, judge, {"backend": "one", "redact": False}).grading == plain
    assert make_spec(rubric, judge, {"backend": "one", "redact": True}).grading != plain
    assert make_spec(rubric, Redacting(judge), {"backend": "one"}).grading != plain
    assert Redacting(judge).info(rubric).method == "chat, names and contacts redacted"
