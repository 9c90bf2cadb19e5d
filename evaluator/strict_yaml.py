"""YAML for files that strangers write: text in, plain data and the line of every key path out.

Apart because PyYAML's safe loader still expands aliases, hangs on chains of merge keys, takes the last of two equal
keys, reads ``no`` as false, and forgets line numbers. This reads the parser's event stream itself: aliases, anchors,
tags, merge keys, repeated keys and deep nesting are refused at the event that shows them, so a bomb costs nothing.
Scalars follow the YAML 1.2 core schema, less its rarities: only ``true``/``false`` are booleans, numbers are plain
decimals. Text that could act on a terminal (control and direction-changing characters) is refused, escaped or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import yaml

from evaluator.errors import RubricError

__all__ = ["KeyPath", "Plain", "YamlDocument", "parse_yaml"]

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
KeyPath: TypeAlias = tuple[str | int, ...]

_MAX_CHARS: Final = 1_000_000  # the largest rubric shipped is under 100,000
_MAX_DEPTH: Final = 12  # a rubric needs 5
_MAX_NODES: Final = 10_000  # the largest rubric shipped holds about 2,500
_MAX_SHOWN: Final = 60  # characters of a key in a message
# Controls but tab and line ends, surrogates, direction overrides and isolates, noncharacters. A byte order mark may
# lead a file, and is dropped before this looks.
_FORBIDDEN: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
# Numbers as people write them. Exponents and leading zeros, on which versions of YAML differ, make text.
_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{0,18}|\.[0-9]{1,18}")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """What one file held.

    Attributes:
        data: Plain values, keys always strings.
        lines: Line, from 1, of every key path; the root is ``()``.
    """

    data: Plain
    lines: dict[KeyPath, int]

    def line_of(self, path: KeyPath) -> int:
        """Return the line of ``path``, or of its nearest ancestor that the file holds."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse_yaml(text: str) -> YamlDocument:
    """Parse one YAML document of plain mappings, lists and scalars.

    Raises:
        RubricError: Not YAML, more than one document, or a construct named in the module docstring; ``where`` holds
            the line.
    """
    if len(text) > _MAX_CHARS:
        raise RubricError(
            f"the file holds {len(text):,} characters; at most {_MAX_CHARS:,} are read",
            where="line 1",
            remedy="split it into several rubrics",
        )
    text = text.removeprefix("\ufeff")
    if bad := _FORBIDDEN.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise _forbidden(bad.group(), f"line {line}")
    return _Builder(_events(text)).document()


def _events(text: str) -> Iterator[yaml.Event]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it; same events
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}" if mark else None
        raise RubricError(
            f"not valid YAML: {error.problem}",
            where=where,
            remedy="quote text that holds `: `, ` #` or starts with a sign",
        ) from error
    except yaml.YAMLError as error:
        raise RubricError("not valid YAML: a character that can't be decoded", where="line 1") from error


class _Builder:
    """Turns events into values; holds the lines and the budget of nodes."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._lines: dict[KeyPath, int] = {}
        self._nodes = 0

    def document(self) -> YamlDocument:
        next(self._events)  # stream start
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            raise RubricError("the file is empty", where="line 1", remedy="start from `evaluator rubric new`")
        data = self._value(next(self._events), (), 0)
        next(self._events)  # document end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise RubricError("a second document starts here", where=_line(after), remedy="one rubric, one file")
        return YamlDocument(data, self._lines)

    def _value(self, event: yaml.Event, path: KeyPath, depth: int) -> Plain:
        self._admit(event, path, depth)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._mapping(path, depth)

    def _sequence(self, path: KeyPath, depth: int) -> list[Plain]:
        items: list[Plain] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, path: KeyPath, depth: int) -> dict[str, Plain]:
        mapping: dict[str, Plain] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path, depth)
            if key in mapping:
                raise RubricError(
                    f"key {_show((key,))} stands twice in {_show(path)}", where=_line(event), remedy="keep one of them"
                )
            mapping[key] = None
            mapping[key] = self._value(next(self._events), (*path, key), depth + 1)
            self._lines[(*path, key)] = _line_number(event)
        return mapping

    def _key(self, event: yaml.Event, path: KeyPath, depth: int) -> str:
        self._admit(event, path, depth)
        if not isinstance(event, yaml.ScalarEvent):
            raise RubricError(
                f"a key of {_show(path)} is not plain text", where=_line(event), remedy="write a word before the colon"
            )
        key = _text(event)
        if key == "<<":
            raise RubricError("merge keys (`<<`) are not read", where=_line(event), remedy="write the keys out")
        return key

    def _admit(self, event: yaml.Event, path: KeyPath, depth: int) -> None:
        """Refuse what a rubric has no use for; note the line of what it has."""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise RubricError(
                "anchors and aliases (`&`, `*`) are not read",
                where=_line(event),
                remedy="write the value out, or quote it",
            )
        if getattr(event, "tag", None):
            raise RubricError("tags (`!`) are not read", where=_line(event), remedy="quote the value")
        self._nodes += 1
        if depth > _MAX_DEPTH or self._nodes > _MAX_NODES:
            limit = f"{_MAX_DEPTH} levels deep" if depth > _MAX_DEPTH else f"{_MAX_NODES:,} values"
            raise RubricError(f"the file is more than {limit}", where=_line(event), remedy="make it smaller or flatter")
        self._lines.setdefault(path, _line_number(event))


def _scalar(event: yaml.ScalarEvent) -> Plain:
    text = _text(event)
    if not event.implicit[0]:  # quoted or block text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _text(event: yaml.ScalarEvent) -> str:
    """Return a scalar's text, which can hold by an escape in double quotes what the file itself may not."""
    text = str(event.value)
    if bad := _FORBIDDEN.search(text):
        raise _forbidden(bad.group(), _line(event))
    return text


def _forbidden(character: str, where: str) -> RubricError:
    return RubricError(
        f"the character U+{ord(character):04X} is not read: it could act on a terminal",
        where=where,
        remedy="save the file as UTF-8 text and take the character out",
    )


def _line_number(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _line(event: yaml.Event) -> str:
    return f"line {_line_number(event)}"


def _show(path: KeyPath) -> str:
    if not path:
        return "the file"
    shown = ".".join(map(str, path))
    return f"`{shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + '…'}`"
