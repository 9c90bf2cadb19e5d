"""Word documents (.docx), through the extra python-docx: bytes in, the text of paragraphs and tables out.

The text is then read as Otter-style or plain text. A document is a zip archive from a stranger: what it would unpack
to is added up before anything is unpacked.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from evaluator.errors import MissingExtra, TranscriptError
from evaluator.transcripts import otter, plain
from evaluator.transcripts.draft import Draft
from evaluator.transcripts.labels import time_alone
from evaluator.transcripts.limits import MAX_BLOCKS, MAX_BODY_BYTES, MAX_UNPACKED_BYTES

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table

__all__ = ["claims", "extract", "parse", "sniff"]

_BODY: Final = "word/document.xml"
_BLOCK: Final = re.compile(rb"[<:](?:p|tc)[\s/>]")
_MAX_PARTS: Final = 2_000  # a document with pictures has dozens
_OTHERS: Final = (
    ("xl/", "an Excel workbook"),
    ("ppt/", "a PowerPoint file"),
    ("mimetype", "an OpenDocument file"),
)


def sniff(text: str) -> float:
    """Return 0: a Word document is never text; `claims` looks at the bytes."""
    del text
    return 0.0


def claims(data: bytes) -> bool:
    """Return whether ``data`` is a zip archive, and so a Word document or to be refused here with its true name."""
    return data.startswith(b"PK\x03\x04")


def extract(data: bytes) -> str:
    """Return the text of a Word document, paragraphs parted by empty lines.

    Raises:
        TranscriptError: Another kind of archive, damaged, locked, or one that unpacks to too much.
        MissingExtra: python-docx isn't installed.
    """
    _check_archive(data)
    try:
        import docx
    except ImportError as error:
        raise MissingExtra(
            "reading .docx needs python-docx", remedy="pip install 'interview-evaluator[docx]'"
        ) from error
    try:
        _check_blocks(data)
        return "\n\n".join(_paragraphs(docx.Document(io.BytesIO(data))))
    except TranscriptError:
        raise
    except Exception as error:
        raise TranscriptError(
            "the Word document is damaged", where=_BODY, remedy="save it again, or as text"
        ) from error


def parse(text: str) -> Draft:
    """Split the extracted text into utterances."""
    return otter.parse(text) if otter.sniff(text) > plain.sniff(text) else plain.parse(text)


def _check_archive(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise TranscriptError("the zip archive is damaged", where="byte 0", remedy="save the document again") from error
    names = [part.filename for part in parts]
    if _BODY not in names:
        kind = next((kind for start, kind in _OTHERS if any(name.startswith(start) for name in names)), "a zip archive")
        raise TranscriptError(f"this looks like {kind}, not a transcript", where="byte 0", remedy="unpack or export it")
    if any(part.flag_bits & 0x1 for part in parts):
        raise TranscriptError("the document is locked with a password", where=_BODY, remedy="save it without one")
    size = next(part.file_size for part in parts if part.filename == _BODY)
    if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES or size > MAX_BODY_BYTES:
        raise TranscriptError(
            f"the document unpacks to more than {MAX_BODY_BYTES // 1024 // 1024} MiB of text, or "
            f"{MAX_UNPACKED_BYTES // 1024 // 1024} MiB in all",
            where=_BODY,
            remedy="save it as text",
        )


def _check_blocks(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        blocks = sum(1 for _ in _BLOCK.finditer(archive.read(_BODY)))
    if blocks > MAX_BLOCKS:
        raise TranscriptError(
            f"the document has more than {MAX_BLOCKS:,} paragraphs and cells", where=_BODY, remedy="save it as text"
        )


def _paragraphs(document: Document) -> Iterator[str]:
    from docx.table import Table as TableType

    for block in document.iter_inner_content():
        if isinstance(block, TableType):
            yield from _rows(block)
        elif block.text.strip():
            yield block.text


def _rows(table: Table) -> Iterator[str]:
    """Yield each row as a labelled line: a speaker, perhaps a time, and in the last cell what was said."""
    for row in table.rows:
        cells = [cell.text.strip() for cell in row.cells]
        times = [cell for cell in cells[:-1] if time_alone(cell) is not None]
        names = [cell for cell in cells[:-1] if cell and time_alone(cell) is None]
        if not cells or not cells[-1]:
            continue
        head = " ".join([*(f"[{time}]" for time in times[:1]), *names[:1]])
        yield f"{head.rstrip(':')}: {cells[-1]}" if names else cells[-1]
