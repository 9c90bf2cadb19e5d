"""The options that choose a judge, from the command line to a provider that runs on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import pytest

from evaluator.cli.judge_options import JudgeFlags, judge_plan
from evaluator.cli.main import run
from evaluator.settings import Settings, load_settings
from evaluator.values.evaluation import Evaluation
from tests.backends.provider_stub import Answer, ProviderStub
from tests.fakes import RUBRIC_YAML

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_KEY: Final = "sk-test-0123456789abcdef"
_ANSWER: Final = (
    "Interviewer: How would you measure success?\n"
    "Candidate: I would track clicks every day and watch that cancellations never rise.\n"
)


@dataclass(frozen=True, slots=True)
class _Said:
    """What one run left behind."""

    code: int
    out: str
    err: str

    @property
    def evaluation(self) -> Evaluation:
        """The result as JSON; the output must be one."""
        assert self.code == 0, self.err
        return Evaluation.model_validate_json(self.out)


@dataclass(frozen=True, slots=True)
class _Desk:
    """A folder, a provider on this machine, and a way to run the command against it."""

    folder: Path
    stub: ProviderStub

    async def grade(self, *options: str, backend: str = "openai", **variables: str) -> _Said:
        """Grade one answer as JSON; without options by the provider's Responses API."""
        address = self.stub.url if backend == "anthropic" else f"{self.stub.url}/v1"
        chosen = ("--backend", backend, "--base-url", address) if backend else ("--base-url", address)
        return await self.run(
            "grade", str(self.folder / "answer.txt"), "--format", "json", *chosen, *options, **variables
        )

    async def run(self, *arguments: str, **variables: str) -> _Said:
        """Run a command in a process of its own; its caches lie in the folder."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", "from evaluator.cli.main import main; main()"),
            *(*arguments, "--rubric", str(self.folder / "small.yaml")),
            cwd=_ROOT,
            env=_environment(XDG_CACHE_HOME=str(self.folder / "cache"), **variables),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 120)
        assert _KEY not in out.decode() + err.decode()
        return _Said(process.returncode or 0, out.decode(), err.decode())


def _environment(**variables: str) -> dict[str, str]:
    """Return an environment without settings, with keys."""
    strange = ("EVALUATOR_", "OPENAI_", "ANTHROPIC_", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    keys = {"OPENAI_API_KEY": _KEY, "ANTHROPIC_API_KEY": _KEY}
    return {**kept, **keys, "PYTHONPATH": str(_ROOT), "NO_PROXY": "127.0.0.1", **variables}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[_Desk]:
    """Start a provider and lay out a transcript and a rubric."""
    (tmp_path / "answer.txt").write_text(_ANSWER, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(RUBRIC_YAML, encoding="utf-8")
    async with ProviderStub() as stub:
        yield _Desk(tmp_path, stub)


@pytest.mark.loopback
@pytest.mark.parametrize("backend", ["openai", "anthropic", "openai-compatible:llama3:8b"])
async def test_each_provider_judges_in_one_request(desk: _Desk, backend: str) -> None:
    """One request decides every criterion, and the result names backend, model, tokens and cost."""
    evaluation = (await desk.grade(backend=backend)).evaluation
    assert desk.stub.requests == 1
    assert evaluation.judge.backend == backend.partition(":")[0]
    assert evaluation.scorecard.coverage == 1.0
    assert (evaluation.usage.requests, evaluation.usage.input_tokens) == (1, 6000)
    assert evaluation.usage.priced == (backend in {"openai", "anthropic"})
    authorization = desk.stub.seen[0].headers.get("authorization", "")
    assert (_KEY in authorization) == (backend in {"openai", "anthropic"})


@pytest.mark.loopback
async def test_choices_reach_the_request(desk: _Desk) -> None:
    """Model, effort and limits stand in what is sent, from options and from variables alike."""
    said = await desk.grade("--model", "gpt-5.1", "--max-output-tokens", "777", EVALUATOR_EFFORT="low")
    assert said.evaluation.judge.model == "gpt-5.1 effort=low"
    body = desk.stub.seen[0].body
    assert (body["model"], body["reasoning"], body["max_output_tokens"]) == ("gpt-5.1", {"effort": "low"}, 777)


@pytest.mark.loopback
async def test_nothing_is_paid_for_twice(desk: _Desk) -> None:
    """The second run sends nothing and gives the same result; another model, and --no-cache, ask again."""
    first = (await desk.grade()).evaluation
    second = (await desk.grade()).evaluation
    assert desk.stub.requests == 1
    assert (second.id, second.findings, second.feedback) == (first.id, first.findings, first.feedback)
    assert (second.usage.requests, second.usage.cost_usd) == (0, 0.0)
    assert [flag.code for flag in second.flags] == ["from_cache"]
    assert (desk.folder / "cache" / "interview-evaluator" / "answers.sqlite").is_file()
    await desk.grade("--no-cache")
    await desk.grade("--model", "gpt-6-sol")
    assert desk.stub.requests == 3


@pytest.mark.loopback
async def test_a_named_cache_is_used(desk: _Desk) -> None:
    """Answers are kept where it was said, and nowhere else."""
    for _ in range(2):
        await desk.grade("--cache", str(desk.folder / "mine.sqlite"))
    assert desk.stub.requests == 1
    assert not (desk.folder / "cache").exists()


@pytest.mark.loopback
async def test_a_cache_that_cannot_be_used(desk: _Desk) -> None:
    """The usual place is gone without, which is said; a named one is refused before anything is sent."""
    (desk.folder / "cache").write_text("in the way")
    said = await desk.grade()
    assert said.code == 0
    assert "answers are not kept" in said.err
    refused = await desk.grade("--cache", str(desk.folder / "cache" / "o.sqlite"))
    assert (refused.code, desk.stub.requests) == (2, 1)
    assert "--no-cache" in refused.err


@pytest.mark.loopback
async def test_recorded_exchanges_are_replayed_without_key_and_network(desk: _Desk) -> None:
    """What was recorded answers again when the provider is gone; what was not is refused with the remedy."""
    tape = str(desk.folder / "tape")
    recorded = (await desk.grade("--record", tape)).evaluation
    (file,) = (desk.folder / "tape" / "openai").iterdir()
    assert _KEY not in file.read_text()
    await desk.stub.stop()
    replayed = (await desk.grade("--replay", tape, OPENAI_API_KEY="")).evaluation
    assert replayed.findings == recorded.findings
    missed = await desk.grade("--replay", tape, "--model", "gpt-6-sol", OPENAI_API_KEY="")
    assert missed.code == 2
    assert "--record" in missed.err


@pytest.mark.loopback
async def test_committee_debates_in_every_report(desk: _Desk) -> None:
    """Members are asked side by side, and text, Markdown and HTML tell how far they agree and what it took."""
    members = "openai-compatible:first, openai-compatible:second"
    evaluation = (await desk.grade("--committee", members, backend="")).evaluation
    assert desk.stub.requests == 2
    assert {vote.voter for vote in evaluation.findings[0].votes} == set(members.split(", "))
    for form in ("text", "markdown", "html"):
        said = await desk.grade("--committee", members, "--no-cache", "--format", form, backend="")
        assert said.code == 0
        assert "Several answers on 5 criteria" in said.out
        assert "cost unknown" in said.out


@pytest.mark.loopback
async def test_fallback_is_announced(desk: _Desk) -> None:
    """If the first gives no answer the second judges, and every form of the report says so."""
    desk.stub.script.append(Answer(500))
    said = await desk.grade("--attempts", "1", "--fallback", "openai-compatible:second")
    assert said.evaluation.judge.model.startswith("second at ")
    assert "fallback_judge" in said.err
    desk.stub.script.append(Answer(500))
    said = await desk.grade(
        "--attempts", "1", "--fallback", "openai-compatible:second", "--format", "text", "--no-cache"
    )
    assert "The judge asked for gave no answer" in " ".join(said.out.split())


@pytest.mark.loopback
async def test_asking_more_than_once(desk: _Desk) -> None:
    """Samples cost their number; a sure answer is not confirmed; groups are asked apart."""
    sampled = (await desk.grade("--samples", "3")).evaluation
    assert (desk.stub.requests, sampled.confirmation and sampled.confirmation.flipped) == (3, 0)
    confirmed = (await desk.grade("--confirm")).evaluation
    assert (desk.stub.requests, confirmed.confirmation and confirmed.confirmation.asked) == (4, 0)
    await desk.grade("--split", "2", "--no-cache")
    assert desk.stub.requests == 7


@pytest.mark.loopback
@pytest.mark.parametrize("backend", ["openai", "anthropic", "openai-compatible:llama3:8b"])
async def test_names_stay_here(desk: _Desk, backend: str) -> None:
    """With --redact no request holds a name, address or number; evidence is in the candidate's words all the same."""
    said = "I'm Anna Kowalska, anna.k@b.example or 555-123-4567. With Tomoko I would track clicks and cancellations."
    (desk.folder / "answer.txt").write_text(f"Interviewer: Hello Anna?\nCandidate: {said}\n", encoding="utf-8")
    evaluation = (await desk.grade("--redact", backend=backend)).evaluation
    sent = json.dumps([seen.body for seen in desk.stub.seen])
    assert "[NAME_1]" in sent
    assert not [word for word in ("Anna", "Kowalska", "Tomoko", "b.example", "4567") if word in sent]
    assert evaluation.transcript.turns[1].text == said
    quotes = [evidence.quote for finding in evaluation.findings for evidence in finding.evidence]
    assert quotes
    assert all(quote in said for quote in quotes)
    assert "redacted" in {flag.code for flag in evaluation.flags}


@pytest.mark.loopback
async def test_unsure_verdicts_are_confirmed(desk: _Desk) -> None:
    """A low confidence is asked about again, and the report tells the flip rate."""
    usual = desk.stub.reply

    def unsure(body: dict[str, Any]) -> str:
        reply = json.loads(usual(body))
        reply["verdicts"][0]["confidence"] = 0.4
        return json.dumps(reply)

    desk.stub.reply = unsure
    said = await desk.grade("--confirm", "--format", "text")
    assert desk.stub.requests == 2
    assert "1 criterion was asked about more than once; 0 flipped, a rate of 0%." in " ".join(said.out.split())


@pytest.mark.loopback
async def test_a_budget_stops_before_it_is_exceeded(desk: _Desk) -> None:
    """A sum that the next request could exceed sends nothing and exits with 3."""
    said = await desk.grade("--max-cost-usd", "0.0001")
    assert (said.code, desk.stub.requests) == (3, 0)
    assert "the budget is reached" in said.err


@pytest.mark.loopback
async def test_a_missing_key_is_named(desk: _Desk) -> None:
    """Without a key nothing is sent, and the variable is named."""
    said = await desk.grade(OPENAI_API_KEY="")
    assert (said.code, desk.stub.requests) == (3, 0)
    assert "set OPENAI_API_KEY" in said.err


@pytest.mark.loopback
async def test_a_compatible_server_may_have_a_key(desk: _Desk) -> None:
    """EVALUATOR_API_KEY is the compatible server's, and no key of another provider ever reaches it."""
    await desk.grade(backend="openai-compatible:m", EVALUATOR_API_KEY="sk-local-99")
    assert desk.stub.seen[0].headers["authorization"] == "Bearer sk-local-99"


@pytest.mark.loopback
async def test_agreement_takes_the_same_options(desk: _Desk) -> None:
    """A hosted judge is measured against labels with the options that grading knows."""
    turns = [{"role": "candidate", "text": f"I would track clicks, plan {n}."} for n in range(2)]
    rows = [{"id": f"r{n}", "turns": [turn], "labels": {"vanity": "absent"}} for n, turn in enumerate(turns)]
    labels = desk.folder / "labels.jsonl"
    labels.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    chosen = ("--backend", "openai", "--base-url", f"{desk.stub.url}/v1", "--format", "json")
    said = await desk.run("agreement", str(labels), *chosen)
    assert said.code == 0, said.err
    assert desk.stub.requests == 2
    assert json.loads(said.out)["judge"]["backend"] == "openai"


@pytest.fixture
def quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay out a transcript and a rubric, without a setting or key in the environment."""
    for name in [name for name in os.environ if name.startswith(("EVALUATOR_", "OPENAI_", "ANTHROPIC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "answer.txt").write_text(_ANSWER, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(RUBRIC_YAML, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--effort", "low"], "--effort"),
        (["--base-url", "http://127.0.0.1:1/v1"], "--base-url"),
        (["--max-cost-usd", "1"], "--max-cost-usd"),
        (["--record", "tape"], "--record"),
        (["--cache", "o.sqlite"], "--cache"),
        (["--confirm"], "confirm"),
        (["--samples", "3"], "samples"),
        (["--redact"], "--redact"),
    ],
)
def test_what_no_judge_here_knows_is_refused(
    quiet_place: Path, capsys: pytest.CaptureFixture[str], options: list[str], told: str
) -> None:
    """An option for hosted models isn't ignored where none is asked."""
    assert run(["grade", str(quiet_place / "answer.txt"), *options]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--backend", "opnai"], "no backend is called"),
        (["--backend", "openai", "--record", "a", "--replay", "b"], "can't be combined with replay"),
        (["--backend", "openai", "--replay", "nowhere"], "no such folder"),
        (["--backend", "openai", "--confirm", "--samples", "3"], "can't be combined with samples"),
        (["--backend", "openai", "--samples", "4"], "odd number"),
        (["--committee", "openai"], "2 to 9 members"),
        (["--backend", "openai", "--max-cost-usd", "0"], "above zero"),
        (["--backend", "openai-compatible", "--model", "m"], "no address was given"),
    ],
)
def test_senseless_choices_exit_2(
    quiet_place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    told: str,
) -> None:
    """What doesn't exist or can't be combined is refused in one line, before anything is sent."""
    monkeypatch.setenv("OPENAI_API_KEY", _KEY)
    assert run(["grade", str(quiet_place / "answer.txt"), *options]) == 2
    assert told in capsys.readouterr().err


def test_every_option_is_a_setting() -> None:
    """Each option that chooses a judge has its variable, and each setting says what it is for."""
    assert {field.name for field in fields(JudgeFlags)} <= set(Settings.model_fields)
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_settings_for_hosted_models_do_not_stop_the_local_judge(
    quiet_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that are set for hosted models for good are no fault where the local judge is chosen."""
    del quiet_place
    monkeypatch.setenv("EVALUATOR_EFFORT", "low")
    monkeypatch.setenv("EVALUATOR_CONFIRM", "true")
    plan = judge_plan(load_settings(), JudgeFlags(), quiet=True)
    assert (plan.confirm, plan.cache) == (False, None)


def test_keys_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """No repr of settings or plan holds a key."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "EVALUATOR_API_KEY"):
        monkeypatch.setenv(name, _KEY)
    settings = load_settings()
    assert _KEY not in repr(settings) + repr(settings.plan())
    assert {key.get_secret_value() for key in settings.plan().options.api_keys.values()} == {_KEY}
