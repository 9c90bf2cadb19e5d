"""Where only a name stands: introductions, greetings, titles, relations, what only people do.

Each rule is a pattern with a group ``name`` that holds one word, and how far it is to be trusted by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from evaluator.judges.redaction.name_words import words

__all__ = ["SPEECH", "Rule", "matches"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One place where names stand.

    Attributes:
        pattern: Its group ``name`` starts with a word that may be one.
        certain: Whether any word there is a name, even in a text without capitals.
        listed_only: Whether only words count there that are given names of a list.
    """

    pattern: re.Pattern[str]
    certain: bool = False
    listed_only: bool = False


SPEECH: Final = words("said asked told replied suggested mentioned explained thinks thought says asks tells")

_NAME: Final = r"(?P<name>[^\W\d_]{2,30})"
_END: Final = r"(?=\s*(?:[,.!?;:…—–]|$|\n))"
_HUMAN: Final = (
    r"(?:manager|boss|colleague|coworker|co-worker|teammate|friend|mentor|recruiter|interviewer|wife|husband|partner|"
    r"brother|sister|son|daughter|mother|father|mom|mum|dad|cousin|roommate|neighbou?r|engineer|designer|analyst|"
    r"researcher|scientist|intern|director|lead|assistant|coach|professor|teacher|counterpart|report|co-?founder|vp|pm|ceo|cto|cfo|cpo)"
)
_PERSON: Final = rf"(?:guy|woman|man|lady|girl|boy|person|someone|somebody|candidate|customer|member|user|{_HUMAN})"


def _rule(pattern: str, *, certain: bool = False, listed_only: bool = False) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), certain=certain, listed_only=listed_only)


_RULES: Final = (
    _rule(
        rf"\b(?:my|his|her) (?:full |first |last |sur|middle )?name(?:['’]s| is| was)(?: actually)? {_NAME}",
        certain=True,
    ),
    _rule(rf"\b(?:you can |please |just |everyone |people |they |friends )calls? me {_NAME}"),
    _rule(rf"\bcall me {_NAME}{_END}"),
    _rule(rf"\bI(?:['’]m| am) called {_NAME}", certain=True),
    _rule(rf"\bI go by {_NAME}"),
    _rule(
        rf"\bI(?:['’]m| am) {_NAME}(?!['’]?\w| (?:about|of|with|that|to|in|at (?:the|a)|on|by|for)\b)",
    ),
    _rule(
        rf"\b(?:this is|it['’]s|it is|here is|here['’]s) {_NAME}(?=(?: [^\W\d_]+)? (?:here|speaking|calling|again)\b)",
        certain=True,
    ),
    _rule(rf"\b(?:this is|it['’]s) {_NAME}(?=(?: [^\W\d_]+)? from\b)"),
    _rule(rf"\b(?:this is|it['’]s|meet|joined by|along with) {_NAME}", listed_only=True),
    _rule(
        r"\b(?:hi|hello|hey|thanks|thank you|thank you so much|thank you very much|thanks a lot|cheers|welcome|"
        r"good (?:morning|afternoon|evening)|nice to meet you|nice meeting you|good to meet you|great to meet you|"
        rf"pleased to meet you|good to see you|nice to see you|goodbye|bye|dear)(?: again| there)?,? {_NAME}{_END}"
    ),
    _rule(
        r"\b(?:okay|ok|great|perfect|awesome|right|alright|so|sure|yes|yeah|no|well|got it|sounds good|understood|"
        rf"exactly|listen|look|sorry|and you|over to you|back to you|go ahead|please|excellent|cool),? "
        rf"{_NAME}(?=\s*[,.!?])",
        listed_only=True,
    ),
    _rule(
        rf"(?:^|[.!?…\n]\s*){_NAME}, (?=(?:could|can|would|tell|what|how|why|let['’]s|please|you|thanks|thank|walk|"
        r"take|do|did|is|are|when|where|go|imagine|suppose|before|to)\b)",
        listed_only=True,
    ),
    _rule(rf"(?<=[^\W\d_]), (?!april\b|may\b|june\b|august\b|hope\b){_NAME}(?=\s*[?!])", listed_only=True),
    _rule(
        rf"\b(?:mr|mrs|ms|mx|dr|prof|herr|frau|señora?|monsieur|madame)\b\.? {_NAME}",
        certain=True,
    ),
    _rule(r"\b(?:professor|doctor|judge|captain|uncle|aunt|auntie|sir) (?-i:(?P<name>[A-Z]\w{1,30}))"),
    _rule(
        rf"\b(?:my|our|your|his|her|their) (?:[a-z-]+ ){{0,2}}{_HUMAN},? (?-i:(?P<name>[^\W\d_a-z][^\W\d_]{{1,30}}))"
    ),
    _rule(rf"\b(?:my|our) (?:[a-z-]+ ){{0,2}}{_HUMAN} {_NAME}", listed_only=True),
    _rule(rf"\b{_PERSON} (?:named|called|by the name of) {_NAME}", certain=True),
    _rule(rf"\b{_NAME} and I\b"),
    _rule(rf"\b(?:me|myself) and {_NAME}\b", listed_only=False),
    _rule(rf"\b{_NAME} (?:mentored|reminded|pinged|texted|messaged|introduced|coached|interviewed) (?:me|us)\b"),
    _rule(rf"\b{_NAME} (?:told|asked) (?:me|us)\b", listed_only=True),
)


def matches(text: str) -> Iterator[tuple[re.Match[str], Rule]]:
    """Yield every place of a text where a name may stand, with its rule."""
    for rule in _RULES:
        for match in rule.pattern.finditer(text):
            yield match, rule
