"""An array of numbers as a calibration file holds it: little-endian float16 in base64.

Half a thousandth of a weight is far below what a label more or less would move. The text may come from anybody, so that
its shape is bounded before memory is taken for it.
"""

from __future__ import annotations

import base64
import binascii
from functools import cached_property
from typing import Annotated, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from evaluator.backends.local.counting import Floats

__all__ = ["PackedArray"]

_MAX_CELLS: Final = 1_000_000


class PackedArray(BaseModel):
    """Numbers of one array, row by row."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    shape: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1, max_length=2)]
    float16: str = Field(description="Base64 of little-endian float16.")

    @classmethod
    def of(cls, array: Floats) -> PackedArray:
        """Pack an array; values are rounded to float16."""
        data = array.astype("<f2").tobytes()
        return cls(shape=array.shape, float16=base64.b64encode(data).decode("ascii"))

    @cached_property
    def array(self) -> Floats:
        """The numbers as float64; not to be written to."""
        numbers = np.frombuffer(base64.b64decode(self.float16), "<f2").astype(np.float64).reshape(self.shape)
        numbers.setflags(write=False)
        return numbers

    @model_validator(mode="after")
    def _whole(self) -> Self:
        cells = int(np.prod(self.shape, dtype=np.int64)) if max(self.shape) <= _MAX_CELLS else _MAX_CELLS + 1
        if cells > _MAX_CELLS:
            raise ValueError(f"the shape holds more than {_MAX_CELLS:,} numbers")
        try:
            data = base64.b64decode(self.float16, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("this is not base64") from None
        if len(data) != 2 * cells:
            raise ValueError(f"{len(data)} bytes don't fill the shape {list(self.shape)} of float16")
        if not np.isfinite(np.frombuffer(data, "<f2")).all():
            raise ValueError("a number is infinite or not a number")
        return self
