"""Tests of whole durable runs through the real queue, with a judge that counts what it is asked."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from evaluator.batch.allotment import Purse
from evaluator.batch.database_failures import DatabaseFailed
from evaluator.batch.folder import RunFolder
from evaluator.batch.progress import Counts, Progress
from evaluator.batch.records import FailedItem, GradedItem
from evaluator.batch.run import BatchRun, shards_in_hand
from evaluator.batch.runs import Spec
from evaluator.errors import JudgeMisuse, JudgeUnavailable, OptionError
from evaluator.judges.cached import Cached
from evaluator.judging import Judge
from evaluator.store.answers import AnswerStore
from tests.batch.durable_cases import Counting, drive, item, items, make_work, run_to_end, unreadable
from tests.fakes import RUBRIC_YAML, make_rubric

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_CRITERIA: Final = 5  # that apply to these transcripts and that a judge is asked about


def test_a_run_grades_everything_once_and_a_second_one_nothing(tmp_path: Path) -> None:
    """One record for each item, in order; the same again asks nothing and tells the same."""
    judge = Counting()
    of = [item("a", "same words"), unreadable("b"), item("c", "same words"), *items(150)]
    counts, told, stopped = run_to_end(make_work(tmp_path, judge), of)
    assert (counts, stopped) == (Counts(items=153, unreadable=1, duplicates=1, done=0, open=151), None)
    assert [record.item for record in told] == [one.name for one in of]
    assert sum(isinstance(record, GradedItem) for record in told) == 152
    assert len(judge.cases) == len(set(judge.cases)) == 151
    again, told_again, _ = run_to_end(make_work(tmp_path, judge), of)
    assert (again.done, again.open) == (151, 0)
    assert told_again == told
    assert len(judge.cases) == 151
    for name in ("", "run.sqlite", "queue.sqlite", "answers.sqlite"):
        assert (tmp_path / ".run" / name).stat().st_mode & 0o077 == 0, "candidates' words are their owner's alone"


def test_an_edited_criterion_is_asked_about_alone(tmp_path: Path) -> None:
    """Editing one criterion grades every item anew and asks about that criterion only; back again asks nothing."""
    judge, of = Counting(), items(30)
    run_to_end(make_work(tmp_path, judge), of)
    assert len(judge.asked) == 30 * _CRITERIA
    edited = make_rubric(RUBRIC_YAML.replace("No goal of the business is named.", "No goal at all is named."))
    counts, told, _ = run_to_end(make_work(tmp_path, judge, rubric=edited), of)
    assert counts.open == 30
    assert {criterion for _, criterion in judge.asked[30 * _CRITERIA :]} == {"no_goal"}
    assert len(judge.asked) == 30 * (_CRITERIA + 1)
    assert all(isinstance(record, GradedItem) and record.evaluation.rubric.sha256 == edited.sha256 for record in told)
    with BatchRun(make_work(tmp_path, judge)) as run:
        assert run.plan(of).done == 30
    with BatchRun(make_work(tmp_path, Counting(model="other"))) as run:
        assert run.plan(of).done == 0, "what another model said is no result of this one"


def test_the_same_words_told_apart_by_a_name_are_paid_for_once(tmp_path: Path) -> None:
    """Two items whose words agree and whose speakers' names don't are two results of one answer."""
    judge = Counting(latency_s=0.01)
    one, two = item("a", "same words"), item("b", "same words")
    assert two.transcript is not None
    turns = tuple(turn.model_copy(update={"name": "Anna"}) for turn in two.transcript.turns)
    two = type(two)("b", two.transcript.model_copy(update={"turns": turns}))
    counts, told, _ = run_to_end(make_work(tmp_path, judge), [one, two])
    assert (counts.open, len(told), judge.cases) == (2, 2, ["same words"])


def test_what_may_have_been_billed_for_failed_calls_counts_when_a_run_goes_on(tmp_path: Path) -> None:
    """A budget that took a broken-off call for paid takes it for paid in the next attempt too, and not twice."""
    judge, of = Counting(error=lambda words: JudgeUnavailable("gone") if "7" in words else None), items(10)
    told: list[float] = []

    def build(spec: Spec, store: AnswerStore, purse: Purse) -> Judge:
        del spec
        told.append(purse.spent_usd)
        return Cached(judge, store)

    for spent_usd in (0.15, 0.02, 0.0):
        work = replace(make_work(tmp_path, judge, pauses_s=()), judge=build, spent=lambda spent=spent_usd: spent)
        with BatchRun(work) as run:
            run.plan(of)
            drive(run)
            run.settle()
    assert told == pytest.approx([0.0, 0.15, 0.17])


def test_a_run_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    """Closed in the middle and begun again, it asks only what has no answer."""
    judge, of = Counting(latency_s=0.005), items(200)
    with BatchRun(make_work(tmp_path, judge)) as run:
        run.plan(of)
        drive(run, until=lambda: len(judge.cases) > 50)
    asked = len(judge.cases)
    assert asked < 200
    with BatchRun(make_work(tmp_path, judge)) as run:
        counts = run.plan(of)
        assert counts.done >= asked - 8
        drive(run)
        assert replace(run.progress(), cost_usd=0.0, requests=0) == Progress(graded=counts.open)
        assert all(isinstance(record, GradedItem) for record in run.records())
    assert len(judge.cases) <= 200 + 8


def test_items_that_left_the_run_are_not_graded(tmp_path: Path) -> None:
    """After an interrupted large run, a smaller one grades no more than its own, whatever the queue holds."""
    judge, of = Counting(latency_s=0.005), items(300)
    with BatchRun(make_work(tmp_path, judge)) as run:
        run.plan(of)
        drive(run, until=lambda: len(judge.cases) > 10)
    asked = set(judge.cases)
    few = of[-5:]
    _, told, _ = run_to_end(make_work(tmp_path, judge), few)
    assert [record.item for record in told] == [one.name for one in few]
    assert set(judge.cases) - asked <= {one.transcript.turns[-1].text for one in few if one.transcript}


def test_failures_that_may_pass_are_tried_again_in_the_same_run(tmp_path: Path) -> None:
    """An overload that passes leaves no failure; one that stays is told after as many rounds as there are pauses."""
    seen: dict[str, int] = {}

    def overloaded(words: str) -> Exception | None:
        seen[words] = seen.get(words, 0) + 1
        never = "item 3." in words
        return JudgeUnavailable("overloaded") if never or ("item 1" in words and seen[words] < 3) else None

    with BatchRun(make_work(tmp_path, Counting(overloaded))) as run:
        run.plan(items(20))
        drive(run)
        told = list(run.records())
        assert run.progress() == replace(run.progress(), graded=19, failed=1, requests=19)
    failed = [record for record in told if isinstance(record, FailedItem)]
    assert [(record.item, record.code, record.again) for record in failed] == [("item 3", "judge_unavailable", True)]
    assert (seen["I would track the clicks of item 1."], seen["I would track the clicks of item 3."]) == (3, 3)
    assert seen["I would track the clicks of item 2."] == 1


def test_failures_are_tried_again_by_the_next_run(tmp_path: Path) -> None:
    """Run again when the provider is back, only what failed is asked."""
    of, down = items(10), Counting(lambda words: JudgeUnavailable("down") if "item 7." in words else None)
    run_to_end(make_work(tmp_path, down, pauses_s=()), of)
    up = Counting()
    counts, told, _ = run_to_end(make_work(tmp_path, up), of)
    assert (counts.done, counts.open) == (9, 1)
    assert up.cases == ["I would track the clicks of item 7."]
    assert all(isinstance(record, GradedItem) for record in told)


def test_a_wrong_key_stops_the_run_which_goes_on_when_it_is_right(tmp_path: Path) -> None:
    """Nothing is recorded against an item; what is left says that it was not its turn."""
    of = items(200)
    wrong = Counting(lambda _: JudgeMisuse("the key is wrong", remedy="set another") if len(wrong.cases) > 40 else None)
    _, told, stopped = run_to_end(make_work(tmp_path, wrong), of)
    assert stopped == "the key is wrong (set another)"
    graded = sum(isinstance(record, GradedItem) for record in told)
    assert 30 <= graded <= 41
    assert {record.code for record in told if isinstance(record, FailedItem)} == {"not_graded"}
    right = Counting()
    counts, told, stopped = run_to_end(make_work(tmp_path, right), of)
    assert (counts.done, stopped) == (graded, None)
    assert len(right.cases) == 200 - graded
    assert all(isinstance(record, GradedItem) for record in told)


def test_a_judge_that_cannot_be_built_stops_the_run(tmp_path: Path) -> None:
    """The reason is told, and nothing waits for ever."""

    def broken(*_: object) -> Counting:
        raise JudgeMisuse("no key", remedy="set one")

    work = make_work(tmp_path, Counting())
    work = type(work)(folder=work.folder, spec=work.spec, judge=broken, concurrency=4)
    _, told, stopped = run_to_end(work, items(3))
    assert stopped == "no key (set one)"
    assert [record.code for record in told if isinstance(record, FailedItem)] == ["not_graded"] * 3


def test_a_drained_run_finishes_what_is_in_flight_and_goes_on_later(tmp_path: Path) -> None:
    """Nothing is asked after the wish to stop but what was begun; the same again grades the rest, and no more."""
    judge, of = Counting(latency_s=0.02), items(200)
    with BatchRun(make_work(tmp_path, judge)) as run:
        run.plan(of)
        drive(run, until=lambda: len(judge.cases) > 30)
        run.drain("by hand")
        begun = len(judge.cases)
        while run.going_on(0.02):
            pass
        assert run.stopped() == "by hand"
        assert len(judge.cases) <= begun + 8
        assert sum(isinstance(record, GradedItem) for record in run.records()) == len(judge.cases)
    run_to_end(make_work(tmp_path, judge), of)
    assert len(judge.cases) == len(set(judge.cases)) == 200


def test_a_run_that_is_drained_before_it_asks_asks_nothing(tmp_path: Path) -> None:
    """A wish to stop that comes while the judge is still being built is obeyed too."""
    judge, building, built = Counting(), threading.Event(), threading.Event()
    work = make_work(tmp_path, judge)

    def slow(*_: object) -> Counting:
        building.set()
        built.wait(10)
        return judge

    work = type(work)(folder=work.folder, spec=work.spec, judge=slow, concurrency=4)
    with BatchRun(work) as run:
        run.plan(items(20))
        run.start()
        building.wait(10)
        run.drain("by hand")
        built.set()
        while run.going_on(0.02):
            pass
    assert judge.cases == []


def test_two_runs_on_one_folder_are_refused(tmp_path: Path) -> None:
    """The second says who is in the way; the first goes on unharmed, and lets go when it ends."""
    with BatchRun(make_work(tmp_path / "out", Counting())) as run:
        with pytest.raises(OptionError, match=r"out: another run is working in this folder \(wait for it"):
            BatchRun(make_work(tmp_path / "out", Counting()))
        run.plan(items(3))
        drive(run)
        assert all(isinstance(record, GradedItem) for record in run.records())
    BatchRun(make_work(tmp_path / "out", Counting())).close()


@pytest.mark.parametrize("name", ["lock.sqlite", "run.sqlite", "queue.sqlite", "answers.sqlite"])
def test_a_damaged_state_is_told_and_left_alone(tmp_path: Path, name: str) -> None:
    """Whichever file of the state is no database any more, the error names it or its folder."""
    (tmp_path / ".run").mkdir()
    (tmp_path / ".run" / name).write_bytes(b"a letter to a friend" * 400)
    with pytest.raises((OptionError, DatabaseFailed), match=r"sqlite|folder"):
        run_to_end(make_work(tmp_path, Counting()), items(2))
    assert (tmp_path / ".run" / name).read_bytes().startswith(b"a letter")


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    """Characters that mean something in an address mean nothing in a path: the state is in the folder alone."""
    folder = tmp_path / "a?mode=ro#b %41%zz é'\n;"
    run_to_end(make_work(folder, Counting()), items(1))
    assert list(tmp_path.iterdir()) == [folder]
    found = {path.name for path in (folder / ".run").iterdir()}
    assert found == {"lock.sqlite", "run.sqlite", "queue.sqlite", "answers.sqlite"}


@pytest.mark.parametrize("place", ["file/out", "null\0character"])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, place: str) -> None:
    """The error says which and what would do."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OptionError, match=r"can't be used.*choose another folder"):
        BatchRun(make_work(tmp_path / place, Counting()))


def test_a_disk_that_fills_up_ends_the_run_and_room_lets_it_go_on(tmp_path: Path) -> None:
    """The error says what is full, and the run keeps what it has; nothing hangs, and the same again grades the rest."""
    of, judge = items(300), Counting(latency_s=0.002)
    with BatchRun(make_work(tmp_path, judge)) as run:
        run.plan(of)
        run.start()
        blocker = sqlite3.connect(tmp_path / ".run" / "answers.sqlite", timeout=30)
        blocker.execute("CREATE TRIGGER full BEFORE INSERT ON answers BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
        blocker.close()
        with pytest.raises(OptionError, match=r"answers\.sqlite: the result cache can't be written"):
            drive(run)
        graded = sum(isinstance(record, GradedItem) for record in run.records())
    assert graded < 300
    blocker = sqlite3.connect(tmp_path / ".run" / "answers.sqlite")
    blocker.execute("DROP TRIGGER full")
    blocker.close()
    _, told, stopped = run_to_end(make_work(tmp_path, judge), of)
    assert stopped is None
    assert sum(isinstance(record, GradedItem) for record in told) == 300


def test_a_database_that_fails_ends_the_run(tmp_path: Path) -> None:
    """If results can't be kept, nor a reason to stop, the error comes out of the run instead of a wait for ever."""
    with BatchRun(make_work(tmp_path, Counting(latency_s=0.002))) as run:
        run.plan(items(300))
        blocker = sqlite3.connect(tmp_path / ".run" / "run.sqlite", timeout=30)
        blocker.execute("CREATE TRIGGER full BEFORE INSERT ON ev_results BEGIN SELECT RAISE(FAIL, 'is full'); END")
        blocker.execute(
            "CREATE TRIGGER full2 BEFORE UPDATE OF stopped ON ev_runs BEGIN SELECT RAISE(FAIL, 'is full'); END"
        )
        blocker.close()
        with pytest.raises(DatabaseFailed, match=r"run\.sqlite: .*full.*make room"):
            drive(run)


_READ_ONLY: Final = """
import os, sys
from pathlib import Path
from evaluator.batch.folder import RunFolder
from evaluator.errors import OptionError
if os.geteuid() == 0:  # whom no permission stops
    os.setgid(65534)
    os.setuid(65534)
for place in sys.argv[1:]:
    try:
        RunFolder(Path(place))
    except OptionError as error:
        print(error)
"""


def test_a_folder_that_may_only_be_read_is_refused() -> None:
    """An ordinary user without the right to write gets one clear error, whether a run was there before or not."""
    with tempfile.TemporaryDirectory() as made:
        folder, bare = Path(made) / "out", Path(made) / "bare"
        RunFolder(folder).close()
        bare.mkdir()
        for path in (*folder.rglob("*"), folder, bare, Path(made)):
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = [sys.executable, "-c", _READ_ONLY, str(folder), str(bare), str(bare / "deeper")]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
        for path in (Path(made), bare, folder, *folder.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
    remedy = "(check its rights and its disk, or choose another folder)"
    assert done.stdout.splitlines() == [
        f"out: the folder can't be used: attempt to write a readonly database {remedy}",
        f"bare: the folder can't be used: PermissionError {remedy}",
        f"deeper: the folder can't be used: PermissionError {remedy}",
    ]


def test_any_order_of_cuts_and_edits_ends_with_everything_graded(tmp_path: Path) -> None:
    """Whatever was cut off, left out or edited before, the last run has a record by its own rubric for each item."""
    chance, of = random.Random(7), items(120)
    edited = make_rubric(RUBRIC_YAML.replace("No goal of the business is named.", "No goal at all is named."))
    judge = Counting(latency_s=0.003)
    for _ in range(4):
        rubric = chance.choice([make_rubric(), edited])
        with BatchRun(make_work(tmp_path, judge, rubric=rubric)) as run:
            run.plan(chance.sample(of, chance.randrange(1, 120)))
            end = len(judge.cases) + chance.randrange(60)
            drive(run, until=lambda end=end: len(judge.cases) >= end)
    _, told, _ = run_to_end(make_work(tmp_path, judge, rubric=edited), of)
    assert all(isinstance(record, GradedItem) and record.evaluation.rubric.sha256 == edited.sha256 for record in told)
    assert len(judge.asked) <= 120 * (_CRITERIA + 1) + 4 * 8 * _CRITERIA


def test_enough_shards_are_in_hand_to_fill_all_slots() -> None:
    """More slots need more shards; a few need a few."""
    assert shards_in_hand(1) < shards_in_hand(64) < shards_in_hand(256)
    assert all(64 * (shards_in_hand(slots) - 4) >= 2 * slots for slots in (1, 50, 256, 1000))
