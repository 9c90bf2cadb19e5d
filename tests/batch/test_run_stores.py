"""Tests of what a run holds and of what became of it: counts, shards, claims, results, records."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.batch.database import Database
from evaluator.batch.database_failures import DatabaseFailed
from evaluator.batch.packing import chunks, dictionary_of, pack_text, pack_transcript, storable, unpack_text
from evaluator.batch.progress import Counts, Progress
from evaluator.batch.records import FailedItem, GradedItem, Item
from evaluator.errors import OptionError
from evaluator.store.answers import Answers, KeptOpinion
from tests.batch.durable_cases import SPEC, Stores, evaluation_of, item, items, problem, result, unreadable
from tests.fakes import make_rubric, make_transcript, opinion

_DICTIONARY = dictionary_of(make_rubric())


@pytest.fixture
def stores(tmp_path: Path) -> Generator[Stores]:
    """Return stores in an empty database."""
    made = Stores.at(tmp_path / "run.sqlite")
    yield made
    made.database.close()


def test_a_run_knows_what_it_holds(stores: Stores) -> None:
    """Items, those that can't be read, those with the words of an earlier one, and what is to be done."""
    counts, turn = stores.begin(item("a"), unreadable("b"), item("c", "same"), item("d", "same"), item("e", "same"))
    assert counts == Counts(items=5, unreadable=1, duplicates=2, done=0, open=2)
    assert turn.attempt == 1
    (claim,) = stores.claims(turn)
    stores.results.write([result(claim, next(iter(claim.open)))])
    assert stores.begin(item("a"), item("c", "same"))[0] == Counts(items=2, unreadable=0, duplicates=0, done=1, open=1)


def test_an_empty_run_has_nothing_to_do(stores: Stores) -> None:
    """No item is no error."""
    counts, turn = stores.begin()
    assert counts == Counts(0, 0, 0, 0, 0)
    assert stores.runs.make_shards(turn, 64) == []
    assert stores.told() == []


def test_thousands_of_items_keep_their_order(stores: Stores) -> None:
    """More items than one statement takes come out in the order in which they went in."""
    counts, turn = stores.begin(*(item(str(number)) for number in range(1234)))
    assert counts.open == 1234
    claims = stores.claims(turn)
    assert [len(claim.open) for claim in claims] == [64] * 19 + [18]
    assert [record.item for record in stores.told()] == [str(number) for number in range(1234)]


def test_shards_hold_each_open_transcript_once(stores: Stores) -> None:
    """What stands in an unfinished shard is put in no other; what was let go of is."""
    _, turn = stores.begin(*items(5))
    first = stores.runs.make_shards(turn, 2)
    assert len(first) == 3
    assert stores.runs.make_shards(replace(turn, number=1), 2) == []
    stores.runs.let_go(first[:1])
    assert len(stores.runs.make_shards(replace(turn, number=2), 2)) == 1
    assert len(stores.runs.unfinished("run")) == 3
    assert stores.runs.in_work("run")


def test_the_same_turn_makes_the_same_shards(stores: Stores) -> None:
    """Made again after a crash between making and queueing, nothing is there twice."""
    _, turn = stores.begin(*items(3))
    made = stores.runs.make_shards(turn, 64)
    assert stores.runs.make_shards(turn, 64) == []
    assert stores.runs.unfinished("run") == made


def test_a_claim_takes_what_still_belongs_to_the_run(stores: Stores) -> None:
    """Items that left the run, that have a result, or whose rubric changed are not in a recovered shard."""
    _, turn = stores.begin(*items(4))
    (shard,) = stores.runs.make_shards(turn, 64)
    (claim,) = [stores.results.claim(shard, "me")]
    stores.results.write([result(claim, next(iter(claim.open)))])
    stores.begin(*items(3))
    assert [turns.turns[0].text for turns in stores.results.claim(shard, "me").open.values()] == [
        "I would track the clicks of item 1.",
        "I would track the clicks of item 2.",
    ]
    stores.begin(*items(3), spec=replace(SPEC, grading="grading-2"))
    assert stores.results.claim(shard, "me").open == {}


def test_a_lost_claim_cannot_write(stores: Stores) -> None:
    """Who was thought dead learns that its shard is gone, its results aren't kept, and it can't end the shard."""
    _, turn = stores.begin(*items(2))
    (claim,) = stores.claims(turn, owner="old")
    taken = stores.results.claim(claim.shard, "new")
    key = next(iter(claim.open))
    assert stores.results.write([result(claim, key)]) == {claim.shard}
    assert stores.results.claim(claim.shard, "new").open.keys() == taken.open.keys()
    stores.results.release(claim)
    assert stores.runs.in_work("run")


def test_a_lost_claim_keeps_what_was_paid(stores: Stores) -> None:
    """Answers that came too late for the result are kept: whoever has the shard now needn't pay again."""
    _, turn = stores.begin(*items(1))
    (claim,) = stores.claims(turn)
    stores.results.claim(claim.shard, "new")
    kept = Answers({"k": KeptOpinion(opinion("vanity", "absent"))})
    stores.results.keep_answers([("head", kept)])
    assert stores.results.write([result(claim, next(iter(claim.open)))]) == {claim.shard}
    assert stores.results.answers(["head", "other"]) == {"head": kept}


def test_a_failure_yields_and_a_grade_stands(stores: Stores) -> None:
    """A later result takes a failure's place; nothing takes the place of an evaluation."""
    _, turn = stores.begin(*items(1))
    (claim,) = stores.claims(turn)
    (key,) = claim.open
    stores.results.write([result(claim, key, problem())])
    assert isinstance(stores.told()[0], FailedItem)
    good = evaluation_of("I would watch retention.")
    stores.results.write([result(claim, key, good)])
    stores.results.write([result(claim, key, problem())])
    stores.results.write([result(claim, key, evaluation_of("Another."))])
    (told,) = stores.told()
    assert isinstance(told, GradedItem)
    assert told.evaluation == good


def test_progress_counts_each_transcript_once(stores: Stores) -> None:
    """A failure that was mended is no failure any more, and calls are added up."""
    _, turn = stores.begin(*items(3))
    (claim,) = stores.claims(turn)
    first, second, third = claim.open
    stores.results.write([result(claim, key, problem(), cost_usd=0.5) for key in (first, second)])
    stores.results.write([result(claim, third, cost_usd=0.25)])
    assert stores.runs.progress("run", 1) == Progress(graded=1, failed=2, requests=3, cost_usd=1.25)
    stores.results.release(claim)
    (again,) = stores.claims(replace(turn, number=1, again=1))
    stores.results.write([result(again, first), result(again, second, problem())])
    assert stores.runs.progress("run", 1) == Progress(graded=2, failed=1, requests=5, cost_usd=1.25)


def test_progress_is_that_of_the_attempt_in_which_it_was_made(stores: Stores) -> None:
    """A shard that a crash left over counts for the attempt that grades it; a former failure isn't taken off."""
    _, turn = stores.begin(*items(3))
    (claim,) = stores.claims(turn)
    first, second, third = claim.open
    stores.results.write([result(claim, first, problem())])
    stores.begin(*items(3))
    recovered = stores.results.claim(claim.shard, "me")
    assert set(recovered.open) == {second, third}
    stores.results.write([result(recovered, second), result(recovered, third)])
    assert stores.runs.progress("run", 2) == Progress(graded=2, requests=2)
    assert stores.runs.progress("run") == Progress(graded=2, failed=1, requests=3)


def test_two_runs_in_one_transaction_are_counted_apart(stores: Stores) -> None:
    """A worker that has shards of two runs in hand tells each run what was done for it."""
    (_, one), (_, two) = stores.begin(item("a")), stores.begin(item("b"), run="other")
    (first,), (second,) = stores.claims(one), stores.claims(two)
    stores.results.write([result(first, next(iter(first.open))), result(second, next(iter(second.open)), problem())])
    assert stores.runs.progress("run") == Progress(graded=1, requests=1)
    assert stores.runs.progress("other") == Progress(failed=1, requests=1)


def test_a_result_serves_every_run_with_the_same_grading(stores: Stores) -> None:
    """The same words under the same grading are done already in another run; under another grading they aren't."""
    _, turn = stores.begin(item("a", "same words"))
    (claim,) = stores.claims(turn)
    stores.results.write([result(claim, next(iter(claim.open)))])
    assert stores.begin(item("z", "same words"), run="other")[0].open == 0
    assert stores.begin(item("z", "same words"), run="third", spec=replace(SPEC, grading="x"))[0].open == 1


def test_records_are_in_order_and_tell_who_has_the_same_words(stores: Stores) -> None:
    """One record for each item: graded, repeated, unreadable, not yet graded."""
    _, turn = stores.begin(
        item("a", "one", cohort="x"), unreadable("b"), item("c", "two"), item("d", "one"), item("e", "three")
    )
    (claim,) = stores.claims(turn)
    keys = list(claim.open)
    stores.results.write([result(claim, keys[0]), result(claim, keys[1], problem(again=False))])
    told = stores.told()
    assert [record.item for record in told] == list("abcde")
    assert [record.same_as for record in told if isinstance(record, GradedItem)] == [None, "a"]
    assert [record.code for record in told if isinstance(record, FailedItem)] == [
        "transcript",
        "judge_refused",
        "not_graded",
    ]
    assert told[0].columns == {"cohort": "x"}


def test_settled_records_end_where_something_may_still_change(stores: Stores) -> None:
    """What is told early is told for good: a failure of an earlier attempt is tried again before it is told."""
    _, turn = stores.begin(item("a"), unreadable("b"), item("c"), item("d"))
    (claim,) = stores.claims(turn)
    first, second, third = claim.open
    stores.results.write([result(claim, first), result(claim, third)])
    assert [record.item for record in stores.told(settled=True)] == ["a", "b"]
    stores.results.write([result(claim, second, problem(again=False))])
    assert [record.item for record in stores.told(settled=True)] == ["a", "b", "c", "d"]
    stores.results.release(claim)
    stores.begin(item("a"), unreadable("b"), item("c"), item("d"))
    assert [record.item for record in stores.told(settled=True)] == ["a", "b"]


def test_a_failure_that_may_pass_is_not_settled(stores: Stores) -> None:
    """It may be tried again in this very run."""
    _, turn = stores.begin(item("a"), item("b"))
    (claim,) = stores.claims(turn)
    first, second = claim.open
    stores.results.write([result(claim, first, problem(again=True)), result(claim, second)])
    assert stores.told(settled=True) == []


def test_hostile_names_and_columns_are_kept_as_far_as_they_can_be(stores: Stores) -> None:
    """Null characters and halves of surrogate pairs neither end the run nor reach a file."""
    hostile = "an\x00na\ud800.vtt\u202e\n"
    _, turn = stores.begin(Item(hostile, make_transcript("a\x00b"), columns={"co\x00hort": "\udfffx\x00", "": "'--"}))
    (claim,) = stores.claims(turn)
    stores.results.write([result(claim, key) for key in claim.open])
    (told,) = stores.told()
    assert (told.item, told.columns) == ("anna?.vtt\u202e\n", {"co\x00hort": "\udfffx\x00", "": "'--"})


def test_the_first_reason_to_stop_stays_until_the_run_begins_again(stores: Stores) -> None:
    """Who asks why a run stopped hears of the cause, not of what followed from it."""
    stores.begin(*items(1))
    assert stores.runs.stopped("run") is None
    stores.runs.stop("run", "no money\x00")
    stores.runs.stop("run", "something else")
    assert stores.runs.stopped("run") == "no money"
    stores.begin(*items(1))
    assert stores.runs.stopped("run") is None


def test_a_spec_travels_whole(stores: Stores) -> None:
    """Another machine reads the rubric and the settings as they were set."""
    stores.begin(*items(1))
    spec = stores.runs.spec("run")
    assert (spec.rubric.sha256, dict(spec.settings), spec.grading) == (
        SPEC.rubric.sha256,
        dict(SPEC.settings),
        SPEC.grading,
    )


def test_a_sample_is_spread_over_what_is_open(stores: Stores) -> None:
    """It holds no more than asked for, from the beginning to the end."""
    stores.begin(*items(100))
    texts = [transcript.turns[0].text for transcript in stores.runs.sample("run", SPEC.grading, 10)]
    assert len(texts) == 10
    assert (texts[0], texts[-1]) == ("I would track the clicks of item 0.", "I would track the clicks of item 90.")
    assert len(stores.runs.sample("run", SPEC.grading, 1000)) == 100


def test_a_full_disk_loses_nothing_and_says_what_to_do(stores: Stores, tmp_path: Path) -> None:
    """What can't be written is an error with the remedy; what stood there stays; with room again it goes on."""
    _, turn = stores.begin(*items(2))
    (claim,) = stores.claims(turn)
    first, second = claim.open
    stores.results.write([result(claim, first)])
    limits = sqlite3.connect(tmp_path / "run.sqlite")
    (pages,) = limits.execute("PRAGMA page_count").fetchone()
    limits.close()
    stores.database.write(lambda transaction: transaction.rows(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(DatabaseFailed, match=r"run\.sqlite: the database can't be used: .*full.*make room"):
        stores.begin(*(item(f"big {number}", "long words " * 2000 + str(number)) for number in range(200)))
    stores.database.write(lambda transaction: transaction.rows("PRAGMA max_page_count=100000"))
    assert stores.begin(*items(2))[0].done == 1
    assert second in stores.results.claim(claim.shard, "me").open


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    """Somebody's letter isn't overwritten."""
    path = tmp_path / "run.sqlite"
    path.write_bytes(b"not a database at all, but a letter to a friend" * 40)
    with pytest.raises(DatabaseFailed, match=r"run\.sqlite: the database can't be used: file is not a database"):
        Stores.at(path)
    assert path.read_bytes().startswith(b"not a database")


@pytest.mark.parametrize("url", ["mysql://a:secret@h/x", "secret", "postgresql://", ""])
def test_an_address_of_nothing_is_refused_without_repeating_it(url: str) -> None:
    """It may hold a password."""
    with pytest.raises(OptionError, match="no address of a Postgres") as caught:
        Database(url)
    assert "secret" not in str(caught.value)


@given(text=st.text(st.characters(exclude_categories=("Cs",))))
def test_any_text_is_unpacked_as_it_was_packed(text: str) -> None:
    """Whatever was judged comes back to the letter."""
    assert unpack_text(pack_text(text, _DICTIONARY), _DICTIONARY).decode() == text


def test_an_evaluation_is_packed_against_what_all_share() -> None:
    """What all evaluations by a rubric share isn't kept with each."""
    text = evaluation_of().model_dump_json()
    assert len(pack_text(text, _DICTIONARY)) < 0.9 * len(zlib.compress(text.encode(), 9))


@given(text=st.text())
def test_what_is_storable_holds_nothing_that_a_database_refuses(text: str) -> None:
    """No null character, no half pair; and what was harmless stays as it was."""
    kept = storable(text)
    assert "\0" not in kept
    assert kept.encode().decode() == kept == storable(kept)
    if kept != text:
        assert "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)


@given(things=st.lists(st.integers()), size=st.integers(1, 7))
def test_chunks_are_full_and_hold_everything_in_order(things: list[int], size: int) -> None:
    """Only the last one may be smaller."""
    made = list(chunks(things, size))
    assert [thing for chunk in made for thing in chunk] == things
    assert all(len(chunk) == size for chunk in made[:-1])
    assert all(0 < len(chunk) <= size for chunk in made)


@given(
    words=st.text(min_size=1, max_size=40).filter(str.strip), other=st.text(min_size=1, max_size=40).filter(str.strip)
)
def test_the_same_words_have_the_same_key(words: str, other: str) -> None:
    """Another word is another key."""
    same = pack_transcript(make_transcript(words))[0] == pack_transcript(make_transcript(other))[0]
    assert same == (words == other)
