"""Tests of secrets at rest."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.errors import OptionError
from evaluator.service.webhooks.sealing import Sealer, new_secret


def test_a_secret_has_the_form_of_the_specification() -> None:
    """A prefix and 32 random bytes in base64; two are never the same."""
    first, second = new_secret(), new_secret()
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32
    assert first != second


@given(st.text(), st.text())
def test_what_is_sealed_opens_again(secret: str, owner: str) -> None:
    """A sealed secret opens to what it was, and doesn't show it."""
    sealer = Sealer(bytes(32))
    sealed = sealer.seal(secret, owner)
    assert sealer.open(sealed, owner) == secret
    assert len(secret.encode()) < 4 or secret.encode() not in sealed


def test_nothing_else_opens_it() -> None:
    """Another key, another owner's row, a changed byte and a cut text open nothing."""
    sealer = Sealer(bytes(32))
    sealed = sealer.seal("whsec_x", "tn_a/we_a")
    assert Sealer(b"1" * 32).open(sealed, "tn_a/we_a") is None
    assert sealer.open(sealed, "tn_b/we_a") is None
    assert sealer.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), "tn_a/we_a") is None
    assert sealer.open(sealed[:5], "tn_a/we_a") is None


def test_the_file_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    """Of processes that start at once one makes the key; nobody else may read it, and nothing is left beside it."""
    path = tmp_path / "data" / "webhooks.key"
    with ThreadPoolExecutor(8) as pool:
        sealers = list(pool.map(Sealer.of_file, [path] * 8))
    sealed = sealers[0].seal("whsec_x", "o")
    assert all(sealer.open(sealed, "o") == "whsec_x" for sealer in sealers)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"not base64!", base64.b64encode(b"short"), b"\xff\xfe"])
def test_a_damaged_file_is_named_and_kept(tmp_path: Path, content: bytes) -> None:
    """A file that holds no key is an error, never replaced: what was sealed under the true one would be lost."""
    path = tmp_path / "webhooks.key"
    path.write_bytes(content)
    with pytest.raises(OptionError) as error:
        Sealer.of_file(path)
    assert error.value.where == "webhooks.key"
    assert path.read_bytes() == content


def test_a_key_of_the_operator_is_checked() -> None:
    """A key given as text is 32 bytes in base64; what isn't is never repeated."""
    text = base64.b64encode(b"o" * 32).decode()
    assert Sealer.of_text(f"{text}\n").open(Sealer(b"o" * 32).seal("s", "o"), "o") == "s"
    with pytest.raises(OptionError) as error:
        Sealer.of_text("hunter2")
    assert "hunter2" not in str(error.value)
