"""From what a person names on the command line to a stream of items: files, folders, patterns, tables, zip archives.

``places`` finds files, ``content`` tells what each is and reads it (``jsonl``, ``delimited``, ``parquet``, or one
transcript), ``archives`` does the same for the members of a zip, ``rows`` and ``columns`` turn a row into an item.
Everything is read once, in a stable order, and never held whole.
"""

from __future__ import annotations

from evaluator.batch.inputs.options import ReadOptions
from evaluator.batch.inputs.reading import read_items

__all__ = ["ReadOptions", "read_items"]
