"""Runs schemathesis against a service, with what it must know of this one, and reads what it found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.service.running import evaluation_body

__all__ = ["Fuzzed", "fuzz"]

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_ON: Final = ("--continue-on-failure",)  # or the first failure of an operation hides the rest
# Why checks are left out: `refuses_for_meaning_alone` stands in for the first; a rubric that is no rubric is what
# `validate` is for, and it says so with 200; lines are text, and whatever is sent is text; a deadline that the caller
# sets may pass, and 504 says so.
_CONFIG: Final = """
[checks]
positive_data_acceptance.enabled = false

[[operations]]
include-name = "POST /v1/rubrics/validate"
checks.negative_data_rejection.enabled = false

[[operations]]
include-name = "POST /v1/batches"
checks.negative_data_rejection.enabled = false

[[operations]]
include-name = "POST /v1/evaluations"
checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "504"]

[[operations]]
include-name = "POST /v1/agreement"
checks.negative_data_rejection.enabled = false
checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "504"]
"""


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What schemathesis found.

    Attributes:
        code: Exit code of its command.
        operations: Requests that it sent, by operation.
        statuses: Answers, by status.
        failures: What it found, one line each.
        said: All that it printed.
    """

    code: int
    operations: Counter[str]
    statuses: Counter[int]
    failures: tuple[str, ...]
    said: str


def fuzz(url: str, key: str, examples: int, folder: Path, *options: str) -> Fuzzed:
    """Run all phases and all checks against a service, which gets some data first.

    Args:
        url: Where the service is.
        key: A key that allows everything.
        examples: How many requests are made up for each operation, beside examples and coverage.
        folder: For its configuration and reports.
        options: More of its command line.
    """
    _fill(url, key)
    config, report, events = folder / "schemathesis.toml", folder / "report.json", folder / "events.ndjson"
    config.write_text(_CONFIG)
    command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={config}", "run", f"{url}/openapi.json"]
    wishes = {
        "--header": f"Authorization: Bearer {key}",
        "--max-examples": str(examples),
        "--suppress-health-check": "all",
        "--request-timeout": "60",
        "--report": "json,ndjson",
        "--report-json-path": str(report),
        "--report-ndjson-path": str(events),
    }
    if "--generation-deterministic" not in options:  # which has none anyway
        wishes["--generation-database"] = "none"
    ran = subprocess.run(
        [*command, *(f"{name}={value}" for name, value in wishes.items()), "--no-color", "--no-shrink", *_ON, *options],
        env={**os.environ, "PYTHONPATH": str(_ROOT), "SCHEMATHESIS_HOOKS": "tests.service.schema_hooks"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists():  # it never began
        raise RuntimeError(ran.stdout + ran.stderr)
    told = json.loads(report.read_text())
    failures = [f"{row['title']}: {', '.join(row['operations'])}" for row in told["failures"]]
    failures += [f"{row['title']} ({row['count']})" for row in told["errors"]]
    operations, statuses = Counter[str](), Counter[int]()
    for operation, status in _answers(events):
        operations[operation] += 1
        statuses[status] += 1
    return Fuzzed(ran.returncode, operations, statuses, tuple(failures), ran.stdout + ran.stderr)


def _fill(url: str, key: str) -> None:
    """Store an evaluation with a review, a batch and a webhook, for what is made up to meet."""
    with httpx2.Client(base_url=url, headers={"X-API-Key": key}, timeout=60.0, trust_env=False) as client:
        made = client.post("/v1/evaluations", json=evaluation_body(store=True)).raise_for_status().json()
        review = {"verdict": "absent", "reason": "It is named as the goal."}
        client.put(f"/v1/evaluations/{made['id']}/reviews/vanity_metric", json=review).raise_for_status()
        line = json.dumps({"name": "anna-1", "text": evaluation_body(1)["transcript"]})
        jsonl = {"Content-Type": "application/jsonl"}
        client.post("/v1/batches", content=line, headers=jsonl).raise_for_status()
        client.post("/v1/webhooks", json={"url": "https://93.184.215.14/hook"}).raise_for_status()


def _answers(events: Path) -> Iterator[tuple[str, int]]:
    """Yield the operation and the status of every request that a run's events tell of."""
    with events.open() as lines:
        for line in lines:
            ended: dict[str, Any] = json.loads(line).get("ScenarioFinished") or {}
            recorder: dict[str, Any] = ended.get("recorder") or {}
            exchanges: dict[str, dict[str, Any]] = recorder.get("interactions") or {}
            for exchange in exchanges.values():
                if exchange.get("response"):
                    yield recorder["label"], exchange["response"]["status_code"]
