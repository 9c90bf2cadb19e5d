"""The seam below `SimilarityJudge`: sentences in, unit vectors out.

Whoever computes them (OpenVINO today) is one file that meets `Encoder`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Encoder", "Vectors", "usable_cores"]

Vectors: TypeAlias = NDArray[np.float32]


class Encoder(Protocol):
    """Turns sentences into vectors. Must be safe to share between threads."""

    @property
    def name(self) -> str:
        """Model name, without paths of this machine."""
        ...

    @property
    def sha256(self) -> str:
        """Hash of the weights; read from the file, without loading the model."""
        ...

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Return one unit row for each sentence: ``(n, d)`` float32, in the order given; ``(0, d)`` for none.

        A row depends on its own sentence alone, up to rounding.

        Raises:
            JudgeMisuse: The weights are damaged or not the pinned ones.
            MissingExtra: The packages that compute it aren't installed.
        """
        ...

    def width(self, sentence: str) -> int:
        """Return how much of the encoder's work a sentence is, in tokens; those of one width are best encoded together.

        Raises:
            JudgeMisuse: As `encode`.
            MissingExtra: As `encode`.
        """
        ...


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
