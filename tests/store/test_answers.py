"""Tests of the file of answers: many at once, damage, foreign files, places that can't be written."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.errors import OptionError
from evaluator.judging import Opinion, Quote
from evaluator.store.answers import AnswerFile, Answers, KeptOpinion, KeptTexts, pack, pieces, unpack
from evaluator.values.judge import Vote
from tests.fakes import opinion

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_KEPT: Final = KeptOpinion(
    Opinion("vanity", "present", 0.8, (Quote(1, "I would «track» \u202eclicks\x00"),), "So."),
    (Vote(voter="answer 1", verdict="present", confidence=None, reason="So."),),
    confirmed=True,
)
_TEXTS: Final = KeptTexts("Short.", None, ("Why?", "How?"))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Opinions, votes and texts come back as they were, in another opening of the file too."""
    path = tmp_path / "deep" / "er" / "answers.sqlite"
    first = AnswerFile(path)
    first.write_many([("head", Answers({"a": _KEPT}, {"t": _TEXTS}))])
    first.close()
    assert AnswerFile(path).read_many(["head", "other"]) == {"head": Answers({"a": _KEPT}, {"t": _TEXTS})}


async def test_an_event_loop_is_not_held_up(tmp_path: Path) -> None:
    """The waiting forms keep and return the same; an unknown case has no answers."""
    store = AnswerFile(tmp_path / "a.sqlite")
    await store.write("head", Answers({"a": _KEPT}))
    assert await store.read("head") == Answers({"a": _KEPT})
    assert await store.read("other") == Answers()


@given(words=st.text(st.characters(exclude_categories=("Cs",)), max_size=80), confidence=st.floats(0, 1))
def test_any_words_survive(words: str, confidence: float) -> None:
    """Whatever a candidate said and a model wrote is kept to the letter."""
    answers = Answers({"k": KeptOpinion(Opinion("c", "absent", confidence, (Quote(0, words),), words))})
    assert unpack([pack(answers)]) == answers


@given(rows=st.lists(st.integers(), max_size=300))
def test_pieces_are_few_and_hold_every_row_in_order(rows: list[int]) -> None:
    """No row is lost, and there are no more sizes than powers of two up to 32."""
    made = list(pieces(rows))
    assert [row for piece in made for row in piece] == rows
    assert {len(piece) for piece in made} <= {1, 2, 4, 8, 16, 32}
    assert len(made) <= len(rows) // 32 + 5


def test_damaged_answers_count_as_unknown() -> None:
    """What can't be read, or is no opinion, is left out; the rest stays."""
    wrong = pack(Answers({"b": _KEPT})).replace(b"x", b"y", 1)[:-4]
    assert unpack([wrong, pack(Answers({"a": _KEPT})), b"", b"letter"]) == Answers({"a": _KEPT})


def test_thousands_of_cases_are_read_at_once(tmp_path: Path) -> None:
    """More cases than SQLite takes in one question are read all the same."""
    store = AnswerFile(tmp_path / "a.sqlite")
    store.write_many((str(n), Answers({"c": KeptOpinion(opinion("c", "absent"))})) for n in range(2000))
    assert len(store.read_many([str(n) for n in range(3000)])) == 2000


def test_answers_to_one_case_are_joined_and_the_last_one_stays(tmp_path: Path) -> None:
    """A criterion asked later stands beside the others; one asked again is replaced, a damaged one too."""
    store = AnswerFile(tmp_path / "a.sqlite")
    store.write_many([("head", Answers({"a": _KEPT, "b": _KEPT}))])
    other = KeptOpinion(opinion("vanity", "absent"))
    store.write_many([("head", Answers({"a": other}))])
    assert store.read_many(["head"]) == {"head": Answers({"a": other, "b": _KEPT})}


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    """It holds candidates' words: neither group nor others get at it."""
    store = AnswerFile(tmp_path / "cache" / "o.sqlite")
    store.write_many([("a", Answers({"a": _KEPT}))])
    for path in (tmp_path / "cache", *(tmp_path / "cache").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


def test_threads_share_a_store(tmp_path: Path) -> None:
    """Eight threads that write and read lose nothing."""
    store = AnswerFile(tmp_path / "o.sqlite")

    def work(number: int) -> None:
        for n in range(20):
            store.write_many([(f"{number}-{n}", Answers({"a": _KEPT}))])
            store.read_many([f"{number}-{n}"])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.read_many([f"{number}-{n}" for number in range(8) for n in range(20)])) == 160


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    """Two processes that open and write the same new file at once lose nothing."""
    path = tmp_path / "o.sqlite"
    code = (
        "import sys; from pathlib import Path\n"
        "from evaluator.store.answers import AnswerFile, Answers, KeptOpinion\n"
        "from evaluator.judging import Opinion\n"
        "store = AnswerFile(Path(sys.argv[1]))\n"
        "for n in range(100):\n"
        "    kept = KeptOpinion(Opinion('c', 'absent', 0.5, (), 'So.'))\n"
        "    store.write_many([(f'{sys.argv[2]}-{n}', Answers({'c': kept}))])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], env=environment, stderr=subprocess.PIPE)
        for name in ("x", "y")
    ]
    for process in both:
        _, told = process.communicate()
        assert process.returncode == 0, told.decode()
    keys = [f"{name}-{n}" for name in ("x", "y") for n in range(100)]
    assert len(AnswerFile(path).read_many(keys)) == 200


@pytest.mark.parametrize("content", [b"not a database at all, but a letter to a friend" * 40, b"SQLite format 3\0" * 9])
def test_another_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    """A file that is no database is named, with the remedy, and not touched."""
    path = tmp_path / "letter.txt"
    path.write_bytes(content)
    with pytest.raises(OptionError, match=r"letter\.txt: the result cache can't be opened.*--no-cache"):
        AnswerFile(path)
    assert path.read_bytes() == content


def test_anothers_database_is_refused_and_kept(tmp_path: Path) -> None:
    """A database of another program gets no table of ours."""
    path = tmp_path / "bookmarks.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    with pytest.raises(OptionError, match="holds something else"):
        AnswerFile(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]
    connection.close()


def test_another_version_is_refused(tmp_path: Path) -> None:
    """A file of a later version is left to it."""
    path = tmp_path / "o.sqlite"
    AnswerFile(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(OptionError, match=r"another version.*99"):
        AnswerFile(path)


@pytest.mark.parametrize("place", ["folder", "file/o.sqlite", "missing\0/o.sqlite"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, place: str) -> None:
    """A folder, a path through a file and a path with a null character are refused with the remedy."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(OptionError, match="the result cache can't be opened"):
        AnswerFile(tmp_path / place)
