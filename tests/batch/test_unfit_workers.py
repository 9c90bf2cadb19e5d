"""A worker that would grade otherwise than a run asks for leaves the run to others."""

from __future__ import annotations

import signal
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from evaluator.batch.database import Database
from evaluator.batch.roll import Rhythm
from evaluator.batch.runs import RunStore, Spec
from evaluator.batch.spec import check_spec, make_spec
from evaluator.batch.worker import Unfit
from evaluator.judges.building import build_judge
from evaluator.rubric import load_rubric
from evaluator.run_judge import fit_plan, portable
from evaluator.settings import Settings
from tests.batch.shared_run import Process, Provider
from tests.fakes import FakeJudge, make_rubric

_QUICK: Final = Rhythm(beat_s=0.3, lease_s=2.0)


def _planned(settings: Settings) -> Spec:
    return make_spec(load_rubric("netflix_pm_metrics"), build_judge(settings.plan()), portable(settings))


def _settings(**chosen: object) -> Settings:
    return Settings.model_validate({"backend": "openai", "OPENAI_API_KEY": "sk-a", "no_cache": True, **chosen})


def test_the_same_judge_is_fit() -> None:
    """What was planned here is graded here, and on a machine with another key and another default."""
    spec = _planned(_settings())
    check_spec(spec, build_judge(_settings().plan()))
    assert fit_plan(_settings(backend="local", OPENAI_API_KEY="sk-b"), spec).backend == "openai"


def test_a_judge_that_differs_is_unfit() -> None:
    """Another prompt, model or program would be graded under the wrong name."""
    rubric = make_rubric()
    spec = make_spec(rubric, FakeJudge(), {})
    with pytest.raises(Unfit, match="install the run's version"):
        check_spec(spec, FakeJudge(method="another"))
    with pytest.raises(Unfit):
        fit_plan(_settings(), replace(_planned(_settings()), grading="of another version"))


def test_a_machine_that_lacks_something_is_unfit(tmp_path: Path) -> None:
    """No key, or no such file here: the run isn't at fault."""
    spec = _planned(_settings())
    with pytest.raises(Unfit, match="OPENAI_API_KEY"):
        fit_plan(_settings(OPENAI_API_KEY=""), spec)
    elsewhere = replace(spec, settings={**spec.settings, "replay": str(tmp_path / "not-here")})
    with pytest.raises(Unfit):
        fit_plan(_settings(), elsewhere)


@pytest.mark.loopback
def test_an_unfit_worker_leaves_a_run_to_others(database_url: str, tmp_path: Path) -> None:
    """It says so once, writes nothing, and doesn't stop the run, which ends well."""
    with Provider(0.2) as provider:
        keyless = provider.environment(OPENAI_API_KEY="")
        with Process.worker(database_url, "unfit", _QUICK, keyless) as unfit:
            unfit.says("works")
            # More shards than one worker has in hand, so that there is something to leave.
            with Process.batch(database_url, tmp_path, _QUICK, provider.environment(), range(700)) as batch:
                unfit.says("leaves it to others")
                assert batch.ends() == 0, batch.text
                assert '"graded": 700' in batch.text
            unfit.send(signal.SIGTERM)
            assert unfit.ends() == 0, unfit.text
    assert unfit.text.count("leaves it to others") == 1
    with closing(Database(database_url)) as database:
        owners = database.read(lambda transaction: transaction.rows("SELECT owner FROM ev_progress"))
        assert {owner.partition("-")[0] for (owner,) in owners} == {"batch"}
        assert RunStore(database).stopped(_run(database)) is None


def _run(database: Database) -> str:
    ((run,),) = database.read(lambda transaction: transaction.rows("SELECT run FROM ev_runs"))
    return str(run)
