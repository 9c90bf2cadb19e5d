"""The path to a compatible server, proven on a real one: ``make test-live``; never part of ``make test``.

One run over a few short transcripts is recorded into a temporary folder; each test reads what came of it.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from evaluator.backends.recording import RecordingOptions
from evaluator.backends.recording_file import Recording
from evaluator.backends.reply import ReplyProblem, read_reply
from evaluator.values.evaluation import Evaluation
from tests.live.live_server import TRANSCRIPTS, grade, record_in_rounds, recordings_in, serving

pytestmark = pytest.mark.loopback

_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class _Run:
    folder: Path
    recordings: tuple[Recording, ...]
    evaluations: dict[str, Evaluation]

    def replies(self) -> list[tuple[dict[str, Any], str]]:
        """Return each request's body with its reply, of those that came to an end by themselves."""
        found: list[tuple[dict[str, Any], str]] = []
        for recording in self.recordings:
            body: Any = recording.response.body
            asked: Any = recording.request.body
            choice = body["choices"][0]
            if choice["finish_reason"] == "stop":
                found.append((asked, choice["message"]["content"]))
        return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> _Run:
    """Grade every transcript on the server, once for all tests."""
    with serving() as url:
        folder, evaluations = asyncio.run(record_in_rounds(url, tmp_path_factory.mktemp("live"), _ROUNDS))
    return _Run(folder, tuple(recordings_in(folder)), evaluations)


def test_the_server_holds_to_the_schema(run: _Run) -> None:
    """Each reply that came to its end is one object with the schema's keys, and some are accepted as they stand."""
    accepted = 0
    for asked, text in run.replies():
        schema = asked["response_format"]["json_schema"]["schema"]
        reply = json.loads(text)
        assert list(reply) == schema["required"]
        verdict_keys = schema["properties"]["verdicts"]["items"]["required"]
        assert all(list(verdict) == verdict_keys for verdict in reply["verdicts"])
        try:
            read_reply(text)
        except ReplyProblem as problem:
            assert "confidence" in str(problem)  # a range is the one thing that the server can't hold it to  # noqa: PT017
        else:
            accepted += 1
    assert accepted


def test_a_second_question_is_asked_where_the_first_answer_fell_short(run: _Run) -> None:
    """No transcript takes more than two requests, at least one takes two, and the second names what was wrong."""
    assert {evaluation.usage.requests for evaluation in run.evaluations.values()} <= {1, 2}
    tasks = [json.dumps(recording.request.body) for recording in run.recordings]
    assert len(tasks) == sum(evaluation.usage.requests for evaluation in run.evaluations.values())
    assert sum("An earlier reply" in task for task in tasks) == len(tasks) - len(TRANSCRIPTS) > 0


def test_only_words_that_were_said_prove_anything(run: _Run) -> None:
    """Whatever the model quotes, what counts stands in a candidate's turn; what can't be proved is unscored."""
    for evaluation in run.evaluations.values():
        turns = evaluation.transcript.turns
        for finding in evaluation.findings:
            for item in finding.evidence:
                assert turns[item.turn].role == "candidate"
                assert turns[item.turn].text[item.start : item.end] == item.quote
            proved = (finding.kind, finding.verdict) in {("commission", "present"), ("omission", "absent")}
            assert finding.evidence or not proved


def test_usage_is_counted_and_not_priced(run: _Run) -> None:
    """Tokens are the server's; a model without a price costs an unknown sum, not nothing."""
    for evaluation in run.evaluations.values():
        assert evaluation.usage.input_tokens > 500
        assert evaluation.usage.output_tokens > 50
        assert not evaluation.usage.priced


def test_what_was_recorded_replays_to_the_same_result(run: _Run) -> None:
    """Without the server, the same evaluations come of the recordings."""
    again = asyncio.run(grade(RecordingOptions(mode="replay", folder=run.folder)))
    for name, evaluation in run.evaluations.items():
        assert again[name].findings == evaluation.findings
        assert again[name].scorecard == evaluation.scorecard
