"""E-mail addresses and phone numbers in running text, as they are written and as they are spoken.

In: plain text. Out: spans. No figure of an answer is a phone number by its digits alone: grouped thousands, dates,
shares and counts are left, and so is a run of digits that nothing announces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["find_emails", "find_phones"]

_TLD: Final = (
    r"(?:com|org|net|edu|gov|io|co|ai|dev|app|me|info|biz|tech|xyz|email|uk|de|fr|es|it|nl|pl|se|no|dk|fi|ie|ch|at|be|"
    r"pt|in|us|ca|au|nz|jp|kr|cn|br|mx|ar|za|ng|ke|sg|hk|eu|ru|tr|il|ae)"
)
_WRITTEN: Final = re.compile(
    r"(?<![\w.+-])[\w.+%-]{1,64}+@(?:[\w-]{1,63}\.){1,6}[^\W\d_]{2,24}(?![\w-])", re.IGNORECASE
)
_AT: Final = r"\s{0,2}(?:@|[(\[<]\s?at\s?[)\]>]|\bat\b)\s{0,2}"
_DOT: Final = r"(?:\.|\s{0,2}(?:[(\[<]\s?dot\s?[)\]>]|\bdot\b)\s{0,2})"
_JOINT: Final = rf"(?:{_DOT}|\s?\b(?:underscore|dash|hyphen|minus|plus)\b\s?|[_-])"
_LETTERS: Final = r"(?:\b[^\W_](?:[ -][^\W_]\b){1,24})"  # spelled: `a n n a`
_SPOKEN: Final = re.compile(
    rf"(?P<local>(?:{_LETTERS}|\b[^\W_]{{1,40}})(?:{_JOINT}(?:{_LETTERS}|[^\W_]{{1,40}})){{0,5}}){_AT}"
    rf"(?P<domain>(?:{_LETTERS}|[^\W_]{{1,40}})(?:[- ]?(?:dash|hyphen)?[- ]?[^\W_]{{1,40}}){{0,1}}?"
    rf"(?:{_DOT}[^\W_]{{2,20}}){{0,2}}{_DOT}{_TLD})\b",
    re.IGNORECASE,
)
_MAILERS: Final = re.compile(
    r"^(?:g\s?mail|google\s?mail|outlook|hot\s?mail|yahoo|i\s?cloud|proton\s?mail|proton|aol|gmx|live|msn|yandex|zoho|"
    r"fast\s?mail|qq|web|mail)\b",
    re.IGNORECASE,
)
_JOINED: Final = re.compile(rf"{_JOINT}|\d", re.IGNORECASE)
_MAIL_CUE: Final = re.compile(r"\b(?:e-?mail|mail|reach|contact|write|address|ping|send|cc)\b", re.IGNORECASE)
_CUE_CHARS: Final = 60  # about ten words

_DIGIT: Final = r"(?:zero|oh|o|one|two|three|four|five|six|seven|eight|nine|\d)"
_SPOKEN_DIGITS: Final = re.compile(
    rf"\b(?:plus\s)?(?:(?:double|triple)\s)?{_DIGIT}(?:[\s,.-]{{1,3}}(?:(?:double|triple)\s)?{_DIGIT}){{6,17}}\b",
    re.IGNORECASE,
)
_DIGIT_WORD: Final = re.compile(r"[a-z]{3}", re.IGNORECASE)
_INTERNATIONAL: Final = re.compile(
    r"(?<![\w+])(?:\+|00(?=[1-9]\d{0,2}[\s.-]))\s?\(?\d{1,4}(?:[\s./()\u00a0\u2011-]{0,3}\d){5,14}(?![\w%])(?!\.\d)"
)
_AMERICAN: Final = re.compile(
    r"(?<![\w.,$€£+-])(?:1[\s.-])?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}(?![\w%]|[.,]\d)"
)
_NATIONAL: Final = re.compile(
    r"(?<![\w.,$€£+-])\(?0\d{1,5}\)?(?:[\s/-]{1,2}\d{2,8}){1,5}(?![\w%/]|[.,-]\d)"
)  # a number in its own country begins with 0, which no count does
_PLAIN: Final = re.compile(r"(?<![\w.,$€£+-])\(?\d(?:[\s.()/-]{0,2}\d){6,14}(?![\w%]|[.,]\d)")
_PHONE_CUE: Final = re.compile(
    r"\b(?:phone|telephone|tel|mobile|cell|cellphone|whats\s?app|fax|text me|call me|ring me|reach me|my number)\b",
    re.IGNORECASE,
)
_FEWEST_DIGITS: Final = 7
_MOST_DIGITS: Final = 15


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of e-mail addresses: ``anna@example.org``, and "anna dot smith at gmail dot com"."""
    for match in _WRITTEN.finditer(text):
        yield match.span()
    lowered = text.lower()
    if " at" not in lowered and "(at" not in lowered and "[at" not in lowered:
        return
    for match in _SPOKEN.finditer(text):
        before = text[max(0, match.start() - _CUE_CHARS) : match.start()]
        if (
            _JOINED.search(match["local"])
            or " " in match["local"]
            or _MAILERS.match(match["domain"])
            or _MAIL_CUE.search(before)
        ):
            yield match.span()


def find_phones(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of phone numbers: international, in national groups, announced, or spoken digit by digit."""
    for pattern in (_INTERNATIONAL, _AMERICAN, _NATIONAL):
        for match in pattern.finditer(text):
            if _is_long_enough(match.group()):
                yield match.span()
    for match in _PLAIN.finditer(text):
        before = text[max(0, match.start() - _CUE_CHARS) : match.start()]
        if _PHONE_CUE.search(before) and _is_long_enough(match.group()):
            yield match.span()
    for match in _SPOKEN_DIGITS.finditer(text):
        if _DIGIT_WORD.search(match.group()):  # at least one digit is a word: "1, 2, 3, 4" is a list
            yield match.span()


def _is_long_enough(number: str) -> bool:
    return _FEWEST_DIGITS <= sum(map(str.isdigit, number)) <= _MOST_DIGITS
