"""A folder of recordings: ``FOLDER/<provider>/<sha256 of the canonical request>.json``.

In: a request to find, or an exchange to keep. Out: the recording, or an error that says what was asked and how to
record it. Apart from the transport, so that checking a folder needs no HTTP. Safe to share between threads and loops.
"""

from __future__ import annotations

import re
import secrets
import shlex
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from evaluator.backends.recording_file import RecordedRequest, Recording, read_recording, written
from evaluator.errors import RecordingError, RecordingMissing

__all__ = ["Recordings", "recording_command"]

_NAME: Final = re.compile(r"[0-9a-f]{64}\.json")
_SHOWN_KEY: Final = re.compile(r"[A-Za-z0-9_$-]{1,40}")
_OK: Final = range(200, 300)


class Recordings:
    """The recordings of one folder, and which of them were used."""

    def __init__(self, folder: Path, *, command: str | None = None) -> None:
        """Hold the folder; nothing is read yet.

        Args:
            folder: It need not exist before something is kept.
            command: What records a request that is missing; a general one if not given.
        """
        self.folder = folder
        self._command = command
        self._used: set[Path] = set()
        self._known: list[_Known] | None = None
        self._lock = threading.Lock()

    def find(self, provider: str, request: RecordedRequest) -> Recording:
        """Return the recording of a request, and note that it was used.

        Raises:
            RecordingMissing: There is none.
            RecordingError: It is damaged or can't be read.
        """
        path = self._path(provider, request)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise self._missing(provider, request) from None
        except OSError as error:
            raise RecordingError(f"it can't be read: {_reason(error)}", where=path.name) from error
        recording = read_recording(content, name=path.name)
        with self._lock:
            self._used.add(path)
        return recording

    def keep(self, recording: Recording) -> bool:
        """Write a recording; return whether it was: an answer isn't replaced by a failure, nor live by synthetic.

        Raises:
            RecordingError: It can't be written, or its file holds something else.
        """
        path = self._path(recording.provider, recording.request)
        with self._lock:
            self._used.add(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            old = read_recording(path.read_bytes(), name=path.name) if path.exists() else None
            if old is not None and _rank(old) > _rank(recording):
                return False
            _replace(path, written(recording).encode())
            self._known = None
        except OSError as error:
            raise RecordingError(
                f"it can't be written: {_reason(error)}", where=path.name, remedy="name another folder"
            ) from error
        return True

    def files(self) -> Iterator[Path]:
        """Yield every file that has the place and name of a recording, in order."""
        for path in sorted(self.folder.glob("*/*.json")):
            if _NAME.fullmatch(path.name):
                yield path

    def leftovers(self) -> tuple[Path, ...]:
        """Return the recordings that nothing has asked for so far."""
        return tuple(path for path in self.files() if path not in self._used)

    def _path(self, provider: str, request: RecordedRequest) -> Path:
        return self.folder / provider / f"{request.sha256}.json"

    def _missing(self, provider: str, request: RecordedRequest) -> RecordingMissing:
        asked = f"{request.method} {_plain(request.path)}, model {_plain(request.model) or 'unnamed'}"
        nearest = self._nearest(provider, request)
        told = f"nearest is {nearest[0]}, which {nearest[1]}" if nearest else "none of this model"
        return RecordingMissing(
            f"no recording of this request ({asked}; {told})",
            where=f"replay of {provider}",
            remedy=f"record it: {self._command or self._general_command(provider, request)}",
        )

    def _nearest(self, provider: str, request: RecordedRequest) -> tuple[str, str] | None:
        """Return the name of the recording of the same model that shares most, and where it differs first."""
        asked = _leaves(request)
        similar = [known for known in self._all_known() if (known.provider, known.model) == (provider, request.model)]
        if not similar:
            return None
        best = max(similar, key=lambda known: sum(known.leaves.get(key) == value for key, value in asked.items()))
        return best.name, _difference(asked, best.leaves)

    def _all_known(self) -> list[_Known]:
        """Return what is recorded, to compare with; read once, since a missed request is seldom alone."""
        if self._known is None:
            self._known = list(self._read_all())
        return self._known

    def _read_all(self) -> Iterator[_Known]:
        for path in self.files():
            try:
                request = read_recording(path.read_bytes(), name=path.name).request
            except (OSError, RecordingError):
                continue
            yield _Known(path.parent.name, request.model, path.stem[:12], _leaves(request))

    def _general_command(self, provider: str, request: RecordedRequest) -> str:
        words = ["evaluator", "grade", "TRANSCRIPT", "--backend", provider]
        words += ["--model", request.model] if request.model else []
        return shlex.join([*words, "--record", str(self.folder)])


@dataclass(frozen=True, slots=True)
class _Known:
    """A request that is recorded, laid out for comparison."""

    provider: str
    model: str
    name: str
    leaves: Mapping[str, JsonValue]


def recording_command(arguments: Sequence[str], folder: Path) -> str:
    """Return the command line that records what this one, which replays, has missed.

    Args:
        arguments: As given to `evaluator`, without its name.
        folder: The recordings' folder, for a replay that was asked for by the environment.
    """
    words: list[str] = []
    for word in arguments:
        name, equals, value = word.partition("=")
        words.append(f"--record{equals}{value}" if name == "--replay" else word)
    if "--record" not in {word.partition("=")[0] for word in words}:
        words += ["--record", str(folder)]
    return shlex.join(["evaluator", *words])


def _leaves(request: RecordedRequest) -> dict[str, JsonValue]:
    """Return the values of a request by key path, in the order in which it was written."""
    found: dict[str, JsonValue] = {"method": request.method, "path": request.path}
    found |= {"time": request.time} if request.time > 1 else {}
    found |= {f"api_version.{_key(name)}": value for name, value in request.api_version.items()}
    stack: list[tuple[str, JsonValue]] = [("body", request.body)]
    while stack:
        key, value = stack.pop()
        match value:
            case dict():
                stack += [(f"{key}.{_key(name)}", item) for name, item in reversed(value.items())]
            case list():
                stack += [(f"{key}[{number}]", item) for number, item in reversed(list(enumerate(value)))]
            case _:
                found[key] = value
    return found


def _difference(asked: Mapping[str, JsonValue], found: Mapping[str, JsonValue]) -> str:
    """Say where two requests differ first; never what stands there, which may be the candidate's words."""
    for key, value in asked.items():
        if key not in found:
            return f"lacks {key}"
        other = found[key]
        if other == value:
            continue
        if isinstance(value, str) and isinstance(other, str):
            pairs = enumerate(zip(value, other, strict=False))
            place = next((number for number, (one, two) in pairs if one != two), min(len(value), len(other)))
            return f"differs first at {key}, character {place:,} of {len(value):,}"
        return f"differs first at {key}"
    extra = next((key for key in found if key not in asked), None)
    return f"has {extra} besides" if extra else "differs in the order of its keys"


def _key(name: str) -> str:
    return name if _SHOWN_KEY.fullmatch(name) else "(key)"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)[:120]


def _rank(recording: Recording) -> tuple[bool, bool]:
    return recording.response.status in _OK, recording.origin == "live"


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _replace(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.stem[:16]}-{secrets.token_hex(8)}.tmp")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
