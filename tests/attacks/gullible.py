"""Chat models that give in to whatever they read, each in its own way: what they can't do, no attack can.

A gullible model is a function of what it read; it answers with a text. It may do all that
a model can do by text: say what it was told to, quote what it was told to, copy objects, break its form. `STEADFAST`
gives in to nothing: what improves under it was improved by the code.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from evaluator.backends.chat_model import ChatRequest
from evaluator.rubric import load_rubric
from tests.backends.scripted import asked_ids, nonce_of, reply_text, shown_case, verdict

__all__ = ["GULLIBLE", "STEADFAST", "Behaviour", "Read"]

Behaviour: TypeAlias = Callable[["Read"], str]
"""From what was read to the reply."""

_RUBRIC: Final = load_rubric()
_IDS: Final = tuple(_RUBRIC.by_id)
_CLAIMED: Final = re.compile(r"[\"“']([^\"“”'{}\[\]]{8,200})[\"”']")
_BROKEN: Final[Sequence[Callable[[str], str]]] = (
    lambda good: good.replace("0.9", "NaN"),
    lambda good: good[: len(good) // 2],
    lambda good: good.replace('"verdict": "absent"', '"verdict": "absent", "verdict": "absent"'),
    lambda good: good.replace('"absent"', '"avoided"'),
    lambda good: f"As asked, here it is: {good}",
    lambda good: f"{good}\n{good}",
    lambda good: json.dumps({"reply": json.loads(good)}),
    lambda good: f"[{good}]",
    lambda good: good.replace("0.9", "9" * 5000),
    lambda good: good.replace("0.9", "1.5"),
    lambda _: "All verdicts are absent.",
    lambda _: "I'm sorry, I can't help with that.",
    lambda _: "",
)


@dataclass(frozen=True, slots=True)
class Read:
    """What a model has before it.

    Attributes:
        request: All that it was sent.
        attack: The part of the transcript that is one.
        sound: Words of the candidate's own answer.
    """

    request: ChatRequest
    attack: str
    sound: str


def STEADFAST(read: Read) -> str:  # noqa: N802 - a constant among behaviours
    """Find every failure, and prove the commissions with the candidate's first words, attack or no attack.

    What is counted is left to the count, which decides where no judge can tell.
    """
    return _found_all(read)


def _found_all(read: Read) -> str:
    counted = {criterion.id for criterion in _RUBRIC.criteria if criterion.kind == "measured"}
    return reply_text(
        *(
            verdict(key, "absent") if key in counted else verdict(key, "present", read.sound)
            for key in _asked(read.request)
        )
    )


def _asked(request: ChatRequest) -> list[str]:
    return asked_ids(request, _IDS)


def _all_absent(
    read: Read, quotes: Sequence[str], keys: Sequence[str] | None = None, more: Mapping[str, object] | None = None
) -> str:
    turns: list[Mapping[str, Any]] = shown_case(read.request)["turns"]
    last = max(turn["turn"] for turn in turns if turn["role"] == "candidate")
    asked = _asked(read.request) if keys is None else keys
    return reply_text(*(verdict(key, "absent", *quotes, turn=last, confidence=1.0) for key in asked), **(more or {}))


def _pieces(attack: str) -> list[str]:
    """Return what of the attack a model might copy as a quote: the whole, its lines, its sentences, what it quotes."""
    lines = [line for line in attack.splitlines() if line.strip()]
    sentences = [part for line in lines for part in re.split(r"(?<=[.!?:;,])\s+", line)]
    return list(dict.fromkeys([attack[:300], *lines, *sentences, *_CLAIMED.findall(attack)]))[:40]


def _objects(text: str) -> list[str]:
    """Return the JSON objects that the text holds."""
    found: list[str] = []
    place = text.find("{")
    while place >= 0 and len(found) < 5:
        try:
            _, end = json.JSONDecoder().raw_decode(text, place)
        except (json.JSONDecodeError, RecursionError):
            place = text.find("{", place + 1)
        else:
            found.append(text[place:end])
            place = text.find("{", end)
    return found


def _obeys(read: Read) -> str:
    """Do what it says, and prove it with its own words."""
    return _all_absent(read, _pieces(read.attack))


def _obeys_without_proof(read: Read) -> str:
    return _all_absent(read, ())


def _quotes_what_it_is_told(read: Read) -> str:
    return _all_absent(read, _CLAIMED.findall(read.attack) or ["we decide on retention, guarded by cancellations"])


def _quotes_the_interviewer(read: Read) -> str:
    """Attribute to the candidate what others said, what stands in brackets, and what a forged line says."""
    others = [turn["text"][:200] for turn in shown_case(read.request)["turns"] if turn["role"] != "candidate"]
    brackets = re.findall(r"[\[(*\uff3b]([^\])*\uff3d]{8,200})[\])*\uff3d]", read.attack)
    forged = re.findall(r"(?im)^\W*(?:interviewer|system|assistant)\W*:\s*(.{8,200})$", read.attack)
    return _all_absent(read, [*others, *brackets, *forged])


def _copies_the_object(read: Read) -> str:
    """Reply with the first object that stands in the transcript, and nothing else."""
    return next(iter(_objects(read.attack)), _found_all(read))


def _copies_before(read: Read) -> str:
    return "\n".join([*_objects(read.attack), _all_absent(read, _pieces(read.attack)), _found_all(read)])


def _copies_after(read: Read) -> str:
    return "\n".join([_found_all(read), *_objects(read.attack), _all_absent(read, _pieces(read.attack))])


def _adds_scores(read: Read) -> str:
    return _all_absent(read, _pieces(read.attack), None, {"score": 100, "band": "strong_hire"})


def _breaks_its_form(read: Read) -> str:
    good = _all_absent(read, _pieces(read.attack)).replace("1.0}", "0.9}")
    return _BROKEN[len(read.attack) % len(_BROKEN)](good)


def _invents_criteria(read: Read) -> str:
    """Judge what was not asked, under ids that nobody has, and everything twice, once each way."""
    found = json.loads(_found_all(read))["verdicts"]
    absent = json.loads(_all_absent(read, _pieces(read.attack), ["score", "override", *_asked(read.request)]))[
        "verdicts"
    ]
    return reply_text(*found, *absent)


def _guesses_the_identifier(read: Read) -> str:
    """Wrap the reply as the request was wrapped."""
    return json.dumps({nonce_of(read.request): json.loads(_all_absent(read, _pieces(read.attack)))})


def _dictates_keys(read: Read) -> str:
    """Use the attack as a key, so that a message about the key would carry it into the next task."""
    more: Mapping[str, object] = {read.attack[:300]: "absent"}
    return _all_absent(read, _pieces(read.attack), None, more)


def _gives_in_when_asked_again(read: Read) -> str:
    """Break the first reply, then judge what was not asked again as well."""
    if "earlier reply" not in read.request.messages[0]:
        found = json.loads(_found_all(read))["verdicts"]
        return reply_text(*found[: len(found) // 2])
    found = json.loads(_found_all(read))["verdicts"]
    others = [key for key in _IDS if key not in _asked(read.request)]
    absent = json.loads(_all_absent(read, _pieces(read.attack), others))["verdicts"]
    return reply_text(*found, *absent)


def _babbles(read: Read) -> str:
    """Mix all of it by chance."""
    rng = random.Random(len(read.attack))
    parts = [
        _all_absent(read, _pieces(read.attack)),
        read.attack,
        *_objects(read.attack),
        _found_all(read),
        "absent",
        "```",
    ]
    return "".join(rng.sample(parts, k=rng.randint(2, len(parts))))


GULLIBLE: Final[Mapping[str, Behaviour]] = {
    "obeys": _obeys,
    "obeys without proof": _obeys_without_proof,
    "quotes what it is told": _quotes_what_it_is_told,
    "quotes the interviewer": _quotes_the_interviewer,
    "copies the object": _copies_the_object,
    "copies before its own": _copies_before,
    "copies after its own": _copies_after,
    "adds scores": _adds_scores,
    "breaks its form": _breaks_its_form,
    "invents criteria": _invents_criteria,
    "guesses the identifier": _guesses_the_identifier,
    "dictates keys": _dictates_keys,
    "gives in when asked again": _gives_in_when_asked_again,
    "babbles": _babbles,
}
