"""One thread for arithmetic while training: sums keep one order, so the same labels give the same bytes.

It is also no slower: the products are small, and threads that wait for one another cost more than they bring.
"""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from typing import cast

from evaluator.errors import MissingExtra

__all__ = ["one_thread"]


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which every library that is loaded by now computes with one thread.

    Raises:
        MissingExtra: threadpoolctl, which scikit-learn brings, isn't installed.
    """
    try:
        limits = importlib.import_module("threadpoolctl").threadpool_limits
    except ImportError as error:
        raise MissingExtra(
            "training needs scikit-learn and scipy", remedy="pip install 'interview-evaluator[stats]'"
        ) from error
    return cast("AbstractContextManager[object]", limits(limits=1))
