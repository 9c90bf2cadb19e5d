"""What every hosted backend does alike: options in; a judge out, or what asking it would cost.

A backend brings its model; this module brings the rest, so that a new one is a model and one row of the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from pydantic import SecretStr

from evaluator.backends import JudgeOptions
from evaluator.backends.batch_service import BatchService
from evaluator.backends.batched_model import BatchedModel
from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_model import ChatModel
from evaluator.backends.chat_options import ChatOptions, checked_key
from evaluator.backends.estimates import Estimate, estimated
from evaluator.backends.hosted import hosted
from evaluator.backends.pricing import PricedModel
from evaluator.backends.sharing import Sharing
from evaluator.errors import OptionError
from evaluator.judging import Case, Judge
from evaluator.prompt import load_prompts

__all__ = ["HostedBackend"]

_UNSENT_KEY: Final = SecretStr("nothing-is-sent")


@dataclass(frozen=True, slots=True)
class HostedBackend:
    """One hosted backend.

    Attributes:
        provider: Row of the BACKENDS table.
        build_model: Builds its model.
        key_env: Variable that holds its key, for remedies.
        keyless: Whether it may be asked without a key.
        build_batches: Builds what speaks its batch API; ``None`` if it has none.
    """

    provider: str
    build_model: Callable[[ChatOptions], PricedModel]
    key_env: str
    keyless: bool = False
    build_batches: Callable[[ChatOptions], BatchService] | None = None

    def chat_judge(self, options: JudgeOptions) -> Judge:
        """Build a judge that asks its model to reply in text.

        Raises:
            JudgeMisuse: There is no key, or a budget but no price.
            MissingExtra: Its SDK isn't installed.
            OptionError: The model doesn't take an option.
        """
        self.refuse_calibration(options)
        return ChatJudge(self.model(options), load_prompts(options.prompts), split=options.split)

    def chat_estimate(self, options: JudgeOptions) -> Callable[[Case], Estimate]:
        """Return what tells the tokens and the price of a case; needs no key and sends nothing.

        Raises:
            MissingExtra: Its SDK isn't installed.
            OptionError: The model doesn't take an option.
        """
        self.refuse_calibration(options)
        model = self.unsent_model(options)
        judge = ChatJudge(model, load_prompts(options.prompts), split=options.split)
        return lambda case: estimated(judge, model, case)

    def model(self, options: JudgeOptions) -> ChatModel:
        """Build the model behind its budget and retries; as `chat_judge`."""
        chat = self._chat(options)
        sharing = options.sharing or Sharing()
        budget = sharing.budget(chat.max_cost_usd) if chat.max_cost_usd else None
        if options.batching is not None:  # no gate: it holds back requests that are sent at once
            return BatchedModel(self._batches(chat, options), options.batching, budget=budget)
        gate = sharing.gate(self.provider, chat)
        return hosted(self.build_model(chat), chat, gate=gate, budget=budget)

    def unsent_model(self, options: JudgeOptions) -> PricedModel:
        """Build the bare model without a key, for what it can tell without asking; as `chat_estimate`."""
        chat = replace(options.chat, model=options.model or options.chat.model, transport=None, api_key=_UNSENT_KEY)
        return self.build_model(chat) if options.batching is None else self._batches(chat, options).model

    def refuse_calibration(self, options: JudgeOptions) -> None:
        """Refuse what only judges with trained heads know.

        Raises:
            OptionError: There is a calibration.
        """
        if options.calibration is not None:
            raise OptionError(f"the backend {self.provider} has none", where="calibration", remedy="leave it out")

    def _batches(self, chat: ChatOptions, options: JudgeOptions) -> BatchService:
        if self.build_batches is None:
            options.refuse_batching(self.provider)
            raise AssertionError(self.provider)  # asked only where batching was chosen
        if options.recording is not None:
            raise OptionError(
                "batches can't be recorded or replayed", where="batching", remedy="leave out one of the two"
            )
        return self.build_batches(chat)

    def _chat(self, options: JudgeOptions) -> ChatOptions:
        chat = options.chat
        key = options.api_keys.get(self.provider, chat.api_key)
        chat = replace(
            chat, model=options.model or chat.model, api_key=key, api_key_env=chat.api_key_env or self.key_env
        )
        recording = options.recording
        if recording is None:
            return chat
        if recording.mode == "record" and not self.keyless:  # a replay needs no key, and so its transport asks for none
            checked_key(replace(chat, transport=None), default_env=self.key_env)
        return replace(chat, transport=recording.transport(self.provider, chat.transport))
