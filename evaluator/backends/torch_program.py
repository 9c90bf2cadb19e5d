"""A sentence-transformers model as one program: token ids in, unit vectors out, without Python between its steps.

Step by step, torch takes and gives back the interpreter's lock some hundred times for a batch; beside a thread that
runs Python, which is what judging in bulk is, each of those waits for it and a batch takes ten times as long. A traced
program holds the lock at its start and end alone. Where the processor multiplies bfloat16, the linear layers do so;
sums, residuals and norms stay float32.

A row depends on its own sentence alone, to the last bit where `_multiply_in_bfloat16` has a say: rounding to bfloat16
makes much of the least difference, and judging together must say what judging alone says. So lengths are rounded up
to a grid, whatever the company, and a batch holds one length.

A program is used only if it gives what the model gives, on sentences of other lengths than it was traced with.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeAlias, cast

import numpy as np

from evaluator.backends.encoder import Vectors

__all__ = ["Program", "SentenceModel", "batches", "make_program", "one_thread"]

_MOST_ROWS: Final = 64  # 32 cost 6 % more for a sentence, 128 save nothing
_GRID: Final = 8  # tokens; a finer one saves 2 % in bulk and costs a fifth more for the sentences of one transcript
# oneDNN adds up longer rows in an order that depends on how many rows there are: the same sentence in other company
# would differ in its last bits. In parts it costs 5 % more.
_LONGEST_SUM: Final = 384
_PROBES: Final = (
    "Clicks.",
    "I would watch retention in week four, by cohort, and ship only if cancellations don't rise by a point.",
    "So yeah, people come back.",
    "I'd pick finished titles per member, since watch time is inflated by autoplay, and look at regret beside it. " * 2,
)
_TRACED_WITH: Final = ("What would you measure first?", "Retention.")
_FLOAT32_MAY_DIFFER: Final = 1e-4
_BFLOAT16_COSINE: Final = 0.999
_Ids: TypeAlias = list[int]


class SentenceModel(Protocol):
    """The part of `SentenceTransformer` that is used: its modules in order, each of them features in, features out."""

    max_seq_length: int
    tokenizer: _Tokenizer

    def __iter__(self) -> Iterator[Callable[[dict[str, _Rows]], dict[str, _Rows]]]: ...

    def encode(
        self,
        inputs: Sequence[str],
        *,
        batch_size: int = ...,
        normalize_embeddings: bool,
        convert_to_numpy: bool,
        show_progress_bar: bool,
    ) -> Vectors:
        """Return one row for each text."""
        ...

    def get_embedding_dimension(self) -> int:
        """Return how wide a row is."""
        ...

    def modules(self) -> Iterator[_Layer]:
        """Return all layers, at any depth."""
        ...

    def requires_grad_(self, requires_grad: bool = ..., /) -> object:  # noqa: FBT001 - torch's signature
        """Tell whether weights are to be trained."""
        ...


class _Tokenizer(Protocol):
    """The part of a tokenizer that is used."""

    pad_token_id: int

    def __call__(self, texts: list[str], *, truncation: bool, max_length: int) -> Mapping[str, list[_Ids]]: ...


class _Torch(Protocol):
    """The part of torch that is used for threads."""

    def get_num_threads(self) -> int: ...

    def set_num_threads(self, num: int, /) -> None: ...


class Program:
    """A traced model with its tokenizer. Safe to share between threads; they compute side by side."""

    def __init__(self, tokenize: Callable[[list[str]], list[_Ids]], run: Callable[[list[_Ids]], Vectors]) -> None:
        """Take what turns texts into ids, and batches of ids into unit rows."""
        self._tokenize = tokenize
        self._run = run
        self._lock = threading.Lock()

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Return one unit row for each sentence, at least one; sentences of like length are computed together."""
        with self._lock:  # tokenizers are not safe to share
            ids = self._tokenize(list(sentences))
        parts = batches([len(row) for row in ids])
        rows = np.concatenate([self._run([ids[place] for place in part]) for part in parts])
        ordered = np.empty_like(rows)
        ordered[[place for part in parts for place in part]] = rows
        return ordered


def make_program(model: SentenceModel, *, reduced: bool) -> Program | None:
    """Trace a model; ``None`` if it can't be, or if what comes out isn't what the model gives.

    Args:
        model: A `SentenceTransformer`. With ``reduced``, its linear layers are changed for good.
        reduced: Multiply in bfloat16, if the processor can.
    """
    probes = list(_PROBES)
    expected = model.encode(probes, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
    reduced = reduced and _multiplies_bfloat16()
    try:
        program = _traced(model, reduced=reduced)
        got = program.encode(probes)
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):  # not a model of this form
        return None
    if reduced:
        return program if float((got * expected).sum(axis=1).min()) >= _BFLOAT16_COSINE else None
    return program if float(np.abs(got - expected).max()) <= _FLOAT32_MAY_DIFFER else None


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Return places of ``lengths`` in batches that are padded to one length each, the shortest first."""
    by_width: dict[int, list[int]] = {}
    for place, length in enumerate(lengths):
        by_width.setdefault(_width(length), []).append(place)
    return [
        places[first : first + _MOST_ROWS]
        for _, places in sorted(by_width.items())
        for first in range(0, len(places), _MOST_ROWS)
    ]


def _width(length: int) -> int:
    """Return the length that so many tokens are padded to, by themselves or in company."""
    return -(-length // _GRID) * _GRID


def _traced(model: SentenceModel, *, reduced: bool) -> Program:
    torch = importlib.import_module("torch")
    model.requires_grad_(False)  # noqa: FBT003 - torch's signature
    tokenizer, longest = model.tokenizer, model.max_seq_length
    if reduced:
        _multiply_in_bfloat16(model)

    def forward(ids: _Rows, mask: _Rows) -> object:
        features = {"input_ids": ids, "attention_mask": mask}
        for module in model:
            features = module(features)
        return torch.nn.functional.normalize(features["sentence_embedding"].float(), dim=1)

    def tokenize(texts: list[str]) -> list[_Ids]:
        return tokenizer(texts, truncation=True, max_length=longest)["input_ids"]

    def run(rows: list[_Ids]) -> Vectors:
        ids, mask = padded(rows)
        with torch.inference_mode():
            return program(ids, mask).numpy()

    def padded(rows: list[_Ids]) -> tuple[object, object]:
        width = _width(max(map(len, rows)))
        ids = [row + [tokenizer.pad_token_id] * (width - len(row)) for row in rows]
        mask = [[1] * len(row) + [0] * (width - len(row)) for row in rows]
        return torch.tensor(ids), torch.tensor(mask)

    with torch.no_grad():
        program = cast("Callable[[object, object], _Rows]", torch.jit.trace(forward, padded(tokenize([*_TRACED_WITH]))))
    return Program(tokenize, run)


def _multiply_in_bfloat16(model: SentenceModel) -> None:
    """Give every linear layer bfloat16 weights; what goes in is rounded to them, what comes out is float32 again."""
    torch = importlib.import_module("torch")
    linear = cast("Callable[..., _Rows]", torch.nn.functional.linear)

    def narrow(weight: _Rows, bias: _Rows | None) -> Callable[[_Rows], object]:
        return lambda rows: linear(rows.to(torch.bfloat16), weight, bias).float()

    def wide(weights: list[_Rows], bias: _Rows | None) -> Callable[[_Rows], object]:
        def forward(rows: _Rows) -> object:
            parts = rows.to(torch.bfloat16).split(_LONGEST_SUM, -1)
            total = linear(parts[0], weights[0], bias).float()
            for part, weight in zip(parts[1:], weights[1:], strict=True):
                total += linear(part, weight).float()
            return total

        return forward

    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.to(torch.bfloat16)
            weights = [part.contiguous() for part in layer.weight.split(_LONGEST_SUM, 1)]
            layer.forward = narrow(weights[0], layer.bias) if len(weights) == 1 else wide(weights, layer.bias)


class _Rows(Protocol):
    """The part of a tensor that is used."""

    def contiguous(self) -> _Rows: ...

    def float(self) -> _Rows: ...

    def __add__(self, other: _Rows, /) -> _Rows: ...

    def numpy(self) -> Vectors: ...

    def split(self, size: int, dim: int, /) -> list[_Rows]: ...

    def to(self, kind: object, /) -> _Rows: ...


class _Layer(Protocol):
    """The part of a linear layer that is used."""

    weight: _Rows
    bias: _Rows | None
    forward: Callable[[_Rows], object]

    def to(self, kind: object, /) -> object: ...


def _multiplies_bfloat16() -> bool:
    """Return whether the processor has instructions for it; torch tells on x86 only, and emulation is slow."""
    cpu = importlib.import_module("torch").cpu
    return bool(getattr(cpu, "_is_avx512_bf16_supported", lambda: False)())


class _Threads:
    """How many callers compute with one thread now, and what torch had before the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callers = 0
        self._before = 1

    @contextlib.contextmanager
    def one(self) -> Generator[None]:
        torch = cast("_Torch", importlib.import_module("torch"))
        with self._lock:
            if not self._callers:
                self._before = torch.get_num_threads()
            self._callers += 1
            torch.set_num_threads(1)
        try:
            yield
        finally:
            with self._lock:
                self._callers -= 1
                torch.set_num_threads(self._before)  # torch keeps it by thread, so each caller gives back its own


_THREADS: Final = _Threads()


def one_thread() -> contextlib.AbstractContextManager[None]:
    """Let torch compute with one thread for each caller, and give back what it had.

    Two threads for one batch save 40 % on an idle machine of two cores; on a busy one they wait for each other,
    actively, and take ten times as long. Callers side by side, with a thread each, use the cores without waiting.
    One also keeps sums in one order, whatever the number of cores.
    """
    return _THREADS.one()
