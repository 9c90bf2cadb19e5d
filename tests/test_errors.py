"""The tree of errors: as drawn, with place and remedy that survive being moved."""

from __future__ import annotations

import pickle
import re

import pytest

from evaluator import errors
from evaluator.errors import EvaluatorError, InputError, JudgeError, JudgeUnavailable, MissingExtra, TranscriptError

_ALL = [getattr(errors, name) for name in errors.__all__]


def test_the_tree_is_the_one_drawn() -> None:
    """The docstring draws every error once, under its own parent."""
    stack: list[str] = []
    for indent, name in re.findall(r"^( {4}[│├└─ ]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE):
        depth = (len(indent) - 4) // 4
        stack[depth:] = [name]
        parent = stack[depth - 1] if depth else "Exception"
        assert getattr(errors, name).__bases__[0].__name__ == parent
    drawn = re.findall(r"[A-Z]\w*(?:Error|Unavailable|Misuse|Missing|Extra)\b", errors.__doc__ or "")
    assert sorted(drawn) == sorted(errors.__all__)


@pytest.mark.parametrize(
    ("where", "remedy", "text"),
    [
        (None, None, "no turns"),
        ("line 3", None, "line 3: no turns"),
        (None, "add one", "no turns (add one)"),
        ("line 3", "add one", "line 3: no turns (add one)"),
    ],
)
def test_an_error_reads_place_fault_remedy(where: str | None, remedy: str | None, text: str) -> None:
    """Parts that are missing leave no trace."""
    assert str(EvaluatorError("no turns", where=where, remedy=remedy)) == text


@pytest.mark.parametrize("error", _ALL)
def test_an_error_keeps_its_class_and_parts_when_located(error: type[EvaluatorError]) -> None:
    """A file name is put before the place; class, message and remedy stay."""
    located = error("no turns", where="line 3", remedy="add one").located("a.vtt")
    assert type(located) is error
    assert str(located) == "a.vtt, line 3: no turns (add one)"
    assert error("no turns").located("a.vtt").where == "a.vtt"


@pytest.mark.parametrize("error", _ALL)
def test_an_error_can_cross_a_process_border(error: type[EvaluatorError]) -> None:
    """Pickled and loaded, an error has the same class, parts and text."""
    sent = error("no turns", where="line 3", remedy="add one")
    arrived = pickle.loads(pickle.dumps(sent))  # noqa: S301 - what was just pickled here
    assert type(arrived) is error
    assert (arrived.message, arrived.where, arrived.remedy) == ("no turns", "line 3", "add one")
    assert str(arrived) == str(sent)


def test_a_caller_can_branch_by_what_it_can_do() -> None:
    """Input to mend, a judge to try later and a package to install don't share a branch."""
    assert issubclass(TranscriptError, InputError)
    assert issubclass(JudgeUnavailable, JudgeError)
    assert not issubclass(JudgeError, InputError)
    assert not issubclass(MissingExtra, (InputError, JudgeError))
