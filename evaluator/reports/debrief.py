"""The debrief: who said what where several answers were asked for, and how stable they were. Evaluation in, words out.

Apart from the view because it concerns few evaluations. Unanimous criteria are counted, the others listed.
"""

from __future__ import annotations

from typing import Final

from evaluator.reports.characters import one_line
from evaluator.reports.parts import Ballot, Debated
from evaluator.reports.wording import spoken
from evaluator.values.evaluation import Evaluation
from evaluator.values.finding import Finding
from evaluator.values.judge import Confirmation

__all__ = ["debated", "debrief_lines"]

_VOTER_CHARS: Final = 60


def debrief_lines(evaluation: Evaluation) -> tuple[str, ...]:
    """Say how many criteria several answers agree on, and how many verdicts flipped when asked about again."""
    voted = [finding for finding in evaluation.findings if finding.votes]
    lines: list[str] = []
    if voted:
        split = sum(_is_split(finding) for finding in voted)
        what = "1 criterion" if len(voted) == 1 else f"{len(voted)} criteria"
        agreed = "all agree" if not split else f"they agree on {len(voted) - split} and differ on {split}"
        lines.append(f"Several answers on {what}: {agreed}.")
    if evaluation.confirmation is not None:
        lines.append(_stability(evaluation.confirmation))
    return tuple(lines)


def debated(evaluation: Evaluation) -> tuple[Debated, ...]:
    """Return the criteria on which votes differ, each with every vote, in the rubric's order."""
    return tuple(
        Debated(
            title=one_line(finding.title),
            severity=finding.severity,
            outcome=spoken(finding.verdict),
            ballots=tuple(
                Ballot(
                    voter=one_line(vote.voter, _VOTER_CHARS),
                    verdict=spoken(vote.verdict),
                    confidence="" if vote.confidence is None else f"{vote.confidence:.0%} sure",
                    reason=one_line(vote.reason),
                )
                for vote in finding.votes
            ),
        )
        for finding in evaluation.findings
        if _is_split(finding)
    )


def _is_split(finding: Finding) -> bool:
    return len({vote.verdict for vote in finding.votes}) > 1


def _stability(confirmation: Confirmation) -> str:
    if not confirmation.asked:
        return "No verdict was unsure enough to be asked about again."
    rate = confirmation.flipped / confirmation.asked
    what = "1 criterion was" if confirmation.asked == 1 else f"{confirmation.asked} criteria were"
    return f"{what} asked about more than once; {confirmation.flipped} flipped, a rate of {rate:.0%}."
