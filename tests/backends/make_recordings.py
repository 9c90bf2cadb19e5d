"""Make the synthetic recordings again: ``make recordings``, after any change of a prompt, a rubric or a case.

Each case is graded by the real judge over the real SDK; only the provider is made up. Synthetic recordings that
nothing asks for any longer are deleted; live ones are left alone.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from evaluator.backends import anthropic, openai
from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_model import ChatModel
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.recording_file import read_recording
from evaluator.backends.recording_transport import Recorder, Stamp
from evaluator.backends.recordings import Recordings
from evaluator.pipeline import aevaluate
from evaluator.prompt import load_prompts
from evaluator.rubric import load_rubric
from tests.backends.synthetic_cases import CASES
from tests.backends.synthetic_provider import DATE, PROVIDERS, Provider, SyntheticProvider

__all__ = ["COMMAND", "FOLDER", "RUBRIC", "build_model", "make"]

COMMAND: Final = "make recordings"
FOLDER: Final = Path(__file__).resolve().parents[2] / "fixtures" / "recordings"
RUBRIC: Final = "netflix_pm_metrics"

_KEY: Final = SecretStr("sk-synthetic-" + "0123456789abcdef" * 2)
_NOTE: Final = "Written for tests by `make recordings`, after the labels of {}; no model said this."


def build_model(provider: Provider, options: ChatOptions) -> ChatModel:
    """Return the model of a provider, its default one."""
    return openai.build_model(options) if provider == "openai" else anthropic.build_model(options)


async def make(folder: Path = FOLDER) -> int:
    """Write all recordings into a folder, and delete the synthetic ones that are left over.

    Returns:
        How many there are.
    """
    rubric = load_rubric(RUBRIC)
    recordings = Recordings(folder)
    for provider in PROVIDERS:
        played = SyntheticProvider(provider, rubric)
        for case in CASES:
            played.play(case)
            stamp = Stamp(_NOTE.format(case.id), "synthetic", DATE)
            recorder = partial(Recorder, recordings, provider, played, stamp)
            model = build_model(provider, ChatOptions(api_key=_KEY, transport=recorder))
            await aevaluate(case.transcript, rubric, ChatJudge(model, load_prompts()))
    leftovers = recordings.leftovers()
    for path in leftovers:
        if read_recording(path.read_bytes(), name=path.name).origin == "synthetic":
            path.unlink()
    return len(list(recordings.files()))


if __name__ == "__main__":
    print(f"{asyncio.run(make())} recordings in {FOLDER.name}")  # noqa: T201 - a command says what it did
