"""Tests of the rules that every other test runs under: network closed, no skips in CI."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from pytest_socket import SocketBlockedError

_HERE: Final = Path(__file__).resolve().parent


def _run_pytest(folder: Path, test: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one test under this folder's conftest.py, in a process of its own."""
    shutil.copy(_HERE / "conftest.py", folder)
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--disable-socket", str(folder)]
    inherited = {
        key: value for key, value in os.environ.items() if key != "CI" and not key.startswith(("COV", "PYTEST"))
    }
    return subprocess.run(command, cwd=folder, env=inherited | environment, check=False, capture_output=True, text=True)


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_network_is_closed() -> None:
    """A test can't open a socket, to this machine neither."""
    with pytest.raises(SocketBlockedError):
        socket.create_connection(("127.0.0.1", 9), timeout=1)


@pytest.mark.loopback
def test_loopback_is_open_to_those_who_ask() -> None:
    """A test marked ``loopback`` reaches the server that it runs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), timeout=5) as client:
            client.sendall(b"ping")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(4) == b"ping"


@pytest.mark.loopback
@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_loopback_reaches_no_other_machine() -> None:
    """The mark opens this machine only; 192.0.2.1 is an address kept for documentation."""
    with pytest.raises(RuntimeError, match=r"192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 9), timeout=1)


@pytest.mark.parametrize("number", [1, 2])
def test_randomness_starts_anew(number: int) -> None:
    """Each test draws the same numbers, whichever test ran before it."""
    drawn = [random.random() for _ in range(number)]
    random.seed(20_261)
    assert drawn == [random.random() for _ in range(number)]


_SKIPS: Final = {
    "test": "import pytest\ndef test_it(): pytest.skip('no engine')",
    "mark": "import pytest\n@pytest.mark.skip(reason='no engine')\ndef test_it(): pass",
    "module": "import pytest\npytest.skip('no engine', allow_module_level=True)",
}


@pytest.mark.parametrize("test", _SKIPS.values(), ids=_SKIPS)
def test_ci_fails_what_is_skipped(tmp_path: Path, test: str) -> None:
    """In CI a skip is a failure that tells the skip's reason."""
    done = _run_pytest(tmp_path, test, CI="true")
    assert done.returncode != 0
    assert "nothing may be skipped there: Skipped: no engine" in done.stdout


def test_skips_are_free_outside_ci(tmp_path: Path) -> None:
    """A developer who lacks something may skip."""
    assert "1 skipped" in _run_pytest(tmp_path, _SKIPS["test"]).stdout


def test_expected_failures_stay_expected_in_ci(tmp_path: Path) -> None:
    """A test that is marked as failing is no skip."""
    test = "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_it(): raise RuntimeError"
    assert "1 xfailed" in _run_pytest(tmp_path, test, CI="true").stdout
