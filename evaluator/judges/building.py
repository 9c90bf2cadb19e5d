"""From what a caller asked for to one judge: names and options in, a `Judge` out, or what it would cost.

The order of wrapping is fixed: a backend's judge, asked again if that was wished, behind the result cache, behind the
redaction, so that nothing but placeholders is asked about or kept; a committee seats several such judges; the fallback
stands behind the whole. All judges of one plan share their providers' gates
and one budget.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from evaluator.backends import JudgeOptions, find_backend, make_judge
from evaluator.backends.estimates import NOTHING, Estimate
from evaluator.backends.sharing import Sharing
from evaluator.errors import OptionError
from evaluator.judges.cached import Cached
from evaluator.judges.committee import Committee
from evaluator.judges.confirming import Confirming, Sampled
from evaluator.judges.fallback import Fallback
from evaluator.judges.redacting import Redacting
from evaluator.judges.replayed import Replayed
from evaluator.judging import Case, Judge
from evaluator.store.answers import AnswerFile, AnswerStore

__all__ = ["JudgePlan", "build_estimate", "build_judge"]

_BY_ADDRESS = "openai-compatible"  # the one backend that an address names, where several stand beside each other


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePlan:
    """Who judges, and how often.

    Attributes:
        backend: ``NAME`` or ``NAME:MODEL``.
        committee: Members, written alike; if there are any, ``backend`` is not asked.
        fallback: Asked if the judge gives no answer; written alike; ``None`` fails instead.
        options: For every backend named, but for what belongs to one alone: a model and a key of its own to
            ``backend``, where its name holds none; an address to ``backend`` and to compatible servers; a calibration
            to ``backend`` and to the local judge; batches to ``backend`` and to hosted models.
        confirm: Ask again about unsure verdicts.
        samples: Ask for everything so often, by majority; ``None`` asks once.
        cache: File of answers that were paid for; ``None`` keeps nothing.
        redact: Let hosted models see placeholders for names, e-mail addresses and phone numbers.
    """

    backend: str = "local"
    committee: tuple[str, ...] = ()
    fallback: str | None = None
    options: JudgeOptions = field(default_factory=JudgeOptions)
    confirm: bool = False
    samples: int | None = None
    cache: Path | None = None
    redact: bool = False

    @property
    def judges(self) -> tuple[str, ...]:
        """Those who are asked first, as they were written."""
        return self.committee or (self.backend,)

    @property
    def names(self) -> tuple[str, ...]:
        """Every judge, as it was written; the fallback last."""
        return (*self.judges, self.fallback) if self.fallback else self.judges

    @property
    def asks_hosted(self) -> bool:
        """Whether a hosted model may be asked.

        Raises:
            OptionError: No backend of a name.
        """
        rows = [find_backend(_backend_of(name)) for name in self.names]
        return any(row.hosted for row in rows)

    @property
    def loads_s(self) -> float:
        """How long the models of this machine take to load before the first verdict, about.

        Raises:
            OptionError: No backend of a name.
        """
        return max(find_backend(_backend_of(name)).loads_s for name in self.judges)


def build_judge(plan: JudgePlan, answers: AnswerStore | None = None) -> Judge:
    """Build the judge of a plan; nothing slow is loaded and nothing is sent.

    Args:
        plan: Who judges.
        answers: Where answers are kept, rather than in the plan's file.

    Raises:
        OptionError: A name or option that doesn't exist or can't be combined.
        MissingExtra: A backend needs a package that isn't installed.
        JudgeMisuse: A backend needs a key and has none.
    """
    plan = _checked(plan)
    judges = {name: make_judge(_backend_of(name), _options(name, plan)) for name in plan.names}
    if answers is None and plan.cache and plan.asks_hosted:
        answers = AnswerFile(plan.cache)
    wrapped = {name: _wrapped(judge, name, plan, answers) for name, judge in judges.items()}
    judge = Committee({name: wrapped[name] for name in plan.committee}) if plan.committee else wrapped[plan.backend]
    return Fallback(judge, wrapped[plan.fallback]) if plan.fallback else judge


def build_estimate(plan: JudgePlan) -> Callable[[Case], Estimate]:
    """Return what tells the tokens and the price of a case; needs no key and sends nothing.

    Told are the first answers: that unsure verdicts are confirmed, replies repaired or a fallback asked can't be known.

    Raises:
        OptionError: As `build_judge`.
        MissingExtra: As `build_judge`.
    """
    plan = _checked(plan)
    estimates = [_estimate(name, plan) for name in plan.judges]
    return lambda case: sum((estimate(case) for estimate in estimates), NOTHING)


def _estimate(name: str, plan: JudgePlan) -> Callable[[Case], Estimate]:
    row = find_backend(_backend_of(name))
    if not row.hosted:
        return lambda _: NOTHING
    build = cast(
        "Callable[[JudgeOptions], Callable[[Case], Estimate]]", importlib.import_module(row.module).build_estimate
    )
    estimate = build(_options(name, plan))
    return lambda case: sum([estimate(case)] * (plan.samples or 1), NOTHING)


def _checked(plan: JudgePlan) -> JudgePlan:
    """Return the plan with what its judges share, or refuse it."""
    if plan.confirm and plan.samples:
        raise OptionError("can't be combined with samples", where="confirm", remedy="choose one of the two")
    if len(set(plan.committee)) != len(plan.committee):
        raise OptionError("a member sits twice", where="committee", remedy="name each once")
    if plan.committee and plan.options.model:
        raise OptionError("it is not told whose it is", where="model", remedy="name the members NAME:MODEL")
    if plan.committee and plan.options.chat.base_url and _BY_ADDRESS not in map(_backend_of, plan.names):
        raise OptionError("no member is asked by address", where="base_url", remedy=f"seat {_BY_ADDRESS}:MODEL")
    if plan.fallback in plan.judges:
        raise OptionError("it is the judge that it stands in for", where="fallback", remedy="name another")
    if (plan.confirm or plan.samples) and not plan.asks_hosted:
        raise OptionError(
            "no judge here answers differently when asked again",
            where="confirm" if plan.confirm else "samples",
            remedy="leave it out, or choose a hosted backend",
        )
    return replace(plan, options=replace(plan.options, sharing=plan.options.sharing or Sharing()))


def _options(name: str, plan: JudgePlan) -> JudgeOptions:
    """Return the options as they concern one judge of the plan."""
    backend, _, model = name.partition(":")
    options, chat = plan.options, plan.options.chat
    main = not plan.committee and name == plan.backend
    return replace(
        options,
        model=model or (options.model if main else None),
        calibration=options.calibration if main or not find_backend(backend).hosted else None,
        batching=options.batching if main or find_backend(backend).hosted else None,
        chat=replace(
            chat,
            model=chat.model if main else None,
            api_key=chat.api_key if main else None,
            base_url=chat.base_url if main or backend == _BY_ADDRESS else None,
        ),
    )


def _wrapped(judge: Judge, name: str, plan: JudgePlan, store: AnswerStore | None) -> Judge:
    if not find_backend(_backend_of(name)).hosted:
        return judge  # costs nothing, and answers the same question alike: nothing to keep, nothing to ask again
    if plan.options.recording is not None and plan.options.recording.mode == "replay":
        judge = Replayed(judge)
    if plan.samples:
        judge = Sampled(judge, plan.samples)
    elif plan.confirm:
        judge = Confirming(judge)
    judge = Cached(judge, store) if store else judge
    return Redacting(judge) if plan.redact else judge


def _backend_of(name: str) -> str:
    return name.partition(":")[0]
