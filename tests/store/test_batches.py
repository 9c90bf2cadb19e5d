"""Tests of the record of provider batches: what it holds, for whom, and what it refuses."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.errors import OptionError
from evaluator.store.answers import AnswerFile
from evaluator.store.batches import BatchLedger, KeptBatch, KeptReply


def test_a_request_is_in_its_batch_until_its_reply_is_kept(tmp_path: Path) -> None:
    """Intended, created, answered, over: what is known of a request at each step, in a new opening of the file too."""
    path = tmp_path / "deep" / "batches.sqlite"
    batch = KeptBatch("one", "openai gpt", 12.5, 2)
    with BatchLedger(path) as ledger:
        assert ledger.find("a") is None
        ledger.intend(batch, ["a", "b"])
        assert ledger.find("a") == batch
        ledger.created("one", "batch_1")
    with BatchLedger(path) as ledger:
        assert ledger.find("b") == KeptBatch("one", "openai gpt", 12.5, 2, "batch_1")
        assert ledger.keys("one") == ["a", "b"]
        assert ledger.batch_ids() == {"batch_1"}
        ledger.keep({"b": "yes"})
        assert ledger.find("b") == KeptReply("yes")
        assert isinstance(ledger.find("a"), KeptBatch)
        ledger.close_batch("one")
        assert ledger.find("a") is None
        assert ledger.find("b") == KeptReply("yes")
        assert ledger.batch_ids() == {"batch_1"}


def test_the_newest_batch_of_a_request_counts(tmp_path: Path) -> None:
    """A request that was sent again is waited for where it was sent last."""
    with BatchLedger(tmp_path / "b.sqlite") as ledger:
        ledger.intend(KeptBatch("new", "s", 2.0, 1), ["a"])
        ledger.intend(KeptBatch("old", "s", 1.0, 1), ["a"])
        found = ledger.find("a")
    assert isinstance(found, KeptBatch)
    assert found.intent == "new"


@given(texts=st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), st.text(max_size=50), max_size=20))
def test_any_reply_survives(tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]) -> None:
    """Whatever a model wrote is kept to the letter."""
    kept = {key: text.encode("utf-8", "replace").decode() for key, text in texts.items()}
    with BatchLedger(tmp_path_factory.getbasetemp() / "words.sqlite") as ledger:
        ledger.keep(kept)
        assert ledger.replies(list(kept)) == {key: KeptReply(text) for key, text in kept.items()}


def test_thousands_of_replies_are_read_at_once(tmp_path: Path) -> None:
    """More keys than SQLite takes in one question are read all the same."""
    with BatchLedger(tmp_path / "b.sqlite") as ledger:
        ledger.keep({str(n): "reply" for n in range(2000)})
        assert len(ledger.replies([str(n) for n in range(3000)])) == 2000


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """The file holds what models wrote about candidates."""
    path = tmp_path / "b.sqlite"
    with BatchLedger(path) as ledger:
        ledger.keep({"a": "reply"})
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    """A file of another kind, of ours or not, is refused and stays as it is."""
    cache, foreign, text = tmp_path / "cache.sqlite", tmp_path / "foreign.sqlite", tmp_path / "notes.txt"
    AnswerFile(cache).close()
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    text.write_text("These are my notes, and they are longer than nothing.")
    for path in (cache, foreign, text):
        with pytest.raises(OptionError, match=path.name):
            BatchLedger(path)
    assert text.read_text().startswith("These are my notes")


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    """What another version wrote isn't guessed at."""
    path = tmp_path / "b.sqlite"
    BatchLedger(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(OptionError, match="another version"):
        BatchLedger(path)


def test_a_batch_is_written_as_a_whole(tmp_path: Path) -> None:
    """If it can't be written with all its requests, none of it is."""
    with BatchLedger(tmp_path / "b.sqlite") as ledger:
        ledger.intend(KeptBatch("one", "s", 1.0, 1), ["a"])
        with pytest.raises(OptionError, match="can't be written"):
            ledger.intend(KeptBatch("one", "s", 2.0, 1), ["b"])
        assert ledger.find("b") is None


def test_threads_share_it(tmp_path: Path) -> None:
    """Many threads may write and read at once."""
    with BatchLedger(tmp_path / "b.sqlite") as ledger:

        def work(number: int) -> None:
            for step in range(20):
                ledger.keep({f"{number}-{step}": "reply"})
                assert ledger.find(f"{number}-{step}") == KeptReply("reply")

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ledger.replies([f"{n}-{s}" for n in range(8) for s in range(20)])) == 160


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error names the file and what to do, not the folder above."""
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(OptionError, match="run the same command again"):
        BatchLedger(blocked / "b.sqlite")
