"""The shipped recordings, replayed through the real SDKs, the chat judge and the whole path, with the network closed.

What is asserted is the request that is really built and the evaluation that comes of the answer. If a prompt, a rubric
or a case changes, the synthetic ones are made again by ``make recordings``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import httpx2
import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from pydantic import BaseModel

from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.recording import RecordingOptions
from evaluator.backends.recording_check import check_folder
from evaluator.backends.recording_file import read_recording
from evaluator.backends.recording_secrets import found_secrets
from evaluator.backends.recordings import Recordings
from evaluator.pipeline import aevaluate
from evaluator.prompt import load_prompts
from evaluator.quotes import judged_view
from evaluator.rubric import load_rubric
from evaluator.values.evaluation import Evaluation
from evaluator.values.finding import Finding
from tests.backends.make_recordings import COMMAND, FOLDER, RUBRIC, build_model, make
from tests.backends.synthetic_cases import CASES, INVENTED, Case, Fault
from tests.backends.synthetic_provider import PROVIDERS, Provider

_FILES: Final = tuple(Recordings(FOLDER).files())
_SDK_FORMS: Final[dict[str, type[BaseModel]]] = {
    "openai": Response,
    "anthropic": Message,
    "openai-compatible": ChatCompletion,
}
_SECRETS: Final = re.compile(
    r"\b(sk|pk|rk)-[\w-]{12,}|[Bb]earer |x-api-key|authorization|set-cookie|AKIA\w{12}|ghp_|hf_\w{10}|xox[bp]-"
    r"|PRIVATE KEY|\borg-\w{6,}|\bproj_\w{6,}|req_\w{8,}|/(?:home|root|Users|tmp)/"
)
_NONCE: Final = re.compile(r"request-[0-9a-f]{32}")


@dataclass
class _Grading:
    """One case replayed: what was sent, and what came of it."""

    sent: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    result: Evaluation | None = None

    @property
    def evaluation(self) -> Evaluation:
        assert self.result is not None
        return self.result

    def finding(self, criterion: str) -> Finding:
        return next(found for found in self.evaluation.findings if found.criterion == criterion)


class _Watched(httpx2.AsyncBaseTransport):
    """Keeps the bodies that pass."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, sent: list[dict[str, Any]]) -> None:
        self._inner = inner
        self._sent = sent

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._sent.append(json.loads(request.content))
        return await self._inner.handle_async_request(request)


async def _replay(provider: Provider, case: Case) -> _Grading:
    grading = _Grading()
    replay = RecordingOptions(mode="replay", folder=FOLDER, command=COMMAND).transport(provider)
    assert replay is not None
    model = build_model(provider, ChatOptions(transport=lambda: _Watched(replay(), grading.sent)))
    grading.result = await aevaluate(case.transcript, load_rubric(RUBRIC), ChatJudge(model, load_prompts()))
    return grading


def _messages(body: dict[str, Any]) -> list[str]:
    """Return the user messages of a body of either provider."""
    return [message["content"] for message in body.get("input") or body["messages"]]


def _case(fault: Fault) -> Case:
    return next(case for case in CASES if case.fault == fault)


def _reasked(grading: _Grading) -> dict[str, str]:
    """Return what the second request names as wrong, by criterion."""
    return dict(re.findall(r"^- (\w+): (.+)$", _messages(grading.sent[1])[0], re.MULTILINE))


def _asked(grading: _Grading) -> list[str]:
    named = re.search(r"in this order: ([\w, ]+)\.", _messages(grading.sent[0])[0])
    assert named
    return named.group(1).split(", ")


def _as_labelled(grading: _Grading, case: Case, *, but: tuple[str, ...] = ()) -> bool:
    """Check every verdict that a label decides, and that each proof is the labelled words at their place."""
    for finding in grading.evaluation.findings:
        label = case.labels.get(finding.criterion)
        if finding.criterion in but or finding.kind == "measured" or label not in {"present", "absent"}:
            continue
        wanted = case.quote(finding.criterion)
        if finding.verdict == "na":  # the product's own rule of what applies comes first
            assert finding.criterion not in _asked(grading)
        elif finding.verdict == "unscored":
            assert wanted is None
        else:
            assert finding.verdict == label
        if finding.evidence:
            assert wanted
            assert [item.quote for item in finding.evidence] == [wanted.text]
    return True


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.fault}")
async def test_a_recorded_case_is_judged_as_labelled(provider: Provider, case: Case) -> None:
    """Verdicts are the labels', proofs stand where the labels say, and one request was enough unless it had to ask."""
    grading = await _replay(provider, case)
    evaluation = grading.evaluation
    assert evaluation.judge.backend == provider
    assert evaluation.usage.requests == len(grading.sent) == 1 + case.asks_again
    if case.fault not in {"refused", "ungrounded_twice"}:
        assert _as_labelled(grading, case)
        assert evaluation.feedback.origin == "model"
        assert evaluation.scorecard.band
    turns = evaluation.transcript.turns
    for item in (item for finding in evaluation.findings for item in finding.evidence):
        assert turns[item.turn].role == "candidate"
        assert turns[item.turn].text[item.start : item.end] == item.quote


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_the_request_isolates_the_transcript(provider: Provider, case: Case) -> None:
    """The static part comes first, the same for all; the judged text is one JSON string in a message of its own."""
    grading = await _replay(provider, case)
    rubric = load_rubric(RUBRIC)
    static = load_prompts().render("judge.system.md", rubric=rubric, criteria=rubric.criteria)
    for body in grading.sent:
        assert (body["instructions"] if provider == "openai" else body["system"][0]["text"]) == static
        *tasks, judged = _messages(body)
        ((nonce, content),) = json.loads(judged).items()
        assert _NONCE.fullmatch(nonce)
        assert all(nonce in task for task in tasks)
        assert [turn["text"] for turn in content["turns"]] == [judged_view(t.text) for t in case.transcript.turns]
        assert not any(turn.text[:60] in task for turn in case.transcript.turns for task in (*tasks, static))
        assert body.get("max_output_tokens") or body.get("max_tokens")
    assert len({nonce for body in grading.sent for nonce in _NONCE.findall(_messages(body)[-1])}) == len(grading.sent)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_words_nobody_said_are_asked_about_again(provider: Provider) -> None:
    """The second request names that criterion alone, with the rejected words beside the transcript; then it counts."""
    case = _case("ungrounded")
    grading = await _replay(provider, case)
    ((criterion, message),) = _reasked(grading).items()
    (judged,) = json.loads(_messages(grading.sent[1])[-1]).values()
    assert judged["rejected_quotes"] == {criterion: [INVENTED]}
    assert "rejected_quotes" in message
    assert INVENTED not in _messages(grading.sent[1])[0]
    assert _as_labelled(grading, case)
    assert grading.finding(criterion).evidence


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_words_nobody_said_twice_prove_nothing(provider: Provider) -> None:
    """After the second try the criterion is unscored, and the invented words stand nowhere in the result."""
    case = _case("ungrounded_twice")
    grading = await _replay(provider, case)
    (criterion,) = _reasked(grading)
    assert (grading.finding(criterion).verdict, grading.finding(criterion).evidence) == ("unscored", ())
    assert _as_labelled(grading, case, but=(criterion,))
    assert INVENTED not in grading.evaluation.model_dump_json()


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "words"),
    [("truncated", "cut off"), ("invalid_json", "not valid JSON"), ("extra_score", "extra_forbidden")],
)
async def test_an_unusable_reply_is_asked_for_again_whole(provider: Provider, fault: Fault, words: str) -> None:
    """A reply that is cut, wrapped in prose or holds a score gives no verdict at all; the reason is named."""
    grading = await _replay(provider, _case(fault))
    problems = _reasked(grading)
    assert list(problems) == _asked(grading)
    assert all(words in message for message in problems.values())


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_verdicts_left_out_are_asked_for_alone(provider: Provider) -> None:
    """The second request is about the missing three, in their order."""
    grading = await _replay(provider, _case("missing"))
    assert list(_reasked(grading)) == _asked(grading)[-3:]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_refusal_decides_nothing(provider: Provider) -> None:
    """A model that refuses twice leaves everything unscored, and a person must look."""
    grading = await _replay(provider, _case("refused"))
    asked = _asked(grading)
    left = [grading.finding(key) for key in asked if grading.finding(key).kind != "measured"]
    assert {finding.verdict for finding in left} == {"unscored"}
    assert all("refused" in finding.reason for finding in left)
    assert grading.evaluation.scorecard.needs_review
    assert grading.evaluation.scorecard.band is None


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_static_part_is_cached_from_the_second_call_on(provider: Provider) -> None:
    """Usage is read as the provider counts it: nothing cached at first, most of the input afterwards."""
    first, second = [(await _replay(provider, case)).evaluation.usage for case in CASES[:2]]
    assert (first.cached_tokens, first.priced, second.priced) == (0, True, True)
    assert second.cached_tokens > 0.75 * second.input_tokens
    assert second.cost_usd < first.cost_usd


@pytest.mark.parametrize("path", _FILES, ids=lambda path: f"{path.parent.name}-{path.stem[:8]}")
def test_an_answer_is_exact_to_the_wire(path: Path) -> None:
    """The SDK's own type takes the body and gives it back unchanged; a synthetic one has no key beyond it."""
    recording = read_recording(path.read_bytes(), name=path.name)
    body = recording.response.body
    parsed = _SDK_FORMS[recording.provider].model_validate(body)
    assert parsed.model_dump(mode="json", by_alias=True, exclude_unset=True) == body
    if recording.origin == "synthetic":
        assert _unknown_keys(parsed) == []


def _unknown_keys(value: object, place: str = "") -> list[str]:
    if isinstance(value, BaseModel):
        extra = [f"{place}.{name}" for name in value.model_extra or {}]
        return extra + [key for name in type(value).model_fields for key in _unknown_keys(getattr(value, name), name)]
    if isinstance(value, list):
        return [key for item in cast("list[object]", value) for key in _unknown_keys(item, place)]
    return []


@pytest.mark.parametrize("path", _FILES, ids=lambda path: f"{path.parent.name}-{path.stem[:8]}")
def test_no_recording_holds_a_secret(path: Path) -> None:
    """No key, token, cookie, id of an account or path of a machine stands in any of them."""
    text = path.read_text(encoding="utf-8")
    assert _SECRETS.search(text) is None
    assert found_secrets(text) == ()


def test_recordings_cover_both_providers_and_every_fault() -> None:
    """At least twelve transcripts of every type of question and each fault, for each provider; made-up ones say so."""
    recordings = [read_recording(path.read_bytes(), name=path.name) for path in _FILES]
    for provider in PROVIDERS:
        own = [recording for recording in recordings if recording.provider == provider]
        assert len(own) == len(CASES) + sum(case.asks_again for case in CASES)
        assert {recording.origin for recording in own} == {"synthetic"}
        assert all("no model said this" in recording.note for recording in own)
    types = {case.transcript.question_type for case in CASES}
    assert len(CASES) >= 12
    assert types >= {kind.id for kind in load_rubric(RUBRIC).question_types}


async def test_synthetic_recordings_are_what_the_maker_writes(tmp_path: Path) -> None:
    """They are up to date: made again, they are the same files. Otherwise run ``make recordings``."""
    await make(tmp_path)
    made = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in Recordings(tmp_path).files()}
    shipped = {
        path.relative_to(FOLDER).as_posix(): path.read_text() for path in _FILES if path.parent.name in PROVIDERS
    }
    differing = sorted(name for name in made.keys() | shipped.keys() if made.get(name) != shipped.get(name))
    assert not differing, f"{len(differing)} recordings are out of date; run: {COMMAND}"


def test_the_shipped_folder_has_no_faults() -> None:
    """`evaluator record check` would find nothing."""
    rubric = load_rubric(RUBRIC)
    prompts = [load_prompts().render("judge.system.md", rubric=rubric, criteria=rubric.criteria)]
    faults = [fault for fault in check_folder(Recordings(FOLDER), prompts) if "openai-compatible" not in fault.file]
    assert faults == []
