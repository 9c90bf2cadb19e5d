"""Proof: opinions with claimed quotes in, opinions with verified evidence out.

A commission that is present must be proved by the words that commit it, an omission that is absent by the words that
avoid it. A quote that the candidate never said is dropped; so is one that should earn something and is of words that
stand in the candidate's turn but are no answer (see `unspoken`). A verdict that needed it becomes ``unscored``. Nothing
here trusts the judge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from evaluator.judging import Opinion, needs_proof
from evaluator.quotes import find_quote
from evaluator.rubric import Criterion
from evaluator.values.finding import Evidence
from evaluator.values.transcript import Transcript

__all__ = ["Grounded", "ground"]


@dataclass(frozen=True, slots=True)
class Grounded:
    """An opinion whose evidence has been checked.

    Attributes:
        opinion: The judge's, or ``unscored`` if its proof failed.
        evidence: Verified, best first.
        rejected: How many claimed quotes are not the candidate's words.
    """

    opinion: Opinion
    evidence: tuple[Evidence, ...]
    rejected: int


def ground(opinion: Opinion, criterion: Criterion, transcript: Transcript, criteria: tuple[str, ...] = ()) -> Grounded:
    """Check the quotes of one opinion against the candidate's turns; ``criteria`` are all ids of the rubric."""
    earning = (criteria or (criterion.id,)) if opinion.verdict == "absent" else None
    found = [find_quote(quote, transcript, earning) for quote in opinion.quotes]
    evidence = tuple(dict.fromkeys(item for item in found if item is not None))
    rejected = sum(item is None for item in found)
    if evidence or not needs_proof(criterion, opinion.verdict):
        return Grounded(opinion, evidence, rejected)
    why = "its quotes are not the candidate's words" if rejected else "it came without a quote"
    unproved = replace(
        opinion, verdict="unscored", confidence=None, quotes=(), reason=f"Said to be {opinion.verdict}, but {why}."
    )
    return Grounded(unproved, (), rejected)
