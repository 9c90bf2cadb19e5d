"""A BERT of the sentence-transformers form as one graph: its files in, token ids to unit rows out.

Written down operation by operation, since that is short, needs neither torch nor a converter, and lets whoever runs it
fuse attention. Apart from who runs it, and knows nothing of texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

__all__ = ["BertForm", "Node", "Tensors", "build_graph", "read_form", "read_tensors"]

Tensors: TypeAlias = Mapping[str, NDArray[np.float32]]
Node: TypeAlias = object
_PartT = TypeVar("_PartT", bound=BaseModel)
_KINDS: Final = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "I64": np.dtype("<i8")}
_SHUT_OUT: Final = np.float32(-1e9)  # as good as minus infinity, and no NaN where a whole row is shut out
_LARGEST_HEADER: Final = 1 << 24


class _Config(BaseModel):
    """The part of ``config.json`` that decides the graph; another form is refused."""

    model_config = ConfigDict(frozen=True)
    model_type: Literal["bert"]
    hidden_act: Literal["gelu"]
    position_embedding_type: Literal["absolute"] = "absolute"
    num_attention_heads: Annotated[int, Field(gt=0)]
    num_hidden_layers: Annotated[int, Field(gt=0)]
    layer_norm_eps: Annotated[float, Field(gt=0)]


class _Pooling(BaseModel):
    """The part of the pooling's ``config.json`` that says that a row is the mean of its words."""

    model_config = ConfigDict(frozen=True)
    pooling_mode_mean_tokens: Literal[True]
    pooling_mode_cls_token: Literal[False] = False
    pooling_mode_max_tokens: Literal[False] = False
    pooling_mode_mean_sqrt_len_tokens: Literal[False] = False


class _Limits(BaseModel):
    """The part of ``sentence_bert_config.json`` that says how much is read."""

    model_config = ConfigDict(frozen=True)
    max_seq_length: Annotated[int, Field(gt=2)]


class _Tokens(BaseModel):
    """The part of ``tokenizer_config.json`` that says that texts are cut without case and accents."""

    model_config = ConfigDict(frozen=True)
    tokenizer_class: Literal["BertTokenizer", "BertTokenizerFast"] = "BertTokenizer"
    do_lower_case: Literal[True] = True
    tokenize_chinese_chars: Literal[True] = True
    strip_accents: Literal[True] | None = None


@dataclass(frozen=True, slots=True)
class BertForm:
    """What of a model decides its graph.

    Attributes:
        heads: Of attention.
        layers: One above the other.
        epsilon: Added to variances.
        longest: Most tokens that are read of one text.
        vocabulary: Pieces of words by id.
    """

    heads: int
    layers: int
    epsilon: float
    longest: int
    vocabulary: tuple[str, ...]


def read_form(folder: Path) -> BertForm:
    """Read the form of a model.

    Raises:
        OSError: A file is missing.
        ValueError: It isn't an uncased BERT whose rows are means of words.
    """
    config = _read(_Config, folder / "config.json")
    _read(_Pooling, folder / "1_Pooling" / "config.json")
    _read(_Tokens, folder / "tokenizer_config.json")
    limits = _read(_Limits, folder / "sentence_bert_config.json")
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    return BertForm(
        heads=config.num_attention_heads,
        layers=config.num_hidden_layers,
        epsilon=config.layer_norm_eps,
        longest=limits.max_seq_length,
        vocabulary=tuple(vocabulary),
    )


def read_tensors(raw: NDArray[np.uint8]) -> Tensors:
    """Return the arrays of a safetensors file by name; they are windows on ``raw`` where it holds float32.

    Raises:
        ValueError: The bytes are no such file.
    """
    size = int.from_bytes(raw[:8].tobytes(), "little")
    if not 0 < size <= min(_LARGEST_HEADER, len(raw) - 8):
        raise ValueError("no header of that length")
    header: dict[str, dict[str, object]] = json.loads(raw[8 : 8 + size].tobytes())
    data = raw[8 + size :]
    return {
        name.removeprefix("bert."): _tensor(data, _Entry.model_validate(entry))
        for name, entry in header.items()
        if name != "__metadata__"
    }


def build_graph(ops: ModuleType, form: BertForm, tensors: Tensors) -> tuple[Node, list[Node]]:
    """Return the graph's result, ``(n, d)`` unit rows, and its inputs: ids ``(n, width)`` and lengths ``(n,)``, int32.

    Args:
        ops: The runtime's operations.
        form: From `read_form`.
        tensors: From `read_tensors`.

    Raises:
        KeyError: An array is missing.
    """
    graph = _Graph(ops, form, tensors)
    ids, lengths = ops.parameter([-1, -1], np.int32, name="ids"), ops.parameter([-1], np.int32, name="lengths")
    width = ops.gather(ops.shape_of(ids), graph.numbers(1), graph.numbers(0))
    places = ops.range(graph.numbers(0), width, graph.numbers(1), "i32")
    spoken = ops.less(ops.unsqueeze(places, graph.numbers(0)), ops.unsqueeze(lengths, graph.numbers(1)))
    shut_out = ops.select(ops.unsqueeze(spoken, graph.numbers([1, 2])), graph.real(0.0), graph.real(_SHUT_OUT))
    rows = graph.embedded(ids, places)
    for layer in range(form.layers):
        rows = graph.layer(rows, shut_out, f"encoder.layer.{layer}.")
    counted = ops.multiply(rows, ops.unsqueeze(ops.convert(spoken, "f32"), graph.numbers(2)))
    # The mean has the direction of the sum, and no more than that is kept.
    total = ops.reduce_sum(counted, graph.numbers([1]))
    return ops.normalize_l2(total, graph.numbers([1]), 1e-12, "max"), [ids, lengths]


@dataclass(frozen=True, slots=True)
class _Graph:
    """Parts of the graph, with the arrays that they take."""

    ops: ModuleType
    form: BertForm
    tensors: Tensors

    def numbers(self, values: int | list[int]) -> Node:
        return self.ops.constant(np.array(values, np.int32))

    def real(self, value: np.float32 | float) -> Node:
        return self.ops.constant(np.float32(value))

    def weights(self, name: str) -> Node:
        return self.ops.constant(np.ascontiguousarray(self.tensors[name], np.float32))

    def embedded(self, ids: Node, places: Node) -> Node:
        ops, axis = self.ops, self.numbers(0)
        words = ops.gather(self.weights("embeddings.word_embeddings.weight"), ids, axis)
        standing = ops.gather(self.weights("embeddings.position_embeddings.weight"), places, axis)
        one_text = ops.gather(self.weights("embeddings.token_type_embeddings.weight"), self.numbers(0), axis)
        return self.normed(ops.add(words, ops.add(standing, one_text)), "embeddings.LayerNorm")

    def layer(self, rows: Node, shut_out: Node, name: str) -> Node:
        ops = self.ops
        query, key, value = (
            self.by_head(self.linear(rows, f"{name}attention.self.{part}")) for part in ("query", "key", "value")
        )
        seen = ops.transpose(ops.scaled_dot_product_attention(query, key, value, shut_out), self.numbers([0, 2, 1, 3]))
        joined = ops.reshape(seen, self.numbers([0, 0, -1]), special_zero=True)
        attended = ops.add(rows, self.linear(joined, f"{name}attention.output.dense"))
        rows = self.normed(attended, f"{name}attention.output.LayerNorm")
        grown = ops.gelu(self.linear(rows, f"{name}intermediate.dense"), "erf")
        return self.normed(ops.add(rows, self.linear(grown, f"{name}output.dense")), f"{name}output.LayerNorm")

    def by_head(self, rows: Node) -> Node:
        parts = self.ops.reshape(rows, self.numbers([0, 0, self.form.heads, -1]), special_zero=True)
        return self.ops.transpose(parts, self.numbers([0, 2, 1, 3]))

    def linear(self, rows: Node, name: str) -> Node:
        ops = self.ops
        return ops.add(
            ops.matmul(rows, self.weights(f"{name}.weight"), transpose_a=False, transpose_b=True),
            self.weights(f"{name}.bias"),
        )

    def normed(self, rows: Node, name: str) -> Node:
        ops = self.ops
        plain = ops.mvn(
            rows, self.numbers([-1]), normalize_variance=True, eps=self.form.epsilon, eps_mode="inside_sqrt"
        )
        return ops.add(ops.multiply(plain, self.weights(f"{name}.weight")), self.weights(f"{name}.bias"))


class _Entry(BaseModel):
    """Where an array stands in a safetensors file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dtype: str
    shape: tuple[Annotated[int, Field(ge=0)], ...]
    data_offsets: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]


def _tensor(data: NDArray[np.uint8], entry: _Entry) -> NDArray[np.float32]:
    if entry.dtype not in _KINDS:
        raise ValueError("arrays of another kind than float32 or float16")
    start, end = entry.data_offsets
    return data[start:end].view(_KINDS[entry.dtype]).reshape(entry.shape).astype(np.float32, copy=False)


def _read(form: type[_PartT], path: Path) -> _PartT:
    return form.model_validate_json(path.read_bytes(), strict=True)
