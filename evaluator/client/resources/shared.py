"""What all resources share: frozen, and open to members that a newer service adds; and pages of them."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

__all__ = ["Health", "Page", "Resource"]

_Thing = TypeVar("_Thing")


class Resource(BaseModel):
    """Base of what the service answers. What each member means stands in the service's OpenAPI."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Page(Resource, Generic[_Thing]):
    """Some of a list."""

    data: tuple[_Thing, ...]
    next_cursor: str | None = None


class Health(Resource):
    """How the service is."""

    status: Literal["ok"]
    version: str
