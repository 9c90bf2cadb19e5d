"""How a run grades, in a form that another machine can take on: settings in, a `Spec` out, and a judge from one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from evaluator.batch.runs import Spec
from evaluator.batch.worker import Unfit
from evaluator.judging import Judge
from evaluator.pipeline import STAGES_VERSION
from evaluator.rubric import Rubric

__all__ = ["LANE_OF", "check_spec", "make_spec"]

LANE_OF: Final = "lane_of"  # setting of a run whose grading is its owner's own: the grading that it stands for


def make_spec(rubric: Rubric, judge: Judge, settings: Mapping[str, object]) -> Spec:
    """Return the spec of a run.

    Args:
        rubric: What is judged by.
        judge: As it will judge; only asked what it is.
        settings: What builds it again elsewhere; those that change answers without changing the judge's own
            description, such as how often it asks, must be among them.
    """
    told = {
        "rubric": rubric.sha256,
        "judge": judge.info(rubric).model_dump(mode="json"),
        "asking": {name: settings.get(name) for name in ("confirm", "samples", "committee", "fallback")},
        "stages": STAGES_VERSION,
        **({"redact": True} if settings.get("redact") else {}),  # a run from before it could be chosen has no such key
    }
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return Spec(rubric, settings, hashlib.sha256(canonical.encode()).hexdigest()[:40])


def check_spec(spec: Spec, judge: Judge) -> None:
    """Check that a judge built here would grade as a run's spec says.

    Raises:
        Unfit: It wouldn't: its prompt, calibration or program differ, and its results would stand under a wrong name.
    """
    if make_spec(spec.rubric, judge, spec.settings).grading != spec.settings.get(LANE_OF, spec.grading):
        raise Unfit(
            "a run on this database was planned by a judge that differs from the one here",
            remedy="install the run's version of the evaluator here, with the same prompts and calibrations; "
            "until then this worker leaves its work to others",
        )
