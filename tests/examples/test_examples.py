"""Tests of the examples for evaluation frameworks: each is run by the real framework, where that is installed.

`make adapters` installs them in an environment of their own beside the one of the tests: they pin what they need.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_HOME: Final = Path(sys.prefix) / "adapters"
_PYTHON: Final = _HOME / "bin" / "python"
_PROMPTFOO: Final = _HOME / "node_modules" / "promptfoo" / "dist" / "src" / "main.js"
_ANSWER: Final = "I would track retention over 28 days and watch that cancellations must not rise."

pytestmark = pytest.mark.skipif(
    not (_PYTHON.exists() and _PROMPTFOO.exists()), reason="the frameworks are not installed: make adapters"
)

_INSPECT: Final = """
import json, sys
from evaluator.backends import BACKENDS
from examples.inspect_scorer import failure_modes, interview
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.solver import generate
from tests.examples.decisive import ROW

BACKENDS["decisive"] = ROW
outputs = [ModelOutput.from_content("mockllm/model", text) for text in json.loads(sys.argv[1])]
for output in outputs:
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
assert interview(judge="decisive").dataset[0].input
samples = [Sample(input="How would you measure it?", id=number) for number in range(1, len(outputs) + 1)]
task = Task(dataset=samples, solver=generate(), scorer=failure_modes(judge="decisive"))
log = eval(task, model=get_model("mockllm/model", custom_outputs=outputs), display="none", log_dir=sys.argv[2],
           max_samples=1)[0]
assert log.status == "success", log.error
scores = [next(iter(sample.scores.values())) for sample in log.samples]
print(json.dumps({
    "scores": [score.model_dump(mode="json", include={"value", "reason", "metadata"}) for score in scores],
    "mean": log.results.scores[0].metrics["mean"].value,
    "unscored": log.results.scores[0].unscored_samples,
}))
"""

_DEEPEVAL: Final = """
import json, sys
from deepeval import evaluate
from deepeval.evaluate import DisplayConfig
from deepeval.test_case import LLMTestCase
from evaluator.backends import BACKENDS
from examples.deepeval_metric import InterviewMetric
from tests.examples.decisive import ROW

BACKENDS["decisive"] = ROW
cases = [LLMTestCase(input="How would you measure it?", actual_output=text) for text in json.loads(sys.argv[1])]
quiet = DisplayConfig(show_indicator=False, print_results=False)
done = evaluate(cases, [InterviewMetric(threshold=0.5, judge="decisive")], display_config=quiet)
found = {result.input + result.actual_output: result.metrics_data[0] for result in done.test_results}
alone = InterviewMetric(judge="decisive")
print(json.dumps({
    "results": [found[case.input + case.actual_output].model_dump(mode="json") for case in cases],
    "measured": alone.measure(cases[0]),
    "breakdown": alone.score_breakdown,
}))
"""


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment in which no framework reports home, looks for updates or writes outside of a folder."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(_ROOT),
        "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
        "PROMPTFOO_CONFIG_DIR": str(folder / "promptfoo"),
    }


def _run(code: str, folder: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [_PYTHON, "-c", code, *arguments],
        cwd=folder,
        env=_environment(folder),
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_inspect_scores_a_conversation(tmp_path: Path) -> None:
    """Inspect AI reads a score from 0 to 1 with verdicts and proof; what a person must see is left out of the mean."""
    told = _run(_INSPECT, tmp_path, json.dumps([_ANSWER, "Not sure."]), str(tmp_path / "logs"))
    good, short = told["scores"]
    assert good["value"] == told["mean"] == 1.0
    assert good["metadata"]["verdicts"]["no_guardrail"] == "absent"
    assert all(quote in _ANSWER for quote in good["metadata"]["evidence"]["no_guardrail"])
    assert (short["reason"], told["unscored"]) == ("needs_review", 1)
    assert math.isnan(short["value"])  # the form that Inspect gives what has no value
    assert short["metadata"]["band"] is None


def test_deepeval_measures_an_answer(tmp_path: Path) -> None:
    """DeepEval reads score, success, reason and breakdown; what a person must see has an error and no score."""
    told = _run(_DEEPEVAL, tmp_path, json.dumps([_ANSWER, "Not sure."]))
    good, short = told["results"]
    assert (good["score"], good["success"], good["error"]) == (1.0, True, None)
    assert good["reason"]
    assert (short["score"], short["success"]) == (None, False)
    assert "a person must look first" in short["error"]
    assert told["measured"] == 1.0
    assert told["breakdown"]["no_guardrail"] == 1.0


@pytest.mark.loopback
def test_promptfoo_asserts_on_an_evaluation(tmp_path: Path) -> None:
    """The answer of the promptfoo configuration is posted to the service, and its assertions read what comes back."""
    options = ["-c", _ROOT / "examples" / "promptfooconfig.yaml", "--no-cache", "--no-table", "--no-progress-bar"]
    with _served(tmp_path) as url:
        done = subprocess.run(
            [_HOME / "bin" / "node", _PROMPTFOO, "eval", *options, "-o", tmp_path / "out.json"],
            cwd=tmp_path,
            env={**_environment(tmp_path), "EVALUATOR_URL": url},
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    results = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["results"]
    assert (results["stats"]["successes"], results["stats"]["failures"], results["stats"]["errors"]) == (1, 0, 0)
    (result,) = results["results"]
    assert result["response"]["output"]["judge"]["backend"] == "decisive"
    assert result["gradingResult"]["pass"]


@contextmanager
def _served(folder: Path) -> Generator[str]:
    """Serve on a free port of this machine, with a judge that decides everything; yield the address."""
    command = [sys.executable, "-m", "tests.examples.decisive", "serve", "--port", "0", "--judges", "decisive"]
    server = subprocess.Popen(
        [*command, "--data", str(folder / "data")],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        said = next((line for line in server.stderr if "serving on " in line), "")
        assert said, "the service did not start"
        yield said.split("serving on ")[1].split(",")[0].strip()
    finally:
        server.terminate()
        server.communicate(timeout=30)
