"""What a terminal is written through: styled text in, plain or ANSI lines out, and nothing of it parsed as markup."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType
from rich.text import Text

__all__ = ["make_console", "print_section", "trimmed"]


def make_console(out: io.StringIO, width: int, *, color: bool) -> Console:
    """Return a console that writes to ``out``, with the sixteen colours of a terminal's theme if ``color``."""
    return Console(
        file=out,
        width=width,
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )


def print_section(console: Console, title: str, body: RenderableType) -> None:
    """Print what belongs together, under its title."""
    console.print()
    console.print(Text(title, style="bold"))
    console.print(body)


def trimmed(text: str) -> str:
    """Return lines without blanks at their ends, each with a line end."""
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
