"""What the synthetic recordings are about: transcripts, the verdicts a model is made to give, and what goes wrong.

Verdicts, quotes and questions come from the labels of the gold rows, or from ``synthetic_verdicts.json`` for the sample
transcripts, so that a replay proves real quotes against real turns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from evaluator.judging import Quote
from evaluator.quotes import find_quote
from evaluator.rubric import Criterion, Rubric
from evaluator.transcripts import parse_transcript, parse_turns_row
from evaluator.values.transcript import Transcript

__all__ = ["CASES", "INVENTED", "Case", "Fault", "reply_text"]

Fault = Literal[
    "none",
    "ungrounded",
    "ungrounded_twice",
    "truncated",
    "refused",
    "missing",
    "invalid_json",
    "extra_score",
]
"""What is wrong with a reply: the first alone, except where the name says otherwise and for ``refused``."""

_ROOT: Final = Path(__file__).resolve().parents[2]
_GOLD: Final = _ROOT / "fixtures" / "gold" / "dev.jsonl"
_SAMPLES: Final = _ROOT / "fixtures" / "transcripts"
_VERDICTS: Final = Path(__file__).with_name("synthetic_verdicts.json")

INVENTED: Final = "our north star is the weekly habit score of engaged households"
"""Words that nobody says in any of the transcripts."""

_MISSING: Final = 3  # verdicts left out by the fault of that name


@dataclass(frozen=True, slots=True)
class Case:
    """One transcript and how a model fares with it.

    Attributes:
        id: Id of a gold row, or file name of a sample transcript.
        fault: What goes wrong.
    """

    id: str
    fault: Fault = "none"

    @property
    def transcript(self) -> Transcript:
        """The transcript, read as the product reads it."""
        if self.id in _authored():
            return parse_transcript(_SAMPLES / self.id)
        row = _gold()[self.id]
        wanted = {name: row[name] for name in ("turns", "question", "question_type")}
        return parse_turns_row(wanted, self.id)

    @property
    def labels(self) -> Mapping[str, str]:
        """By criterion: ``present``, ``absent`` or ``na``."""
        return self._row["labels"]

    @property
    def disputed(self) -> Sequence[str]:
        """Criteria on which annotators differ."""
        return self._row.get("disputed", ())

    @property
    def asks_again(self) -> bool:
        """Whether the judge must ask a second time."""
        return self.fault != "none"

    @property
    def _row(self) -> dict[str, Any]:
        return _authored().get(self.id) or _gold()[self.id]

    def quote(self, criterion: str) -> Quote | None:
        """Return the words that decide a criterion, with the turn where they stand; ``None`` if there are none."""
        text = self._row["evidence"].get(criterion)
        found = find_quote(Quote(0, text), self.transcript) if text else None
        return Quote(found.turn, text) if found else None

    def texts(self, rubric: Rubric) -> dict[str, Any]:
        """Return what the model writes for the candidate."""
        row = self._row
        if "summary" in row:
            return {name: row[name] for name in ("summary", "better_answer", "follow_up_questions")}
        present = [c for c in rubric.criteria if row["labels"].get(c.id) == "present"]
        named = f"; the gravest is: {present[0].title.lower()}" if present else ""
        return {
            "summary": f"The answer falls into {len(present)} of the failure modes{named}. {_ADVICE[bool(present)]}",
            "better_answer": _BETTER,
            "follow_up_questions": [row["follow_up"], *(c.probes[0] for c in present[:1])],
        }


_ADVICE: Final = {True: "Mend that one first.", False: "Keep its order: goal, metric, guardrail, decision."}
_BETTER: Final = {
    "goal_and_metric": "What I want is that members stay, so I would decide by one share that moves before they leave.",
    "guardrail": "I would name beforehand what may not get worse, and by how much.",
    "instrumentation": "I would say which events exist already and which one has to be added.",
}

CASES: Final = (
    Case("reminder.vtt"),
    Case("strong.srt"),
    Case("weak.md"),
    Case("A-001"),  # metric design, strong hire
    Case("A-031"),  # past experience, hire
    Case("B-006"),  # launch, strong no hire
    Case("B-038"),  # A/B test, strong hire
    Case("C-010"),  # trade-off, hire
    Case("C-015"),  # past experience, strong no hire
    Case("E-013"),  # trade-off, no hire
    Case("E-033"),  # metric choice, no hire; every criterion applies
    Case("E-016", "ungrounded"),
    Case("E-044", "ungrounded_twice"),
    Case("B-042", "truncated"),
    Case("A-023", "refused"),
    Case("E-040", "missing"),
    Case("C-017", "invalid_json"),
    Case("E-004", "extra_score"),
)


def reply_text(case: Case, asked: Sequence[Criterion], rubric: Rubric, attempt: int) -> str:
    """Return what the model writes at its first or second attempt; cut replies are cut by the provider."""
    faulty = attempt == 1 or case.fault == "ungrounded_twice"
    verdicts = [_verdict(case, criterion) for criterion in asked]
    reply: dict[str, Any] = {"verdicts": verdicts, **case.texts(rubric)}
    if not faulty:
        return _compact(reply)
    match case.fault:
        case "ungrounded" | "ungrounded_twice":
            proof = next(v for v in verdicts if v["quotes"] and _needed(v, rubric))
            proof["quotes"] = [{"turn": proof["quotes"][0]["turn"], "text": INVENTED}]
        case "missing":
            reply["verdicts"] = verdicts[:-_MISSING]
        case "invalid_json":
            return f"Here is my judgement:\n{_compact(reply)}\nI hope this helps."
        case "extra_score":
            reply["score"] = 92
        case _:
            pass
    return _compact(reply)


def _verdict(case: Case, criterion: Criterion) -> dict[str, Any]:
    label = case.labels.get(criterion.id, "na")
    verdict = label if label in {"present", "absent"} else "cannot_tell"
    quote = case.quote(criterion.id) if verdict != "cannot_tell" else None
    if quote is None and (criterion.kind, verdict) in {("commission", "present"), ("omission", "absent")}:
        verdict = "cannot_tell"
    return {
        "criterion": criterion.id,
        "reasoning": _REASONS[verdict, criterion.kind == "omission"],
        "verdict": verdict,
        "quotes": [{"turn": quote.turn, "text": quote.text}] if quote else [],
        "confidence": _confidence(case, criterion),
    }


_REASONS: Final = {
    ("present", True): "Nothing that the candidate says supplies it.",
    ("present", False): "The candidate does this in so many words.",
    ("absent", True): "The quoted words supply it.",
    ("absent", False): "Nothing that the candidate says commits it.",
    ("cannot_tell", True): "The transcript does not let me decide.",
    ("cannot_tell", False): "The transcript does not let me decide.",
}


def _needed(verdict: Mapping[str, Any], rubric: Rubric) -> bool:
    kind = rubric.criterion(verdict["criterion"]).kind
    return (kind, verdict["verdict"]) in {("commission", "present"), ("omission", "absent")}


def _confidence(case: Case, criterion: Criterion) -> float:
    if criterion.id in case.disputed:
        return 0.55
    return round(0.7 + hashlib.sha256(f"{case.id} {criterion.id}".encode()).digest()[0] % 29 / 100, 2)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@cache
def _authored() -> dict[str, dict[str, Any]]:
    return json.loads(_VERDICTS.read_text(encoding="utf-8"))


@cache
def _gold() -> dict[str, dict[str, Any]]:
    wanted = {case.id for case in CASES}
    rows = (json.loads(line) for line in _GOLD.read_text(encoding="utf-8").splitlines())
    return {row["id"]: row for row in rows if row["id"] in wanted}
