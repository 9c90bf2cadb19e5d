"""Who reaches verdicts: the BACKENDS table and `make_judge`, which builds a judge by name.

A new backend is one file and one row here. Nothing heavy is imported before a judge is asked.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from evaluator.errors import OptionError
from evaluator.judging import Judge

__all__ = ["BACKENDS", "Backend", "JudgeOptions", "make_judge"]


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """What a caller may choose about a judge; each backend uses what it knows and refuses the rest.

    Attributes:
        model: Model name or path; ``None`` takes the backend's default.
        calibration: File of trained heads; ``None`` takes the one shipped with the rubric, if any.
    """

    model: str | None = None
    calibration: Path | None = None


@dataclass(frozen=True, slots=True)
class Backend:
    """One row of the table.

    Attributes:
        title: What it is, for ``--help`` and reports.
        module: Module that holds ``build_judge(options: JudgeOptions) -> Judge``.
        needs: What must be at hand, in a few words.
    """

    title: str
    module: str
    needs: str


BACKENDS: Final[dict[str, Backend]] = {
    "local": Backend(
        title="sentence embeddings on this machine",
        module="evaluator.backends.similarity_judge",
        needs="no key, no network; the extra `local`",
    ),
}


def make_judge(name: str = "local", options: JudgeOptions | None = None) -> Judge:
    """Build the judge of a backend; cheap, since models load when first asked.

    Raises:
        OptionError: No backend of that name, or an option it doesn't know.
        MissingExtra: It needs a package that isn't installed.
    """
    if name not in BACKENDS:
        raise OptionError(f"no backend is called {name!r}", where="backend", remedy=f"one of: {', '.join(BACKENDS)}")
    build = cast("Callable[[JudgeOptions], Judge]", importlib.import_module(BACKENDS[name].module).build_judge)
    return build(options or JudgeOptions())
