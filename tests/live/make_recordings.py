"""Record the small model again: ``make live-recordings``. Earlier live recordings of it are deleted."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Final

from tests.backends.make_recordings import FOLDER
from tests.live.live_server import PROVIDER, record_in_rounds, serving

_ROUNDS: Final = 8


def main() -> None:
    """Record until a round shows what it should, and put that round in the place of the earlier one."""
    with tempfile.TemporaryDirectory() as folder, serving() as url:
        part, evaluations = asyncio.run(record_in_rounds(url, Path(folder), _ROUNDS))
        shutil.rmtree(FOLDER / PROVIDER, ignore_errors=True)
        shutil.copytree(part / PROVIDER, FOLDER / PROVIDER)
    for name, evaluation in evaluations.items():
        print(f"{name}: {evaluation.usage.requests} requests")  # noqa: T201 - a command says what it did


if __name__ == "__main__":
    main()
