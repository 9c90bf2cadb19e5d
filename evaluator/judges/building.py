"""From what a caller asked for to one judge: names and options in, a `Judge` out.

The order of wrapping is fixed: a backend's judge, asked again if that was wished, behind the result cache, with its
fallback; a committee seats several such judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from evaluator.backends import JudgeOptions, make_judge
from evaluator.errors import OptionError
from evaluator.judges.cached import Cached
from evaluator.judges.committee import Committee
from evaluator.judges.confirming import Confirming, Sampled
from evaluator.judges.fallback import Fallback
from evaluator.judging import Judge
from evaluator.store.opinions import OpinionStore

__all__ = ["JudgePlan", "build_judge"]

_FREE = "local"  # costs nothing, and answers the same question alike: nothing to keep, nothing to ask again


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePlan:
    """Who judges, and how often.

    Attributes:
        backend: ``NAME`` or ``NAME:MODEL``.
        committee: Members, written alike; if there are any, ``backend`` is not asked.
        fallback: Asked if the judge gives no answer; written alike; ``None`` fails instead.
        options: For every backend named; a model in a name goes first.
        confirm: Ask again about unsure verdicts.
        samples: Ask for everything so often, by majority; ``None`` asks once.
        cache: File of opinions that were paid for; ``None`` keeps nothing.
    """

    backend: str = "local"
    committee: tuple[str, ...] = ()
    fallback: str | None = None
    options: JudgeOptions = field(default_factory=JudgeOptions)
    confirm: bool = False
    samples: int | None = None
    cache: Path | None = None


def build_judge(plan: JudgePlan) -> Judge:
    """Build the judge of a plan; nothing slow is loaded and nothing is sent.

    Raises:
        OptionError: A name or option that doesn't exist or can't be combined.
        MissingExtra: A backend needs a package that isn't installed.
        JudgeMisuse: A backend needs a key and has none.
    """
    if plan.confirm and plan.samples:
        raise OptionError("can't be combined with samples", where="confirm", remedy="choose one of the two")
    store = OpinionStore(plan.cache) if plan.cache else None
    names = plan.committee or (plan.backend,)
    if len(set(names)) != len(names):
        raise OptionError("a member sits twice", where="committee", remedy="name each once")
    judges = {name: _single(name, plan, store) for name in names}
    judge: Judge = Committee(judges) if plan.committee else judges[plan.backend]
    return Fallback(judge, _single(plan.fallback, plan, store)) if plan.fallback else judge


def _single(name: str, plan: JudgePlan, store: OpinionStore | None) -> Judge:
    backend, _, model = name.partition(":")
    several = len(plan.committee) > 1 or plan.fallback is not None
    # A model given apart belongs to the one backend; with several, each name carries its own.
    options = replace(plan.options, model=model or (None if several and name != plan.backend else plan.options.model))
    judge = make_judge(backend, options)
    if backend == _FREE:
        return judge
    if plan.samples:
        judge = Sampled(judge, plan.samples)
    elif plan.confirm:
        judge = Confirming(judge)
    return Cached(judge, store) if store else judge
