"""The table of malformed and odd transcripts, each with what must come of it.

A row either is refused, with a place and a part of the message, or parses, with flags or reasons to look.
"""

from __future__ import annotations

from tests.transcripts.malformed_files import BINARY, DOCUMENTS, EMPTY, ENCODED, FOREIGN
from tests.transcripts.malformed_huge import HUGE
from tests.transcripts.malformed_json import JSON
from tests.transcripts.malformed_rows import SECRET, Case, Parses, Refused
from tests.transcripts.malformed_speech import CAPTIONS, TEXT

__all__ = ["CASES", "SECRET", "Case", "Parses", "Refused"]

CASES: tuple[Case, ...] = (
    *EMPTY,
    *BINARY,
    *ENCODED,
    *FOREIGN,
    *JSON,
    *CAPTIONS,
    *TEXT,
    *DOCUMENTS,
    *HUGE,
)
