"""The environment, read here and nowhere else: variables in, frozen `Settings` out.

Everything else takes arguments; an argument wins over the variable of the same name.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from evaluator.errors import OptionError

__all__ = ["ColorChoice", "Settings", "load_settings", "unknown_variables"]

ColorChoice = Literal["auto", "always", "never"]
_PREFIX: Final = "EVALUATOR_"


class Settings(BaseSettings):
    """What a user may set once for every command: each field is the variable ``EVALUATOR_`` and its name."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    backend: str = Field(default="local", description="Backend that judges: a row of the BACKENDS table.")
    rubric: str = Field(default="netflix_pm_metrics", description="Id of a shipped rubric, or path of a rubric file.")
    model: str | None = Field(default=None, description="Model name or path; the backend's own if not set.")
    calibration: Path | None = Field(default=None, description="File of trained heads; the rubric's own if not set.")
    color: ColorChoice = Field(default="auto", description="`auto`: on a terminal, unless NO_COLOR is set.")
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


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        OptionError: A variable's value has no meaning; the message names the variable, never its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        variable = f"{_PREFIX}{first['loc'][0]}".upper()
        raise OptionError(first["msg"], where=variable, remedy="give it such a value, or unset it") from None


def unknown_variables() -> dict[str, str | None]:
    """Return the variables that look like settings but are none, each with the nearest setting, if one is near."""
    known = sorted(f"{_PREFIX}{name}".upper() for name, field in Settings.model_fields.items() if not field.alias)
    strange = sorted(name for name in os.environ if name.upper().startswith(_PREFIX) and name.upper() not in known)
    return {name: next(iter(difflib.get_close_matches(name.upper(), known, n=1)), None) for name in strange}
