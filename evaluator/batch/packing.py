"""How texts are kept in the database: packed, by content key.

An evaluation repeats its rubric's words; packed against a dictionary of these it takes a twentieth of its size.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from evaluator.batch.database import Transaction
from evaluator.rubric import Rubric
from evaluator.values.transcript import Transcript

__all__ = [
    "KEEP_TRANSCRIPT",
    "chunks",
    "dictionary_of",
    "pack_text",
    "pack_transcript",
    "read_transcripts",
    "storable",
    "unpack_text",
]

KEEP_TRANSCRIPT: Final = """INSERT INTO ev_transcripts (key, packed) VALUES (:key, :packed)
    ON CONFLICT (key) DO UPDATE SET key = excluded.key"""
"""Keeps words by their key, and those that are there from being deleted before whoever needs them has said so.

An update that changes nothing holds the row on a shared database, where a plain ``DO NOTHING`` would let another
process delete it until this transaction ends.
"""

_FAST: Final = 1  # zlib level
_WINDOW: Final = 32_768  # bytes of a dictionary that zlib looks back into
_CHUNK: Final = 500
_KEY_CHARS: Final = 40  # hex digits: 160 bits
_Thing = TypeVar("_Thing")


def pack_text(text: str, dictionary: bytes) -> bytes:
    """Pack a text against a dictionary."""
    packing = zlib.compressobj(_FAST, zdict=dictionary)
    return packing.compress(text.encode()) + packing.flush()


def unpack_text(packed: bytes, dictionary: bytes) -> bytes:
    """Return what `pack_text` packed, as UTF-8."""
    return zlib.decompressobj(zdict=dictionary).decompress(packed)


def dictionary_of(rubric: Rubric) -> bytes:
    """Return what all evaluations by a rubric have in common, for zlib to refer back to: they shrink to a twentieth."""
    shared = [
        criterion.model_dump_json(include={"title", "severity", "why_it_matters", "fix", "drill", "source"})
        for criterion in rubric.criteria
    ]
    return "".join(shared).encode()[-_WINDOW:]


def pack_transcript(transcript: Transcript) -> tuple[str, bytes]:
    """Return a transcript's content key, and the transcript packed."""
    content = transcript.model_dump_json().encode()
    return hashlib.sha256(content).hexdigest()[:_KEY_CHARS], zlib.compress(content, _FAST)


def read_transcripts(transaction: Transaction, keys: Sequence[str]) -> dict[str, Transcript]:
    """Return transcripts by key, in the order of the keys; one that was deleted meanwhile is left out."""
    found: dict[str, bytes] = {}
    for chunk in chunks(keys):
        rows = transaction.rows("SELECT key, packed FROM ev_transcripts WHERE key IN :keys", {"keys": list(chunk)})
        found.update((key, packed) for key, packed in rows)
    return {key: Transcript.model_validate_json(zlib.decompress(found[key])) for key in keys if key in found}


def storable(text: str) -> str:
    """Return a text that both databases take: no null character, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def chunks(things: Iterable[_Thing], size: int = _CHUNK) -> Iterator[list[_Thing]]:
    """Divide things into lists of at most so many."""
    chunk: list[_Thing] = []
    for thing in things:
        chunk.append(thing)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
