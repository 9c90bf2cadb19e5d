"""What holds for every test: the network is closed, randomness is seeded, models are never fetched, CI skips nothing.

A test that needs a server runs it itself and is marked ``loopback``: only then may 127.0.0.1 and ::1 be reached.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Generator
from typing import Final

import hypothesis
import numpy as np
import pytest
import pytest_socket

_LOOPBACK: Final = ["127.0.0.1", "::1"]

# Set before any library that reads them once is imported; processes that tests start inherit them.
os.environ.update(HF_HUB_OFFLINE="1")
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")  # sums in one order, and room for tests that run beside
# One terminal for all: no wishes about colour, and as wide as the product takes a pipe to be.
os.environ["COLUMNS"] = "100"
for _wish in ("FORCE_COLOR", "NO_COLOR"):
    os.environ.pop(_wish, None)

hypothesis.settings.register_profile("default", deadline=None)  # a slow machine is no failed promise
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

with contextlib.suppress(ImportError):  # it holds on to the class of sockets that it finds when it is first loaded
    import uvloop as _  # noqa: F401

pytest_socket.disable_socket(
    allow_unix_socket=True
)  # the plugin closes it from the first test on; this, while collecting


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests marked ``loopback`` reach this machine and nothing else."""
    for item in items:
        if item.get_closest_marker("loopback"):
            item.add_marker(pytest.mark.allow_hosts(_LOOPBACK))


def pytest_collection_finish() -> None:
    """Leave it to the plugin from here on: it closes the network for each test, but doesn't open it for the first."""
    pytest_socket.enable_socket()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that skips itself in CI."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that is skipped in CI."""
    report = yield
    if not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Start every test from the same random state, whichever ran before it."""
    random.seed(20_261)
    np.random.seed(20_261)  # noqa: NPY002 - libraries that draw from the global state are what this is for


def _refuse_skip(report: pytest.CollectReport | pytest.TestReport) -> None:
    """Turn a skip into a failure where everything is installed: there it would hide that a promise went unchecked."""
    if os.environ.get("CI") and report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"CI installs all that the tests need, so nothing may be skipped there: {reason}"
