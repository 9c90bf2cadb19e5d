"""The environment, read here and nowhere else: variables in, frozen `Settings` out, and the plan of a judge from them.

Everything else takes arguments; an argument wins over the variable of the same name.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from evaluator.backends import JudgeOptions
from evaluator.backends.chat_options import ChatOptions, Effort
from evaluator.backends.recording import RecordingOptions
from evaluator.errors import OptionError
from evaluator.judges.building import JudgePlan

__all__ = ["ColorChoice", "Settings", "load_settings", "unknown_variables"]

ColorChoice = Literal["auto", "always", "never"]
_PREFIX: Final = "EVALUATOR_"
_CHAT: Final = ChatOptions()


class Settings(BaseSettings):
    """What a user may set once for every command: each field is the variable ``EVALUATOR_`` and its name.

    The keys of providers and the variables that many programs share keep the names that these have everywhere.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    backend: str = Field(
        default="local", description="Backend that judges, or `NAME:MODEL`: a row of the BACKENDS table."
    )
    rubric: str = Field(default="netflix_pm_metrics", description="Id of a shipped rubric, or path of a rubric file.")
    model: str | None = Field(default=None, description="Model name or path; the backend's own if not set.")
    calibration: Path | None = Field(default=None, description="File of trained heads; the rubric's own if not set.")
    color: ColorChoice = Field(default="auto", description="`auto`: on a terminal, unless NO_COLOR is set.")

    effort: Effort | None = Field(default=None, description="How long a hosted model may think; its own if not set.")
    temperature: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="Sent only where the model takes it."
    )
    base_url: str | None = Field(default=None, description="Address of the API; the provider's own if not set.")
    max_output_tokens: int | None = Field(default=None, gt=0, description="Limit of a reply, thinking included.")
    timeout_s: float = Field(default=_CHAT.timeout_s, gt=0, description="Longest silence within one request.")
    deadline_s: float = Field(default=_CHAT.deadline_s, gt=0, description="Longest time for one evaluation.")
    attempts: int = Field(default=_CHAT.attempts, gt=0, description="Most requests for one call, repeats included.")
    concurrency: int = Field(default=_CHAT.concurrency, gt=0, description="Most requests in flight at one provider.")
    split: int | None = Field(default=None, gt=0, description="Most criteria in one call; all if not set.")
    confirm: bool = Field(default=False, description="Ask hosted models again about unsure verdicts.")
    samples: int | None = Field(default=None, description="Ask hosted models so often and go by majority; odd.")
    committee: str | None = Field(default=None, description="Backends that judge together, with commas between.")
    fallback: str | None = Field(default=None, description="Backend that judges if the first gives no answer.")
    redact: bool = Field(
        default=False, description="Let hosted models see placeholders for names, e-mail addresses and phone numbers."
    )
    max_cost_usd: float | None = Field(default=None, gt=0, description="Sum that one run may not exceed, US dollars.")
    cache: Path | None = Field(
        default=None, description="File that keeps paid answers; one in the cache folder if not."
    )
    no_cache: bool = Field(default=False, description="Keep no answer, and read none.")
    requests_per_minute: float | None = Field(
        default=None, gt=0, description="Most requests a minute to one provider; as many as it takes if not set."
    )
    global_concurrency: int | None = Field(
        default=None, gt=0, description="Most requests in flight at one provider from all workers of a batch together."
    )
    provider_batch: bool = Field(
        default=False, description="Ask through the provider's batch API: half the price, within a day."
    )
    database_url: SecretStr | None = Field(
        default=None, description="Postgres that the workers of a batch share; a file of the run if not set."
    )
    service_data: Path | None = Field(
        default=None, description="Folder of the service's database and keys; one in the user's data folder if not set."
    )
    service_judges: str | None = Field(
        default=None, description="Backends that callers of the service choose among; the first is the default."
    )
    retention_days: float = Field(
        default=30.0, gt=0, le=36_500, description="How long the service keeps what was stored."
    )
    service_deadline_s: float = Field(
        default=60.0, gt=0, description="Longest time that the service lets a caller wait for one evaluation."
    )
    private_webhooks: bool = Field(default=False, description="Let webhooks go to private addresses, and over http.")
    webhook_networks: str | None = Field(
        default=None, description="Networks that webhooks may go to beside the internet: `10.20.0.0/16,fd01::/64`."
    )
    webhook_key: SecretStr | None = Field(
        default=None,
        description="Key that seals secrets of webhooks, 32 bytes in base64; a file of the data if not set.",
    )
    record: Path | None = Field(default=None, description="Folder to record exchanges with providers in.")
    replay: Path | None = Field(default=None, description="Folder of recordings to answer from; nothing is sent.")
    api_key: SecretStr | None = Field(default=None, description="Key of a compatible server, if it asks for one.")

    openai_api_key: SecretStr | None = Field(
        default=None, validation_alias="OPENAI_API_KEY", description="Key of OpenAI's API."
    )
    anthropic_api_key: SecretStr | None = Field(
        default=None, validation_alias="ANTHROPIC_API_KEY", description="Key of Anthropic's API."
    )
    cache_folder: Path | None = Field(
        default=None, validation_alias="XDG_CACHE_HOME", description="Folder of all programs' caches; else ~/.cache."
    )
    no_color: str | None = Field(
        default=None, validation_alias="NO_COLOR", description="Any value asks all programs for no colour."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments and variables only: no file that happens to lie about changes a grade."""
        del settings_cls, dotenv_settings, file_secret_settings
        return init_settings, env_settings

    def plan(self) -> JudgePlan:
        """Return who judges, and how: what `build_judge` takes.

        Raises:
            OptionError: Settings that can't be combined, or a folder that can't be used.
        """
        return JudgePlan(
            backend=self.backend,
            committee=tuple(name.strip() for name in self.committee.split(",")) if self.committee else (),
            fallback=self.fallback,
            options=JudgeOptions(
                model=self.model,
                calibration=self.calibration,
                chat=self._chat(),
                api_keys={name: key for name, key in self._keys().items() if key is not None},
                split=self.split,
                recording=self._recording(),
            ),
            confirm=self.confirm,
            samples=self.samples,
            cache=self._cache(),
            redact=self.redact,
        )

    def _chat(self) -> ChatOptions:
        return ChatOptions(
            effort=self.effort,
            temperature=self.temperature,
            base_url=self.base_url,
            max_output_tokens=self.max_output_tokens,
            timeout_s=self.timeout_s,
            deadline_s=self.deadline_s,
            attempts=self.attempts,
            concurrency=self.concurrency,
            requests_per_minute=self.requests_per_minute,
            global_concurrency=self.global_concurrency,
            max_cost_usd=self.max_cost_usd,
        )

    def _keys(self) -> dict[str, SecretStr | None]:
        return {
            "openai": self.openai_api_key,
            "openai-decisions": self.openai_api_key,
            "anthropic": self.anthropic_api_key,
            "openai-compatible": self.api_key,
        }

    def _recording(self) -> RecordingOptions | None:
        if self.record and self.replay:
            raise OptionError("can't be combined with replay", where="record", remedy="choose one of the two")
        if self.record:
            return RecordingOptions(mode="record", folder=self.record)
        return RecordingOptions(mode="replay", folder=self.replay) if self.replay else None

    def _cache(self) -> Path | None:
        """Return the file of paid answers: none where exchanges are recorded or replayed, since all shall take place.

        A file that was named is used there too.
        """
        if self.no_cache:
            return None
        if self.cache or self.record or self.replay:
            return self.cache
        folder = self.cache_folder if self.cache_folder and self.cache_folder.is_absolute() else _home_cache()
        return folder / "interview-evaluator" / "answers.sqlite" if folder else None


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        OptionError: A variable's value has no meaning; the message names the variable, never its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = str(first["loc"][0])
        variable = f"{_PREFIX}{name}".upper() if name in Settings.model_fields else name
        raise OptionError(first["msg"], where=variable, remedy="give it such a value, or unset it") from None


def unknown_variables() -> dict[str, str | None]:
    """Return the variables that look like settings but are none, each with the nearest setting, if one is near."""
    known = sorted(
        f"{_PREFIX}{name}".upper() for name, field in Settings.model_fields.items() if not field.validation_alias
    )
    strange = sorted(name for name in os.environ if name.upper().startswith(_PREFIX) and name.upper() not in known)
    return {name: next(iter(difflib.get_close_matches(name.upper(), known, n=1)), None) for name in strange}


def _home_cache() -> Path | None:
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # a user without a home
        return None
