"""Writes the generated parts of the README: ``python -m tests.readme``, or ``make readme``.

A part stands between ``<!-- written by: COMMAND -->`` and ``<!-- end -->``; it is what the command prints.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
_PART = re.compile(r"<!-- written by: (?P<command>[^\n]+) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)


def parts(text: str) -> dict[str, str]:
    """Return what stands in the README for each command, fences taken off."""
    return {
        match["command"]: match["text"].removeprefix("```text\n").removesuffix("```\n")
        for match in _PART.finditer(text)
    }


def output_of(command: str) -> str:
    """Run an ``evaluator`` command in the checkout and return what it prints, without trailing spaces.

    Of what stands before ``| head -n N`` the first N lines are kept.
    """
    command, _, lines = command.partition(" | head -n ")
    words = [sys.executable, "-m", "evaluator", *shlex.split(command)[1:]]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, encoding="utf-8")
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines()[: int(lines) if lines else None])


def written(text: str) -> str:
    """Return the README with every part as its command prints it now."""
    return _PART.sub(
        lambda match: (
            f"<!-- written by: {match['command']} -->\n```text\n{output_of(match['command'])}```\n<!-- end -->"
        ),
        text,
    )


def main() -> None:
    """Write all parts again."""
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
