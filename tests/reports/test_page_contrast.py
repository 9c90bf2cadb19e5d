"""The colours of the HTML report can be read by those who see little contrast, on light and on dark."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

import evaluator.reports

_CSS: Final = (Path(evaluator.reports.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
_ENOUGH: Final = 4.5  # WCAG 2.2, success criterion 1.4.3, level AA
_PAIRS: Final = (
    *((ink, ground) for ink in ("ink", "soft", "link") for ground in ("ground", "sheet")),
    *((tone, "sheet") for tone in ("critical", "major", "minor", "strength")),
    *(("ink", f"{tone}-wash") for tone in ("critical", "major", "minor", "strength")),
)


def _palette(block: int) -> dict[str, str]:
    """Return the variables of the ``block``-th ``:root``, counted from 0: light, dark, print."""
    body = re.findall(r":root \{(.*?)\}", _CSS, re.DOTALL)[block]
    return {name: value.strip() for name, value in re.findall(r"--([a-z-]+):([^;]+);", body)}


def _luminance(color: str) -> float:
    digits = color.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("block", [0, 1, 2], ids=["light", "dark", "print"])
@pytest.mark.parametrize(("front", "back"), _PAIRS)
def test_contrast_is_enough(block: int, front: str, back: str) -> None:
    """Each colour of text stands out from what lies behind it by 4.5 to 1 at least."""
    palette = _palette(block)
    low, high = sorted((_luminance(palette[front]), _luminance(palette[back])))
    assert (high + 0.05) / (low + 0.05) >= _ENOUGH
