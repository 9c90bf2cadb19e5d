"""The form of keys."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from evaluator.service.tenants.tokens import KEY_PATTERN, digest, key_of, new_token

_KEY = "key_0123456789abcdef01234567"


def test_a_token_names_its_key() -> None:
    """What is made is read back, and scanners find it in any text by its pattern."""
    token = new_token(_KEY)
    assert key_of(token) == _KEY
    assert re.findall(KEY_PATTERN, f"config = '{token}';") == [token]


def test_tokens_never_repeat_and_hold_256_random_bits() -> None:
    """Two tokens of one key differ, in 43 characters of 62: no less than 256 bits."""
    tokens = {new_token(_KEY) for _ in range(500)}
    secrets = {token.rpartition("_")[2][:43] for token in tokens}
    assert len(tokens) == len(secrets) == 500
    assert {len(secret) for secret in secrets} == {43}
    assert 62**43 > 2**256


@given(st.text(max_size=120) | st.from_regex(KEY_PATTERN, fullmatch=True))
def test_what_is_no_token_is_told_without_a_look(text: str) -> None:
    """Any text that wasn't made as a token is refused by its form or its checksum."""
    assert key_of(text) is None


@given(st.integers(0, 81), st.characters(codec="utf-8"))
def test_a_slip_of_the_pen_is_told_by_the_checksum(place: int, character: str) -> None:
    """A token with one character changed is no token."""
    token = new_token(_KEY)
    changed = token[:place] + character + token[place + 1 :]
    assert (key_of(changed) is None) == (changed != token)


def test_what_is_kept_tells_nothing() -> None:
    """The hash differs for each token and holds no part of it."""
    one, other = new_token(_KEY), new_token(_KEY)
    assert digest(one) == digest(one) != digest(other)
    assert one[-20:] not in digest(one)
