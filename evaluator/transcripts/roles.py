"""Who is the candidate: told, read off the labels, or inferred from who asks and who speaks at length.

In: labels and words of the joined turns. Out: a role for every label, how sure that is, and the reasons, if any, why a
person should look first. Labels are names, not candidate text, and may stand in messages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from evaluator.errors import TranscriptError
from evaluator.transcripts.asking import asking_share, asks
from evaluator.values.transcript import Role, SpeakerRoles

__all__ = ["RoleDecision", "Said", "decide_roles", "role_of", "same_label"]

_INTERVIEWERS: Final = (
    "interviewer interviewers q question host moderator recruiter examiner panelist panellist panel assistant bot ai"
)
_CANDIDATES: Final = "candidate interviewee applicant answer respondent guest participant me you user myself"
_OTHERS: Final = "observer narrator system other notetaker note-taker translator interpreter"
_ROLE_WORDS: Final[dict[str, Role]] = {
    **dict.fromkeys((*_INTERVIEWERS.split(), "hiring manager", "ai interviewer", "lead interviewer"), "interviewer"),
    **dict.fromkeys(_CANDIDATES.split(), "candidate"),
    **dict.fromkeys(_OTHERS.split(), "other"),
}
_NUMBER: Final = re.compile(r"[\s_#-]*\d{1,3}$")
_NOTE: Final = re.compile(r"\(([^()]{1,40})\)$")
_MAX_NAMED: Final = 10  # labels in a message; a panel has fewer speakers
_MAX_INFERRED: Final = 0.95  # habits of speech are never proof
_LABELLED_OTHER: Final = 0.9  # one side is labelled by role, the other by name
_UNLABELLED: Final = 0.7
_SURE_ENOUGH: Final = 0.6
# Weights of the inference, set by hand so that on the 192 labelled transcripts with neutral names no rank is wrong;
# a log of the ratio of words counts less than asking, because some interviewers talk.
_ASKING_WEIGHT: Final = 3.0
_WORDS_WEIGHT: Final = 1.0
_FIRST_WEIGHT: Final = 0.8


_Texts: TypeAlias = Mapping[str | None, Sequence[str]]  # what each label said, in the order of their first words


@dataclass(frozen=True, slots=True)
class Said:
    """One joined turn: who said what."""

    label: str | None
    text: str


@dataclass(frozen=True, slots=True)
class RoleDecision:
    """The part of every label.

    Attributes:
        roles: Role by label; the key ``None`` stands for turns without a label.
        speakers: What goes into the transcript.
        reasons: Why a person should look first; stable sentences that start with a code.
    """

    roles: dict[str | None, Role]
    speakers: SpeakerRoles
    reasons: tuple[str, ...] = ()


def same_label(label: str) -> str:
    """Return ``label`` in the form that two spellings of one speaker share."""
    return " ".join(label.casefold().split())


def role_of(label: str) -> Role | None:
    """Return the role that a label names, such as ``Interviewer 2`` or ``Anna (candidate)``; ``None`` for a name."""
    plain = same_label(label).strip(" .:*_")
    note = _NOTE.search(plain)
    if note and note.group(1).strip() in _ROLE_WORDS:
        return _ROLE_WORDS[note.group(1).strip()]
    plain = _NUMBER.sub("", _NOTE.sub("", plain).strip()).replace("_", " ")
    return _ROLE_WORDS.get(plain)


def decide_roles(turns: Sequence[Said], candidate: str | None) -> RoleDecision:
    """Decide the role of every label in ``turns``.

    Args:
        turns: The joined turns, in order.
        candidate: Label of the candidate, if the caller told it.

    Raises:
        TranscriptError: ``candidate`` is no label of the transcript, or nobody can be the candidate.
    """
    texts = _by_label(turns)
    if candidate is not None:
        return _given(texts, candidate)
    named = [label for label in texts if label is not None]
    if not named:
        speakers = SpeakerRoles(candidate=None, confidence=_UNLABELLED, source="unlabelled")
        return RoleDecision({None: "candidate"}, speakers, _suspicions(texts, {None: "candidate"}, speakers))
    told = _told(named)
    if told:
        return _by_labels(texts, told)
    if len(named) == 1:
        roles: dict[str | None, Role] = {None: "other", named[0]: "candidate"}
        speakers = SpeakerRoles(candidate=named[0], confidence=_LABELLED_OTHER, source="single_speaker")
        return RoleDecision(roles, speakers, _suspicions(texts, roles, speakers))
    return _inferred(texts, named)


def _by_label(turns: Sequence[Said]) -> _Texts:
    texts: dict[str | None, list[str]] = {}
    for turn in turns:
        texts.setdefault(turn.label, []).append(turn.text)
    return texts


def _listed(labels: Iterable[str]) -> str:
    """Return labels as a message may hold them."""
    named = [repr(label) for label in labels]
    more = f" and {len(named) - _MAX_NAMED} more" if len(named) > _MAX_NAMED else ""
    return f"{', '.join(named[:_MAX_NAMED]) or 'none'}{more}"


def _told(named: list[str]) -> dict[str, Role]:
    """Return the roles that labels name; a lone ``A`` is a name, unless somebody is ``Q``."""
    told: dict[str, Role] = {label: role for label in named if (role := role_of(label)) is not None}
    letters = {same_label(label).strip(" .") for label in named}
    if "a" in letters and letters & {"q", "question"}:
        told |= {label: "candidate" for label in named if same_label(label).strip(" .") == "a"}
    return told


def _given(texts: _Texts, candidate: str) -> RoleDecision:
    wanted = same_label(candidate)
    named = [label for label in texts if label is not None]
    found = [label for label in named if same_label(label) == wanted]
    if not found:
        raise TranscriptError(
            "no speaker has the label that was given as the candidate's",
            where="candidate",
            remedy=f"labels found: {_listed(named)}",
        )
    known: dict[str, Role] = dict.fromkeys(found, "candidate")
    known |= {label: "interviewer" for label in named if label not in found and role_of(label) == "interviewer"}
    roles = _others(texts, known)
    return RoleDecision(roles, SpeakerRoles(candidate=found[0], confidence=1.0, source="given"))


def _by_labels(texts: _Texts, told: dict[str, Role]) -> RoleDecision:
    candidates = [label for label, role in told.items() if role == "candidate"]
    open_labels = [label for label in texts if label is not None and label not in told]
    confidence = 1.0
    if not candidates:
        if not open_labels:
            raise TranscriptError(
                "no turn belongs to a candidate",
                where="turns",
                remedy=f"name the candidate; labels found: {_listed(told)}",
            )
        best, confidence = _most_likely(texts, open_labels)
        confidence = min(confidence, _LABELLED_OTHER) if len(open_labels) > 1 else _LABELLED_OTHER
        candidates = [best]
    roles = _others(texts, {**told, **dict.fromkeys(candidates, "candidate")})
    speakers = SpeakerRoles(candidate=candidates[0], confidence=confidence, source="labels")
    reasons = _suspicions(texts, roles, speakers)
    if len(candidates) > 1:
        reasons = (*reasons, "several_candidates: more than one speaker is labelled as the candidate.")
    return RoleDecision(roles, speakers, reasons)


def _inferred(texts: _Texts, named: list[str]) -> RoleDecision:
    best, confidence = _most_likely(texts, named)
    roles = _others(texts, {best: "candidate"})
    speakers = SpeakerRoles(candidate=best, confidence=round(min(confidence, _MAX_INFERRED), 3), source="inferred")
    return RoleDecision(roles, speakers, _suspicions(texts, roles, speakers))


def _others(texts: _Texts, known: dict[str, Role]) -> dict[str | None, Role]:
    """Complete ``known``: of two people the other interviews; of more, whoever asks; the rest play no part."""
    roles: dict[str | None, Role] = {**known}
    unknown = [label for label in texts if label is not None and label not in roles]
    if len(unknown) == 1 and "interviewer" not in roles.values():
        roles[unknown[0]] = "interviewer"
    for label, said in texts.items():
        if label not in roles:
            roles[label] = "interviewer" if label is not None and 2 * sum(map(asks, said)) >= len(said) else "other"
    return roles


def _most_likely(texts: _Texts, named: list[str]) -> tuple[str, float]:
    """Return the likeliest candidate among ``named`` and the probability of it, by a softmax over hand-set scores."""
    first = next(label for label in texts if label is not None)
    scores: list[float] = []
    for label in named:
        words = sum(len(text.split()) for text in texts[label])
        asking = sum(map(asks, texts[label])) / len(texts[label])
        scores.append(_WORDS_WEIGHT * math.log(words + 10) - _ASKING_WEIGHT * asking - _FIRST_WEIGHT * (label == first))
    top = max(scores)
    shares = [math.exp(score - top) for score in scores]
    best = max(range(len(named)), key=lambda index: shares[index])
    return named[best], shares[best] / sum(shares)


def _suspicions(texts: _Texts, roles: dict[str | None, Role], speakers: SpeakerRoles) -> tuple[str, ...]:
    reasons: list[str] = []
    candidate, interviewer = (
        [text for label, said in texts.items() if roles.get(label) == role for text in said]
        for role in ("candidate", "interviewer")
    )
    if speakers.source == "labels" and _look_swapped(candidate, interviewer):
        reasons.append(
            "roles_look_swapped: the labelled candidate asks and says little, the labelled interviewer answers."
        )
    elif asking_share(candidate) > 0.9:  # noqa: PLR2004 - nearly every word stands in a question
        reasons.append("candidate_only_asks: only questions are attributed to the candidate.")
    if speakers.confidence < _SURE_ENOUGH:
        reasons.append("roles_uncertain: who is the candidate can't be told from the labels or from what is said.")
    return tuple(reasons)


def _look_swapped(candidate: list[str], interviewer: list[str]) -> bool:
    if not candidate or not interviewer:
        return False
    spoken, answered = (sum(len(text.split()) for text in texts) for texts in (candidate, interviewer))
    candidate_asks = sum(map(asks, candidate)) / len(candidate)
    interviewer_asks = sum(map(asks, interviewer)) / len(interviewer)
    return candidate_asks >= 0.5 and interviewer_asks < candidate_asks and answered > 2 * spoken  # noqa: PLR2004 - see reason
