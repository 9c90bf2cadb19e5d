"""Reports against files that are read as diffs; ``python -m tests.reports.golden`` makes them again."""

from __future__ import annotations

import pytest

from tests.reports.golden import CASES, FOLDER, make_cases, reports_of, stored


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("ending", ["txt", "ansi", "md", "html"])
def test_report_is_as_kept(case: str, ending: str) -> None:
    """A report changes only on purpose: remake the files by ``python -m tests.reports.golden`` and read the diff."""
    assert reports_of(stored(case))[ending] == (FOLDER / f"{case}.{ending}").read_text(encoding="utf-8")


def test_cases_still_come_from_the_pipeline() -> None:
    """The kept evaluations have the shape that the pipeline gives today: the same verdicts at the same places."""
    for case, evaluation in make_cases().items():
        kept = stored(case)
        assert [(f.criterion, f.verdict, f.evidence) for f in kept.findings] == [
            (f.criterion, f.verdict, f.evidence) for f in evaluation.findings
        ]
        assert kept.transcript == evaluation.transcript
