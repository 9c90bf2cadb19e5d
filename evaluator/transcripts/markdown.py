"""Markdown: speakers as headings or bold labels, with front matter that may hold the question.

A heading that names a role, or a name that comes back, opens a turn; any other heading is left out. Marks of quotes,
lists, emphasis, links and code are taken off.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from evaluator.transcripts.draft import Draft
from evaluator.transcripts.labels import is_name, read_label, time_alone
from evaluator.transcripts.plain import lines_of, parse_lines
from evaluator.transcripts.roles import role_of, same_label
from evaluator.transcripts.speech import is_annotation

__all__ = ["parse", "sniff"]

_HEADING: Final = re.compile(r" {0,3}#{1,6} +(.{1,200}?) *#{0,6} *")
_BOLD_LABEL: Final = re.compile(r"(?:> ?|[-*] )?(?:\*\*|__)[^*_\n]{1,60}(?::(?:\*\*|__)|(?:\*\*|__) ?:)")
_RULE: Final = re.compile(r" {0,3}(?:-{3,}|\*{3,}|_{3,}|={3,})\s*")
_MARK: Final = re.compile(r" {0,6}(?:> ?){0,4}(?P<item>[-*+] |\d{1,3}[.)] )?")
_LINK: Final = re.compile(r"!?\[([^\[\]]{1,200})\]\((?:https?:|mailto:|\./|/|#)[^()\s]{0,500}\)")
_STRONG: Final = re.compile(r"\*\*([^*\s](?:[^*]{0,300}[^*\s])?)\*\*|__([^_\s](?:[^_]{0,300}[^_\s])?)__")
_ONE_MARK: Final = r"\*([^*\s](?:[^*]{0,300}[^*\s])?)\*|_([^_\s](?:[^_]{0,300}[^_\s])?)_"
_EMPHASIS: Final = re.compile(rf"(?<![\w*_])(?:{_ONE_MARK})(?![\w*_])")
_FIELD: Final = re.compile(r"([a-z_]{1,40}) ?: *(.{0,2000})")
_FENCES: Final = ("```", "~~~")
_FIELD_LINES: Final = 40
_FIELDS: Final = frozenset({"question", "question_type", "candidate"})
_HEAD_LINES: Final = 400


def sniff(text: str) -> float:
    """Return the confidence that ``text`` is Markdown: headings that could name speakers, bold labels, front matter."""
    lines = text[:50_000].splitlines()[:_HEAD_LINES]
    if lines and lines[0].strip() == "---" and any(line.strip() == "---" for line in lines[1:_FIELD_LINES]):
        return 0.7
    marks = sum(bool(_HEADING.fullmatch(line[:220]) or _BOLD_LABEL.match(line[:100])) for line in lines)
    return min(0.7, 0.4 + 0.1 * marks) if marks else 0.08


def parse(text: str) -> Draft:
    """Split Markdown into utterances; front matter gives the question, its type and the candidate."""
    fields, lines = _front_matter(lines_of(_without_comments(text)))
    draft = parse_lines(*_plain_lines(lines))
    return replace(
        draft,
        question=fields.get("question"),
        question_type=fields.get("question_type"),
        candidate=fields.get("candidate"),
    )


def _front_matter(lines: Sequence[str]) -> tuple[dict[str, str], Sequence[str]]:
    if not lines or lines[0].strip() != "---":
        return {}, lines
    end = next((at for at, line in enumerate(lines[1:_FIELD_LINES], start=1) if line.strip() == "---"), None)
    if end is None:
        return {}, lines
    found = [match for line in lines[1:end] if (match := _FIELD.fullmatch(line.strip())) and match[1] in _FIELDS]
    fields = {match[1]: match[2].strip().strip("\"'") for match in found}
    return {key: value for key, value in fields.items() if value}, lines[end + 1 :]


def _plain_lines(lines: Sequence[str]) -> tuple[list[str], frozenset[int]]:
    """Return ``lines`` with speaker headings as labels and without other marks, and which of them are list items."""
    headings = [_heading(line) for line in lines]
    speakers = _speakers([heading for heading in headings if heading is not None])
    plain: list[str] = []
    listed: set[int] = set()
    for line, heading in zip(lines, headings, strict=True):
        if heading is not None:
            plain.append(f"{heading.rstrip(':')}:" if same_label(_label(heading)) in speakers else "")
        elif line.lstrip().startswith(_FENCES) or _RULE.fullmatch(line):
            plain.append("")
        else:
            mark = _MARK.match(line)
            body = line[mark.end() :] if mark else line
            if mark and mark["item"]:
                plain.append("")  # an item is a paragraph
                listed |= {len(plain)} if not _BOLD_LABEL.match(body) else set[int]()
            plain.append(_plain_inline(body))
    return plain, frozenset(listed)


def _heading(line: str) -> str | None:
    match = _HEADING.fullmatch(line) if line.lstrip().startswith("#") else None
    return match[1].strip().strip("*_").strip() if match else None


def _label(heading: str) -> str:
    found = read_label(f"{heading.rstrip(':')}:")
    return found.label if found else heading


def _speakers(headings: Sequence[str]) -> frozenset[str]:
    """Return which headings name speakers: a role, or a name that comes back."""
    labels = Counter(same_label(_label(heading)) for heading in headings if time_alone(heading) is None)
    spelled = {same_label(_label(heading)): _label(heading) for heading in headings}
    return frozenset(
        label
        for label, count in labels.items()
        if role_of(label) is not None or (count > 1 and is_name(spelled[label]))
    )


def _plain_inline(body: str) -> str:
    body = _STRONG.sub(lambda match: match[1] or match[2], _LINK.sub(r"\1", body))
    return _EMPHASIS.sub(_emphasised, body).replace("`", "")


def _emphasised(match: re.Match[str]) -> str:
    words: str = match[1] or match[2]
    return match.group() if is_annotation(words) else words  # `*coughs*` is for `speech` to take out


def _without_comments(text: str) -> str:
    kept: list[str] = []
    place = 0
    while (start := text.find("<!--", place)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[place:start])
        place = end + len("-->")
    return "".join([*kept, text[place:]])
