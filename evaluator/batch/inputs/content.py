"""What a file holds, told by its ending, and the items in it: a table's rows, or one transcript."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, assert_never

from evaluator.batch.inputs.delimited import read_csv, read_tsv
from evaluator.batch.inputs.jsonl import read_jsonl
from evaluator.batch.inputs.opening import reason_of
from evaluator.batch.inputs.options import ReadOptions
from evaluator.batch.inputs.origins import Origin, failed, refused
from evaluator.batch.inputs.parquet import DamagedTable, read_parquet
from evaluator.batch.records import Item
from evaluator.errors import InputError, MissingExtra, TranscriptError
from evaluator.transcripts import FORMATS, parse_transcript
from evaluator.transcripts.limits import MAX_BYTES

__all__ = ["Kind", "TooMuch", "kind_of", "read_content"]


class Kind(StrEnum):
    """What a file is read as."""

    TRANSCRIPT = "transcript"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    ARCHIVE = "zip"


class TooMuch(OSError):
    """What is read has grown past its limit; the message says which."""


_SUFFIXES: Final[dict[str, Kind]] = {
    **{suffix: Kind.TRANSCRIPT for row in FORMATS for suffix in row.suffixes},
    ".jsonl": Kind.JSONL,
    ".ndjson": Kind.JSONL,
    ".csv": Kind.CSV,
    ".tsv": Kind.TSV,
    ".tab": Kind.TSV,
    ".parquet": Kind.PARQUET,
    ".pq": Kind.PARQUET,
    ".zip": Kind.ARCHIVE,
}


def kind_of(name: str) -> Kind | None:
    """Return what a file of that name is read as; ``None`` if its ending promises nothing that is read."""
    stem, dot, suffix = name.rpartition(".")
    return _SUFFIXES.get(f".{suffix.lower()}") if dot and stem else None


def read_content(file: io.BufferedReader, kind: Kind, origin: Origin, options: ReadOptions) -> Iterator[Item]:
    """Yield the items in an open file that is no archive; what can't be read is a failed item.

    Raises:
        InputError: The caller named this table, and it can't be used as they said.
        MissingExtra: The caller named this file, and a package is missing that reads it.
    """
    try:
        yield from _reader(kind)(file, origin, options)
    except (TranscriptError, DamagedTable) as error:
        yield refused(origin, error)
    except (InputError, MissingExtra) as error:
        if origin.named:
            raise
        yield refused(origin, error)
    except TooMuch as error:
        yield failed(origin, "file", str(error))
    except OSError as error:
        yield failed(origin, "file", f"{reason_of(error)} (check the file, then run again)", again=True)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        yield failed(origin, "file", f"it is damaged, {type(error).__name__} (pack the archive again)")


def _reader(kind: Kind) -> Callable[[io.BufferedReader, Origin, ReadOptions], Iterator[Item]]:
    match kind:
        case Kind.TRANSCRIPT | Kind.ARCHIVE:  # an archive that gets here is refused by name
            return _read_transcript
        case Kind.JSONL:
            return read_jsonl
        case Kind.CSV:
            return read_csv
        case Kind.TSV:
            return read_tsv
        case Kind.PARQUET:
            return _read_parquet
        case _:
            assert_never(kind)


def _read_parquet(file: io.BufferedReader, origin: Origin, options: ReadOptions) -> Iterator[Item]:
    """Read Parquet; what can't be sought in, an unpacked member, is held whole, its size being limited."""
    return read_parquet(file if file.seekable() else io.BytesIO(file.read()), origin, options)


def _read_transcript(file: io.BufferedReader, origin: Origin, options: ReadOptions) -> Iterator[Item]:
    transcript = parse_transcript(
        file.read(MAX_BYTES + 1),
        format=options.format,
        candidate=options.candidate,
        question=options.question,
        question_type=options.question_type,
        name=origin.name,
    )
    yield Item(origin.name, transcript, None, origin.columns())
