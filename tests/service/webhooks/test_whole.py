"""Tests of webhooks within the whole service: a job is judged, and a receiver is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.service.running import config_at, evaluation_body, running
from tests.service.webhooks.receiver import Receiver, verified
from tests.waiting import until

pytestmark = pytest.mark.loopback


def test_a_receiver_is_told_of_a_job_and_of_no_word_in_it(tmp_path: Path) -> None:
    """The event comes signed after the job is settled, tells its figures, and goes with it when it is deleted."""
    config = config_at(tmp_path / "data", private_webhooks=True)
    with Receiver() as receiver, running(config) as (client, service):
        made = client.post("/v1/webhooks", json={"url": receiver.url()}).json()
        sent = client.post("/v1/evaluations", json=evaluation_body(), headers={"Prefer": "respond-async"})
        assert sent.status_code == 202
        until(lambda: bool(receiver.received), 60)
        (received,) = receiver.received
        evaluation = client.get(f"/v1/evaluations/{sent.json()['id']}").json()
        told = json.loads(received.body)
        assert verified(received, made["secret"])
        assert told["type"] == "evaluation.completed"
        assert told["data"]["id"] == evaluation["id"]
        assert (told["data"]["score"], told["data"]["band"]) == (evaluation["score"], evaluation["band"])
        assert b"guardrail" not in received.body
        deliveries = f"/v1/webhooks/{made['id']}/deliveries"
        until(lambda: client.get(deliveries, params={"status": "delivered"}).json()["data"] != [])
        assert client.delete(f"/v1/evaluations/{evaluation['id']}").status_code == 204
        assert client.get(deliveries).json()["data"] == []
        assert service.webhooks.endpoints.get("local", made["id"]).failing_since_s is None
