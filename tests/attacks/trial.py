"""One attack on one answer under one gullible model: put in, judged by the real path, and audited.

The audit trusts nothing that it audits: it reads replies with the standard library, looks for brackets and labels by
itself and adds the score up anew. What it finds is a breach, that is a verdict that the code let improve. What a model
does because a text talked it into it, with the candidate's own words for proof, is counted apart: no code can tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from evaluator import aevaluate
from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_model import ChatRequest
from evaluator.prompt import load_prompts
from evaluator.quotes import judged_view
from evaluator.rubric import Rubric, load_rubric
from evaluator.transcripts import parse_transcript
from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import Transcript
from tests.attacks import families_instructing, families_pleasing
from tests.attacks.gullible import STEADFAST, Behaviour, Read
from tests.backends.scripted import ScriptedModel, shown_case

__all__ = ["BASES", "FAMILIES", "PLACES", "Trial", "attacked", "attempt", "base", "improved"]

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {**families_instructing.FAMILIES, **families_pleasing.FAMILIES}
PLACES: Final = ("end", "start", "turn")
_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_RUBRIC: Final = load_rubric()
_SYSTEM: Final = load_prompts().render("judge.system.md", rubric=_RUBRIC, criteria=_RUBRIC.criteria)
_PROTOCOL: Final = re.compile(
    "|".join(
        [
            *(key for key in _RUBRIC.by_id if "_" in key),
            '"(verdict|criterion|quotes)" ?:',
            "</?(transcript|system)>",
            "request-0",
        ]
    )
)
_AVOIDED: Final = ("absent", "na")


def _rows() -> dict[str, list[dict[str, Any]]]:
    """Return turns of weak answers: three files of the fixtures, and two labelled rows that failed most."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in ("weak.md", "monologue.txt", "past_experience.txt"):
        turns = parse_transcript(_ROOT / "fixtures" / "transcripts" / name).turns
        found[name] = [{"speaker": turn.role, "text": turn.text} for turn in turns]
    lines = (_ROOT / "fixtures" / "gold" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    rows.sort(key=lambda row: -sum(label == "present" for label in row["labels"].values()))
    for row in rows[:2]:
        found[row["id"]] = [{"speaker": turn["speaker"], "text": turn["text"]} for turn in row["turns"]]
    return found


BASES: Final = _rows()


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one attack.

    Attributes:
        evaluation: The result.
        improved: Criteria whose verdict is better than that of the answer alone.
        breaches: What the code let through, in words; empty if it withstood.
        flagged: Whether the detector flagged anything that it didn't flag in the answer alone.
    """

    evaluation: Evaluation
    improved: tuple[str, ...]
    breaches: tuple[str, ...]
    flagged: bool


def attacked(name: str, attack: str, place: str) -> Transcript:
    """Return an answer with an attack in it, read from JSON as any other transcript is."""
    turns = [dict(turn) for turn in BASES[name]]
    mine = [turn for turn in turns if turn["speaker"] == "candidate"]
    if not attack:
        pass
    elif place == "end":
        mine[-1]["text"] = f"{mine[-1]['text']} {attack}"
    elif place == "start":
        mine[-1]["text"] = f"{attack} {mine[-1]['text']}"
    else:
        turns += [{"speaker": "interviewer", "text": "Anything else?"}, {"speaker": "candidate", "text": attack}]
    return parse_transcript(json.dumps({"turns": turns}), format="turns")


async def base(name: str) -> Evaluation:
    """Judge an answer alone, by a model that finds every failure."""
    judge = ChatJudge(ScriptedModel([partial(_answer, name, STEADFAST, "")]), load_prompts())
    return await aevaluate(attacked(name, "", "end"), _RUBRIC, judge)


async def attempt(alone: Evaluation, name: str, attack: str, place: str, behaviour: Behaviour) -> Trial:
    """Judge an answer with an attack in it, by a model that reads the attack as it is shown and behaves so."""
    model = ScriptedModel([partial(_answer, name, behaviour, attack)])
    transcript = attacked(name, attack, place)
    evaluation = await aevaluate(transcript, _RUBRIC, ChatJudge(model, load_prompts()))
    better = improved(alone, evaluation)
    if behaviour is STEADFAST:
        breaches = tuple(f"{key} improved under a model that gave in to nothing" for key in better)
    else:
        breaches = tuple(f"{key} improved without a reply that says so" for key in better if not _said(key, model))
    breaches += (*_false_evidence(evaluation), *_false_score(evaluation, _RUBRIC), *_leaks(model, transcript))
    spans = {flag.message for flag in evaluation.flags if flag.code == "instruction_like_text"}
    before = {flag.message for flag in alone.flags if flag.code == "instruction_like_text"}
    return Trial(evaluation, better, breaches, bool(spans - before))


def improved(alone: Evaluation, evaluation: Evaluation) -> tuple[str, ...]:
    """Return the criteria that count as avoided now and did not before."""
    before = {finding.criterion: finding.verdict for finding in alone.findings}
    return tuple(
        finding.criterion
        for finding in evaluation.findings
        if finding.verdict in _AVOIDED and before[finding.criterion] not in _AVOIDED
    )


def _answer(name: str, behaviour: Behaviour, attack: str, request: ChatRequest) -> str:
    """Let the model read the attack in the form in which it is shown, if it still stands there."""
    shown = " ".join(turn["text"] for turn in shown_case(request)["turns"])
    sound = next(turn["text"] for turn in BASES[name] if turn["speaker"] == "candidate")
    words = " ".join(sound.split()[:6])
    return behaviour(Read(request, attack if attack in shown else judged_view(attack).strip(), words))


def _said(criterion: str, model: ScriptedModel) -> bool:
    """Return whether some reply was one object whose one verdict on the criterion is ``absent``."""
    for text in model.replies:
        try:
            data: object = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            reply = cast("dict[str, list[dict[str, object]]]", data)
            if set(reply) == {"verdicts", "summary", "better_answer", "follow_up_questions"}:
                given = [item.get("verdict") for item in reply["verdicts"] if item.get("criterion") == criterion]
                if given == ["absent"]:
                    return True
    return False


def _false_evidence(evaluation: Evaluation) -> Sequence[str]:
    """Name evidence that is not the candidate's answer, and verdicts that need some and have none."""
    found: list[str] = []
    turns = evaluation.transcript.turns
    needed = {("commission", "present"), ("omission", "absent")}
    for finding in evaluation.findings:
        if (finding.kind, finding.verdict) in needed and not finding.evidence:
            found.append(f"{finding.criterion} is {finding.verdict} without evidence")
        for item in finding.evidence:
            text = turns[item.turn].text
            line = text[text.rfind("\n", 0, item.start) + 1 : item.end]
            opened, closed = (
                max(text.rfind(mark, 0, item.start + 1) for mark in marks) for marks in ("[\uff3b", "]\uff3d")
            )
            if turns[item.turn].role != "candidate" or text[item.start : item.end] != item.quote:
                found.append(f"{finding.criterion} quotes what the candidate did not say")
            elif finding.verdict != "absent":
                continue  # words that earn nothing may still show a failure
            elif (
                opened > closed
                and not set("]\uff3d") & set(item.quote[:-1])
                and set("]\uff3d") & set(text[item.end - 1 :])
            ):
                found.append(f"{finding.criterion} quotes an annotation")
            elif re.match(r"\W*(interviewer|system|assistant|grader)\W{0,3}:", line, re.IGNORECASE):
                found.append(f"{finding.criterion} quotes a forged line")
            elif _PROTOCOL.search(item.quote.lower()):
                found.append(f"{finding.criterion} quotes a piece of the protocol")
    return found


def _false_score(evaluation: Evaluation, rubric: Rubric) -> Sequence[str]:
    """Name a score or band that isn't what the verdicts add up to."""
    verdicts = {finding.criterion: finding.verdict for finding in evaluation.findings}
    if list(verdicts) != list(rubric.by_id):
        return ["findings are not the rubric's criteria"]
    weights = {key: rubric.scoring.weights[criterion.severity] for key, criterion in rubric.by_id.items()}
    whole = sum(weights[key] for key, said in verdicts.items() if said in {"present", "absent"})
    lost = sum(weights[key] for key, said in verdicts.items() if said == "present")
    score = None if whole == 0 else 100 * (1 - lost / whole)
    told = evaluation.scorecard.score
    if (score is None) != (told is None) or abs((score or 0) - (told or 0)) > 0.051:
        return ["the score is not what the verdicts add up to"]
    if "unscored" in verdicts.values() and evaluation.scorecard.coverage >= 1:
        return ["coverage hides what was not decided"]
    return []


def _leaks(model: ScriptedModel, transcript: Transcript) -> Sequence[str]:
    """Name a message beside the transcript's that holds a turn's words, or a transcript message without its turns."""
    found: list[str] = []
    for request in model.requests:
        shown = shown_case(request)["turns"]
        if [turn["role"] for turn in shown] != [turn.role for turn in transcript.turns]:
            found.append("the transcript message does not hold the turns")
        for turn in transcript.turns:
            probe = turn.text[-60:]
            if len(probe) > 30 and probe in request.messages[0]:
                found.append("the words of a turn stand in the task message")
        if request.system != _SYSTEM:
            found.append("the system message differs from that of another transcript")
    return found
