"""One recorded exchange with a provider: a request and its answer in, one readable JSON file out, and back.

The file is named by the hash of the canonical request, so that a replay needs no index and a changed prompt can't be
answered by an old reply. What differs from call to call though nothing else does (the identifier that marks the
transcript, idempotency keys) is taken out first. Text of several lines, and text that is JSON, is laid out for reading
and put together again exactly.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from evaluator.errors import RecordingError

__all__ = ["Origin", "RecordedAnswer", "RecordedRequest", "Recording", "read_recording", "request_of", "written"]

Origin = Literal["live", "synthetic"]

_NONCE: Final = re.compile(r"request-[0-9a-f]{32}")
_VOLATILE_KEYS: Final = frozenset({"idempotency_key", "idempotency-key"})
_FOREIGN: Final = re.compile(r"[^\x00-\x7e]")
_LAYOUTS: Final = ("$lines", "$json", "$compact", "$plain")
_COMPACT: Final = (",", ":")
_JSON: Final[TypeAdapter[JsonValue]] = TypeAdapter(JsonValue)


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecordedRequest(_Form):
    """What was asked. No header is kept but the API's version, which changes what a request means."""

    method: str
    path: str = Field(description="Path and query, without the host: the same request to a proxy is the same.")
    api_version: dict[str, str] = Field(default_factory=dict)
    body: JsonValue = None
    time: int = Field(default=1, ge=1, description="Which time the same was asked on purpose; the first isn't written.")

    @property
    def sha256(self) -> str:
        """Hash of the canonical request: the name of its file."""
        canonical: dict[str, object] = {
            "api_version": self.api_version,
            "body": self.body,
            "method": self.method,
            "path": self.path,
        }
        if self.time > 1:
            canonical["time"] = self.time
        return hashlib.sha256(_canonical(canonical).encode()).hexdigest()

    @property
    def model(self) -> str:
        """Model that was asked, as its body names it; empty if it names none."""
        name = self.body.get("model") if isinstance(self.body, dict) else None
        return name if isinstance(name, str) else ""


class RecordedAnswer(_Form):
    """What came back: a JSON body, or else its text."""

    status: int = Field(ge=100, le=599)
    headers: dict[str, str] = Field(default_factory=dict)
    body: JsonValue = None
    text: str | None = None

    def content(self) -> bytes:
        """Return the bytes of the body."""
        return (json.dumps(self.body, separators=_COMPACT) if self.text is None else self.text).encode()


class Recording(_Form):
    """One exchange."""

    format: Literal[1] = 1
    origin: Origin = Field(description="`live`: a server said it; `synthetic`: it was written for a test.")
    provider: str = Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")
    model: str
    recorded: dt.date
    note: str = ""
    request: RecordedRequest
    response: RecordedAnswer


def request_of(method: str, path: str, api_version: dict[str, str], content: bytes, time: int = 1) -> RecordedRequest:
    """Return a request as it is recorded: its body read, and what differs from call to call replaced."""
    try:
        body: JsonValue = json.loads(content) if content else None
    except ValueError:
        body = content.decode(errors="replace")
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name.lower() not in _VOLATILE_KEYS}
    text = _canonical(body)
    names: dict[str, str] = {}
    for nonce in _NONCE.findall(text):  # in canonical order, so that the order of keys changes nothing
        names.setdefault(nonce, f"request-NONCE-{len(names) + 1}" if names else "request-NONCE")
    if names:
        body = json.loads(_NONCE.sub(lambda found: names[found.group()], json.dumps(body)))
    return RecordedRequest(method=method, path=path, api_version=api_version, body=body, time=time)


def written(recording: Recording) -> str:
    """Return the text of a recording's file."""
    document = recording.model_dump(mode="json")
    answer = document["response"]
    document["request"]["body"] = _laid_out(recording.request.body)
    answer["body"] = _laid_out(recording.response.body)
    answer["text"] = _laid_out(recording.response.text)
    if recording.request.time == 1:
        del document["request"]["time"]
    del answer["text" if recording.response.text is None else "body"]
    text = json.dumps(document, indent=1, ensure_ascii=False)
    return _FOREIGN.sub(_shown, text) + "\n"


def read_recording(content: bytes, *, name: str) -> Recording:
    """Read the bytes of a recording's file.

    Raises:
        RecordingError: It isn't a recording, or it isn't the one that ``name``, the file's name, promises.
    """
    remedy = "record it again, or delete it"
    try:
        value = _JSON.validate_json(content)
        if isinstance(value, dict):
            value = {name: _joined(part) if name in {"request", "response"} else part for name, part in value.items()}
        recording = Recording.model_validate(value)
    except (ValidationError, RecursionError) as error:
        raise RecordingError(_told(error), where=name, remedy=remedy) from None  # its message holds what was said
    if name != f"{recording.request.sha256}.json":
        raise RecordingError("its name is not the hash of the request in it", where=name, remedy=remedy)
    return recording


def _shown(found: re.Match[str]) -> str:
    """Return a character, or its escape if the eye can't see it: a file must read as it is."""
    char = found.group()
    return char if char.isprintable() else json.dumps(char)[1:-1]


def _told(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "it is nested too deeply"
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return "it is not JSON"
    place = ".".join(str(part)[:40] for part in first["loc"][:3])
    return f"it is not the form of a recording at {place or 'its top'}: {first['type']}"


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=_COMPACT)


def _laid_out(value: JsonValue) -> JsonValue:
    """Return a value with long texts laid out; `_joined` is its inverse, whatever the value."""
    match value:
        case str() if value.startswith("{") and (parsed := _parsed(value)):
            return parsed
        case str() if "\n" in value:
            return {"$lines": list(value.split("\n"))}
        case list():
            return [_laid_out(item) for item in value]
        case dict():
            laid: dict[str, JsonValue] = {name: _laid_out(item) for name, item in value.items()}
            return {"$plain": laid} if any(name in value for name in _LAYOUTS) else laid
        case _:
            return value


def _parsed(text: str) -> JsonValue:
    """Return text that is JSON, laid out; ``None`` if it can't be put together again to the letter."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if json.dumps(value, ensure_ascii=False) == text:
        return {"$json": _laid_out(value)}
    if json.dumps(value, ensure_ascii=False, separators=_COMPACT) == text:
        return {"$compact": _laid_out(value)}
    return None


def _joined(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_joined(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((layout, inner),) = value.items()
        match layout, inner:
            case "$lines", list() if all(isinstance(line, str) for line in inner):
                return "\n".join(str(line) for line in inner)
            case "$json" | "$compact", _:
                separators = _COMPACT if layout == "$compact" else None
                return json.dumps(_joined(inner), ensure_ascii=False, separators=separators)
            case "$plain", dict():
                value = inner
            case _:
                pass
    return {name: _joined(item) for name, item in value.items()}
