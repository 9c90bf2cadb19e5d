"""How much a transcript may hold, each limit with its reason.

An hour of speech is about 9,000 words, 50,000 characters and 1,500 caption cues. A file may hold far more bytes than
that, because captions and recognisers write times and settings beside every word; the speech in it may not, because
every sentence of it is judged.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "MAX_BLOCKS",
    "MAX_BODY_BYTES",
    "MAX_BYTES",
    "MAX_CUES",
    "MAX_LABELS",
    "MAX_LINES",
    "MAX_NAME_CHARS",
    "MAX_QUESTION_CHARS",
    "MAX_SECONDS",
    "MAX_SPEECH_CHARS",
    "MAX_TURNS",
    "MAX_UNPACKED_BYTES",
]

MAX_BYTES: Final = 5 * 1024 * 1024  # three hours of WhisperX with a time for every word
MAX_SPEECH_CHARS: Final = 400_000  # eight hours of speech, a whole day of interviews
MAX_UNPACKED_BYTES: Final = 20 * 1024 * 1024  # a .docx holds styles and themes beside its text; a zip bomb holds more
MAX_BODY_BYTES: Final = 2 * 1024 * 1024  # of the text in a .docx, whose marks take ten times the room of the words
MAX_BLOCKS: Final = 10_000  # paragraphs and table cells of a .docx; python-docx needs 0.1 ms for each
MAX_LINES: Final = 60_000  # eight hours of speech at a word or two a line
MAX_TURNS: Final = 15_000  # a turn every two seconds for eight hours
MAX_CUES: Final = 15_000  # a caption every two seconds for eight hours
MAX_LABELS: Final = 50  # more speakers than any panel; above it, lines that end in a colon were taken for labels
MAX_NAME_CHARS: Final = 80  # a name with a title and a company; longer is a sentence
MAX_QUESTION_CHARS: Final = 1_000  # a case question with its figures is under 600
MAX_SECONDS: Final = 7 * 24 * 3600.0  # clock times and week-long recordings fit; a broken clock does not
