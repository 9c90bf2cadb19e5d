"""A backend whose judge answers at once; the model's name chooses how."""

from __future__ import annotations

from evaluator.backends import Backend, JudgeOptions
from evaluator.errors import JudgeMisuse, JudgeUnavailable, MissingExtra
from evaluator.judging import Judge
from tests.fakes import FakeJudge, opinion

__all__ = ["ROW", "SPOKEN", "build_judge"]

ROW = Backend(title="opinions made by hand", module="tests.cli.fake_backend", needs="nothing")
SPOKEN = "words that only the candidate said"

_OPINIONS = (
    opinion("vanity", "present", "track clicks"),
    opinion("no_goal", "present"),
    opinion("no_guardrail", "absent", "cancellations must not rise"),
    opinion("vague", "absent"),
)
_ERRORS: dict[str, BaseException] = {
    "unavailable": JudgeUnavailable("the model took too long", remedy="try again"),
    "misuse": JudgeMisuse("the weights are damaged", remedy="install them again"),
    "missing": MissingExtra("the extra `local` is not installed", remedy="pip install interview-evaluator[local]"),
    "defect": ZeroDivisionError(SPOKEN),
    "interrupted": KeyboardInterrupt(),
}


def build_judge(options: JudgeOptions) -> Judge:
    """Return the judge that ``options.model`` names; by default one with an opinion on most criteria."""
    if options.model == "silent":
        return FakeJudge()
    return FakeJudge(_OPINIONS, error=_ERRORS.get(options.model or ""))
