"""Which methods a path takes: all of them, where the framework knows those of the first route that fits alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["methods_of"]


def methods_of(paths: Mapping[str, Mapping[str, Any]], path: str) -> frozenset[str]:
    """Return the methods of a path.

    Args:
        paths: Templates such as ``/v1/batches/{id}``, with what each method does, as in OpenAPI.
        path: A path as it was asked for.
    """
    if path in paths:
        return frozenset(name.upper() for name in paths[path])
    found: set[str] = set()
    for template, operations in paths.items():
        form = "[^/]+".join(map(re.escape, re.split(r"\{[^}]*\}", template)))
        if re.fullmatch(form, path):
            found.update(name.upper() for name in operations)
    return frozenset(found)
