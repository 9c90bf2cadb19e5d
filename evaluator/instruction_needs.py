"""Which kinds of instructions may stand in a text: a folded text in, the kinds worth trying out.

A short cut and nothing else. Whatever a pattern of `instruction_phrases` finds holds something that plain search knows
in a hundredth of the time, and most texts are honest. A kind that is left out here can't be found in the text.
"""

from __future__ import annotations

from typing import Final

from evaluator.instruction_phrases import NEEDS

__all__ = ["kinds_in"]

_NEEDED: Final = tuple(dict.fromkeys(need for needs in NEEDS.values() for need in needs))
_ENCODED: Final = ("\\x", "\\u", "&#", "encoded", "decode")
_ESCAPES: Final = 6  # `%69%67…`: as many as the pattern asks for
# A text's shape: 0 for a binary digit, a for any other character of Base64, a space for what parts single letters.
_SHAPE: Final = str.maketrans("01.-", "00  ") | dict.fromkeys(map(ord, "abcdefghijklmnopqrstuvwxyz23456789+/"), "a")
_BITS: Final = "0" * 8
_RUN: Final = "a" * 32  # sixteen bytes in hexadecimal digits, and less than the shortest Base64 that is looked at
_PAIRS: Final = " ".join(["aa"] * 12)
_SPACED: Final = " ".join("a" * 9)


def kinds_in(view: str) -> frozenset[str]:
    """Return the kinds that may be found in a folded text, or in any part of it."""
    found = {need for need in _NEEDED if need in view}
    kinds = {kind for kind, needs in NEEDS.items() if not found.isdisjoint(needs)}
    return frozenset(kinds | {"encoded"} if _may_be_encoded(view) else kinds)


def _may_be_encoded(view: str) -> bool:
    if not view.isascii() or "_" in view:  # shapes tell nothing of other letters, and `_` is a letter and parts letters
        return True
    if any(need in view for need in _ENCODED) or view.count("%") >= _ESCAPES:
        return True
    bits = view.translate(_SHAPE)
    shape = bits.replace("0", "a").replace("  ", " ").replace("  ", " ")  # one space for up to three
    return _BITS in bits or _RUN in shape or _PAIRS in shape or _SPACED in shape
