"""Labelled rows and verdicts made by hand, for the small rubric of `tests.fakes`; and a backend to be measured.

A word of letters gives one state per criterion, in the rubric's order: ``p`` present, ``a`` absent, ``n`` na, ``u``
unscored, ``-`` nothing said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from evaluator.agreement.labels import LabelledRow, LabelSet, parse_labels
from evaluator.agreement.predictions import Predicted
from evaluator.backends import JudgeOptions
from evaluator.judging import Judge
from evaluator.rubric import Rubric
from evaluator.values.judge import JudgeInfo, Verdict
from tests.fakes import FakeJudge, make_rubric, opinion

__all__ = [
    "IDS",
    "SAID",
    "TRAINED_ON",
    "build_judge",
    "label_bytes",
    "label_set",
    "labelled",
    "predicted",
    "row_of",
    "trained_on",
]

IDS: Final = ("vanity", "no_goal", "no_guardrail", "vague", "misread_test", "rambling")
SAID: Final = "I would track clicks every day. The goal is that members stay. Cancellations must not rise."
TRAINED_ON: Final = "0" * 64
_STATES: Final[dict[str, Verdict]] = {"p": "present", "a": "absent", "n": "na", "u": "unscored"}


def row_of(row_id: str, letters: str, **more: object) -> dict[str, object]:
    """Return one row of a file of labels; ``more`` adds keys or replaces them."""
    labels = {name: _STATES[letter] for name, letter in zip(IDS, letters, strict=False) if letter != "-"}
    turns = [
        {"speaker": "interviewer", "text": "How would you measure success of the new row?"},
        {"speaker": "candidate", "text": SAID},
    ]
    return {"id": row_id, "question_type": "design", "turns": turns, "labels": labels} | more


def label_bytes(*rows: Mapping[str, object]) -> bytes:
    """Return the file that holds these rows."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def label_set(*rows: Mapping[str, object], rubric: Rubric | None = None) -> LabelSet:
    """Return the labels that the file of these rows holds."""
    return parse_labels(label_bytes(*rows), rubric or make_rubric(), name="set.jsonl")


def labelled(row_id: str, letters: str, **more: object) -> LabelledRow:
    """Return one labelled row."""
    return label_set(row_of(row_id, letters, **more)).rows[0]


def predicted(letters: str, confidence: float | None = None) -> dict[str, Predicted]:
    """Return one verdict per letter, decided ones with ``confidence``."""
    return {
        name: Predicted(_STATES[letter], confidence if letter in "pa" else None)
        for name, letter in zip(IDS, letters, strict=False)
        if letter != "-"
    }


class _TrainedJudge(FakeJudge):
    """Finds clicks vain and the goal named; says that it was trained."""

    def info(self, rubric: Rubric) -> JudgeInfo:
        return super().info(rubric).model_copy(update={"backend": "by_hand", "calibration": "cal-1"})


def build_judge(options: JudgeOptions) -> Judge:
    """Build the judge of the backend ``by_hand``: its opinions never change."""
    del options
    return _TrainedJudge(
        [
            opinion("vanity", "present", "I would track clicks"),
            opinion("no_goal", "absent", "The goal is that members stay", confidence=0.6),
            opinion("vague", "absent"),
        ]
    )


def trained_on(calibration: str, _file: Path | None = None) -> frozenset[str] | None:
    """Return which labels the calibration learned from."""
    return frozenset({TRAINED_ON}) if calibration == "cal-1" else None
