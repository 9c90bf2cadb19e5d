"""The table of inputs that strangers damage, forge or merely get wrong, each with what must come of it.

``good`` counts the transcripts, ``bad`` lists a part of each problem's message in order. Every row is put into a
folder, where nothing may stop the stream.
"""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from evaluator.transcripts.limits import MAX_BYTES
from tests.batch.containers import csv_bytes, jsonl_bytes, parquet_bytes, zip_bytes

__all__ = ["HOSTILE", "SECRET", "Hostile"]

SECRET = "zebra-marmalade"  # noqa: S105 - words of a candidate, which no message may hold
_SAID = f"Candidate: By the share of members who return, {SECRET}."
_BOMB = b"a" * (40 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Hostile:
    """One row.

    Attributes:
        name: Name of the file.
        data: Its bytes; made when asked for if they are many.
        good: How many transcripts it gives.
        bad: A part of each problem's message, in order.
        told: A part of what is said about it; ``None`` if nothing needs saying.
        names: Names of all items below the folder, where the row is about names.
    """

    name: str
    data: bytes | Callable[[], bytes]
    good: int = 0
    bad: tuple[str, ...] = field(default=())
    told: str | None = None
    names: tuple[str, ...] | None = None

    def content(self) -> bytes:
        """Return the bytes."""
        return self.data if isinstance(self.data, bytes) else self.data()


def _line(text: str = _SAID, **columns: object) -> dict[str, object]:
    return {"text": text, **columns}


def _flagged(data: bytes) -> bytes:
    """Return an archive whose members say that they are locked."""
    changed = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(mark)
        while at >= 0:
            changed[at + offset] |= 1
            at = changed.find(mark, at + 4)
    return bytes(changed)


def _declaring(data: bytes, size: int) -> bytes:
    """Return an archive whose first member is said to unpack to ``size`` bytes."""
    changed = bytearray(data)
    struct.pack_into("<I", changed, changed.find(b"PK\x01\x02") + 24, size)
    return bytes(changed)


def _link_member() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        member = zipfile.ZipInfo("passwords.txt")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    return stream.getvalue()


def _twice() -> bytes:
    """Return an archive in which one name stands twice, as zipfile itself only writes it with a warning."""
    return zip_bytes({"a.txt": _SAID.encode(), "b.txt": _SAID.encode()}).replace(b"b.txt", b"a.txt")


def _many_members() -> bytes:
    entry = (
        struct.pack("<4s4B4H3L5H2L", b"PK\x01\x02", 20, 0, 20, 0, 0, 0, 0, 33, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0) + b"a.txt"
    )
    directory = entry * 100_001
    return directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 34_465, 34_465, len(directory), 0, 0)


def _endless_directory() -> bytes:
    size = 24 * 1024 * 1024
    return bytes(size) + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, 0, 0)


def _never_closed() -> bytes:
    """Return a table with a quote that swallows 5 MiB before it is given up; the next lines are rows again."""
    line = b"x" * (2**20 - 1) + b"\n"
    return b'id,text\n1,"' + line * 8 + b"2,yes it is\n"


def _wide_rows() -> bytes:
    return jsonl_bytes([{"text": _SAID, **{f"c{number}": number for number in range(500)}}])


HOSTILE: tuple[Hostile, ...] = (
    # single files
    Hostile("empty.txt", b"", bad=("empty",)),
    Hostile("blank.vtt", b" \n\n ", bad=("empty",)),
    Hostile("huge.txt", lambda: b"word " * (MAX_BYTES // 5 + 1), bad=("larger than 5 MiB",)),
    Hostile("picture.txt", b"\x89PNG\r\n\x1a\n" + bytes(64), bad=("image (PNG)",)),
    Hostile("not-a-document.docx", b"PK\x03\x04" + bytes(40), bad=("damaged",)),
    Hostile("latin.txt", "Candidate: naïve".encode("latin-1"), good=1),
    Hostile("bad\udcffname.txt", _SAID.encode(), good=1, names=("bad\ufffdname.txt",)),
    Hostile("line\nend\x1b[31m.txt", _SAID.encode(), good=1, names=("line\nend\x1b[31m.txt",)),
    Hostile("UPPER.TXT", _SAID.encode(), good=1),
    Hostile("rows.json", jsonl_bytes([_line(), _line()]), bad=("2 transcripts, one a line",)),
    Hostile("movie.mp4", b"....ftyp", told=".mp4 1"),
    Hostile("noending", _SAID.encode(), told="no ending 1"),
    Hostile(".hidden.txt", _SAID.encode(), told="1 hidden"),
    # JSON lines
    Hostile("empty.jsonl", b""),
    Hostile("broken.jsonl", jsonl_bytes([_line()]) + b'{"text": "' + jsonl_bytes([_line()]), 1, ("line 2: not valid",)),
    Hostile("middle.jsonl", jsonl_bytes([_line(), [1], "x", None, _line()]), 2, ("line 2", "line 3", "line 4")),
    Hostile("nan.jsonl", b'{"text": "a b", "n": NaN}\n' + jsonl_bytes([_line()]), 1, ("NaN",)),
    Hostile("deep.jsonl", b'{"text": ' + b"[" * 5000 + b"\n" + jsonl_bytes([_line()]), 1, ("line 1",)),
    Hostile("twice.jsonl", b'{"text": "a", "text": "b"}\n', bad=("twice",)),
    Hostile("digits.jsonl", b'{"text": "a", "n": ' + b"9" * 5000 + b"}\n", bad=("18 digits",)),
    Hostile("latin.jsonl", b'{"text": "na\xefve"}\n' + jsonl_bytes([_line()]), 1, ("not UTF-8",)),
    Hostile("wide.jsonl", '{"text": "a"}\n'.encode("utf-16"), bad=("not UTF-8", "")),
    Hostile("bom.jsonl", b"\xef\xbb\xbf" + jsonl_bytes([_line()]) + b"\r\n \r\n", 1, names=("bom.jsonl:1",)),
    Hostile("cut.jsonl", jsonl_bytes([_line()]) + b'{"text": "And th', 1, ("line 2",)),
    Hostile("long.jsonl", lambda: b"x" * (MAX_BYTES + 9) + b"\n" + jsonl_bytes([_line()]), 1, ("longer than 5 MiB",)),
    Hostile("zeros.jsonl", b"\0" * 4096, bad=("line 1",)),
    Hostile("number.jsonl", jsonl_bytes([{"text": 5}, {"text": True}]), bad=("neither text nor turns",) * 2),
    Hostile("null.jsonl", jsonl_bytes([{"text": None}, {"turns": []}]), bad=("holds no transcript", "no words")),
    Hostile("turn.jsonl", jsonl_bytes([{"turns": [{"speaker": 3, "text": SECRET}]}]), bad=("turns[0].speaker",)),
    Hostile("half.jsonl", b'{"text": "Candidate: \\ud800 yes", "c": "\\ud800"}\n', good=1),
    Hostile("wide-row.jsonl", _wide_rows, good=1),
    Hostile("type.jsonl", jsonl_bytes([_line(question_type="x" * 99)]), bad=("longer than 64",)),
    # CSV and TSV
    Hostile("empty.csv", b"", bad=("the table is empty",)),
    Hostile("header.csv", b"id,text\n"),
    Hostile("roster.csv", f"name,mail\n{SECRET},b\n".encode(), bad=("columns seen: 'name', 'mail'",)),
    Hostile("headless.csv", csv_bytes([["1", f"{_SAID} " * 3]]), bad=("one of",)),
    Hostile("ragged.csv", f"id,text\n1,{SECRET}\n2\n3,a,b\n4,yes it is\n".encode(), 2, ("row 2", "row 3")),
    Hostile("nul.csv", b"id,text\n1\0,\0Candidate: yes\0 it is\0\n", good=1),
    Hostile("latin.csv", "id,text\né,Candidate: naïve\n2,yes it is\n".encode("latin-1"), good=2),
    Hostile("open.csv", f'id,text\n1,"{SECRET} never closed\n2,yes\n'.encode(), bad=("can't be told apart",)),
    Hostile("quote.csv", f'id,text\n1,"a"{SECRET}"\n2,yes it is\n'.encode(), 1, ("can't be told apart",)),
    Hostile("large.csv", lambda: b"id,text\n1," + b"x" * (MAX_BYTES + 9) + b"\n2,yes it is\n", 1, ("from line 2",)),
    Hostile("endless.csv", _never_closed, 1, ("from line 2", "row 2: it has 1 cells", "row 3: it has 1 cells")),
    Hostile("many-cells.csv", lambda: b"id,text\n" + b"x," * (6 * 2**20) + b"\n2,yes it is\n", 1, ("than 10 MiB",)),
    Hostile("same.csv", b"text,text\nyes it is,no\n", good=1),
    Hostile("unnamed.csv", b",text,\n1,yes it is,2\n\n\n3,so it is,4\n", 2, names=("unnamed.csv:1", "unnamed.csv:2")),
    Hostile("mac.csv", b"id,text\r1,yes it is\r2,so it is\r", good=2),
    Hostile("blank.csv", b'text\n""\nyes it is\n', 1, ("empty",)),
    Hostile("tabs.tsv", b"id\ttext\n1\tyes, it is\n", good=1),
    Hostile("header-quote.csv", b'id,"text"x\n1,yes\n', bad=("header can't be read",)),
    # Parquet
    Hostile("empty.parquet", b"", bad=("no Parquet",)),
    Hostile("cut.parquet", parquet_bytes({"text": [_SAID]})[:-20], bad=("no Parquet",)),
    Hostile("rows.parquet", b"PAR1" + bytes(400) + b"PAR1", bad=("no Parquet",)),
    Hostile("other.parquet", parquet_bytes({"a": [1]}), bad=("columns seen: 'a'",)),
    Hostile("none.parquet", parquet_bytes({"text": ["yes it is", None]}), 1, ("holds no transcript",)),
    Hostile("nested.parquet", parquet_bytes({"text": [_SAID], "more": [{"a": [1]}], "list": [[1, 2]]}), good=1),
    Hostile("bytes.parquet", parquet_bytes({"text": [_SAID.encode(), b"\x89PNG" + bytes(9)]}), 1, ("PNG",)),
    Hostile("dots.parquet", parquet_bytes({"a.b": [1], "text": ["yes it is"]}), good=1),
    Hostile("figures.parquet", parquet_bytes({"text": [1.5]}), bad=("neither text nor turns",)),
    # zip
    Hostile("empty.zip", zip_bytes({}), told="there is no transcript"),
    Hostile("zero.zip", b"", bad=("no zip archive",)),
    Hostile("cut.zip", zip_bytes({"a.txt": _SAID.encode()})[:-9], bad=("no zip archive",)),
    Hostile("bomb.zip", lambda: zip_bytes({"a.txt": _BOMB, "b.txt": b"yes it is"}), 1, ("larger than 5 MiB",)),
    Hostile("liar.zip", lambda: _declaring(zip_bytes({"a.txt": _BOMB}), 100), bad=("damaged",)),
    Hostile("boaster.zip", _declaring(zip_bytes({"a.txt": b"yes it is"}), 2**32 - 2), good=1),
    Hostile(
        "lines.zip", lambda: zip_bytes({"a.jsonl": _BOMB, "b.csv": _BOMB}), bad=("longer than 5", "longer than 10")
    ),
    Hostile("packed.zip", lambda: zip_bytes({"a.parquet": _BOMB + _BOMB}), bad=("unpacks to more",)),
    Hostile("locked.zip", _flagged(zip_bytes({"a.txt": _SAID.encode()})), bad=("password",)),
    Hostile("nested.zip", zip_bytes({"in.zip": zip_bytes({"a.txt": b"x"})}), bad=("archives inside archives",)),
    Hostile("bzip2.zip", zip_bytes({"a.txt": b"yes it is"}, zipfile.ZIP_BZIP2), bad=("deflate",)),
    Hostile(
        "slip.zip",
        zip_bytes({"../../a.txt": b"yes it is", "/etc/b.txt": b"so it is", "..\\c.txt": b"it is so"}),
        3,
        names=("slip.zip/a.txt", "slip.zip/c.txt", "slip.zip/etc/b.txt"),
    ),
    Hostile("twice.zip", _twice(), 2, names=("twice.zip/a.txt", "twice.zip/a.txt (2)")),
    Hostile("link.zip", _link_member(), told="1 link"),
    Hostile("mac.zip", zip_bytes({"__MACOSX/._a.txt": b"x", "a.txt": b"yes it is"}), 1, told="1 hidden"),
    Hostile("kinds.zip", zip_bytes({"a.png": b"x", "b.txt": b"yes it is"}), 1, told=".png 1"),
    Hostile("broken.zip", zip_bytes({"a.jsonl": b'{"text"\n' + jsonl_bytes([_line()])}), 1, ("a.jsonl, line 1",)),
    Hostile("many.zip", _many_members, bad=("100,000 members",)),
    Hostile("directory.zip", _endless_directory, bad=("no zip archive",)),
    Hostile("turns.zip", zip_bytes({"a.json": json.dumps({"turns": 3}).encode()}), bad=("turns",)),
)
