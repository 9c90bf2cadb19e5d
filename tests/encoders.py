"""An encoder without a model: sentences that share words point the same way. Fast, and the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from evaluator.backends.encoder import Vectors
from evaluator.backends.local.words import plain_words

__all__ = ["DIMENSIONS", "WordEncoder"]

DIMENSIONS: Final = 24


class WordEncoder:
    """Adds up one fixed direction for each word; counts how often it was asked."""

    def __init__(self, *, name: str = "words", salt: str = "") -> None:
        """Choose the directions; another ``salt`` is another model."""
        self.asked = 0
        self._name = name
        self._salt = salt

    @property
    def name(self) -> str:
        """Return the name it was built with."""
        return self._name

    @property
    def sha256(self) -> str:
        """Return a hash that changes with the directions."""
        return hashlib.sha256(self._salt.encode()).hexdigest()

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Return one unit row for each sentence."""
        self.asked += 1
        rows = [self._row(sentence) for sentence in sentences]
        return np.array(rows, np.float32).reshape(len(rows), DIMENSIONS)

    def width(self, sentence: str) -> int:
        """Return the number of letters and marks, in tens: sentences of several widths are asked for in tests."""
        return -(-len(sentence) // 10) * 10

    def _row(self, sentence: str) -> Vectors:
        total = np.full(DIMENSIONS, 1e-3)
        for word in plain_words(sentence).split():
            seed = int.from_bytes(hashlib.sha256(f"{self._salt}{word}".encode()).digest()[:8], "big")
            total += np.random.default_rng(seed).standard_normal(DIMENSIONS)
        return (total / np.linalg.norm(total)).astype(np.float32)
