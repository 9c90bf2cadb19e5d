"""One suite for every kind of input: the same three transcripts come back the same, whatever holds them."""

from __future__ import annotations

import gc
import io
import json
from pathlib import Path

import pytest

from evaluator.batch.inputs import ReadOptions, read_items
from evaluator.transcripts import parse_transcript
from evaluator.values.transcript import Transcript
from tests.batch.containers import CONTAINERS, TEXTS, TURNS, jsonl_bytes

_EXPECTED = {
    "text": [parse_transcript(text) for text in TEXTS],
    "turns": [parse_transcript(json.dumps({"turns": turns})) for turns in TURNS],
}

every_container = pytest.mark.parametrize("kind", list(CONTAINERS))


def _read(inputs: list[str], options: ReadOptions | None = None) -> dict[str, Transcript | None]:
    return {item.name: item.transcript for item in read_items(inputs, options or ReadOptions())}


@every_container
def test_transcripts_are_the_same_whatever_holds_them(kind: str, tmp_path: Path) -> None:
    """Each item is what parsing its transcript alone gives, under a name without the machine's own folders."""
    container = CONTAINERS[kind]
    found = _read([container.write(tmp_path)])
    assert list(found.values()) == _EXPECTED[container.source]
    assert tuple(found) == container.names


@every_container
def test_what_is_told_for_all_reaches_each_transcript(kind: str, tmp_path: Path) -> None:
    """Question and question type given for the batch win in every kind of input."""
    options = ReadOptions(question="Why so?", question_type="metric_design")
    found = _read([CONTAINERS[kind].write(tmp_path)], options)
    told = {(transcript.question, transcript.question_type) for transcript in found.values() if transcript}
    assert told == {("Why so?", "metric_design")}


@every_container
def test_reading_again_gives_the_same_stream(kind: str, tmp_path: Path) -> None:
    """Order, names and columns are stable, and every item has either a transcript or a problem."""
    source = CONTAINERS[kind].write(tmp_path)
    first, second = list(read_items([source, source])), list(read_items([source, source]))
    assert first == second
    assert all((item.transcript is None) != (item.problem is None) for item in first)
    assert len({item.name for item in first}) == len(first) == 2 * len(TURNS)


def test_standard_input_is_read_as_json_lines() -> None:
    """``-`` reads one JSON object a line, without closing the stream."""
    stream = io.BytesIO(jsonl_bytes([{"turns": turns} for turns in TURNS]))
    items = list(read_items(["-"], stdin=stream))
    assert [item.transcript for item in items] == _EXPECTED["turns"]
    assert [item.name for item in items] == ["stdin:1", "stdin:2", "stdin:3"]
    assert not stream.closed


def test_every_container_mixes_with_the_others(tmp_path: Path) -> None:
    """One call takes all kinds at once and keeps the order of the inputs."""
    sources: list[str] = []
    for place, container in enumerate(CONTAINERS.values()):
        folder = tmp_path / str(place)
        folder.mkdir()
        sources.append(container.write(folder))
    items = list(read_items(sources))
    assert [item.transcript for item in items] == [
        transcript for container in CONTAINERS.values() for transcript in _EXPECTED[container.source]
    ]
    assert len({item.name for item in items}) == len(items)


@every_container
def test_a_stream_that_is_left_early_closes_what_it_opened(kind: str, tmp_path: Path) -> None:
    """Taking one item and no more leaves no open file behind: Python would warn, and a warning is an error here."""
    items = read_items([CONTAINERS[kind].write(tmp_path)])
    first = next(items)
    del items
    gc.collect()
    assert first.transcript == _EXPECTED[CONTAINERS[kind].source][0]
    assert [path for path in _open_files() if path.startswith(str(tmp_path))] == []


def _open_files() -> list[str]:
    """Return the paths that this process has open."""
    handles = Path("/proc/self/fd")
    return [str(handle.readlink()) for handle in handles.iterdir() if handle.is_symlink()] if handles.is_dir() else []
