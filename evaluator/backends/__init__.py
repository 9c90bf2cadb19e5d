"""Who reaches verdicts: the BACKENDS table and `make_judge`, which builds a judge by name.

A new backend is one file and one row here. Nothing heavy is imported before a judge is asked.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from pydantic import SecretStr

from evaluator.backends.chat_options import ChatOptions
from evaluator.errors import OptionError
from evaluator.judging import Judge

if TYPE_CHECKING:
    from evaluator.backends.batch_options import BatchOptions
    from evaluator.backends.recording import RecordingOptions
    from evaluator.backends.sharing import Sharing

__all__ = ["BACKENDS", "Backend", "JudgeOptions", "find_backend", "make_judge"]


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """What a caller may choose about a judge; each backend uses what it knows and refuses the rest.

    Attributes:
        model: Model name or path; ``None`` takes the backend's default.
        calibration: File of trained heads; ``None`` takes the one shipped with the rubric, if any.
        chat: Choices about a hosted model; ``model`` and ``api_keys`` go before its own.
        api_keys: Keys by backend.
        split: Most criteria in one call to a hosted model; ``None`` asks for all in one.
        prompts: Folder of prompts; ``None`` takes the shipped ones.
        recording: Whether exchanges with a provider are recorded or replayed; ``None`` does neither.
        sharing: What this judge shares with others; ``None`` shares nothing.
        batching: How requests go through the provider's batch API; ``None`` sends each at once.
    """

    model: str | None = None
    calibration: Path | None = None
    chat: ChatOptions = field(default_factory=ChatOptions)
    api_keys: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])
    split: int | None = None
    prompts: Path | None = None
    recording: RecordingOptions | None = None
    sharing: Sharing | None = None
    batching: BatchOptions | None = None

    def __post_init__(self) -> None:
        """Refuse a count that has no meaning.

        Raises:
            OptionError: ``split`` is not above zero.
        """
        if self.split is not None and self.split < 1:
            raise OptionError(f"must be above zero, not {self.split}", where="split")

    def refuse_batching(self, backend: str) -> None:
        """Refuse what only backends with a batch API know.

        Raises:
            OptionError: Requests are to go through one.
        """
        if self.batching is not None:
            raise OptionError(
                f"the backend {backend} has no batch API", where="batching", remedy="leave it out, or ask another"
            )


@dataclass(frozen=True, slots=True)
class Backend:
    """One row of the table.

    Attributes:
        title: What it is, for ``--help`` and reports.
        module: Module that holds ``build_judge(options: JudgeOptions) -> Judge``.
        needs: What must be at hand, in a few words.
        hosted: Whether it asks somebody else's model: then answers may cost money and differ from time to time, so
            that they are kept, may be asked for again, and the module holds ``build_estimate`` too.
        loads_s: How long its model takes to load, once in a process.
    """

    title: str
    module: str
    needs: str
    hosted: bool = False
    loads_s: float = 0.0


BACKENDS: Final[dict[str, Backend]] = {
    "local": Backend(
        title="sentence embeddings on this machine",
        module="evaluator.backends.similarity_judge",
        needs="no key, no network; the extra `local`",
        loads_s=0.6,  # on two cores: the first verdict of a process, by bench/local_judge.py
    ),
    "openai": Backend(
        title="a model of OpenAI's",
        module="evaluator.backends.openai_judge",
        needs="OPENAI_API_KEY; the extra `openai`",
        hosted=True,
    ),
    "anthropic": Backend(
        title="a model of Anthropic's",
        module="evaluator.backends.anthropic_judge",
        needs="ANTHROPIC_API_KEY; the extra `anthropic`",
        hosted=True,
    ),
    "openai-compatible": Backend(
        title="a model behind any server that speaks OpenAI's chat completions",
        module="evaluator.backends.openai_compatible",
        needs="its address and the model's name, EVALUATOR_API_KEY if it asks for one; the extra `openai`",
        hosted=True,
    ),
    "openai-decisions": Backend(
        title="OpenAI's decisions: probabilities without text, quotes found on this machine",
        module="evaluator.backends.decisions_judge",
        needs="OPENAI_API_KEY; the extras `openai` and `local`",
        hosted=True,
        loads_s=0.5,  # the encoder alone, likewise
    ),
}


def make_judge(name: str = "local", options: JudgeOptions | None = None) -> Judge:
    """Build the judge of a backend; cheap, since models load when first asked.

    Raises:
        OptionError: No backend of that name, or an option it doesn't know.
        MissingExtra: It needs a package that isn't installed.
    """
    build = cast("Callable[[JudgeOptions], Judge]", importlib.import_module(find_backend(name).module).build_judge)
    return build(options or JudgeOptions())


def find_backend(name: str) -> Backend:
    """Return the row of a backend.

    Raises:
        OptionError: No backend of that name.
    """
    if name not in BACKENDS:
        raise OptionError(f"no backend is called {name!r}", where="backend", remedy=f"one of: {', '.join(BACKENDS)}")
    return BACKENDS[name]
