"""What is wrong with a folder of recordings, without asking anybody.

In: the folder, and the system prompts that are sent today. Out: a list of faults, each with its file. What nothing asks
for any longer can only be told by asking (see `Recordings.leftovers`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import JsonValue

from evaluator.backends.recording_file import Recording, read_recording
from evaluator.backends.recording_secrets import found_secrets
from evaluator.backends.recordings import Recordings
from evaluator.errors import RecordingError

__all__ = ["FolderFault", "check_folder"]

_Kind = Literal["unreadable", "damaged", "foreign", "secret", "duplicate", "stale", "leftover", "missing"]
_CHAT_PATHS: Final = ("/responses", "/messages", "/chat/completions", "/decisions")
_BESIDE: Final = "README.md"  # may lie in the folder


@dataclass(frozen=True, slots=True)
class FolderFault:
    """One thing that is wrong.

    Attributes:
        kind: Stable name.
        file: Path within the folder, or the input that it concerns.
        message: What is wrong and what to do; never what the file holds.
    """

    kind: _Kind
    file: str
    message: str


def check_folder(recordings: Recordings, prompts: Sequence[str]) -> list[FolderFault]:
    """Return what is wrong with the files of a folder, in the order of their names.

    Args:
        recordings: The folder.
        prompts: System prompts that are sent today, one for each rubric; a chat that was asked with none is stale.
    """
    own = set(recordings.files())
    seen: dict[str, str] = {}
    faults: list[FolderFault] = []
    for path in sorted(path for path in recordings.folder.rglob("*") if not path.is_dir()):
        name = path.relative_to(recordings.folder).as_posix()
        if path in own:
            faults += _faults(path, name, prompts, seen)
        elif name != _BESIDE:
            faults.append(
                FolderFault("foreign", name, "it has neither the place nor the name of a recording: delete it")
            )
    return faults


def _faults(path: Path, name: str, prompts: Sequence[str], seen: dict[str, str]) -> Iterator[FolderFault]:
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        yield FolderFault("unreadable", name, f"it can't be read: {reason}")
        return
    secrets = set(found_secrets(content.decode(errors="replace"), accounts=False))
    recording = None
    try:
        recording = read_recording(content, name=path.name)
        secrets |= set(found_secrets(recording.response.model_dump_json()))
    except RecordingError as error:
        yield FolderFault("damaged", name, f"{error.message} ({error.remedy})")
    if secrets:
        kinds = " and a ".join(sorted(secrets))
        yield FolderFault("secret", name, f"it holds what looks like a {kinds}: revoke it, then delete the file")
    if recording:
        yield from _faults_of(recording, path, name, prompts, seen)


def _faults_of(
    recording: Recording, path: Path, name: str, prompts: Sequence[str], seen: dict[str, str]
) -> Iterator[FolderFault]:
    if recording.provider != path.parent.name:
        yield FolderFault("foreign", name, f"it belongs in {recording.provider}/, not here: move it")
    first = seen.setdefault(recording.request.sha256, name)
    if first != name:
        yield FolderFault("duplicate", name, f"the same request is recorded in {first}: delete one")
    asked = recording.request.path.partition("?")[0].endswith(_CHAT_PATHS)
    if asked and not any(prompt.strip() in text for text in _texts(recording.request.body) for prompt in prompts):
        yield FolderFault("stale", name, "it was asked with another prompt or rubric than today's: record it again")


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)
        case _:
            pass
