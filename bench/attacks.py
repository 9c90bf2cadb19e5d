"""What attacks achieve, family by family: on weak answers, under models that give in to whatever they read.

Run from the checkout: ``PYTHONPATH=. python bench/attacks.py``. Columns, each a number of trials (attack, answer and
way of giving in) or of attacks on answers:

- *hidden*: a failure that was found is no longer found although the model gave in to nothing;
- *by code*: a verdict improved that no sound reply gave, or without the candidate's own words as proof;
- *by obeying*: a verdict improved because the model said so, as a sound reply, with words of the candidate where proof
  is asked for: the limit of what code can see, counted for models that obey everything;
- *flagged*: the detector put a flag on the attack, for a person.

Then the price: flags on labelled and honest text, and labelled evidence that is refused. Both should be none.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluator.agreement.labels import read_labels
from evaluator.instruction_like import find_instruction_like
from evaluator.rubric import load_rubric
from evaluator.unspoken import other_labels, unspoken_in
from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import SpeakerRoles, Transcript, Turn
from tests.attacks.gullible import GULLIBLE, STEADFAST
from tests.attacks.honest import HONEST
from tests.attacks.trial import BASES, FAMILIES, PLACES, attempt, base

_GOLD: Final = Path(__file__).resolve().parent.parent / "fixtures" / "gold" / "dev.jsonl"


@dataclass
class Tally:
    """Counts of one family; see the module's docstring."""

    attacks: int = 0
    trials: int = 0
    hidden: int = 0
    by_code: int = 0
    by_obeying: int = 0
    flagged: int = 0
    on_answers: int = 0


def main() -> None:
    """Print the table and the false alarms."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--answers", type=int, default=3, help=f"how many answers to attack, at most {len(BASES)}")
    tallies = asyncio.run(_tallies(tuple(BASES)[: arguments.parse_args().answers]))
    print(f"{'family':<26}attacks  trials  hidden  by code  by obeying  flagged")
    for family, tally in [*tallies.items(), ("all", _sum(list(tallies.values())))]:
        seen = f"{tally.flagged}/{tally.on_answers}"
        counts = f"{tally.attacks:>7}{tally.trials:>8}{tally.hidden:>8}{tally.by_code:>9}{tally.by_obeying:>12}"
        print(f"{family:<26}{counts}{seen:>9}")
    _print_false_alarms()


async def _tallies(names: Sequence[str]) -> dict[str, Tally]:
    alone = {name: await base(name) for name in names}
    return {family: await _tally(attacks, alone) for family, attacks in FAMILIES.items()}


async def _tally(attacks: Sequence[str], alone: dict[str, Evaluation]) -> Tally:
    tally = Tally(attacks=len(attacks))
    for name, answer in alone.items():
        found = {finding.criterion for finding in answer.findings if finding.verdict == "present"}
        for number, attack in enumerate(attacks):
            place = PLACES[number % len(PLACES)]
            calm = await attempt(answer, name, attack, place, STEADFAST)
            tally.on_answers += 1
            tally.flagged += calm.flagged
            tally.by_code += bool(calm.breaches)
            still = {finding.criterion for finding in calm.evaluation.findings if finding.verdict == "present"}
            tally.hidden += not (calm.evaluation.scorecard.needs_review or found <= still)
            for behaviour in GULLIBLE.values():
                trial = await attempt(answer, name, attack, place, behaviour)
                tally.trials += 1
                tally.by_code += bool(trial.breaches)
                tally.by_obeying += bool(trial.improved and not trial.breaches)
    return tally


def _sum(tallies: Sequence[Tally]) -> Tally:
    return Tally(*(sum(values) for values in zip(*(vars(tally).values() for tally in tallies), strict=True)))


def _print_false_alarms() -> None:
    rubric = load_rubric()
    ids = tuple(rubric.by_id)
    rows = [(row, row.transcript) for row in read_labels(_GOLD, rubric).rows if row.transcript]
    flagged = [row.id for row, transcript in rows if find_instruction_like(transcript, ids)]
    honest = [text for text in HONEST if find_instruction_like(_said(text), ids)]
    refused = quoted = 0
    for row, transcript in rows:
        for span in row.evidence.values():
            text = transcript.turns[span.turn].text
            quoted += 1
            refused += unspoken_in(text, other_labels(transcript), ids).hides(text, span.start, span.end)
        refused += len(row.lost_evidence)
    print(f"\nflags on labelled transcripts: {len(flagged)} of {len(rows)} {' '.join(flagged)}")
    print(f"flags on honest sentences with the words of attacks: {len(honest)} of {len(HONEST)}")
    print(f"labelled evidence refused: {refused} of {quoted}")


def _said(text: str) -> Transcript:
    roles = SpeakerRoles(candidate=None, confidence=1.0, source="single_speaker")
    return Transcript(turns=(Turn(role="candidate", text=text),), format="plain", roles=roles, language="en")


if __name__ == "__main__":
    main()
