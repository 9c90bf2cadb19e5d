"""Raw text in, `Transcript` out: one file and one row of the FORMATS table for each form that transcripts come in.

A source goes through `decoding`, its row's parser, then `assembly`, which joins fragments (`joining`, `speech`), finds
the candidate (`roles`), tells the language and says whether a person should look first (`garble`).
"""

from __future__ import annotations

from evaluator.transcripts.formats import FORMATS, Format, format_names
from evaluator.transcripts.reading import parse_transcript, parse_turns_row

__all__ = ["FORMATS", "Format", "format_names", "parse_transcript", "parse_turns_row"]
