"""Tests of how many streams a tenant may follow."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from evaluator.service.batches.following import Followers
from evaluator.service.problems import Problem


def test_one_tenants_streams_are_counted_apart() -> None:
    """Who has as many as allowed is refused until one ends; others aren't."""
    followers = Followers(2)
    with ExitStack() as first, followers.one_more("a"):
        first.enter_context(followers.one_more("a"))
        with pytest.raises(Problem) as refused, followers.one_more("a"):
            pass
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "5")
        with followers.one_more("b"):
            first.close()
        with followers.one_more("a"):
            pass
