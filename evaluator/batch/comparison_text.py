"""The comparison for a terminal: `Comparison`, width and colour in, text out. Nothing is parsed as markup."""

from __future__ import annotations

import io
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from evaluator.batch.comparison import EDGES, BandMoves, Comparison, Flips, OneSided, ScoreShift, Side
from evaluator.reports.characters import one_line
from evaluator.reports.console import make_console, print_section, trimmed
from evaluator.reports.wording import spoken

__all__ = ["render_text"]

_TONES: Final = {"critical": "bold red", "major": "yellow", "minor": "cyan"}
_ITEMS_SHOWN: Final = 15
_NAME_CHARS: Final = 50
_BAR_CELLS: Final = 30


def render_text(comparison: Comparison, *, width: int = 100, color: bool = False) -> str:
    """Return the comparison; lines are at most ``width`` cells wide if that is at least 80."""
    out = io.StringIO()
    console = make_console(out, width, color=color)
    console.print(Text("From A to B", style="bold"))
    console.print(_sides(comparison))
    console.print(Text(_matching(comparison)))
    print_section(console, "What differs", _settings(comparison))
    if comparison.matched:
        print_section(console, "Score", _score(comparison.score))
        print_section(console, "Bands", _bands(comparison.bands, comparison.matched))
        print_section(console, "Flips by criterion", _flips(comparison))
    for side, items in (("A", comparison.only_a), ("B", comparison.only_b)):
        if items.count:
            print_section(console, f"Only in {side}", _one_sided(items))
    return trimmed(out.getvalue())


def _table(*headings: tuple[str, bool], header: bool = True) -> Table:
    """Return a table without lines; each heading says whether its column holds numbers."""
    table = Table(box=None, show_header=header, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading, number in headings:
        if number:
            table.add_column(heading, justify="right", no_wrap=True)
        else:
            table.add_column(heading, overflow="fold")
    return table


def _sides(comparison: Comparison) -> Table:
    table = _table(("", False), ("", False), ("evaluations", True), ("failed", True), ("cost", True))
    for letter, side in (("A", comparison.a), ("B", comparison.b)):
        table.add_row(letter, _name(side.name), f"{side.evaluations:,}", f"{side.failed:,}", _cost(side))
    return table


def _cost(side: Side) -> str:
    return f"${side.cost_usd:,.4f}" if side.priced else f"at least ${side.cost_usd:,.4f}"


def _matching(comparison: Comparison) -> str:
    if not comparison.matched:
        return "No item stands on both sides, by words or by name: there is nothing to compare."
    by_name = comparison.matched_by_name
    how = f", {by_name:,} of them by name alone: their words differ" if by_name else ""
    return f"{comparison.matched:,} items on both sides{how}; {comparison.flipped:,} with at least one other verdict."


def _settings(comparison: Comparison) -> RenderableType:
    if not comparison.settings:
        return Text("Nothing: the same rubric and judge on both sides.")
    table = _table(("", False), ("A", False), ("B", False))
    for setting in comparison.settings:
        table.add_row(setting.name, _values(setting.a), _values(setting.b))
    return table


def _values(values: tuple[str, ...]) -> Text:
    return Text(one_line("; ".join(values), 120) or "none")


def _score(shift: ScoreShift | None) -> RenderableType:
    if shift is None:
        return Text("No item has a score on both sides.")
    likely = "too few pairs for an interval"
    if shift.interval is not None:
        likely = "95 % interval {:+.1f} to {:+.1f}".format(*shift.interval)
    lines = [
        f"mean {shift.mean_a:.1f} to {shift.mean_b:.1f}: {shift.mean:+.1f} ({likely}); median {shift.median:+.1f}",
        f"{shift.up:,} up, {shift.same:,} the same, {shift.down:,} down, of {shift.n:,} with a score on both sides",
    ]
    table = _table(("", True), ("", True), ("", False), header=False)
    most = max(shift.histogram)
    for label, count in zip(_bin_labels(), shift.histogram, strict=True):
        table.add_row(label, f"{count:,}", Text("█" * -(-count * _BAR_CELLS // most), style="dim"))
    body = Table.grid()
    for line in lines:
        body.add_row(Text(line))
    body.add_row(table)
    return body


def _bin_labels() -> list[str]:
    low = [f"{edge:+.0f} or less" if n == 0 else f"to {edge:+.0f}" for n, edge in enumerate(EDGES[:3])]
    high = [f"from {edge:+.0f}" for edge in EDGES[4:]]
    return [*low, "below 0", "same", "above 0", *high]


def _bands(moves: BandMoves, matched: int) -> RenderableType:
    if not moves.changed:
        return Text("Nobody changed band.")
    body = Table.grid()
    body.add_row(Text(f"{moves.changed:,} of {matched:,} changed band."))
    pairs = _table(("", True), ("from", False), ("to", False))
    for before, after, count in moves.pairs:
        pairs.add_row(f"{count:,}", _band(before), _band(after))
    body.add_row(pairs)
    body.add_row(Text())
    items = _table(("largest shifts first", False), ("A", True), ("", False), ("B", True), ("", False))
    for move in moves.items[:_ITEMS_SHOWN]:
        items.add_row(
            _name(move.item), _points(move.score_a), _band(move.band_a), _points(move.score_b), _band(move.band_b)
        )
    body.add_row(items)
    if moves.changed > _ITEMS_SHOWN:
        body.add_row(Text(f"and {moves.changed - _ITEMS_SHOWN:,} more; --format json lists up to 1,000", style="dim"))
    return body


def _flips(comparison: Comparison) -> RenderableType:
    changed = [flips for flips in comparison.flips if flips.side != "both" or flips.same < comparison.matched]
    if not changed:
        return Text("None: every verdict is the same.")
    table = _table(
        ("criterion", False),
        ("sev.", False),
        ("absent→present", True),
        ("present→absent", True),
        ("→unscored", True),
        ("unscored→", True),
        ("other", True),
    )
    for flips in changed:
        table.add_row(Text(one_line(flips.criterion)), Text(flips.severity, _TONES[flips.severity]), *_counts(flips))
    return table


def _counts(flips: Flips) -> list[str]:
    if flips.side != "both":
        return [f"only in {flips.side.upper()}"]
    counts = (flips.absent_to_present, flips.present_to_absent, flips.to_unscored, flips.from_unscored, flips.other)
    return [f"{count:,}" if count else "·" for count in counts]


def _one_sided(items: OneSided) -> RenderableType:
    body = Table.grid()
    for name in items.items[:_ITEMS_SHOWN]:
        body.add_row(_name(name))
    if items.count > _ITEMS_SHOWN:
        body.add_row(Text(f"and {items.count - _ITEMS_SHOWN:,} more; --format json lists up to 1,000", style="dim"))
    return body


def _name(name: str) -> Text:
    return Text(one_line(name.encode(errors="replace").decode(), _NAME_CHARS))


def _band(band: str | None) -> Text:
    return Text(spoken(band) if band else "for review")


def _points(score: float | None) -> str:
    return "–" if score is None else f"{score:g}"
