"""The encoder: a BERT's graph compiled by OpenVINO, texts cut into pieces of words; sentences in, rows out.

Where the processor multiplies bfloat16 the graph does; elsewhere all is float32. A row depends on its own sentence
alone, to the last bit: judging together must say what judging alone says, and rounding to bfloat16 makes much of the
least difference. So widths are multiples of 16, the numbers that the processor adds up at once: with those, padding
adds zeros and changes no order.

Work is queued below Python: beside threads that run Python, which is what judging in bulk is, whoever waits for the
interpreter's lock between two batches would leave a core idle.
"""

from __future__ import annotations

import hashlib
import importlib
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import ModuleType
from typing import Any, Final, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from evaluator.backends.bert import build_graph, read_form, read_tensors
from evaluator.backends.encoder import Vectors, usable_cores
from evaluator.backends.model_folder import INSTALL, ModelFolder, find_model
from evaluator.backends.wordpiece import WordPieces
from evaluator.errors import JudgeMisuse, MissingExtra, OptionError

__all__ = ["OpenVinoEncoder", "batches", "computing_options"]

_MOST_TOKENS: Final = 1024  # in a batch; in larger ones a token takes longer: they leave a core's cache
_WORTH_A_BATCH: Final = 64  # tokens; another shape than the last takes as long as computing so many
_GRID: Final = 16
_QUEUED: Final = 2  # batches for each core: one is computed, the next lies ready
_CUT: Final = 2048  # texts whose pieces are remembered: who asks how wide one is asks for its row a little later
_SENDS: Final = ("openvino.tools.ovc", "openvino_telemetry")
_Ids: TypeAlias = list[int]
_Raw: TypeAlias = "np.memmap[Any, np.dtype[np.uint8]]"


class OpenVinoEncoder:
    """Encodes with a sentence-transformers model of BERT's form that lies on this machine."""

    def __init__(self, model: str | None = None, *, reduced: bool = True, cores: int | None = None) -> None:
        """Choose a model; nothing is loaded yet.

        Args:
            model: A folder; ``None`` takes the packaged default.
            reduced: Multiply in bfloat16 where the processor can, at a quarter of the time. Training doesn't, so that
                it gives the same weights on any machine.
            cores: Batches that are computed at the same time, with a core for each; ``None`` takes as many as this
                process may use.
        """
        self._model_name = model
        self._reduced = reduced
        self._cores = cores or usable_cores()
        self._lock = threading.Lock()
        self._loaded: _Engine | None = None

    @property
    def name(self) -> str:
        """Name of the model; of a folder, its last part."""
        return self._folder.name

    @property
    def sha256(self) -> str:
        """Hash of the weights file, read once.

        Raises:
            MissingExtra: The package with the default weights isn't installed.
            OptionError: The model isn't on this machine.
        """
        return self._digest

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Encode, each distinct sentence once; as `Encoder.encode`. Callers in several threads compute side by side.

        Raises:
            OptionError: The model isn't on this machine, or isn't of BERT's form.
        """
        engine = self._load()
        place: dict[str, int] = {}
        for sentence in sentences:
            place.setdefault(sentence, len(place))
        rows = engine.encode(list(place))
        return rows if len(place) == len(sentences) else rows[[place[sentence] for sentence in sentences]]

    def width(self, sentence: str) -> int:
        """Return how many tokens a sentence is padded to, as `Encoder.width`; raises what `encode` does."""
        return _width(len(self._load().cut(sentence)))

    @cached_property
    def _folder(self) -> ModelFolder:
        return find_model(self._model_name)

    @cached_property
    def _raw(self) -> _Raw:
        # Hashed and read through one mapping: what was checked is what is used.
        return np.memmap(self._folder.weights, np.uint8, "r")

    @cached_property
    def _digest(self) -> str:
        return hashlib.sha256(self._raw.data).hexdigest()

    def _load(self) -> _Engine:
        with self._lock:
            if self._loaded is None:
                self._folder.check(self.sha256)
                self._loaded = _compiled(self._folder, self._raw, reduced=self._reduced, cores=self._cores)
                del self._raw
            return self._loaded


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Return places of ``lengths`` in batches, the longest sentences first; each is padded to its longest.

    A batch holds sentences of one width, and those narrower ones that are too few to be worth a batch of their own.
    """
    by_width: dict[int, list[int]] = {}
    for place, length in enumerate(lengths):
        by_width.setdefault(_width(length), []).append(place)
    parts: list[list[int]] = []
    padded_to = 0
    for width, places in sorted(by_width.items(), reverse=True):
        if len(places) * (padded_to - width) <= _WORTH_A_BATCH and parts:
            parts[-1] += places
        else:
            padded_to, rows = width, max(1, _MOST_TOKENS // width)
            parts += [places[first : first + rows] for first in range(0, len(places), rows)]
    return parts


def _width(length: int) -> int:
    """Return the least width that a sentence of so many tokens is padded to."""
    return -(-length // _GRID) * _GRID


class _Request(Protocol):
    """The part of an inference request that is used."""

    def start_async(self, inputs: list[NDArray[np.int32]], /) -> None: ...

    def wait(self) -> None: ...

    def get_output_tensor(self) -> _Tensor: ...


class _Tensor(Protocol):
    data: Vectors


@dataclass(frozen=True, slots=True)
class _Engine:
    """A compiled model with what cuts its texts. Safe to share between threads.

    Attributes:
        cut: Returns the ids of a text's pieces, of the latest texts without work.
        requests: Those that nobody uses now.
        width: Of a row.
    """

    cut: Callable[[str], _Ids]
    requests: queue.SimpleQueue[_Request]
    width: int

    def encode(self, sentences: list[str]) -> Vectors:
        """Return one unit row for each sentence."""
        rows = np.empty((len(sentences), self.width), np.float32)
        if not sentences:
            return rows
        ids = list(map(self.cut, sentences))
        begun: deque[tuple[_Request, list[int]]] = deque()
        try:
            for part in batches(list(map(len, ids))):
                request = self._request(begun, rows)
                begun.append((request, part))
                request.start_async(_padded([ids[place] for place in part]))
        finally:
            while begun:
                self.requests.put(_finish(begun, rows))
        return rows

    def _request(self, begun: deque[tuple[_Request, list[int]]], rows: Vectors) -> _Request:
        """Return a request that is free; if others use the rest, the oldest of one's own, once it is done."""
        if begun:
            try:
                return self.requests.get_nowait()
            except queue.Empty:
                return _finish(begun, rows)
        return self.requests.get()


def _finish(begun: deque[tuple[_Request, list[int]]], rows: Vectors) -> _Request:
    """Wait for the oldest request and keep its rows."""
    request, part = begun.popleft()
    request.wait()
    rows[part] = request.get_output_tensor().data
    return request


def _padded(rows: list[_Ids]) -> list[NDArray[np.int32]]:
    lengths = np.array(list(map(len, rows)), np.int32)
    width = _width(int(lengths.max()))
    ids = np.zeros((len(rows), width), np.int32)
    ids[np.arange(width) < lengths[:, None]] = np.concatenate(rows)
    return [ids, lengths]


def _compiled(folder: ModelFolder, raw: _Raw, *, reduced: bool, cores: int) -> _Engine:
    """Build and compile the graph; a third of a second, so that nothing need be kept on disk."""
    try:
        with _sending_nothing():
            openvino = importlib.import_module("openvino")
            ops = importlib.import_module("openvino.opset13")
    except ImportError as error:
        raise MissingExtra("the local judge needs openvino", remedy=INSTALL) from error
    try:
        form = read_form(folder.path)
    except (OSError, ValueError) as error:
        raise OptionError(
            f"model {folder.name!r} is not one that can be computed here",
            where="model",
            remedy="a sentence-transformers model of BERT's form, uncased, with mean pooling, as safetensors",
        ) from error
    try:
        cut = lru_cache(_CUT)(WordPieces(form.vocabulary, form.longest).encode)
        result, inputs = build_graph(ops, form, read_tensors(raw))
        core = openvino.Core()
        compiled = core.compile_model(
            openvino.Model([result], inputs, "encoder"), "CPU", computing_options(core, cores, reduced=reduced)
        )
        requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        for _ in range(_QUEUED * cores):
            requests.put(compiled.create_infer_request())
    except Exception as error:
        raise JudgeMisuse(
            f"the model can't be loaded: {type(error).__name__}", where=f"model {folder.name}", remedy="check its files"
        ) from error
    return _Engine(cut, requests, compiled.output(0).partial_shape[1].get_length())


def computing_options(core: Any, cores: int, *, reduced: bool) -> dict[str, object]:  # noqa: ANN401 - the library has no types
    """Return how to compute: each batch with one core, so that none waits for another, in the kind that pays."""
    narrow = reduced and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return {
        "INFERENCE_PRECISION_HINT": "bf16" if narrow else "f32",
        "NUM_STREAMS": cores,
        "INFERENCE_NUM_THREADS": cores,
        "ENABLE_CPU_PINNING": False,
    }


@contextmanager
def _sending_nothing() -> Generator[None]:
    """Import openvino without its converter, which tells its maker over the network that it was imported.

    It is left out where it can't be imported; whoever asks for it later gets it.
    """
    barred = [name for name in _SENDS if name not in sys.modules]
    for name in barred:
        sys.modules[name] = cast("ModuleType", None)  # how Python spells that there is no such module
    try:
        yield
    finally:
        for name in barred:
            sys.modules.pop(name, None)
