"""Tests of who may be the service of a folder, and of what is said when a service can't begin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evaluator.errors import OptionError
from evaluator.service.idempotency.claims import Claim
from evaluator.service.idempotency.sealing import Asked
from evaluator.service.tenure import Tenure
from tests.service.running import ServerProcess
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback

_ASKED = Asked("POST", "/v1/evaluations", b"{}")


def _serve(data: Path, port: str = "0") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evaluator", "serve", "--data", str(data), "--port", port]
    return subprocess.run(command, capture_output=True, text=True, timeout=60.0, check=False)


def test_a_folder_has_one_service(tmp_path: Path) -> None:
    """A second one in the same folder is told so and ends with 2; one that was killed leaves the folder free."""
    with ServerProcess(tmp_path) as first:
        second = _serve(tmp_path)
        assert second.returncode == 2
        assert "another service works in this folder" in second.stderr.splitlines()[-1]
        first.kill()
    Tenure(tmp_path).end()


def test_a_folder_that_is_taken_stays_taken(tmp_path: Path) -> None:
    """Whoever comes second is refused, until the first has ended."""
    first = Tenure(tmp_path)
    with pytest.raises(OptionError, match="another service"):
        Tenure(tmp_path)
    first.end()
    Tenure(tmp_path).end()


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """Who can't listen says why and what would help, and ends with 2."""
    with ServerProcess(tmp_path / "one") as first:
        port = first.url.rpartition(":")[2]
        second = _serve(tmp_path / "two", port)
    assert second.returncode == 2
    assert f"port {port} can't be listened on" in second.stderr.splitlines()[-1]


async def test_what_a_killed_service_was_asked_is_free_at_once(tmp_path: Path) -> None:
    """A request that the former life left open can be sent again as soon as the service is back."""
    config = config_in(tmp_path)
    async with in_memory(config) as (_, service):
        left = service.claims.claim("local", "k", _ASKED, "eval_1")
    async with in_memory(config) as (_, service):
        again = service.claims.claim("local", "k", _ASKED, "eval_2")
    assert isinstance(left, Claim)
    assert isinstance(again, Claim)
    assert again.id == left.id
