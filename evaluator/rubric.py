"""The rubric: a document that a coach can read and the only place where criteria, weights, bands and vetoes live.

In: a YAML file, or the id of one that is shipped. Out: a frozen `Rubric`, or every fault with its line, key path and
remedy. A second rubric needs no line of code; `rubrics/README.md` tells how to write one.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from evaluator.errors import RubricError
from evaluator.resources import resource_dir
from evaluator.rubric_form import (
    KEYS,
    Applicability,
    Band,
    Criterion,
    Exemplars,
    Measured,
    Quantity,
    QuestionType,
    Rubric,
    Scoring,
    VetoRule,
)
from evaluator.rubric_references import BrokenReferences
from evaluator.strict_yaml import YamlDocument, parse_yaml

__all__ = [
    "Applicability",
    "Band",
    "Criterion",
    "Exemplars",
    "Measured",
    "Quantity",
    "QuestionType",
    "Rubric",
    "Scoring",
    "VetoRule",
    "find_rubric_faults",
    "find_rubric_file",
    "load_rubric",
    "parse_rubric",
    "read_rubric_file",
    "rubric_paths",
]

_MAX_REPORTED: Final = 8
_MAX_KEY: Final = 120  # characters of a key path in a message
_MAX_BYTES: Final = 4_000_000
# pydantic's words speak of Python; these speak of the file.
_WORDING: Final[dict[str, tuple[str, str]]] = {
    "missing": ("a required key is missing", "add it; rubrics/README.md says what it is for"),
    "string_type": ("this must be text", "put it in quotes"),
    "int_type": ("this must be a whole number", "write it without quotes or decimals"),
    "float_type": ("this must be a number", "write it without quotes"),
    "bool_type": ("this must be true or false", "write it without quotes"),
    "tuple_type": ("this must be a list", "write one `- item` a line"),
    "dict_type": ("this must be a mapping", "write one `key: value` a line"),
    "model_type": ("this must be a mapping", "write one `key: value` a line"),
    "string_too_short": ("this text is empty", "write it, or take an optional key out"),
}


def find_rubric_file(name: str | Path) -> Path:
    """Return the file of a shipped rubric, by id, or the path itself if ``name`` is one.

    Raises:
        RubricError: No shipped rubric has that id.
    """
    if isinstance(name, Path) or name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name:
        return Path(name)
    shipped = rubric_paths()
    if name not in shipped:
        raise RubricError(
            f"no rubric is called {name!r}", remedy=f"one of: {', '.join(shipped)}; or the path of a .yaml file"
        )
    return shipped[name]


def load_rubric(name: str | Path = "netflix_pm_metrics") -> Rubric:
    """Load a shipped rubric by id, or any rubric file by path.

    Raises:
        RubricError: No such rubric, or the file breaks a rule; the message holds file, line and key path.
    """
    path = find_rubric_file(name)
    return parse_rubric(read_rubric_file(path), name=path.name)


def read_rubric_file(path: Path) -> str:
    """Return the text of a rubric file.

    Raises:
        RubricError: It can't be read, isn't a regular file, is too large or isn't UTF-8 text.
    """
    try:
        if not path.is_file():
            raise RubricError("no such file, or not a regular one", where=path.name, remedy="check the path")
        if path.stat().st_size > _MAX_BYTES:
            raise RubricError(
                f"the file is larger than {_MAX_BYTES:,} bytes", where=path.name, remedy="split it into several rubrics"
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RubricError(
            "the file is not UTF-8 text", where=f"{path.name}, line {line}", remedy="save it as UTF-8"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = error.strerror if isinstance(error, OSError) else "its name holds a null character"
        raise RubricError(f"the file can't be read: {reason}", where=path.name) from error


def parse_rubric(text: str, *, name: str = "rubric") -> Rubric:
    """Parse a rubric's YAML; ``name`` stands before line numbers in errors.

    Raises:
        RubricError: As `load_rubric`; several faults make one message of several lines.
    """
    outcome = _read(text)
    if isinstance(outcome, Rubric):
        return outcome
    if len(outcome) == 1:
        raise outcome[0].located(name) from outcome[0].__cause__
    lines = [str(fault) for fault in outcome[:_MAX_REPORTED]]
    if len(outcome) > _MAX_REPORTED:
        lines.append(f"and {len(outcome) - _MAX_REPORTED} more; `evaluator rubric check` lists them")
    raise RubricError("\n".join(lines), where=name)


def find_rubric_faults(text: str) -> tuple[RubricError, ...]:
    """Return everything that keeps ``text`` from being a rubric, by line; empty if it is one.

    What breaks YAML itself hides what comes after it, so it comes alone.
    """
    outcome = _read(text)
    return () if isinstance(outcome, Rubric) else outcome


def rubric_paths() -> dict[str, Path]:
    """Return the shipped rubrics by id, sorted; ``ID.lexicon.yaml`` and ``ID.sentences.yaml`` beside one are none."""
    return {path.stem: path for path in sorted(resource_dir("rubrics").glob("*.yaml")) if "." not in path.stem}


def _read(text: str) -> Rubric | tuple[RubricError, ...]:
    try:
        document = parse_yaml(text)
    except RubricError as error:
        return (error,)
    if not isinstance(document.data, dict):
        wrong = RubricError("a rubric is a mapping of keys", where="line 1", remedy="start from `evaluator rubric new`")
        return (wrong,)
    try:
        # Strict JSON mode: a number never stands for text, nor text for a number.
        return Rubric.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    faults = [fault for detail in details for fault in _faults(detail, document)]
    return tuple(fault for _, fault in sorted(faults, key=lambda item: item[0]))


def _faults(detail: ErrorDetails, document: YamlDocument) -> list[tuple[int, RubricError]]:
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, BrokenReferences):
        return [_fault(path, message, None, document) for path, message in cause.faults]
    kind, path = detail["type"], detail["loc"]
    if kind == "extra_forbidden":
        near = get_close_matches(str(path[-1]), KEYS, n=1)
        remedy = f"did you mean `{near[0]}`?" if near else "take it out; rubrics/README.md lists every key"
        return [_fault(path, "unknown key", remedy, document)]
    message, remedy = _WORDING.get(kind, (detail["msg"].removeprefix("Value error, "), None))
    return [_fault(path, message, remedy, document)]


def _fault(
    path: tuple[str | int, ...], message: str, remedy: str | None, document: YamlDocument
) -> tuple[int, RubricError]:
    line = document.line_of(path)
    key = ".".join(map(str, path))
    shown = key if len(key) <= _MAX_KEY else key[:_MAX_KEY] + "…"
    return line, RubricError(message, where=f"line {line}, `{shown}`" if path else f"line {line}", remedy=remedy)
