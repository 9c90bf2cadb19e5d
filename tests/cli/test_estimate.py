"""``evaluator estimate``: what grading would take, told without a key and without the network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest
from pydantic import BaseModel

from evaluator.cli.main import run

_MEASURES: Final = (
    *("retention", "minutes watched", "titles finished", "cancellations", "searches", "support contacts"),
    *("the rate of return", "ratings", "the share of homes", "starts within a minute", "lists made", "profiles"),
    *("downloads", "plays from the row", "the payments", "devices", "skips", "the reasons for leaving", "surveys"),
    *("refunds", "logins", "the median session", "the number of days active", "sign-ups by friends", "trailers"),
)


class _Told(BaseModel):
    """One row of the JSON, or its total."""

    requests: int
    static_tokens: int
    transcript_tokens: int
    cost_usd: float | None
    cached_cost_usd: float | None
    most_usd: float | None
    least_usd: float | None = None
    priced: bool | None = None


class _Report(BaseModel):
    """The JSON."""

    transcripts: list[_Told]
    total: _Told


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start in a folder of two transcripts, without a setting or key in the environment."""
    for name in [name for name in os.environ if name.startswith(("EVALUATOR_", "OPENAI_", "ANTHROPIC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    answer = "Interviewer: How would you measure success of the new row?\nCandidate: {}\n"
    Path("short.txt").write_text(answer.format("I would track retention after thirty days."), encoding="utf-8")
    plans = " ".join(f"In week {n} I would look at {what} of members who joined." for n, what in enumerate(_MEASURES))
    Path("long.txt").write_text(answer.format(plans), encoding="utf-8")


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> _Report:
    capsys.readouterr()
    assert run(["estimate", *arguments, "--format", "json"]) == 0
    return _Report.model_validate_json(capsys.readouterr().out)


def test_tokens_and_cost_are_told_by_transcript_and_in_total(capsys: pytest.CaptureFixture[str]) -> None:
    """Static part, the transcript's own and the reply; the price uncached, cached and at most."""
    assert run(["estimate", "short.txt", "long.txt", "--backend", "openai"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["transcript", "calls", "static", "own", "reply", "uncached", "cached", "at", "most"]
    assert [line.split()[0] for line in lines[1:4]] == ["short.txt", "long.txt", "total"]
    assert "2 transcripts, judged by openai: $" in lines[4]


def test_the_sum_is_of_its_parts(capsys: pytest.CaptureFixture[str]) -> None:
    """A longer transcript costs more, the static part is the same, and from the second on it may be cached."""
    told = _json(capsys, "short.txt", "long.txt", "--backend", "anthropic")
    (short, long), total = told.transcripts, told.total
    assert short.static_tokens == long.static_tokens
    assert short.transcript_tokens < long.transcript_tokens
    assert total.cost_usd == pytest.approx((short.cost_usd or 0) + (long.cost_usd or 0))
    assert total.least_usd == pytest.approx((short.cost_usd or 0) + (long.cached_cost_usd or 0))
    assert 0 < (total.least_usd or 0) < (total.cost_usd or 0) < (total.most_usd or 0)
    assert total.priced


def test_most_input_is_static(capsys: pytest.CaptureFixture[str]) -> None:
    """With the shipped rubric and an answer of 270 words at least four fifths of the input can be cached."""
    (row,) = _json(capsys, "long.txt", "--backend", "openai").transcripts
    assert row.static_tokens >= 0.8 * (row.static_tokens + row.transcript_tokens)


def test_an_unknown_price_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A model that nobody told the price of is unpriced, never free."""
    server = ("--backend", "openai-compatible:qwen3:8b", "--base-url", "http://127.0.0.1:11434/v1")
    assert run(["estimate", "short.txt", *server]) == 0
    shown = capsys.readouterr().out
    assert "unpriced" in shown
    assert "$" not in shown
    assert "price of a model here is not known" in shown
    assert _json(capsys, "short.txt", *server).total.priced is False


def test_the_local_judge_costs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is sent, that is what is told."""
    assert run(["estimate", "short.txt"]) == 0
    assert "nothing is sent and nothing is paid" in capsys.readouterr().out


def test_whoever_is_asked_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """A committee, samples and groups multiply the requests."""
    total = _json(capsys, "short.txt", "--committee", "openai,anthropic", "--samples", "3", "--split", "10").total
    assert total.requests == 2 * 3 * 2


def test_a_transcript_that_a_person_must_see_first_costs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Where no judge would be asked, nothing is counted."""
    Path("silent.txt").write_text("Interviewer: How would you measure it?\nCandidate: ...\n", encoding="utf-8")
    assert _json(capsys, "silent.txt", "--backend", "openai").total.requests == 0


def test_no_file_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    """An estimate keeps nothing: no cache, no recording."""
    _json(capsys, "short.txt", "--backend", "openai")
    assert sorted(path.name for path in Path().iterdir()) == ["long.txt", "short.txt"]


def test_bad_input_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that isn't there, and an option that the model doesn't take, are refused."""
    assert run(["estimate", "nowhere.txt", "--backend", "openai"]) == 2
    assert run(["estimate", "short.txt", "--backend", "anthropic", "--temperature", "0"]) == 2
    assert "temperature" in capsys.readouterr().err
