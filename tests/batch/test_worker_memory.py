"""What a worker keeps in memory of runs that it has graded: a service's worker sees one for each rubric and tenant."""

from __future__ import annotations

import gc
import time
import weakref
from contextlib import closing
from pathlib import Path
from typing import Final

from evaluator.batch.durable import Seat
from evaluator.batch.records import GradedItem
from evaluator.batch.runs import Spec
from evaluator.batch.worker import Tools, Worker
from evaluator.judging import Judge
from evaluator.store.answers import AnswerStore
from tests.batch.durable_cases import SPEC, Counting, Stores, item

_RUNS: Final = 100
_KEPT: Final = 64
_SHARDS: Final = 16
_WAIT_S: Final = 60.0


def test_runs_that_are_over_are_forgotten(tmp_path: Path) -> None:
    """Of many runs, a limited number of judges stays in memory, and all runs have their results."""
    stores, made = Stores.at(tmp_path / "run.sqlite"), list[weakref.ref[Counting]]()

    def judge(run: str, spec: Spec, store: AnswerStore) -> Judge:
        del run, spec, store
        counting = Counting()
        made.append(weakref.ref(counting))
        return counting

    tools = Tools(runs=stores.runs, results=stores.results, answers=None, judge=judge, concurrency=4)
    specs = {f"run{number}": Spec(SPEC.rubric, {}, f"grading-{number}") for number in range(_RUNS)}
    turns = [stores.begin(item("a"), spec=spec, run=run)[1] for run, spec in specs.items()]
    with closing(stores.database), closing(Worker(Seat(tmp_path / "queue.sqlite", "local", _SHARDS), tools)) as worker:
        worker.begin()
        worker.queue.enqueue([shard for turn in turns for shard in stores.runs.make_shards(turn, 8)])
        ends = time.monotonic() + _WAIT_S
        while any(map(stores.runs.in_work, specs)) and time.monotonic() < ends:
            worker.check()
            time.sleep(0.1)
        gc.collect()
        assert len(made) == _RUNS
        assert sum(one() is not None for one in made) <= _KEPT + _SHARDS
        for run, spec in specs.items():
            assert [type(record) for record in stores.told(spec=spec, run=run)] == [GradedItem]
