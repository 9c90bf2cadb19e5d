"""Prompts: files in `prompts/`, filled in one pass by a sandboxed template, and hashed so that a result can name them.

Only the rubric's words and the evaluator's own values are ever filled in. A transcript never passes through here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evaluator.errors import OptionError
from evaluator.resources import resource_dir

__all__ = ["DECISION_FILES", "PROMPT_FILES", "Prompts", "load_prompts"]

PROMPT_FILES: Final = ("judge.system.md", "judge.task.md", "judge.reask.md")
DECISION_FILES: Final = ("decisions.system.md", "decisions.task.md", "decisions.question.md")


class Prompts:
    """The prompt files of one folder.

    Attributes:
        sha256: Hash over the names and bytes of all of them.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Compile the templates.

        Raises:
            OptionError: One of them is not a template.
        """
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, autoescape=False, trim_blocks=True, keep_trailing_newline=False
        )
        digest = hashlib.sha256()
        self._templates: dict[str, Template] = {}
        for name in sorted(texts):
            digest.update(f"{name}\0{texts[name]}\0".encode())
            try:
                self._templates[name] = environment.from_string(texts[name])
            except TemplateError as error:
                raise OptionError(f"not a valid template: {error}", where=f"prompts/{name}") from error
        self.sha256 = digest.hexdigest()

    def render(self, name: str, **values: object) -> str:
        """Fill one prompt; a value is never read as template again.

        Raises:
            OptionError: The prompt names a variable that doesn't exist, or does what the sandbox forbids.
        """
        try:
            return self._templates[name].render(**values).strip() + "\n"
        except TemplateError as error:
            raise OptionError(f"can't be filled: {error}", where=f"prompts/{name}") from error


@lru_cache(maxsize=8)
def load_prompts(folder: Path | None = None, files: tuple[str, ...] = PROMPT_FILES) -> Prompts:
    """Load the shipped prompts of one kind of judge, or those of another folder that holds the same files.

    Raises:
        OptionError: A file is missing, unreadable or not a template.
    """
    folder = folder or resource_dir("prompts")
    texts: dict[str, str] = {}
    for name in files:
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(
                f"the prompt can't be read: {type(error).__name__}",
                where=f"prompts/{name}",
                remedy="see prompts/README.md",
            ) from error
    return Prompts(texts)
