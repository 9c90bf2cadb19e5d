"""Who judges in a service: the judges that its operator allows, each built once and shared by all who ask it.

In: the name that a caller gives, and a rubric. Out: a `Judge`, or the `Spec` under which a worker builds the same one.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Final

from evaluator.backends import find_backend
from evaluator.backends.sharing import Sharing
from evaluator.batch.allotment import Allotments, Purse
from evaluator.batch.runs import RunStore, Spec
from evaluator.batch.spec import LANE_OF, make_spec
from evaluator.errors import OptionError
from evaluator.judges.building import JudgePlan, build_judge
from evaluator.judging import Judge
from evaluator.rubric import Rubric
from evaluator.run_judge import fit_plan, portable, run_judge
from evaluator.service.problems import Problem
from evaluator.settings import Settings
from evaluator.store.answers import AnswerStore

__all__ = ["JudgeRoom"]

_HANDS: Final = 64  # transcripts that a worker grades at once, if the settings don't ask for fewer


@dataclass(frozen=True, slots=True)
class _Seat:
    settings: Settings
    judge: Judge


class JudgeRoom:
    """The judges of one process. Safe to share between threads."""

    def __init__(self, settings: Settings, names: tuple[str, ...]) -> None:
        """Hold the names; a judge is built when it is first asked for.

        Raises:
            OptionError: No backend of a name.
        """
        for name in names:
            find_backend(name.partition(":")[0])
        self._settings = settings
        self._names = names
        self._plans: dict[str, tuple[Settings, JudgePlan]] = {}
        self._seats: dict[str, _Seat] = {}
        self._lock = threading.Lock()
        self.sharing = Sharing()

    @property
    def names(self) -> tuple[str, ...]:
        """Those that callers may choose among; the first is taken where none is named."""
        return self._names

    def known(self, name: str | None) -> str:
        """Return the name of the judge that is meant.

        Raises:
            Problem: The service has none of that name.
        """
        if name is None:
            return self._names[0]
        if name not in self._names:
            raise Problem(
                422,
                "unknown_judge",
                "This service has no such judge",
                where="judge",
                remedy=f"one of: {', '.join(self._names)}",
            )
        return name

    def hosted(self, name: str) -> bool:
        """Whether a judge asks a hosted model, so that it may cost money; of a name without meaning nobody knows."""
        try:
            return self.plan(name).asks_hosted
        except OptionError:  # it stands in a job of a former life, whose service had other judges
            return True

    def judge(self, name: str) -> Judge:
        """Return a judge by its name, as `known` returned it.

        Raises:
            MissingExtra: It needs a package that isn't installed.
            JudgeMisuse: It needs a key that this service has not.
        """
        return self._seat(name).judge

    def plan(self, name: str) -> JudgePlan:
        """Return who judges under a name, whether or not what it needs is there.

        Raises:
            OptionError: Nobody does.
        """
        return self._planned(name)[1]

    def spec(self, name: str, rubric: Rubric) -> Spec:
        """Return how a worker is to grade by a rubric, with a judge of that name."""
        seat = self._seat(name)
        return make_spec(rubric, seat.judge, portable(seat.settings))

    def of_run(self, runs: RunStore, parts: Allotments | None, run: str, spec: Spec, store: AnswerStore) -> Judge:
        """Build the judge of a run that this machine's worker took up: a lane of a service, or a batch beside it.

        Raises:
            Unfit: This machine can't judge as the run asks for.
            JudgeError: No machine could.
        """
        plan = fit_plan(self._settings, spec)
        name = spec.settings.get("backend")
        if LANE_OF in spec.settings and name in self._names:
            return self.judge(str(name))
        spent_usd = runs.spent_usd(run)
        purse = parts.purse(run, spent_usd) if parts else Purse(spent_usd)
        return run_judge(plan, None if LANE_OF in spec.settings else store, purse, self.sharing)

    def hands(self) -> int:
        """Return how many transcripts a worker here grades at once."""
        return min(_HANDS, self._settings.concurrency)

    def _seat(self, name: str) -> _Seat:
        with self._lock:
            if name not in self._seats:
                settings, plan = self._planned(name)
                self._seats[name] = _Seat(settings, build_judge(plan))
            return self._seats[name]

    def _planned(self, name: str) -> tuple[Settings, JudgePlan]:
        if name not in self._plans:
            settings = self._settings.model_copy(update={"backend": name, "model": self._model(name)})
            plan = replace(settings.plan(), cache=None)
            self._plans[name] = settings, replace(plan, options=replace(plan.options, sharing=self.sharing))
        return self._plans[name]

    def _model(self, name: str) -> str | None:
        """Return the model of the settings, which belongs to the first judge alone."""
        return self._settings.model if name == self._names[0] and ":" not in name else None
