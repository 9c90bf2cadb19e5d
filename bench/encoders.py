"""Whether the local judge says with its own encoder what it says with torch's, label by label.

    python bench/encoders.py [LABELS.jsonl] [--write tests/backends/torch_rows.npz]

Needs sentence-transformers, which the product doesn't: pip install torch==2.13.0 sentence-transformers==6.2.0. Prints
how far rows turn, and how many verdicts, confidences and bands differ, for the encoder as it judges and in float32.
``--write`` keeps torch's rows of some sentences, which the tests compare with.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from evaluator.agreement.labels import read_labels
from evaluator.backends.encoder import Encoder, Vectors
from evaluator.backends.local.features import read_sentences
from evaluator.backends.model_folder import find_model
from evaluator.backends.openvino import OpenVinoEncoder
from evaluator.backends.similarity_judge import SimilarityJudge
from evaluator.judging import Case
from evaluator.pipeline import aevaluate
from evaluator.rubric import Rubric, load_rubric
from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import Transcript

_ROOT: Final = Path(__file__).resolve().parent.parent
_KEPT: Final = 48


class TorchEncoder:
    """The same weights, as sentence-transformers computes them in float32."""

    def __init__(self) -> None:
        """Load the packaged model."""
        library = importlib.import_module("sentence_transformers")
        self._model = library.SentenceTransformer(str(find_model(None).path), device="cpu", local_files_only=True)
        self._like = OpenVinoEncoder()

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._like.name

    @property
    def sha256(self) -> str:
        """Hash of its weights."""
        return self._like.sha256

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Encode as its manual says."""
        if not sentences:
            return np.zeros((0, self._model.get_embedding_dimension()), np.float32)
        rows: Vectors = self._model.encode(list(sentences), normalize_embeddings=True, show_progress_bar=False)
        return rows

    def width(self, sentence: str) -> int:
        """Return that of our own; the library sorts by length itself."""
        return self._like.width(sentence)


def main() -> None:
    """Compare the encoders."""
    parser = argparse.ArgumentParser()
    parser.add_argument("labels", nargs="?", type=Path, default=_ROOT / "fixtures/gold/dev.jsonl")
    parser.add_argument("--write", type=Path, help="keep torch's rows of some sentences in this file")
    chosen = parser.parse_args()
    rubric = load_rubric()
    rows = read_labels(chosen.labels, rubric).rows
    transcripts = [row.transcript for row in rows if row.transcript is not None]
    torch = TorchEncoder()
    sentences = sorted(_sentences(transcripts, rubric), key=len)
    expected = torch.encode(sentences)
    if chosen.write:
        kept = np.linspace(0, len(sentences) - 1, _KEPT).astype(int)
        np.savez_compressed(chosen.write, sentences=np.array(sentences)[kept], rows=expected[kept])
    theirs = _evaluate(transcripts, rubric, torch)
    for title, encoder in (("as it judges", OpenVinoEncoder()), ("in float32", OpenVinoEncoder(reduced=False))):
        cosines = (encoder.encode(sentences) * expected).sum(axis=1)
        print(f"{title}: {len(sentences)} sentences, cosine with torch {cosines.min():.6f} at the least", end=", ")
        print(f"{cosines.mean():.6f} on average")
        _compare(_evaluate(transcripts, rubric, encoder), theirs)


def _sentences(transcripts: Sequence[Transcript], rubric: Rubric) -> set[str]:
    cases = [Case(transcript, rubric, rubric.question_types[0].id, ()) for transcript in transcripts]
    return {sentence.text for case in cases for sentence in read_sentences(case)}


def _evaluate(transcripts: Sequence[Transcript], rubric: Rubric, encoder: Encoder) -> list[Evaluation]:
    judge = SimilarityJudge(encoder)

    async def run() -> list[Evaluation]:
        return [await aevaluate(transcript, rubric, judge) for transcript in transcripts]

    return asyncio.run(run())


def _compare(ours: Sequence[Evaluation], theirs: Sequence[Evaluation]) -> None:
    pairs = [(a, b) for x, y in zip(ours, theirs, strict=True) for a, b in zip(x.findings, y.findings, strict=True)]
    asked = [(a, b) for a, b in pairs if "na" not in (a.verdict, b.verdict)]
    same = sum(a.verdict == b.verdict for a, b in asked)
    apart = max((abs(a.confidence - b.confidence) for a, b in asked if a.confidence and b.confidence), default=0.0)
    bands = sum(a.scorecard.band == b.scorecard.band for a, b in zip(ours, theirs, strict=True))
    print(f"  verdicts the same     {same:6} of {len(asked)}  ({same / len(asked):.2%})")
    print(f"  bands the same        {bands:6} of {len(ours)}")
    print(f"  confidence differs by {apart:6.3f} at the most")


if __name__ == "__main__":
    main()
