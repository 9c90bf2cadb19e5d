"""Tests of what an operator sees of the real service: figures after real requests and jobs, and its log as it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx2
import pytest

from evaluator.backends import BACKENDS
from tests.examples import decisive
from tests.service.running import config_at, evaluation_body, running
from tests.waiting import until

_ROOT: Final = Path(__file__).resolve().parent.parent.parent.parent

pytestmark = pytest.mark.loopback


def test_requests_and_jobs_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer at once and a job count alike by judge and rubric; a refusal counts as a request alone."""
    monkeypatch.setitem(BACKENDS, "decisive", decisive.ROW)
    with running(config_at(tmp_path, judges=("decisive",))) as (client, _):
        assert client.post("/v1/evaluations", json=evaluation_body(1)).status_code == 200
        job = client.post("/v1/evaluations", json=evaluation_body(2), headers={"Prefer": "respond-async"})
        assert job.status_code == 202
        until(lambda: client.get(f"/v1/evaluations/{job.json()['id']}").json()["status"] == "completed")
        assert client.post("/v1/evaluations", json={"transcript": " "}).status_code == 422
        graded = 'evaluator_evaluations_total{judge="decisive",outcome="graded",rubric="netflix_pm_metrics"} 2.0'
        until(lambda: graded in client.get("/metrics").text)
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    count = "evaluator_http_request_duration_seconds_count"
    assert f'{count}{{method="POST",route="/v1/evaluations",status="200"}} 1.0' in lines
    assert f'{count}{{method="POST",route="/v1/evaluations",status="422"}} 1.0' in lines
    assert any(
        line.startswith(f'{count}{{method="GET",route="/v1/evaluations/{{id}}",status="200"}}') for line in lines
    )
    assert "evaluator_queue_depth 0.0" in lines
    assert "weekly" not in answer.text


def test_the_log_of_a_served_request_is_json(tmp_path: Path) -> None:
    """`evaluator serve` writes one line for each request, with its id and route, and none with what was said."""
    command = [sys.executable, "-m", "tests.examples.decisive", "serve", "--port", "0", "--judges", "decisive"]
    server = subprocess.Popen(
        [*command, "--data", str(tmp_path / "data")],
        cwd=_ROOT,
        env={"PYTHONPATH": str(_ROOT), "PATH": "/usr/bin:/bin"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        said = next((line for line in server.stderr if "serving on " in line), "")
        url = said.split("serving on ")[1].split(",")[0].strip()
        with httpx2.Client(base_url=url, timeout=60.0, trust_env=False) as client:
            answer = client.post("/v1/evaluations?note=weekly", json=evaluation_body(1))
            assert client.post("/v1/evaluations?note=weekly", content=b"weekly").status_code >= 400
    finally:
        server.terminate()
        rest = server.communicate(timeout=60)[1]
    assert answer.status_code in {200, 422}
    lines = [json.loads(line) for line in rest.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["route"] for line in requests] == ["/v1/evaluations", "/v1/evaluations"]
    assert requests[0]["request_id"] == answer.headers["x-request-id"]
    assert requests[0]["tenant"] == "local"
    assert "weekly" not in rest
