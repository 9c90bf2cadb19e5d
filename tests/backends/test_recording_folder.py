"""The form of recordings and their folder: names, layout, what replaces what, and what a check finds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from evaluator.backends.recording_check import check_folder
from evaluator.backends.recording_file import Recording, read_recording, request_of, written
from evaluator.backends.recording_secrets import found_secrets, scrubbed
from evaluator.backends.recordings import Recordings
from evaluator.errors import RecordingError, RecordingMissing
from tests.backends.recorded import make_recording

_KEY: Final = "sk-" + "live0123456789" * 3


def test_idempotency_keys_do_not_count_and_cache_keys_do() -> None:
    """What differs from call to call alone is left out of the name."""
    names = [
        request_of("POST", "/v1", {}, json.dumps(body).encode()).sha256
        for body in ({"a": 1, "idempotency_key": "x"}, {"a": 1}, {"a": 1, "prompt_cache_key": "x"})
    ]
    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize(
    "text", ["a task-oriented, risk-adjusted metric", "desk-research", "the bearer of bad news", "sk-8"]
)
def test_ordinary_words_are_no_secrets(text: str) -> None:
    """What candidates say about tasks and risks can be recorded."""
    assert found_secrets(text) == ()
    assert scrubbed(text) == text


def test_synthetic_replaces_nothing_that_is_live(tmp_path: Path) -> None:
    """What a server said outlives what was made up, and takes its place."""
    recordings = Recordings(tmp_path)
    assert recordings.keep(make_recording({"a": 1}, origin="synthetic"))
    assert recordings.keep(make_recording({"a": 1}, origin="live"))
    assert not recordings.keep(make_recording({"a": 1}, origin="synthetic"))


def test_a_file_that_is_something_else_is_not_overwritten(tmp_path: Path) -> None:
    """Only the recording of the same request is ever replaced."""
    recording = make_recording({"a": 1})
    path = tmp_path / recording.provider / f"{recording.request.sha256}.json"
    path.parent.mkdir()
    path.write_text("my notes")
    with pytest.raises(RecordingError, match="not JSON"):
        Recordings(tmp_path).keep(recording)
    assert path.read_text() == "my notes"


@pytest.mark.parametrize(
    ("recorded", "asked", "told"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "differs first at body.b"),
        ({"a": 1}, {"a": 1, "b": [3]}, "lacks body.b[0]"),
        ({"a": 1, "b": {"c": 2}}, {"a": 1}, "has body.b.c besides"),
        ({"a": "one two"}, {"a": "one ten"}, "differs first at body.a, character 5 of 7"),
        ({"a": 1, "an odd key!": 2}, {"a": 1, "an odd key!": 3}, "differs first at body.(key)"),
    ],
)
def test_a_miss_tells_the_first_difference(tmp_path: Path, recorded: JsonValue, asked: JsonValue, told: str) -> None:
    """Keys that are changed, added or gone are named by their path; a damaged neighbour is passed over."""
    store = Recordings(tmp_path)
    store.keep(make_recording(recorded))
    (tmp_path / "openai-compatible" / f"{'0' * 64}.json").write_text("{")
    with pytest.raises(RecordingMissing, match=f"which {re.escape(told)}\\)"):
        store.find("openai-compatible", make_recording(asked).request)


def test_a_text_body_is_a_request_too() -> None:
    """What isn't JSON is recorded as it stands."""
    assert request_of("POST", "/v1", {}, b"a=1&b=2").body == "a=1&b=2"


def test_a_file_nested_beyond_reason_is_damaged() -> None:
    """It is refused as any other, without a traceback."""
    with pytest.raises(RecordingError):
        read_recording(b"[" * 100_000, name="a.json")


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(["$lines", "$json", "$compact", "$plain"]), inner, max_size=4
        )
        | inner.map(json.dumps)
        | inner.map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")))
        | inner.map(lambda value: f"line\n{value}\u202e\u0007")
    ),
    max_leaves=12,
)


@given(body=_json, answer=_json)
def test_a_recording_reads_as_it_was_written(body: JsonValue, answer: JsonValue) -> None:
    """Laid out for people, every body is put together again to the letter; nothing in the file hides from the eye."""
    content = json.dumps({"body": body}).encode()
    request = request_of("POST", "/v1/x", {}, content)
    recording = make_recording(None, answer=answer).model_copy(update={"request": request})
    text = written(recording)
    read = read_recording(text.encode(), name=f"{request.sha256}.json")
    assert json.dumps(read.response.body) == json.dumps(answer)
    assert json.dumps(read.request.body) == json.dumps({"body": body})
    assert all(char.isprintable() or char == "\n" for char in text)


@given(body=st.dictionaries(st.text(max_size=6), _json, max_size=5))
def test_the_name_of_a_request_does_not_depend_on_the_order_of_keys(body: dict[str, JsonValue]) -> None:
    """Any order of writing gives the same name, and asking what was recorded gives it again."""
    backwards = dict(reversed(body.items()))
    request = request_of("POST", "/v1/x", {}, json.dumps(body).encode())
    assert request.sha256 == request_of("POST", "/v1/x", {}, json.dumps(backwards).encode()).sha256
    assert request.sha256 == request_of("POST", "/v1/x", {}, json.dumps(request.body).encode()).sha256


def test_a_folder_is_checked_file_by_file(tmp_path: Path) -> None:
    """Each kind of fault is found and named with its file; what is right is not."""
    prompt = "You judge interview answers."
    store = Recordings(tmp_path)
    right = make_recording({"model": "m", "instructions": f"{prompt}\nMore."})
    stale = make_recording({"model": "m", "instructions": "You judged once."})
    leaky = make_recording({"model": "m", "instructions": prompt, "n": 1}, answer={"text": f"Bearer {_KEY}"})
    account = make_recording({"model": "m", "instructions": prompt, "n": 2}, answer={"text": "org-a1b2c3d4e5f6g7h8"})
    for recording in (right, stale, leaky, account):
        store.keep(recording)
    folder = tmp_path / "openai-compatible"
    (tmp_path / "README.md").write_text("How these were made.")
    (folder / "notes.txt").write_text("mine")
    (folder / ".0a1b-draft.tmp").write_text("cut")
    (folder / f"{'0' * 64}.json").write_text(written(right))
    copied = tmp_path / "proxy" / f"{right.request.sha256}.json"
    copied.parent.mkdir()
    copied.write_text(written(right))

    def name(recording: Recording) -> str:
        return f"openai-compatible/{recording.request.sha256}.json"

    found = {(fault.kind, fault.file) for fault in check_folder(store, [prompt])}
    assert found == {
        ("foreign", "openai-compatible/.0a1b-draft.tmp"),
        ("foreign", "openai-compatible/notes.txt"),
        ("damaged", f"openai-compatible/{'0' * 64}.json"),
        ("foreign", f"proxy/{copied.name}"),
        ("duplicate", f"proxy/{copied.name}"),
        ("stale", name(stale)),
        ("secret", name(leaky)),
        ("secret", name(account)),
    }
    assert not any(_KEY in fault.message for fault in check_folder(store, [prompt]))
