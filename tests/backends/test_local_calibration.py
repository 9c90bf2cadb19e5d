"""The calibration file: the same values the same bytes, and anything damaged refused with its key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.backends.local.calibration import (
    Calibration,
    HeldOutFigures,
    load_calibration,
    parse_calibration,
)
from evaluator.backends.local.packed_array import PackedArray
from evaluator.errors import RubricError
from tests.backends.cases import random_calibration, rubric_with_exemplars
from tests.encoders import WordEncoder

_Content = dict[str, Any]


def _calibration() -> Calibration:
    return random_calibration(rubric_with_exemplars(), WordEncoder())


@given(st.lists(st.floats(-100, 100, width=16), max_size=20))
def test_packed_numbers_come_back(numbers: list[float]) -> None:
    """What float16 can hold survives packing exactly."""
    assert PackedArray.of(np.array(numbers)).array.tolist() == numbers


def test_a_calibration_round_trips_to_the_same_bytes() -> None:
    """Reading and writing changes nothing, so a file's id is that of its content."""
    calibration = _calibration()
    again = parse_calibration(calibration.to_json())
    assert again == calibration
    assert again.to_json() == calibration.to_json()
    assert again.id == calibration.id


def test_to_measure_again_is_not_to_train_again() -> None:
    """Figures don't change what a judge is called; other weights do."""
    calibration = _calibration()
    figures = HeldOutFigures(
        folds=("A", "B"),
        macro_f1=0.5,
        macro_f1_interval=(0.4, 0.6),
        macro_f1_bare=None,
        coverage=1.0,
        ece=None,
        brier=None,
        band_kappa=None,
        span_overlap=None,
        precision=None,
        recall_decided=None,
        by_author={},
        by_criterion={},
        weak=(),
    )
    measured = Calibration.model_validate_json(
        calibration.to_json().replace('"held_out": null', f'"held_out": {figures.model_dump_json()}')
    )
    assert measured.held_out == figures
    assert measured.id == calibration.id
    assert random_calibration(rubric_with_exemplars(), WordEncoder(), seed=1).id != calibration.id


def _set(content: _Content, key: str, value: object) -> None:
    path, _, last = key.rpartition(".")
    for part in filter(None, path.split(".")):
        content = content[part] if part != "0" else cast("list[_Content]", content)[0]
    content[last] = value


_NAN = base64.b64encode(np.array([np.nan], "<f2").tobytes()).decode()
_DAMAGES: list[tuple[str, Callable[[_Content], None]]] = [
    ("sentences.float16", lambda c: _set(c, "sentences.float16", "!")),
    ("sentences", lambda c: _set(c, "sentences.float16", c["sentences"]["float16"][:-8])),
    ("sentences", lambda c: _set(c, "sentences.shape", [1, 2])),
    ("sentences", lambda c: _set(c, "sentences.shape", [10**9, 10**9])),
    ("sentences.shape.0", lambda c: _set(c, "sentences.shape", [-1, 2])),
    ("polarity", lambda c: _set(c, "polarity", c["sentences"])),
    ("criteria.0.document", lambda c: _set(c, "criteria.0.document", {"shape": [1], "float16": _NAN})),
    ("criteria.0.document", lambda c: _set(c, "criteria.0.document", c["sentences"])),
    ("criteria", lambda c: c["criteria"].append(c["criteria"][0])),
    ("criteria", lambda c: _set(c, "criteria", [])),
    ("criteria.0.answers_follow_up", lambda c: _set(c, "criteria.0.answers_follow_up", 1)),
    ("present.slope", lambda c: _set(c, "present.slope", "steep")),
    ("labels.sha256", lambda c: _set(c, "labels.sha256", "abc")),
    ("format", lambda c: _set(c, "format", 3)),
    ("surprise", lambda c: _set(c, "surprise", 1)),
    ("encoder", lambda c: c.pop("encoder")),
]


@pytest.mark.parametrize(("key", "damage"), _DAMAGES, ids=[f"{n}-{key}" for n, (key, _) in enumerate(_DAMAGES)])
def test_a_damaged_calibration_is_refused_with_its_key(key: str, damage: Callable[[_Content], None]) -> None:
    """Numbers that can't be heads never reach a verdict; the message names file and key."""
    content: _Content = json.loads(_calibration().to_json())
    damage(content)
    with pytest.raises(RubricError) as caught:
        parse_calibration(json.dumps(content), name="small.calibration.json")
    assert str(caught.value).startswith("small.calibration.json")
    assert key.split(".", maxsplit=1)[0] in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": NaN}', _calibration().to_json()[:-200]])
def test_what_is_no_calibration_is_refused(text: str) -> None:
    """Truncated or foreign JSON is told as such."""
    with pytest.raises(RubricError, match="no calibration"):
        parse_calibration(text)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """A missing file, a folder, bytes that are no text and a file without end are each refused by name."""
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "huge.json").write_bytes(b" " * (4 * 1024 * 1024 + 1))
    for name in ("missing.json", ".", "binary.json", "huge.json"):
        with pytest.raises(RubricError) as caught:
            load_calibration(tmp_path / name)
        assert (tmp_path / name).name in str(caught.value)


def test_a_file_is_read_again_once_it_changed(tmp_path: Path) -> None:
    """A judge that lives long sees a calibration that was trained anew."""
    path = tmp_path / "small.calibration.json"
    first = _calibration()
    path.write_text(first.to_json())
    assert load_calibration(path) == first
    second = random_calibration(rubric_with_exemplars(), WordEncoder(), seed=1)
    path.write_text(second.to_json())
    assert load_calibration(path) == second
