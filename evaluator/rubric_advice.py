"""What a valid rubric could still do better: a `Rubric` in, advice for its author out.

Apart from validation because nothing here is wrong: a judge works with such a rubric, only worse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from evaluator.rubric_form import Band, Criterion, Rubric
from evaluator.values.criterion import SEVERITIES

__all__ = ["advise"]

_FEW_EXEMPLARS = 4
_FEW_CUES = 3
_EXEMPLAR_WORDS = range(4, 61)


def advise(rubric: Rubric) -> tuple[str, ...]:
    """Return one sentence for each weakness, in the order of the file's parts; empty if there is none."""
    return (*_about_criteria(rubric), *_about_exemplars(rubric), *_about_types(rubric), *_about_bands(rubric))


def _about_criteria(rubric: Rubric) -> Iterator[str]:
    for criterion in rubric.criteria:
        if criterion.kind == "measured":
            continue
        for name, sentences in _exemplars(criterion):
            if len(sentences) < _FEW_EXEMPLARS:
                yield (
                    f"criterion {criterion.id}: {len(sentences)} exemplars under `{name}`; the local judge needs at "
                    f"least {_FEW_EXEMPLARS}, better eight, said in different ways"
                )
        if criterion.clarification is None:
            yield f"criterion {criterion.id}: no clarification; say what decides a close call"


def _about_exemplars(rubric: Rubric) -> Iterator[str]:
    pairs = [(c.id, s) for c in rubric.criteria for _, sentences in _exemplars(c) for s in sentences]
    times = Counter(" ".join(sentence.casefold().split()) for _, sentence in pairs)
    for criterion_id in dict.fromkeys(c for c, s in pairs if times[" ".join(s.casefold().split())] > 1):
        yield f"criterion {criterion_id}: an exemplar stands twice in the rubric; the same words can't prove two things"
    for criterion_id in dict.fromkeys(c for c, s in pairs if len(s.split()) not in _EXEMPLAR_WORDS):
        yield (
            f"criterion {criterion_id}: an exemplar has fewer than {_EXEMPLAR_WORDS[0]} or more than "
            f"{_EXEMPLAR_WORDS[-1]} words; candidates' sentences are compared with it"
        )


def _about_types(rubric: Rubric) -> Iterator[str]:
    if len(rubric.question_types) == 1:
        return
    for kind in rubric.question_types:
        if len(kind.cues) < _FEW_CUES:
            yield f"question type {kind.id}: {len(kind.cues)} cues; with fewer than {_FEW_CUES} it is rarely recognised"


def _about_bands(rubric: Rubric) -> Iterator[str]:
    *limited, last = rubric.scoring.bands
    if last.at_most or last.unless_all_present:
        yield f"band {last.id}: it is the last and takes whatever is left, so its limits are never read"
    for place, band in enumerate(limited):
        shadow = next((better for better in limited[:place] if _no_stricter(better, band)), None)
        if shadow:
            yield f"band {band.id}: it can't be reached, because {shadow.id} asks no more and stands before it"


def _no_stricter(better: Band, band: Band) -> bool:
    within = all(
        severity in band.at_most and band.at_most[severity] <= better.at_most[severity]
        for severity in SEVERITIES
        if severity in better.at_most
    )
    return within and (not better.unless_all_present or better.unless_all_present == band.unless_all_present)


def _exemplars(criterion: Criterion) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "exemplars.commits", criterion.exemplars.commits
    yield "exemplars.avoids", criterion.exemplars.avoids
