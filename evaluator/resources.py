"""Where the files that travel with the package lie: rubrics, prompts, fixtures.

In a checkout they are folders beside the package; in a wheel they are folders inside it. Apart so that no other module
needs to know which.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["resource_dir"]

_PACKAGE: Final = Path(__file__).resolve().parent


@cache
def resource_dir(name: str) -> Path:
    """Return the folder ``rubrics``, ``prompts`` or ``fixtures``, as installed or as checked out.

    Raises:
        FileNotFoundError: The installation lacks it.
    """
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation lacks its folder {name!r}; install the package again")
