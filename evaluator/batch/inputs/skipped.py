"""What a folder or an archive holds and nobody reads, counted so that it can be told in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Skipped"]

_SHOWN_SUFFIXES: Final = 5
_SUFFIX_CHARS: Final = 12
_WORDS: Final = {
    "hidden": ("hidden one", "hidden ones"),
    "link": ("link", "links"),
    "other": ("pipe or device", "pipes or devices"),
    "left out": ("place of the output", "places of the output"),
}


@dataclass(slots=True)
class Skipped:
    """Counts by reason.

    Attributes:
        name: The folder or archive, as messages call it.
        counts: How often each reason, or each unknown ending with its dot, was met.
    """

    name: str
    counts: Counter[str]

    def note(self, reason: Literal["hidden", "link", "other", "left out"]) -> None:
        """Count something that is skipped whatever it holds."""
        self.counts[reason] += 1

    def unknown(self, name: str) -> None:
        """Count a file whose ending promises nothing that is read."""
        stem, dot, suffix = name.rpartition(".")
        self.counts[f".{suffix[:_SUFFIX_CHARS].lower()}" if dot and stem else "."] += 1

    def tell(self, told: Callable[[str], None], read: int) -> None:
        """Say what was skipped, and if nothing was left to read; nothing if all is well.

        Args:
            told: Hears the sentence.
            read: How many files were read.
        """
        met = [(self.counts[reason], words) for reason, words in _WORDS.items() if self.counts[reason]]
        parts = [f"{count:,} {words[count > 1]}" for count, words in met]
        endings = Counter({ending: count for ending, count in self.counts.items() if ending not in _WORDS})
        if endings:
            parts.insert(0, f"{endings.total():,} of unknown kind ({_listed(endings)})")
        if parts:
            told(f"{self.name}: skipped {', '.join(parts)}")
        if not read:
            told(f"{self.name}: there is no transcript or table in it")


def _listed(endings: Counter[str]) -> str:
    common = sorted(endings.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [f"{'no ending' if ending == '.' else ending} {count:,}" for ending, count in common[:_SHOWN_SUFFIXES]]
    return ", ".join([*shown, *(["…"] if len(common) > _SHOWN_SUFFIXES else [])])
