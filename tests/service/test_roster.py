"""Tests of the list of judges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from evaluator.service.judges import JudgeRoom
from evaluator.settings import Settings
from tests.fakes import RUBRIC_YAML
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback


async def _judges(tmp_path: Path, names: tuple[str, ...], **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    config = replace(config_in(tmp_path), judges=names, settings=Settings(**settings))
    async with in_memory(config) as (client, _):
        answer = await client.get("/v1/judges")
    assert answer.status_code == 200
    assert [row["name"] for row in answer.json()["data"]] == list(names)
    return {row["name"]: row for row in answer.json()["data"]}


async def test_the_local_judge_tells_its_method_and_its_measured_agreement(tmp_path: Path) -> None:
    """It is free, sends nothing away, and shows figures of its own calibration for the rubric."""
    local = (await _judges(tmp_path, ("local",)))["local"]
    assert (local["default"], local["hosted"], local["available"]) == (True, False, True)
    assert local["judge"]["method"] == "embedding"
    assert local["price"] == {"known": True, "usd": 0.0, "usd_at_most": 0.0}
    assert local["measured"]["calibration"] == local["judge"]["calibration"]
    low, high = local["measured"]["macro_f1_interval"]
    assert any(f1 is not None and 0 < f1 <= 1 for f1 in local["measured"]["by_criterion"].values())
    assert 0 < low <= local["measured"]["macro_f1"] <= high < 1


async def test_a_hosted_judge_without_a_key_says_so(tmp_path: Path) -> None:
    """It stands in the list with what it needs, and isn't available."""
    hosted = (await _judges(tmp_path, ("local", "openai")))["openai"]
    assert (hosted["default"], hosted["hosted"], hosted["available"]) == (False, True, False)
    assert hosted["judge"] is None
    assert hosted["problem"]
    assert hosted["measured"] is None
    assert hosted["price"]["known"]
    assert hosted["price"]["usd"] > 0


async def test_a_price_is_told_where_it_is_known_and_never_guessed(tmp_path: Path) -> None:
    """A listed model has a price for a short answer; one that nobody lists has none."""
    names = ("anthropic", "anthropic:a-model-of-tomorrow")
    rows = await _judges(tmp_path, names, anthropic_api_key=SecretStr("sk-nobody's"))
    known, unknown = (rows[name]["price"] for name in names)
    assert known["known"]
    assert 0 < known["usd"] <= known["usd_at_most"]
    assert unknown == {"known": False, "usd": None, "usd_at_most": None}
    assert "sk-nobody's" not in str(rows)


async def test_a_rubric_that_nobody_labelled_has_no_agreement(tmp_path: Path) -> None:
    """Figures of one rubric are not shown for another."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        await client.post("/v1/rubrics", content=RUBRIC_YAML, headers={"content-type": "application/yaml"})
        (local,) = (await client.get("/v1/judges", params={"rubric": "small"})).json()["data"]
        assert local["available"]
        assert local["measured"] is None
        assert (await client.get("/v1/judges", params={"rubric": "nobody_s"})).status_code == 404


def test_whether_a_judge_is_hosted_is_known_without_its_key() -> None:
    """What a job of a former life cost is counted though its judge can't be asked any more, nor is known."""
    room = JudgeRoom(Settings(), ("local", "openai"))
    assert [room.hosted(name) for name in ("local", "openai", "no-such-judge")] == [False, True, True]
