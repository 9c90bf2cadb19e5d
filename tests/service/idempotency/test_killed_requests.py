"""Requests whose process is killed again and again make each thing once."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Final

from evaluator.batch.database import Database

_COUNT: Final = 120
_KILLS: Final = 5
_ROOT: Final = Path(__file__).resolve().parent.parent.parent.parent


def test_killed_and_repeated_requests_make_each_thing_once(file_database: Database, tmp_path: Path) -> None:
    """However often the process dies, each request makes one thing, and what was acknowledged is that thing."""
    file_database.write(lambda transaction: transaction.run("CREATE TABLE made (id TEXT PRIMARY KEY)"))
    acknowledged = list[tuple[str, str]]()
    for _ in range(_KILLS):
        acknowledged += _submit(tmp_path, until=random.randint(3, 30))
    last = _submit(tmp_path, until=None)
    ((made,),) = file_database.read(lambda transaction: transaction.rows("SELECT count(*) FROM made"))
    assert made == len(last) == _COUNT
    assert set(acknowledged) <= set(last)
    assert len({made_id for _, made_id in last}) == _COUNT


def _submit(folder: Path, until: int | None) -> list[tuple[str, str]]:
    """Send all requests, and kill the process that does after so many were acknowledged; return these."""
    command = [sys.executable, "-m", "tests.service.idempotency.submitter", folder / "service.sqlite", str(_COUNT)]
    acknowledged = list[tuple[str, str]]()
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            number, _, made_id = line.strip().partition(" ")
            acknowledged.append((number, made_id))
            if len(acknowledged) == until:
                process.kill()
                break
    return acknowledged
