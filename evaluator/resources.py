"""Where the files that travel with the package lie: rubrics, prompts, fixtures.

In a checkout they are folders beside the package; in a wheel they are folders inside it. Apart so that no other module
needs to know which.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["resource_dir"]


def resource_dir(name: str) -> Path:
    """Return the folder ``rubrics``, ``prompts`` or ``fixtures``, as installed or as checked out.

    Raises:
        FileNotFoundError: The installation lacks it.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_data" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation lacks its folder {name!r}; install the package again")
