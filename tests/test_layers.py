"""Tests of what imports what: light at the edge, one way inside."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).resolve().parent.parent
_HEAVY: Final = (
    "anthropic",
    "docx",
    "fastapi",
    "lxml",
    "openai",
    "openvino",
    "pyarrow",
    "scipy",
    "sentence_transformers",
    "sklearn",
    "tokenizers",
    "torch",
    "transformers",
)
_OWNERS: Final = {
    "anthropic": ("backends/anthropic_client.py",),
    "docx": ("transcripts/docx.py",),
    "openvino": ("backends/openvino.py",),
    "scipy": ("fitting/regression.py",),
    "openai": ("backends/openai_client.py",),
    "opentelemetry": ("tracing.py",),
    "cryptography": ("service/idempotency/sealing.py", "service/page/sessions.py", "service/webhooks/sealing.py"),
    "dbos": ("batch/durable.py",),
    "mcp": ("mcp_server/server.py",),
    "pyarrow": ("batch/inputs/parquet.py", "batch/parquet_table.py"),
    "sqlalchemy": ("batch/database.py", "batch/database_address.py", "batch/database_failures.py"),
    "uvloop": ("batch/loop.py",),
    "sklearn": ("agreement/scikit.py",),
}


def _imported_by_name(path: Path) -> set[str]:
    """List the top-level packages that a file imports by statement or by ``import_module``, lazily too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=str(module), level=0):
                names.add(module)
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                names.add(module)
            case _:
                pass
    return {name.partition(".")[0] for name in names}


def _loaded_by(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the top-level packages that it loaded."""
    ask = f"{code}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}}, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", ask], cwd=_ROOT, check=True, capture_output=True, text=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import evaluator",
        "from evaluator import aevaluate, evaluate, load_rubric, parse_transcript",
        "from evaluator import load_rubric; load_rubric('netflix_pm_metrics')",
        "from evaluator.backends import make_judge; make_judge('local')",
        "import evaluator.client",
        "from evaluator.batch.inputs import read_items; list(read_items(['README.md']))",
    ],
)
def test_nothing_heavy_loads_before_it_is_needed(code: str) -> None:
    """Importing the package, loading a rubric and building a judge load no model library, SDK or web framework."""
    assert _loaded_by(code) & set(_HEAVY) == set()


def test_importing_the_package_loads_no_dependency_at_all() -> None:
    """``import evaluator`` costs what the standard library costs: names load on first use."""
    assert _loaded_by("import evaluator") & {"numpy", "pydantic", "rich", "typer", "yaml"} == set()


def test_help_loads_nothing_heavy() -> None:
    """``evaluator --help`` answers without a model library, SDK or web framework."""
    code = (
        "import contextlib, io, sys; sys.argv = ['evaluator', '--help']\n"
        "from evaluator.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()"
    )
    assert _loaded_by(code) & set(_HEAVY) == set()


def test_import_works_where_the_environment_says_nothing(tmp_path: Path) -> None:
    """Nothing happens at import: no variable is read that has to be there and nothing is written."""
    code = "import evaluator.pipeline, evaluator.backends"
    environment = {"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert list(tmp_path.iterdir()) == []


def test_a_heavy_package_has_one_owner() -> None:
    """A model library, an SDK or a reader of Word files is named in its one wrapping file; FastAPI in the service."""
    package = _ROOT / "evaluator"
    imports = {path.relative_to(package).as_posix(): _imported_by_name(path) for path in package.rglob("*.py")}
    heavy = {(name, file) for file, names in imports.items() for name in names if name in _HEAVY or name in _OWNERS}
    heavy = {(name, file) for name, file in heavy if name != "fastapi" or not file.startswith("service/")}
    assert heavy == {(name, file) for name, files in _OWNERS.items() for file in files}


def test_contracts_of_the_layers_hold() -> None:
    """The import contracts in pyproject.toml are kept, and each of them looked at the whole package."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=_ROOT, check=False, capture_output=True, text=True)
    contracts = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert f"{len(contracts)} kept, 0 broken" in done.stdout, done.stdout
