"""Characters that a terminal obeys or a reader can't see: text in, harmless text of the same length out.

Apart because every report and every message on the error stream needs it. Each code point keeps its place, so that
spans of the original hold in the harmless text.
"""

from __future__ import annotations

import json
import re
from typing import Final

__all__ = ["escape_json", "one_line", "visible"]

# Controls (ESC, CSI and the like), marks that turn the direction of text, blanks without width, line separators, notes
# between lines, and the tag block that hides ASCII. Joiners (200C, 200D) stay: scripts and emoji need them.
_HIDDEN: Final = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_HARMFUL: Final = re.compile(f"[{_HIDDEN}]")
_SPACES: Final = re.compile(r"\s+")
_BLANK_CONTROLS: Final = "\r\x0b\x0c\x85\u2028\u2029"  # these part words, so a blank stands for them
_STAND_IN: Final = "\ufffd"


def visible(text: str) -> str:
    """Return ``text`` with each harmful character replaced by one that shows; newlines stay, tabs become blanks."""
    return _HARMFUL.sub(_shown, text.replace("\t", " "))


def one_line(text: str, limit: int | None = None) -> str:
    """Return `visible` text on one line, runs of white space made one blank, cut with ``…`` if over ``limit``."""
    line = _SPACES.sub(" ", visible(text)).strip()
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def escape_json(document: str) -> str:
    r"""Return the JSON document with harmful characters as ``\uXXXX``: the same value, and safe to show."""
    return _HARMFUL.sub(_escaped, document)


def _shown(match: re.Match[str]) -> str:
    return " " if match[0] in _BLANK_CONTROLS else _STAND_IN


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]
