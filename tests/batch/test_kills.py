"""Tests of the whole command killed at random moments: nothing is lost, nothing doubled, nothing paid for twice."""

from __future__ import annotations

import random
import sqlite3
import time
from pathlib import Path
from typing import Final

import pytest

from tests.batch.batch_process import BatchCommand, StubProcess, kept_items, kill, write_inputs

_ITEMS: Final = 240
_KILLS: Final = 4
_IN_FLIGHT: Final = 16
_LATENCY_S: Final = 0.05
_LONGEST_S: Final = 30.0


def _kill_somewhere(command: BatchCommand, stub: StubProcess, chance: random.Random) -> None:
    """Start the command and kill it: after some requests were seen, or after some time, whatever it does then."""
    asked = stub.stats()["requests"] + chance.randrange(1, 2 * _ITEMS // _KILLS)
    process = command.start()
    ends = time.monotonic() + (chance.uniform(0, 2) if chance.random() < 1 / _KILLS else _LONGEST_S)
    while stub.stats()["requests"] < asked and time.monotonic() < ends and process.poll() is None:
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 2 * _LATENCY_S))
    kill(process)


@pytest.mark.loopback
def test_a_run_that_is_killed_again_and_again_ends_well(tmp_path: Path) -> None:
    """Every item is graded once; at most what was in flight is asked again, and never what was kept."""
    chance = random.Random(4)
    write_inputs(tmp_path / "in.jsonl", _ITEMS)
    with StubProcess(_LATENCY_S) as stub:
        command = BatchCommand(folder=tmp_path, url=stub.url, in_flight=_IN_FLIGHT)
        sent_when_kept: dict[str, int] = {}
        for _ in range(_KILLS):
            before = stub.sent()
            _kill_somewhere(command, stub, chance)
            sent = stub.sent()
            for item in kept_items(command.answers) - set(sent_when_kept):
                sent_when_kept[item] = sent[item]
            asked = {item for item, count in sent.items() if count > before.get(item, 0)}
            assert len(asked - set(sent_when_kept)) <= _IN_FLIGHT
        code, said = command.run()
        sent = stub.sent()
        assert (code, sent_when_kept != {}) == (0, True), said
        assert command.graded() == [(f"in.jsonl:{number + 1}", str(number)) for number in range(_ITEMS)]
        assert sum(sent.values()) - _ITEMS <= _KILLS * _IN_FLIGHT
        assert {item: sent[item] for item in sent_when_kept} == sent_when_kept
        assert command.run()[0] == 0
        assert stub.sent() == sent
    for name in ("run.sqlite", "queue.sqlite"):
        connection = sqlite3.connect(command.output / ".run" / name)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
