"""How much one input may hold, each limit with its reason.

A transcript has its own limits (`evaluator.transcripts.limits`); these guard what stands around it.
"""

from __future__ import annotations

from typing import Final

from evaluator.transcripts.limits import MAX_BYTES

__all__ = [
    "MAX_ARCHIVE_BYTES",
    "MAX_COLUMNS",
    "MAX_COLUMN_CHARS",
    "MAX_DIRECTORY_BYTES",
    "MAX_LINE_BYTES",
    "MAX_MEMBERS",
    "MAX_PACKED_PARQUET_BYTES",
    "MAX_PACKED_TABLE_BYTES",
    "MAX_RECORD_CHARS",
    "MAX_VALUE_CHARS",
    "PARQUET_BATCH_ROWS",
    "PARQUET_BUFFER_BYTES",
]

MAX_COLUMNS: Final = 50  # a survey export has thirty; a wider table is a matrix, not something to slice by
MAX_VALUE_CHARS: Final = 200  # names, cohorts and dates; longer is prose, and every record repeats it
MAX_COLUMN_CHARS: Final = 80  # names of columns, as of speakers
MAX_LINE_BYTES: Final = MAX_BYTES  # one JSON line is what a file of turns JSON may be
MAX_RECORD_CHARS: Final = 2 * MAX_BYTES  # one transcript and the columns beside it; stops a quote that never closes
MAX_MEMBERS: Final = 100_000  # the largest batch that is measured
MAX_DIRECTORY_BYTES: Final = 20 * 1024 * 1024  # 100,000 members with paths of 130 characters
MAX_PACKED_TABLE_BYTES: Final = 1024**3  # JSONL and CSV are streamed: time is what a bomb would take
MAX_PACKED_PARQUET_BYTES: Final = 64 * 1024 * 1024  # Parquet is read from its end, so a packed one stands in memory
MAX_ARCHIVE_BYTES: Final = 4 * 1024**3  # of all members together: members that share their bytes multiply
PARQUET_BATCH_ROWS: Final = 32  # of 5 MiB each at worst
PARQUET_BUFFER_BYTES: Final = 64 * 1024  # read at once; more is no faster
