"""Labelled rows that can be learned in no time: what is said decides the label, whoever said it."""

from __future__ import annotations

import json
import random
from typing import Final

from evaluator.agreement.labels import LabelSet, parse_labels
from evaluator.rubric import Rubric
from tests.fakes import make_rubric

__all__ = ["label_bytes", "label_set"]

_VANITY: Final = "I would count clicks on the new row."
_VALUE: Final = "I would count minutes watched per member."
_GOAL: Final = "The goal is that members stay with us, so fewer cancellations."
_FILLING: Final = (
    "Let me think about the row first.",
    "We have seen such rows before in other places.",
    "My team would build it in a month, give or take.",
    "It is a question that comes up a lot.",
)


def label_bytes(*, authors: str = "AB", each: int = 36, seed: int = 1, bands: bool = True) -> bytes:
    """Return a file of labels in which the criteria vanity and no_goal are labelled, and no others."""
    chance = random.Random(seed)
    lines: list[str] = []
    for author in authors:
        for number in range(each):
            vanity, goal = number % 2 == 0, number % 3 == 0
            said = [chance.choice(_FILLING), _VANITY if vanity else _VALUE, *([_GOAL] if goal else [])]
            chance.shuffle(said)
            row = {
                "id": f"{author}-{number:03}",
                "question": "How would you measure success of the new row?",
                "question_type": "design",
                "turns": [
                    {"speaker": "interviewer", "text": "How would you measure success of the new row?"},
                    {"speaker": "candidate", "text": " ".join(said)},
                ],
                "labels": {"vanity": "present" if vanity else "absent", "no_goal": "absent" if goal else "present"},
                "evidence": {"vanity": _VANITY if vanity else _VALUE, "no_goal": _GOAL if goal else None},
                **({"band": "no_hire"} if bands else {}),
            }
            lines.append(json.dumps(row))
    return "\n".join(lines).encode()


def label_set(rubric: Rubric | None = None, *, authors: str = "AB", each: int = 36) -> LabelSet:
    """Return those rows, read."""
    return parse_labels(label_bytes(authors=authors, each=each), rubric or make_rubric(), name="made.jsonl")
