"""What a real server said, replayed: ``make live-recordings`` records it again after a change of a prompt."""

from __future__ import annotations

from typing import Final

import pytest

from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.recording import RecordingOptions
from evaluator.backends.recording_check import check_folder
from evaluator.backends.recording_file import Recording
from evaluator.pipeline import aevaluate
from evaluator.prompt import load_prompts
from evaluator.values.evaluation import Evaluation
from tests.backends.make_recordings import FOLDER
from tests.live.live_server import (
    MODEL,
    PROVIDER,
    TRANSCRIPTS,
    accepted_reply,
    build_judge,
    live_rubric,
    live_transcript,
    recordings_in,
)

_COMMAND: Final = "make live-recordings"


def _options() -> RecordingOptions:
    return RecordingOptions(mode="replay", folder=FOLDER, command=_COMMAND)


def _recordings() -> list[Recording]:
    return [recording for recording in recordings_in(FOLDER) if recording.provider == PROVIDER]


async def _replay(name: str, judge: ChatJudge) -> Evaluation:
    return await aevaluate(live_transcript(name), live_rubric(), judge)


@pytest.mark.parametrize("name", TRANSCRIPTS)
async def test_a_live_recording_is_judged_by_what_can_be_proved(name: str) -> None:
    """Nonsense in good form: the result is whole, and each proof stands in a candidate's turn."""
    evaluation = await _replay(name, build_judge(_options()))
    assert evaluation.judge.model.startswith(MODEL)
    assert evaluation.usage.requests in {1, 2}
    assert not evaluation.usage.priced
    turns = evaluation.transcript.turns
    for finding in evaluation.findings:
        assert all(turns[e.turn].text[e.start : e.end] == e.quote for e in finding.evidence)
        assert finding.evidence or (finding.kind, finding.verdict) not in {
            ("commission", "present"),
            ("omission", "absent"),
        }


async def test_live_recordings_show_a_valid_reply_and_a_second_question() -> None:
    """Among them: a reply accepted to the letter, words that were said, a re-ask; and none is left over."""
    options = _options()
    judge = build_judge(options)
    evaluations = [await _replay(name, judge) for name in TRANSCRIPTS]
    accepted = [reply for recording in _recordings() if (reply := accepted_reply(recording))]
    assert any(reply.verdicts for reply in accepted)
    assert any(finding.evidence for evaluation in evaluations for finding in evaluation.findings)
    assert any(evaluation.usage.requests == 2 for evaluation in evaluations)
    assert [path for path in options.recordings.leftovers() if path.parent.name == PROVIDER] == []


def test_live_recordings_say_where_they_come_from() -> None:
    """Each names its model and date and is marked live; the folder has no faults for this rubric."""
    assert {(recording.origin, recording.model) for recording in _recordings()} == {("live", MODEL)}
    rubric = live_rubric()
    prompt = load_prompts().render("judge.system.md", rubric=rubric, criteria=rubric.criteria)
    faults = [fault for fault in check_folder(_options().recordings, [prompt]) if fault.file.startswith(PROVIDER)]
    assert faults == []
