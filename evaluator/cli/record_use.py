"""Which recordings are still asked for: transcripts are graded by replay with every model that was recorded.

In: recordings and transcripts. Out: the recordings that none of them used, and the transcripts that none of the models
could grade from recordings alone. The network is never opened.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Final, Protocol, cast, get_args

import numpy as np
from pydantic import JsonValue

from evaluator.agreement.labels import read_labels
from evaluator.backends import decisions_model
from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_model import ChatModel
from evaluator.backends.chat_options import ChatOptions, Effort
from evaluator.backends.decisions_judge import DecisionsJudge
from evaluator.backends.encoder import Vectors
from evaluator.backends.recording_check import FolderFault
from evaluator.backends.recording_file import RecordedRequest, read_recording
from evaluator.backends.recordings import Recordings
from evaluator.backends.repetition import asking
from evaluator.cli.terminal import shown_path
from evaluator.errors import JudgeError, RecordingError, RecordingMissing
from evaluator.judging import Judge
from evaluator.pipeline import aevaluate
from evaluator.prompt import DECISION_FILES, load_prompts
from evaluator.rubric import Rubric, load_rubric
from evaluator.transcripts import parse_transcript
from evaluator.values.transcript import Transcript

__all__ = ["How", "find_leftovers", "read_inputs", "system_prompts"]

_ENDINGS: Final = {
    "openai": "/responses",
    "anthropic": "/v1/messages",
    "openai-compatible": "/chat/completions",
    decisions_model.PROVIDER: "/decisions",
}
_NOWHERE: Final = "https://recordings.invalid"  # an address is needed to build a request, and never asked


@dataclass(frozen=True, slots=True)
class How:
    """How the recordings were made.

    Attributes:
        rubrics: Rubrics to judge by; the default one if empty.
        split: Most criteria in one call.
        max_output_tokens: As chosen then.
    """

    rubrics: tuple[Rubric, ...] = ()
    split: int | None = None
    max_output_tokens: int | None = None

    def judged_by(self) -> tuple[Rubric, ...]:
        """Return the rubrics, never none."""
        return self.rubrics or (load_rubric("netflix_pm_metrics"),)


class _Builder(Protocol):
    def build_model(self, options: ChatOptions) -> ChatModel:
        """Build a model."""
        ...


@dataclass(frozen=True, slots=True)
class _Variant:
    """A model as some recordings show that it was asked."""

    provider: str
    model: str
    base_url: str
    effort: Effort | None
    temperature: float | None

    def judge(self, recordings: Recordings, how: How) -> Judge:
        from evaluator.backends.recording_transport import Replayer  # noqa: PLC0415 - it loads the HTTP library

        options = ChatOptions(
            model=self.model,
            base_url=self.base_url,
            effort=self.effort,
            temperature=self.temperature,
            max_output_tokens=how.max_output_tokens,
            transport=partial(Replayer, recordings, self.provider),
        )
        if self.provider == decisions_model.PROVIDER:
            model = decisions_model.build_model(options)
            return DecisionsJudge(model, load_prompts(None, DECISION_FILES), _NoEncoder(), split=how.split)
        module = importlib.import_module(f"evaluator.backends.{self.provider.replace('-', '_')}")
        return ChatJudge(cast("_Builder", module).build_model(options), load_prompts(), split=how.split)


class _NoEncoder:
    """Finds no proof: what is asked for doesn't depend on it."""

    name = sha256 = ""

    def encode(self, sentences: Sequence[str]) -> Vectors:
        return np.zeros((len(sentences), 1), dtype=np.float32)

    def width(self, sentence: str) -> int:
        return len(sentence)


def system_prompts(rubrics: Sequence[Rubric]) -> list[str]:
    """Return the system prompts of each rubric, as a chat judge and the decisions judge send them today."""
    chat, decisions = load_prompts(), load_prompts(None, DECISION_FILES)
    return [
        *(chat.render("judge.system.md", rubric=rubric, criteria=rubric.criteria) for rubric in rubrics),
        *(decisions.render("decisions.system.md", rubric=rubric) for rubric in rubrics),
    ]


def read_inputs(files: Sequence[Path], labels: Path | None, how: How) -> dict[str, Transcript]:
    """Return transcripts by name: those of files, and those of labelled rows that could be read.

    Raises:
        TranscriptError: A file is no transcript.
        LabelsError: The file of labels can't be used.
    """
    found = {shown_path(path): parse_transcript(path) for path in files}
    rows = read_labels(labels, how.judged_by()[0]).rows if labels else ()
    return found | {row.id: row.transcript for row in rows if row.transcript}


def find_leftovers(recordings: Recordings, inputs: Mapping[str, Transcript], how: How) -> list[FolderFault]:
    """Return the recordings that grading the inputs doesn't use, and the inputs that recordings can't grade."""
    ungraded = asyncio.run(_replay(recordings, inputs, how))
    missing = [
        FolderFault("missing", name, "no model of the folder can grade it from recordings: record it")
        for name in ungraded
    ]
    leftovers = [
        FolderFault("leftover", path.relative_to(recordings.folder).as_posix(), "nothing asks for it: delete it")
        for path in recordings.leftovers()
    ]
    return missing + leftovers


async def _replay(recordings: Recordings, inputs: Mapping[str, Transcript], how: How) -> list[str]:
    """Grade every input with every model and rubric; return the names of those that none could grade."""
    ungraded = dict.fromkeys(inputs)
    found = list(_variants(recordings))
    times = range(1, max((time for _, time in found), default=1) + 1)
    for variant in sorted({variant for variant, _ in found}, key=repr):
        judge = variant.judge(recordings, how)
        for time, (name, transcript), rubric in product(times, inputs.items(), how.judged_by()):
            with asking(time):
                try:
                    await aevaluate(transcript, rubric, judge)
                except (RecordingMissing, RecordingError, JudgeError):
                    continue  # another model may have been recorded for it; damage is listed by the check of the folder
                ungraded.pop(name, None)
    return list(ungraded)


def _variants(recordings: Recordings) -> Iterator[tuple[_Variant, int]]:
    """Yield who was asked in each recording, and which time."""
    for path in recordings.files():
        try:
            recording = read_recording(path.read_bytes(), name=path.name)
        except (OSError, RecordingError):
            continue
        provider, request = recording.provider, recording.request
        ending = _ENDINGS.get(provider)
        if ending and provider == path.parent.name and request.path.endswith(ending) and request.model:
            variant = _Variant(
                provider=provider,
                model=request.model,
                base_url=_NOWHERE + request.path.removesuffix(ending),
                effort=_effort(request),
                temperature=_temperature(request),
            )
            yield variant, request.time


def _effort(request: RecordedRequest) -> Effort | None:
    body = request.body if isinstance(request.body, dict) else {}
    places: tuple[JsonValue, ...] = (body.get("reasoning"), body.get("output_config"))
    found = [body.get("reasoning_effort"), *(place.get("effort") for place in places if isinstance(place, dict))]
    return next((effort for effort in _EFFORTS if effort in found), None)


_EFFORTS: Final[tuple[Effort, ...]] = get_args(Effort)


def _temperature(request: RecordedRequest) -> float | None:
    value = request.body.get("temperature") if isinstance(request.body, dict) else None
    return float(value) if isinstance(value, int | float) else None
