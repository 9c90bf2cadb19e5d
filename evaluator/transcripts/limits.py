"""How much a transcript may hold, each limit with its reason.

An hour of speech is about 9,000 words, 50 kB of text and 1,500 caption cues; every limit leaves room for a day of it,
and each keeps the slowest parser under two seconds and half a gigabyte.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "MAX_BYTES",
    "MAX_CUES",
    "MAX_LABELS",
    "MAX_NAME_CHARS",
    "MAX_QUESTION_CHARS",
    "MAX_SECONDS",
    "MAX_TURNS",
    "MAX_UNPACKED_BYTES",
]

MAX_BYTES: Final = 5 * 1024 * 1024  # about 90 hours of speech as text
MAX_UNPACKED_BYTES: Final = 20 * 1024 * 1024  # a .docx holds styles and themes beside its text; a zip bomb holds more
MAX_TURNS: Final = 20_000  # a turn every four seconds for a day
MAX_CUES: Final = 30_000  # a caption every three seconds for a day
MAX_LABELS: Final = 50  # more speakers than any panel; above it, lines that end in a colon were taken for labels
MAX_NAME_CHARS: Final = 80  # a name with a title and a company; longer is a sentence
MAX_QUESTION_CHARS: Final = 1_000  # a case question with its figures is under 600
MAX_SECONDS: Final = 7 * 24 * 3600.0  # clock times and week-long recordings fit; a broken clock does not
