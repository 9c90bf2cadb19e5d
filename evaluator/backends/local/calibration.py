"""The calibration file beside a rubric: what was learned from labelled transcripts, on what, and how well it does.

In: JSON that may come from anybody. Out: a frozen `Calibration` whose heads have the right shapes and hold numbers
only, or a `RubricError` that names file and key.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property, lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from evaluator.backends.local.features import Features
from evaluator.backends.local.heads import CriterionForm, DocumentHead, SentenceHeads, document_width
from evaluator.backends.local.packed_array import PackedArray
from evaluator.errors import RubricError

__all__ = [
    "Calibration",
    "ConfidenceCurve",
    "CriterionCalibration",
    "CriterionHeldOut",
    "EncoderRef",
    "HeldOutFigures",
    "LabelsUsed",
    "find_calibration",
    "load_calibration",
    "parse_calibration",
]

_MAX_BYTES: Final = 4 * 1024 * 1024
_A_MATRIX: Final = 2
_Sha: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Id: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
_Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ignored_types=(cached_property,))


class ConfidenceCurve(_Part):
    """Confidence of a verdict by its margin: ``1 / (1 + exp(-(intercept + slope * |margin|)))``."""

    slope: float
    intercept: float
    least_margin: float = Field(ge=0, description="Below it the verdict is `unscored`.")


class EncoderRef(_Part):
    """Whose vectors the heads were trained on."""

    name: str = Field(min_length=1, max_length=200)
    sha256: _Sha


class LabelsUsed(_Part):
    """What was learned from."""

    name: str = Field(max_length=200, description="File name.")
    sha256: _Sha
    rows: int = Field(ge=0, description="Rows used, before each was doubled by its bare spoken form.")
    authors: dict[str, int] = Field(description="Rows by author.")


class CriterionHeldOut(_Part):
    """What it reached on one criterion; null where undefined."""

    f1: _Share | None
    precision: _Share | None
    recall_decided: _Share | None
    coverage: _Share | None


class HeldOutFigures(_Part):
    """What the same training reached on transcripts of authors it had not seen, through the whole pipeline."""

    folds: tuple[str, ...] = Field(description="What was left out in turn.")
    macro_f1: _Share | None
    macro_f1_interval: tuple[float, float] | None
    macro_f1_bare: _Share | None = Field(description="On the same words without case and punctuation.")
    coverage: _Share | None
    ece: _Share | None
    brier: _Share | None
    band_kappa: float | None
    span_overlap: _Share | None
    precision: _Share | None = Field(description="Macro, of verdicts present.")
    recall_decided: _Share | None = Field(description="Macro, of labels present that got a verdict.")
    by_author: dict[str, float | None]
    by_criterion: dict[str, CriterionHeldOut]
    weak: tuple[_Id, ...] = Field(description="Criteria that it can't be relied on for: its verdicts are hints.")


class CriterionCalibration(_Part):
    """One criterion's own part."""

    id: _Id
    depends_on: _Sha = Field(description="Digest of what its labels mean; another one makes this part stale.")
    answers_follow_up: bool
    word_limit: float | None = Field(default=None, gt=0)
    present: int = Field(ge=1, description="Labels present that it was trained on.")
    absent: int = Field(ge=1, description="Labels absent.")
    document: PackedArray

    @property
    def form(self) -> CriterionForm:
        """What decides the shape of its heads."""
        return CriterionForm(self.id, self.answers_follow_up, self.word_limit)


class Calibration(_Part):
    """Trained heads with their provenance."""

    format: Literal[2] = 2
    rubric: _Id
    recipe: int = Field(ge=1, description="Version of the training code's method.")
    evaluator_version: str
    encoder: EncoderRef
    features: _Sha = Field(description="Digest of lexicon, question types and feature code.")
    lexicon: _Sha
    made_sentences: _Sha = Field(description="Of the sentences beside the rubric that it learned from.")
    labels: LabelsUsed = Field(description="What the held-out figures are told of; they are learned from too.")
    also: tuple[LabelsUsed, ...] = Field(default=(), description="What was learned from beside them.")
    hyper_parameters: dict[str, float]
    held_out: HeldOutFigures | None = Field(description="Null if it was never measured.")
    present: ConfidenceCurve
    absent: ConfidenceCurve
    criteria: tuple[CriterionCalibration, ...] = Field(min_length=1)
    untrained: dict[_Id, str] = Field(description="Criteria without heads, each with what it lacks.")
    sentences: PackedArray
    polarity: PackedArray
    replies: PackedArray

    @cached_property
    def id(self) -> str:
        """Rubric and head of the content's hash; figures left out, since to measure heads again doesn't change them."""
        content = self.model_dump_json(exclude={"held_out"})
        return f"{self.rubric}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"

    @cached_property
    def places(self) -> dict[str, int]:
        """Number of each criterion among the heads' columns."""
        return {criterion.id: place for place, criterion in enumerate(self.criteria)}

    @property
    def weak(self) -> tuple[str, ...]:
        """Trained criteria that it can't be relied on for; none if nothing was measured."""
        return () if self.held_out is None else self.held_out.weak

    @cached_property
    def sentence_heads(self) -> SentenceHeads:
        """The first layer."""
        forms = tuple(criterion.form for criterion in self.criteria)
        return SentenceHeads(forms, self.sentences.array, self.polarity.array, self.replies.array)

    @cached_property
    def document_heads(self) -> tuple[DocumentHead, ...]:
        """The second layer, in the order of `criteria`."""
        return tuple(DocumentHead(criterion.document.array) for criterion in self.criteria)

    def check_fits(self, features: Features) -> None:
        """Refuse heads that are as wide as their file says, but not as wide as what they are to judge.

        Raises:
            RubricError: The file was made by other means than training.
        """
        due = features.rows.shape[1] + 1
        if self.sentences.shape[0] != due:
            raise _misfit("sentences", self.sentences.shape[0], due)
        due = len(features.reply_vectors) + 1
        if self.replies.shape[0] != due:
            raise _misfit("replies", self.replies.shape[0], due)
        for criterion, head in zip(self.criteria, self.document_heads, strict=True):
            due = document_width(criterion.form, features, len(self.criteria)) + 1
            if len(head.weights) != due:
                raise _misfit(f"criteria.{self.places[criterion.id]}.document", len(head.weights), due)

    def to_json(self) -> str:
        """Return the file's content; the same values give the same bytes."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=True) + "\n"

    @model_validator(mode="after")
    def _shapes_fit(self) -> Self:
        m = len(self.criteria)
        replying = sum(criterion.answers_follow_up for criterion in self.criteria)
        if len(self.places) != m:
            raise ValueError("`criteria` names one twice")
        for key, packed, columns in (
            ("sentences", self.sentences, 3 * m + 1),
            ("polarity", self.polarity, m),
            ("replies", self.replies, replying),
        ):
            if len(packed.shape) != _A_MATRIX or packed.shape[1] != columns or not packed.shape[0]:
                raise ValueError(f"`{key}` is {list(packed.shape)}; {columns} columns are due")
        if self.sentences.shape[0] != self.polarity.shape[0]:
            raise ValueError("`sentences` and `polarity` differ in rows")
        if any(len(criterion.document.shape) != 1 for criterion in self.criteria):
            raise ValueError("a `document` of `criteria` is not one row")
        return self


def parse_calibration(text: str, *, name: str = "calibration") -> Calibration:
    """Parse a calibration; ``name`` stands before keys in errors.

    Raises:
        RubricError: It is not of this form; the message holds the key.
    """
    try:
        return Calibration.model_validate_json(text, strict=True)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        where = ", ".join(filter(None, (name, ".".join(map(str, detail["loc"]))[:120])))
        raise RubricError(
            f"this is no calibration: {detail['msg'].removeprefix('Value error, ')}",
            where=where,
            remedy="make it again with `evaluator fit`",
        ) from None


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file; once for each time that it changes.

    Raises:
        RubricError: It can't be read, or as `parse_calibration`.
    """
    calibration = find_calibration(path)
    if calibration is None:
        raise RubricError("no such file, or not a regular one", where=path.name, remedy="check the path")
    return calibration


def find_calibration(path: Path) -> Calibration | None:
    """Read a calibration file as `load_calibration` does, if there is one.

    Raises:
        RubricError: As `load_calibration`.
    """
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            return None
        if status.st_size > _MAX_BYTES:
            raise RubricError(f"the file is larger than {_MAX_BYTES:,} bytes", where=path.name)
        return _read(path, status.st_mtime_ns)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise RubricError(f"the file can't be read: {why}", where=path.name) from error


def _misfit(key: str, seen: int, due: int) -> RubricError:
    return RubricError(
        f"this is no calibration for what it says: `{key}` has {seen} rows, {due} are due",
        where=f"calibration, {key}",
        remedy="make it again with `evaluator fit`",
    )


@lru_cache(maxsize=8)
def _read(path: Path, changed_ns: int) -> Calibration:
    del changed_ns
    return parse_calibration(path.read_text(encoding="utf-8"), name=path.name)
