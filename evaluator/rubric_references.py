"""Whether a rubric's parts fit together: every id used once, every name leading somewhere, every cue readable.

In: a rubric whose parts are each well formed. Out: the faults, each with its key path, so that a report can name the
line. Apart from the models because it looks across all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from evaluator.cues import check_cue

if TYPE_CHECKING:
    from evaluator.rubric_form import Band, Criterion, Rubric, VetoRule

__all__ = ["BrokenReferences", "Fault", "find_faults"]

Fault: TypeAlias = tuple[tuple[str | int, ...], str]
_MAX_NAMED = 12


class BrokenReferences(ValueError):
    """Raised while a rubric is validated.

    Attributes:
        faults: Key path and message of each.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(message for _, message in faults))


def find_faults(rubric: Rubric) -> list[Fault]:
    """Return every fault, in the order of the checks; empty if the rubric is sound."""
    return [
        *_repeated("criterion", ("criteria",), [c.id for c in rubric.criteria]),
        *_repeated("question type", ("question_types",), [t.id for t in rubric.question_types]),
        *_repeated("band", ("scoring", "bands"), [b.id for b in rubric.scoring.bands]),
        *_repeated("veto", ("scoring", "vetoes"), [v.id for v in rubric.scoring.vetoes]),
        *_References(rubric).faults(),
        *_cue_faults(rubric),
    ]


class _References:
    """The names that a rubric defines, for checking those that it uses."""

    def __init__(self, rubric: Rubric) -> None:
        self._rubric = rubric
        self._criteria = {c.id: None for c in rubric.criteria}
        self._types = {t.id: None for t in rubric.question_types}
        self._bands = {b.id: None for b in rubric.scoring.bands}

    def faults(self) -> Iterator[Fault]:
        rubric = self._rubric
        if rubric.metric_cues is not None:
            yield from _unknown("cue group", (rubric.metric_cues,), rubric.cues, ("metric_cues",))
        missing = {c.severity for c in rubric.criteria} - set(rubric.scoring.weights)
        if missing:
            yield ("scoring", "weights"), f"no weight for severity {', '.join(sorted(missing))}"
        for number, band in enumerate(rubric.scoring.bands):
            yield from self._band(band, ("scoring", "bands", number))
        for number, veto in enumerate(rubric.scoring.vetoes):
            yield from self._veto(veto, ("scoring", "vetoes", number))
        for number, criterion in enumerate(rubric.criteria):
            yield from self._applicability(criterion, ("criteria", number, "applies"))
            yield from self._measured(criterion, ("criteria", number))

    def _band(self, band: Band, place: tuple[str | int, ...]) -> Iterator[Fault]:
        yield from _unknown("criterion", band.unless_all_present, self._criteria, (*place, "unless_all_present"))

    def _veto(self, veto: VetoRule, place: tuple[str | int, ...]) -> Iterator[Fault]:
        yield from _unknown("criterion", veto.criteria, self._criteria, (*place, "criteria"))
        yield from _unknown("band", (veto.best_band,), self._bands, (*place, "best_band"))
        different = len(set(veto.criteria))
        if veto.at_least > different:
            yield (*place, "at_least"), f"the veto can never fire: it lists {different} different criteria only"

    def _applicability(self, criterion: Criterion, place: tuple[str | int, ...]) -> Iterator[Fault]:
        applies, cues = criterion.applies, self._rubric.cues
        yield from _unknown("question type", applies.question_types, self._types, (*place, "question_types"))
        for key in ("question_mentions", "candidate_mentions", "unless_question_mentions"):
            group: str | None = getattr(applies, key)
            if group is not None:
                yield from _unknown("cue group", (group,), cues, (*place, key))

    def _measured(self, criterion: Criterion, place: tuple[str | int, ...]) -> Iterator[Fault]:
        limits = criterion.measured
        if (criterion.kind == "measured") != (limits is not None):
            yield (*place, "measured"), "kind `measured` and the limits under `measured` go together"
        if limits:
            for key in ("longest_turn_over_s", "longest_turn_over_words"):
                name: str = getattr(limits, key)
                yield from _unknown("quantity", (name,), self._rubric.quantities, (*place, "measured", key))


def _repeated(what: str, place: tuple[str | int, ...], ids: list[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, name in enumerate(ids):
        if name in seen:
            yield (*place, number, "id"), f"another {what} is called {name!r} already"
        seen.add(name)


def _unknown(what: str, names: Iterable[str], known: Iterable[str], place: tuple[str | int, ...]) -> Iterator[Fault]:
    known = list(known)
    for name in names:
        if name not in known:
            more = ", …" if len(known) > _MAX_NAMED else ""
            yield place, f"no {what} is called {name!r} (known: {', '.join(known[:_MAX_NAMED]) or 'none'}{more})"


def _cue_faults(rubric: Rubric) -> Iterator[Fault]:
    lists: list[tuple[tuple[str | int, ...], tuple[str, ...]]] = [
        (("cues", name), cues) for name, cues in rubric.cues.items()
    ]
    lists += [(("question_types", number, "cues"), kind.cues) for number, kind in enumerate(rubric.question_types)]
    for place, cues in lists:
        for number, cue in enumerate(cues):
            try:
                check_cue(cue)
            except ValueError as error:
                yield (*place, number), str(error)
