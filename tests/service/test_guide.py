"""Tests that hold the guide of the service to what the service does: its examples run, its tables are complete."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from evaluator.client import Client
from evaluator.service.agreement.measuring import MOST_REVIEWED, MOST_ROWS
from evaluator.service.app import create_app
from evaluator.service.config import ServiceConfig
from evaluator.service.rubrics.reading import MOST_BYTES
from evaluator.settings import Settings
from tests.service.running import config_at, running
from tests.service.serving import config_in

_ROOT: Final = Path(__file__).resolve().parents[2]
_GUIDE: Final = (_ROOT / "docs" / "service.md").read_text(encoding="utf-8")
_ADDRESS: Final = "http://127.0.0.1:8000"
_README: Final = (_ROOT / "README.md").read_text(encoding="utf-8").partition("## The service")[2].partition("\n## ")[0]
_EXAMPLES: Final = [
    (language, code)
    for text in (_GUIDE, _README)
    for language, code in re.findall(r"^```(sh|python|javascript)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    if _ADDRESS in code and "evaluator serve" not in code
]
_OPERATION: Final = re.compile(r"^\| `([A-Z]+) (/\S*)` \| (?:`([a-z:]+)`|none) \| (.*) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Serve the application once for all examples."""
    with running(config_at(tmp_path_factory.mktemp("guide"))) as (http, _):
        yield str(http.base_url)


@pytest.mark.loopback
@pytest.mark.parametrize(("language", "code"), _EXAMPLES, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(_EXAMPLES)])
def test_every_example_runs(address: str, tmp_path: Path, language: str, code: str) -> None:
    """Each ends well against a real service, and says something."""
    told = code.replace(_ADDRESS, address.rstrip("/"))
    program = _program(language, told, tmp_path)
    done = subprocess.run(program, cwd=_ROOT, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "undefined" not in done.stdout


def _program(language: str, code: str, folder: Path) -> list[str]:
    if language == "python":
        return [sys.executable, "-c", code]
    if language == "sh":
        if shutil.which("curl") is None:
            pytest.skip("needs curl: apt-get install curl")
        return ["sh", "-ec", code]
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node: apt-get install nodejs")
    script = folder / "example.mjs"
    script.write_text(code, encoding="utf-8")
    return [node, str(script)]


def test_all_three_languages_are_shown() -> None:
    """Whoever comes with curl, Python or JavaScript finds an example that runs."""
    assert {language for language, _ in _EXAMPLES} == {"sh", "python", "javascript"}


def test_the_snippet_that_verifies_webhooks_tells_true_from_forged() -> None:
    """It takes what the service signs and refuses what was changed on the way."""
    standard = pytest.importorskip("standardwebhooks", reason="needs the extra `service`")
    (snippet,) = re.findall(r"^```python\n(from standardwebhooks.*?)^```$", _GUIDE, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(snippet, "snippet", "exec"), names)  # noqa: S102 - the guide's own words
    received = names["received"]
    assert callable(received)
    secret, body, now = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"type":"webhook.test"}', datetime.now(UTC)
    signature = standard.Webhook(secret).sign("msg_1", now, body.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    assert received(secret, headers, body) == {"type": "webhook.test"}
    with pytest.raises(standard.WebhookVerificationError):
        received(secret, headers, body.replace(b"test", b"lies"))


def test_every_operation_is_in_the_table_with_its_scope_and_its_method(tmp_path: Path) -> None:
    """What the service offers under /v1 stands in the guide, and the Python that it names is there."""
    told = {(method, path): (scope, python) for method, path, scope, python in _OPERATION.findall(_GUIDE)}
    described = create_app(config_in(tmp_path)).openapi()["paths"]
    offered = {(method.upper(), path) for path, item in described.items() for method in item if path.startswith("/v1/")}
    assert offered == {(method, path) for method, path in told if path.startswith("/v1/")}
    scopes = _scopes()
    client = Client()
    for (method, path), (scope, python) in told.items():
        assert scopes.get((method, path), "") == scope
        for name in re.findall(r"`([\w.]+)`", python):
            found: object = client
            for part in name.split("."):
                found = getattr(found, part)
            assert callable(found)


def _scopes() -> dict[tuple[str, str], str]:
    """Return the scope that each route asks for, read from the sources of the routes."""
    found: dict[tuple[str, str], str] = {}
    for file in (_ROOT / "evaluator" / "service").rglob("*.py"):
        if file.parent.name == "page":  # for people, under no prefix of the API
            continue
        text = file.read_text(encoding="utf-8")
        prefix = re.search(r'APIRouter\((?:prefix="([^"]*)")?', text)
        aliases = dict(
            re.findall(r'^(_\w+) = Annotated\[Caller, Depends\(allowed\("([a-z:]+)"\)\)\]', text, re.MULTILINE)
        )
        routes = re.split(r"^@router\.", text, flags=re.MULTILINE)[1:]
        for route in routes:
            head = re.match(r'(\w+)\(\s*"([^"]*)"', route)
            scope = re.search(r'caller: (?:Annotated\[Caller, Depends\(allowed\("([a-z:]+)"\)\)\]|(_\w+))', route)
            if prefix and head and scope:
                path = f"{prefix[1] or ''}{head[2]}"
                found[head[1].upper(), path] = scope[1] or aliases[scope[2]]
    return found


def test_every_code_of_an_error_is_in_the_table() -> None:
    """A program that branches by code finds all of them in the guide."""
    codes: set[str] = set()
    for file in (_ROOT / "evaluator" / "service").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(args=[ast.Constant(value=int()), ast.Constant(value=str(code)), _, *_]):
                    codes.add(code)
                case ast.Tuple(elts=[_, ast.Constant(value=int()), ast.Constant(value=str(code)), *_]):
                    codes.add(code)
                case _:
                    pass
    assert {"transcript", "overloaded", "rubric_conflict", "too_many_labels"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in _GUIDE] == []


def test_the_limits_told_are_those_that_hold(tmp_path: Path) -> None:
    """Each figure of the table is the constant, or the default, that the service works with."""
    usual = ServiceConfig(data=tmp_path, settings=Settings())
    for figure in (
        f"{usual.max_body_bytes // 2**20} MiB",
        f"{MOST_BYTES // 2**10} KiB",
        f"{MOST_ROWS} rows",
        f"| {MOST_REVIEWED:,} |",
        f"| {usual.deadline_s:g} s (",
        f"| {usual.body_s:g} s |",
        f"| {usual.in_flight}; ",
        f"| {usual.retention_days:g} days (",
    ):
        assert figure in _GUIDE
