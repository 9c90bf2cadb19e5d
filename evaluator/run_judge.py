"""The judge of a durable run: from this machine's settings and the run's spec, on whichever machine grades.

What chooses the judge travels with the run; keys, the database and the cache are each machine's own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from evaluator.backends.sharing import Sharing
    from evaluator.batch.allotment import Purse
    from evaluator.batch.runs import Spec
    from evaluator.judges.building import JudgePlan
    from evaluator.judging import Judge
    from evaluator.settings import Settings
    from evaluator.store.answers import AnswerStore

__all__ = ["fit_plan", "portable", "run_judge", "run_plan"]

_PORTABLE: Final = (
    *("backend", "model", "calibration", "effort", "temperature", "base_url", "max_output_tokens", "timeout_s"),
    *("deadline_s", "attempts", "split", "confirm", "samples", "committee", "fallback", "max_cost_usd"),
    *("concurrency", "requests_per_minute", "global_concurrency", "provider_batch", "replay", "record", "redact"),
)


def portable(settings: Settings) -> dict[str, object]:
    """Return what chooses the judge, as JSON takes it."""
    return settings.model_dump(mode="json", include=set(_PORTABLE))


def run_plan(settings: Settings, spec: Spec) -> JudgePlan:
    """Return who judges a run: as its spec says, with this machine's keys.

    Raises:
        OptionError: What the spec says has no meaning here, as a folder that only the machine of the run has.
    """
    chosen = (
        type(settings)
        .model_validate(dict(spec.settings))
        .model_copy(
            update={name: getattr(settings, name) for name in type(settings).model_fields if name not in _PORTABLE}
        )
    )
    return replace(chosen.plan(), cache=None)


def fit_plan(settings: Settings, spec: Spec) -> JudgePlan:
    """Return `run_plan` of a run that another machine planned, if this one can grade it as that one meant.

    Raises:
        Unfit: It can't: it lacks a key, a package or a file, or its judge would differ from the run's.
    """
    from evaluator.batch.spec import check_spec  # noqa: PLC0415
    from evaluator.batch.worker import Unfit  # noqa: PLC0415
    from evaluator.errors import EvaluatorError  # noqa: PLC0415
    from evaluator.judges.building import build_judge  # noqa: PLC0415

    try:
        plan = run_plan(settings, spec)
        check_spec(spec, build_judge(plan))
    except Unfit:
        raise
    except EvaluatorError as error:
        told = f"this machine can't grade a run on the database, and leaves it to others: {error.message}"
        raise Unfit(told, where=error.where, remedy=error.remedy) from error
    return plan


def run_judge(plan: JudgePlan, store: AnswerStore | None, purse: Purse, sharing: Sharing) -> Judge:
    """Build the judge of a run, with what is left of its budget, or with this worker's part of it.

    Args:
        plan: Who judges.
        store: Where its answers are kept; ``None`` keeps none.
        purse: What is known of the run's money.
        sharing: What this machine's judges share.

    Raises:
        JudgeMisuse: Nothing is left; or as `build_judge`.
    """
    from evaluator.errors import JudgeMisuse  # noqa: PLC0415
    from evaluator.judges.building import build_judge  # noqa: PLC0415

    chat = plan.options.chat
    if chat.max_cost_usd is not None and purse.part is not None:
        sharing = sharing.with_budget(purse.part(chat.max_cost_usd))
    elif chat.max_cost_usd is not None:
        left_usd = chat.max_cost_usd - purse.spent_usd
        if left_usd <= 0:
            raise JudgeMisuse(
                f"the budget is reached: {purse.spent_usd:.4f} of {chat.max_cost_usd:g} US dollars are spent",
                where="max_cost_usd",
                remedy="raise it, or grade fewer transcripts",
            )
        chat = replace(chat, max_cost_usd=left_usd)
    return build_judge(replace(plan, options=replace(plan.options, chat=chat, sharing=sharing)), store)
