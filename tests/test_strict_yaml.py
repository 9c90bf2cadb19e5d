"""Tests of reading YAML that strangers wrote."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from evaluator.errors import RubricError
from evaluator.strict_yaml import Plain, parse_yaml

_MERGE_CHAIN: Final = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [*a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)
)
_ALIAS_CHAIN: Final = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)
)

# text, a part of the message, the place
_REFUSED: Final = {
    "anchor": ("a: 1\nb: &x 2\n", "anchors and aliases", "line 2"),
    "anchored key": ("a: 1\n&x b: 2\n", "anchors and aliases", "line 2"),
    "alias": ("a: 1\nb: *x\n", "anchors and aliases", "line 2"),
    "alias bomb": (_ALIAS_CHAIN, "anchors and aliases", "line 1"),
    "merge key": ("a:\n  <<: {b: 1}\n", "merge keys", "line 2"),
    "quoted merge key": ("a:\n  '<<': {b: 1}\n", "merge keys", "line 2"),
    "merge-key chain": (_MERGE_CHAIN, "anchors and aliases", "line 1"),
    "tag": ("a: !!python/object/apply:os.system ['id']\n", "tags", "line 1"),
    "tag of a string": ("a: !!str 1\n", "tags", "line 1"),
    "own tag": ("a:\n  b: !secret x\n", "tags", "line 2"),
    "repeated key": ("a: 1\nb: 2\na: 3\n", "`a` stands twice", "line 3"),
    "repeated key, quoted": ('a: 1\n"a": 3\n', "`a` stands twice", "line 2"),
    "repeated key, inside": ("x:\n  - a: 1\n    a: 2\n", "stands twice in `x.0`", "line 3"),
    "nested lists": ("[" * 5000, "levels deep", "line 1"),
    "nested mappings": ("{a: " * 5000, "levels deep", "line 1"),
    "nested blocks": ("- " * 5000, "levels deep", "line 1"),
    "nested by indentation": ("".join(" " * n + "a:\n" for n in range(40)), "levels deep", "line 1"),
    "many values": ("- 1\n" * 30_000, "values", "line 10000"),
    "two documents": ("a: 1\n---\nb: 2\n", "second document", "line 2"),
    "key that is a list": ("[a, b]: 1\n", "not plain text", "line 1"),
    "key that is a mapping": ("? {a: 1}\n: 1\n", "not plain text", "line 1"),
    "empty": ("", "empty", "line 1"),
    "only a comment": ("# nothing here\n", "empty", "line 1"),
    "huge": ("a" * 1_000_001, "1,000,001 characters", "line 1"),
    "null character": ("a: 1\nb: x\x00y\n", "U+0000", "line 2"),
    "escape character": ("a: \x1b[31mred\n", "U+001B", "line 1"),
    "escaped escape character": ('a: 1\nb: "\\x1b[31mred"\n', "U+001B", "line 2"),
    "escaped character in a key": ('"a\\u202e": 1\n', "U+202E", "line 1"),
    "direction override": ("a: abc\u202edef\n", "U+202E", "line 1"),
    "byte order mark inside": ("a: 1\nb: x\ufeff\n", "U+FEFF", "line 2"),
    "lone surrogate": ("a: \ud800\n", "U+D800", "line 1"),
    "escaped surrogate": ('a: "\\ud800"\n', "", "line 1"),
    "UTF-16 read as UTF-8": ("a: 1\n".encode("utf-16-le").decode(), "U+0000", "line 1"),
    "unclosed quote": ('a: "b\n', "not valid YAML", "line "),
    "tab as indentation": ("a:\n\tb: 1\n", "not valid YAML", "line 2"),
    "colon in plain text": ("a: b: c\n", "not valid YAML", "line 1"),
    "bad indentation": ("a: 1\n  b: 2\n", "not valid YAML", "line 2"),
}


@pytest.mark.parametrize("name", _REFUSED)
def test_what_a_rubric_has_no_use_for_is_refused_at_its_line(name: str) -> None:
    """Every hostile or ambiguous construct is an error that names the line."""
    text, message, where = _REFUSED[name]
    with pytest.raises(RubricError) as caught:
        parse_yaml(text)
    assert message in caught.value.message
    assert (caught.value.where or "").startswith(where)


def test_bombs_are_refused_before_they_go_off() -> None:
    """No construct makes the reader do work out of proportion: all of them together end in one short process."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_strict_yaml import _REFUSED\n"
        "from evaluator.errors import RubricError\n"
        "from evaluator.strict_yaml import parse_yaml\n"
        "for text, _, _ in _REFUSED.values():\n"
        "    try: parse_yaml(text)\n"
        "    except RubricError: print('refused')\n"
    )
    folder = __file__.rpartition("/")[0]
    done = subprocess.run([sys.executable, "-c", code, folder], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.count("refused") == len(_REFUSED)


def test_a_long_key_does_not_flood_the_message() -> None:
    """A message shows the head of a stranger's key, not all of it."""
    key = "k" * 5000
    with pytest.raises(RubricError) as caught:
        parse_yaml(f"{key[:1000]}: 1\n{key[:1000]}: 2\n")
    assert len(str(caught.value)) < 250


def test_every_value_knows_its_line() -> None:
    """Lines are those of the file, for keys, items and what is nested in them."""
    document = parse_yaml("# head\na:\n  - x\n  - b: 1\n    c: [p,\n      q]\n")
    assert document.data == {"a": ["x", {"b": 1, "c": ["p", "q"]}]}
    assert [document.line_of(path) for path in (("a",), ("a", 0), ("a", 1, "b"), ("a", 1, "c", 1))] == [2, 3, 4, 6]


def test_a_missing_key_is_placed_at_its_parent() -> None:
    """The line of what isn't there is the line of where it should be."""
    document = parse_yaml("a:\n  b:\n    c: 1\n")
    assert document.line_of(("a", "b", "nothing", 3)) == 2
    assert document.line_of(("nothing",)) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("~", None),
        ("", None),
        ("007", "007"),
        ("08", "08"),
        ("0", 0),
        ("-3", -3),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1e3", "1e3"),
        ("-.5", "-.5"),
        ("+2.", 2.0),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("0x1F", "0x1F"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("'1'", "1"),
        ("9" * 30, "9" * 30),
    ],
)
def test_scalars_mean_what_a_reader_would_think(text: str, value: Plain) -> None:
    """Only true and false are booleans, numbers are plain decimals, and all else is text."""
    assert parse_yaml(f"a: {text}\n").data == {"a": value}


def test_a_leading_byte_order_mark_is_no_fault() -> None:
    """Editors on some systems write one; it is dropped."""
    assert parse_yaml("\ufeffa: 1\n").data == {"a": 1}


_PLAIN_TEXT: Final = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=20)
_YAML_1_1_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off"})
_LEAVES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**15), 10**15),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 4)),
    _PLAIN_TEXT,
)
_DOCUMENTS: Final = st.dictionaries(
    _PLAIN_TEXT.filter(lambda key: key != "<<"),
    st.recursive(
        _LEAVES,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_PLAIN_TEXT.filter("<<".__ne__), inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


@given(_DOCUMENTS)
@example({"a": "0E0", "b": "08", "c": "-.5", "d": "1e3", "e": "0x1", "f": "0o7", "g": "1_0", "h": "12:30"})
@example({"a": ".", "b": "+", "c": "1.", "d": "1.e5", "e": "0b1", "f": "=", "g": "TRUE", "h": "Null", "i": "00.5"})
def test_plain_data_reads_as_the_usual_loader_reads_it(data: dict[str, Plain]) -> None:
    """What `yaml.safe_dump` writes comes back the same: words that YAML 1.1 took for booleans arrive quoted."""
    assert parse_yaml(yaml.safe_dump(data, allow_unicode=True)).data == data


@given(st.sampled_from(sorted(_YAML_1_1_WORDS)), st.booleans())
def test_words_of_an_older_yaml_stay_words(word: str, upper: bool) -> None:  # noqa: FBT001 - hypothesis passes it
    """``no``, ``on`` and their like are text here, whatever PyYAML makes of them."""
    text = word.upper() if upper else word
    assert parse_yaml(f"a: {text}\n").data == {"a": text}


@given(st.text(max_size=200))
def test_no_text_does_more_than_raise_a_rubric_error(text: str) -> None:
    """Whatever the text, the answer is data with lines or a `RubricError` with a place."""
    try:
        lines = len(parse_yaml(text).lines)
    except RubricError as error:
        lines = len(error.where or "")
    assert lines > 0
