"""The command as a process: streams, pipes, signals, and what it imports."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from evaluator.cli.main import COMMANDS
from evaluator.values.evaluation import Evaluation
from evaluator.version import __version__
from tests.fakes import RUBRIC_YAML

_ROOT: Final = Path(__file__).resolve().parents[2]
_ANSWER: Final = "Candidate: I would track clicks, and cancellations must not rise.\n"
_HEAVY: Final = (
    *("torch", "transformers", "sentence_transformers", "sklearn", "scipy", "numpy", "openai", "anthropic", "mcp"),
    *("fastapi", "starlette", "uvicorn", "httpx", "pydantic", "pydantic_settings", "jinja2", "yaml", "rich", "syntok"),
)


def _environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("EVALUATOR_", "COV_")) and k != "NO_COLOR"}
    return {**kept, "PYTHONPATH": str(_ROOT), **more}


def _python(*arguments: str, given: bytes | None = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *arguments],
        input=given,
        capture_output=True,
        check=False,
        cwd=_ROOT,
        env=_environment(**more),
        timeout=120,
    )


def _grade(folder: Path, *arguments: str, given: bytes | None = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    (folder / "small.yaml").write_text(RUBRIC_YAML, encoding="utf-8")
    options = ("--rubric", str(folder / "small.yaml"), "--backend", "fake")
    return _python("-m", "tests.cli.command", "grade", *options, *arguments, given=given, **more)


@pytest.mark.parametrize("dash", [(), ("-",)])
def test_transcript_comes_through_a_pipe(tmp_path: Path, dash: tuple[str, ...]) -> None:
    """Without FILE, and with '-', the transcript is read from the pipe."""
    done = _grade(tmp_path, *dash, "--format", "json", given=_ANSWER.encode())
    assert done.returncode == 0
    assert Evaluation.model_validate_json(done.stdout).transcript.turns[0].role == "candidate"
    assert b"Traceback" not in done.stderr


def test_empty_pipe_exits_2(tmp_path: Path) -> None:
    """A pipe that holds nothing is bad input; the line names where it came from."""
    done = _grade(tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(b"evaluator: stdin")


def test_json_is_utf8_whatever_the_terminal(tmp_path: Path) -> None:
    """JSON is UTF-8, and text survives, on a stream that knows ASCII only."""
    words = "Candidate: I would track clicks, naïvely — “so”.\n".encode()
    done = _grade(tmp_path, "--format", "json", given=words, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "naïvely — “so”" in json.loads(done.stdout.decode())["transcript"]["turns"][0]["text"]
    text = _grade(tmp_path, given=words, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert text.returncode == 0
    assert b"na?vely" in text.stdout


def test_interruption_exits_130(tmp_path: Path) -> None:
    """Ctrl-C ends quietly with 130."""
    done = _grade(tmp_path, "--model", "interrupted", given=_ANSWER.encode())
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_reader_that_went_away_is_no_error(tmp_path: Path) -> None:
    """When the reader of the output closes it, the command ends quietly with 141."""
    (tmp_path / "small.yaml").write_text(RUBRIC_YAML, encoding="utf-8")
    (tmp_path / "answer.txt").write_text(_ANSWER, encoding="utf-8")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "tests.cli.command", "grade", str(tmp_path / "answer.txt"), "--backend", "fake"]
    try:
        done = subprocess.run(
            [*command, "--rubric", str(tmp_path / "small.yaml"), "--format", "html"],
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            cwd=_ROOT,
            env=_environment(),
            timeout=120,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_full_disk_is_a_line_not_a_traceback(tmp_path: Path) -> None:
    """An output stream that takes no more is named in one line."""
    (tmp_path / "small.yaml").write_text(RUBRIC_YAML, encoding="utf-8")
    command = [sys.executable, "-m", "tests.cli.command", "grade", "--backend", "fake"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*command, "--rubric", str(tmp_path / "small.yaml")],
            input=_ANSWER.encode(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            cwd=_ROOT,
            env=_environment(),
            timeout=120,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"evaluator: stdout: it can't be written")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("arguments", ["--help", "--version", "rubric list", "rubric show behavioural_star", "schema"])
def test_full_disk_is_no_defect_of_any_command(arguments: str) -> None:
    """Whatever is printed, an output stream that takes no more is told as such."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "evaluator", *arguments.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            cwd=_ROOT,
            env=_environment(),
            timeout=120,
        )
    assert done.returncode == 2
    assert b"it can't be written: no space left on device" in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("closed", "arguments", "code"),
    [("2>&-", "grade no_such_file", 2), (">&-", "rubric list", 0), (">&- 2>&-", "schema", 0), ("<&-", "grade", 2)],
)
def test_closed_streams_lead_nowhere(closed: str, arguments: str, code: int) -> None:
    """A stream that whoever starts the command has closed is no defect, and the exit code says what it says else."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m evaluator {arguments} {closed}', sys.executable],
        capture_output=True,
        check=False,
        cwd=_ROOT,
        env=_environment(),
        timeout=120,
    )
    assert done.returncode == code
    assert b"defect" not in done.stderr


def _at_terminal(folder: Path, *arguments: str, **more: str) -> tuple[int, str, str]:
    """Run ``grade`` with a terminal on all streams; return the exit code, all it showed, and the report alone."""
    (folder / "small.yaml").write_text(RUBRIC_YAML, encoding="utf-8")
    (folder / "answer.txt").write_text(_ANSWER, encoding="utf-8")
    main, other = pty.openpty()
    command = [sys.executable, "-m", "tests.cli.command", "grade", "--rubric", str(folder / "small.yaml")]
    with subprocess.Popen(
        [*command, "--backend", "fake", *arguments],
        stdin=other,
        stdout=other,
        stderr=other,
        cwd=_ROOT,
        env=_environment(TERM="xterm", **more),
    ) as process:
        os.close(other)
        shown = b""
        with contextlib.suppress(OSError):  # Linux ends a terminal's output with an error
            while block := os.read(main, 65536):
                shown += block
        code = process.wait(timeout=120)
    os.close(main)
    text = shown.decode().replace("\r\n", "\n")
    return code, text, text.rpartition("\r")[2]


def test_terminal_gets_colour_and_progress(tmp_path: Path) -> None:
    """On a terminal the report is coloured, and a line of progress is shown and wiped before it."""
    code, shown, report = _at_terminal(tmp_path, str(tmp_path / "answer.txt"))
    assert code == 0
    assert shown.startswith("\rJudging with backend fake")
    assert report.startswith("\x1b[1mNo hire\x1b[0m")


def test_no_color_is_kept(tmp_path: Path) -> None:
    """NO_COLOR turns colour off on a terminal; --quiet turns progress off."""
    _, shown, _ = _at_terminal(tmp_path, str(tmp_path / "answer.txt"), "--quiet", NO_COLOR="1")
    assert shown.startswith("No hire")
    assert "\x1b" not in shown


def test_terminal_without_a_file_is_told(tmp_path: Path) -> None:
    """Without FILE, and with nobody piping, the command says what it needs instead of waiting."""
    code, shown, _ = _at_terminal(tmp_path)
    assert code == 2
    assert shown == "evaluator: no transcript was given (name a FILE, or pipe one in)\n"


def test_version(tmp_path: Path) -> None:
    """--version prints the version of the package."""
    done = _python("-m", "tests.cli.command", "--version", HOME=str(tmp_path))
    assert done.stdout.decode() == f"evaluator {__version__}\n"


def test_help_lists_every_command_and_exit_code() -> None:
    """--help names each sub-command with its line, and what the exit codes mean."""
    done = _python("-m", "tests.cli.command", "--help")
    text = " ".join(done.stdout.decode().split())
    assert done.returncode == 0
    for name, row in COMMANDS.items():
        assert f"{name} {row.help}" in text
    for code in ("0 done", "2 bad input", "3 the judge gave no answer", "4 a person must look", "130 interrupted"):
        assert code in text


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_row_of_the_table_runs(name: str) -> None:
    """Each sub-command loads and prints its help."""
    done = _python("-m", "tests.cli.command", name, "--help")
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().startswith(f"Usage: evaluator {name}")


def test_unknown_command_is_guessed() -> None:
    """A misspelt sub-command gets the nearest name, and 2."""
    done = _python("-m", "tests.cli.command", "garde")
    assert done.returncode == 2
    assert b"Did you mean 'grade'?" in done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import evaluator",
        "import evaluator.cli.main as m; assert m.run(['--help']) == 0",
        "import evaluator.cli.main as m; assert m.run(['--version']) == 0",
    ],
)
def test_edge_is_light(code: str) -> None:
    """Importing the package and asking for help load no model, no SDK, no web framework, nor even the types."""
    assert not _loaded_by(code) & set(_HEAVY)


@pytest.mark.parametrize("name", ["grade", "schema"])
def test_help_of_a_command_is_light(name: str) -> None:
    """The help of a sub-command loads nothing heavy of ours either; pydantic comes with the parser of arguments."""
    loaded = _loaded_by(f"import evaluator.cli.main as m; assert m.run(['{name}', '--help']) == 0")
    assert loaded & set(_HEAVY) <= {"pydantic"}


def _loaded_by(code: str) -> set[str]:
    """Return the packages that a fresh process has loaded once ``code`` has run."""
    done = _python("-c", f"{code}\nimport sys\nprint(*sorted(m.partition('.')[0] for m in sys.modules))")
    assert done.returncode == 0, done.stderr.decode()
    return set(done.stdout.decode().splitlines()[-1].split())
