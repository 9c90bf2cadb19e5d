"""Lines for a terminal: styled parts in, wrapped and indented text out.

Apart from the report so that what is said and how lines break can be read alone. Nothing is parsed as markup.
"""

from __future__ import annotations

import io
from typing import Final, TypeAlias

from rich.text import Text

from evaluator.reports.console import make_console

__all__ = ["Page", "Part"]

Part: TypeAlias = str | tuple[str, str] | Text
_RULE: Final = "─"


class Page:
    """Collects lines; wraps each paragraph and hangs it where it belongs.

    Attributes:
        width: Cells in a line; no line is wider.
        color: Whether styles are written as ANSI codes.
    """

    def __init__(self, width: int, *, color: bool) -> None:
        self.width = width
        self.color = color
        self._lines: list[Text] = []
        self._console = make_console(io.StringIO(), width, color=color)

    def paragraph(self, *parts: Part, indent: int = 0, first: tuple[str, str] = ("", "")) -> None:
        """Write parts, each text or ``(text, style)``, wrapped; ``first`` hangs in the indent of the first line."""
        lead: Part = first
        for line in Text.assemble(*parts).wrap(self._console, self.width - indent, overflow="fold"):
            before = Text.assemble(lead)
            before.append(" " * (indent - before.cell_len))
            self._line(before + line)
            lead = ""

    def heading(self, title: str) -> None:
        """Write a section's title with a rule to its right."""
        self.gap()
        self._line(Text.assemble((title, "bold"), " ", (_RULE * (self.width - len(title) - 1), "dim")))

    def gap(self) -> None:
        """Write an empty line, unless there is one already."""
        if self._lines and self._lines[-1]:
            self._line(Text())

    def text(self) -> str:
        """Return all that was written, without blanks at line ends."""
        if not self.color:
            return "".join(f"{line.plain}\n" for line in self._lines)
        with self._console.capture() as written:
            self._console.print(Text("\n").join(self._lines), soft_wrap=True)
        return written.get()

    def _line(self, line: Text) -> None:
        line.rstrip()
        self._lines.append(line)
