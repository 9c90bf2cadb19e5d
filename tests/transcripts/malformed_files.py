"""Malformed files: empty, binary, wrongly encoded, of another kind, or damaged documents."""

from __future__ import annotations

import io
import zipfile

import docx

from tests.transcripts.malformed_rows import SECRET, SPEECH, Case, Parses, Refused, raw, turns, zipped

__all__ = ["BINARY", "DOCUMENTS", "EMPTY", "ENCODED", "FOREIGN"]


def _bomb() -> bytes:
    return zipped(**{"word/document.xml": b"\0" * 60_000_000, "[Content_Types].xml": b"<Types/>"})


def _document(body: str) -> bytes:
    """Return a Word document with ``body`` as its only contents."""
    stream, changed = io.BytesIO(), io.BytesIO()
    docx.Document().save(stream)
    with zipfile.ZipFile(stream) as archive, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as copy:
        for part in archive.infolist():
            data = archive.read(part)
            if part.filename == "word/document.xml":
                data = data.replace(b"<w:sectPr", f"{body}<w:sectPr".encode(), 1)
            copy.writestr(part, data)
    return changed.getvalue()


def _entity_document() -> bytes:
    lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else SECRET}">' for n in range(9))
    body = f'<?xml version="1.0"?><!DOCTYPE w [{lines}]><w>&a8;</w>'
    return zipped(**{"word/document.xml": body.encode(), "[Content_Types].xml": b"<Types/>"})


EMPTY: tuple[Case, ...] = (
    Case("empty", raw(b""), Refused("empty", "line 1")),
    Case("white space", raw(b" \n\t \r\n"), Refused("empty", "line 1")),
    Case("byte order mark alone", raw(b"\xef\xbb\xbf"), Refused("empty", "line 1")),
    Case("invisible characters alone", raw("\u200b\u200e\u2060\u200b"), Refused("no words", "turns")),
    Case("annotations alone", raw("[applause] (laughs) [inaudible]"), Refused("no words", "turns")),
    Case("labels alone", raw("Interviewer:\nCandidate:\n"), Refused("no words", "turns")),
)
BINARY: tuple[Case, ...] = (
    Case("PDF", raw(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"), Refused("a PDF", "byte 0")),
    Case("PNG", raw(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Refused("an image (PNG)", "byte 0")),
    Case("JPEG", raw(b"\xff\xd8\xff\xe0\0\x10JFIF"), Refused("an image (JPEG)", "byte 0")),
    Case("MP3 with a tag", raw(b"ID3\x04\0\0\0\0"), Refused("an audio recording (MP3)", "byte 0")),
    Case("WAV", raw(b"RIFF\x24\0\0\0WAVEfmt "), Refused("a recording (WAV", "byte 0")),
    Case("MP4", raw(b"\0\0\0\x20ftypisom\0\0\2\0"), Refused("a recording (MP4", "byte 0")),
    Case("WebM", raw(b"\x1aE\xdf\xa3\x01\0\0\0"), Refused("a video recording", "byte 0")),
    Case("gzip", raw(b"\x1f\x8b\x08\0\0\0\0\0"), Refused("gzip data", "byte 0")),
    Case("old Word document", raw(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 64), Refused("(.doc)", "byte 0")),
    Case("SQLite", raw(b"SQLite format 3\0" + b"\x10\0"), Refused("an SQLite database", "byte 0")),
    Case("one NUL in text", raw(b"Candidate: hello\0there"), Refused("binary data", "byte 16")),
    Case("random bytes", raw(bytes((n * 167 + 13) % 256 for n in range(4096))), Refused("binary", "byte")),
    Case("control characters", raw(b"\x01\x02\x03\x04" * 50), Refused("binary data", "byte 0")),
)
ENCODED: tuple[Case, ...] = (
    Case(
        "Windows-1252",
        raw("Candidate: caf\xe9 r\xe9sum\xe9".encode("cp1252")),
        Parses("plain", ("decoded_as_windows_1252",)),
    ),
    Case(
        "UTF-8 cut in a character",
        raw("Candidate: café, naïve, über".encode()[:-4]),
        Parses("plain", ("damaged_encoding",)),
    ),
    Case("UTF-16 without a mark", raw("Candidate: it stays with us".encode("utf-16-le")), Parses("plain")),
    Case(
        "UTF-16 with half a character",
        raw("\ufeffCandidate: it stays".encode("utf-16-le") + b"\x41"),
        Parses("plain", ("damaged_encoding",)),
    ),
    Case("UTF-16 mark before other bytes", raw(b"\xff\xfe" + b"\x00\xd8" * 100), Refused("damaged", "byte 0")),
    Case("UTF-32", raw("Candidate: it stays with us".encode("utf-32")), Parses("plain")),
    Case(
        "bidi and zero-width characters",
        raw("Candidate: I\u202e would\u200b keep\u2066 them\ufeff"),
        Parses("plain", ("hidden_characters",)),
    ),
    Case(
        "terminal escapes",
        raw("Candidate: \x1b[31mred\x1b[0m and some more words that follow here"),
        Parses("plain", ("hidden_characters",)),
    ),
    Case(
        "lone surrogates in JSON",
        raw('{"turns":[{"speaker":"candidate","text":"we \\ud800 keep \\udc00 them"}]}'),
        Parses("turns", ("hidden_characters",)),
    ),
    Case(
        "hidden characters in a label",
        turns({"speaker": "candi\u202edate\u200b", "text": "we keep them"}),
        Parses("turns"),
    ),
)
FOREIGN: tuple[Case, ...] = (
    Case("HTML", raw(f"<!DOCTYPE html><html><body><p>{SPEECH}</p></body></html>"), Refused("HTML", "line 1")),
    Case("RTF", raw(f"{{\\rtf1\\ansi {SPEECH}}}"), Refused("RTF", "line 1")),
    Case("XML", raw(f'<?xml version="1.0"?><tt><p>{SPEECH}</p></tt>'), Refused("XML", "line 1")),
    Case(
        "CSV named JSON",
        raw(f"speaker,text\ncandidate,{SECRET}\ninterviewer,why\n"),
        Refused("CSV", "line 1"),
        file_name="turns.json",
    ),
    Case(
        "CSV as turns JSON", raw(f"speaker,text\ncandidate,{SECRET}\nb,c\n"), Refused("CSV", "line 1"), format="turns"
    ),
    Case("tab-separated table", raw(f"start\tspeaker\ttext\n0\tA\t{SECRET}\n1\tB\tno\n"), Refused("CSV", "line 1")),
    Case("prose as turns JSON", raw(SPEECH), Refused("not valid JSON", "line 1, column 1"), format="turns"),
    Case("prose as WebVTT", raw(SPEECH), Refused("`WEBVTT`", "line 1"), format="vtt"),
    Case("prose as SRT", raw(SPEECH), Refused("SRT", "line 1"), format="srt"),
    Case("text as a Word document", raw(SPEECH), Refused("not the bytes", "byte 0"), format="docx"),
    Case(
        "prose named WebVTT",
        raw(SPEECH),
        Parses("plain", ("no_speaker_labels", "format_not_as_named")),
        file_name="a.vtt",
    ),
    Case("unknown format", raw(SPEECH), Refused("no such format", "format"), format="pages"),
)
DOCUMENTS: tuple[Case, ...] = (
    Case("cut zip", lambda: zipped(**{"word/document.xml": b"x" * 1000})[:60], Refused("damaged", "byte 0")),
    Case("zip of something", lambda: zipped(**{"notes.txt": b"hi"}), Refused("a zip archive", "byte 0")),
    Case("Excel workbook", lambda: zipped(**{"xl/workbook.xml": b"<x/>"}), Refused("an Excel workbook", "byte 0")),
    Case(
        "OpenDocument",
        lambda: zipped(mimetype=b"application/vnd.oasis.opendocument.text"),
        Refused("an OpenDocument", "byte 0"),
    ),
    Case(
        "Word document without parts",
        lambda: zipped(**{"word/document.xml": b"<w/>"}),
        Refused("damaged", "word/document.xml"),
    ),
    Case("Word document with entities", _entity_document, Refused("damaged", "word/document.xml")),
    Case(
        "Word document with too many paragraphs",
        lambda: _document("<w:p/>" * 20_000),
        Refused("10,000 paragraphs and cells", "word/document.xml"),
        big=True,
    ),
    Case(
        "Word document with one huge row",
        lambda: _document(f"<w:tbl><w:tr>{'<w:tc><w:p/></w:tc>' * 80_000}</w:tr></w:tbl>"),
        Refused("10,000 paragraphs and cells", "word/document.xml"),
        big=True,
    ),
    Case("zip bomb", _bomb, Refused("unpacks to more than 2 MiB", "word/document.xml"), big=True),
)
