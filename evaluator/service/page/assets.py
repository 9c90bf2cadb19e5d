"""The style sheet, the script and the icon: read once, served under addresses that change with their contents."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from evaluator.reports.html import page_style
from evaluator.service.problems import Problem

__all__ = ["Asset", "assets", "router"]

router: Final = APIRouter(include_in_schema=False)
_STATIC: Final = Path(__file__).resolve().with_name("static")
_TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_SHARED: Final = {"page.css": page_style}  # what stands before a file of ours: the style of all reports
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file.

    Attributes:
        name: Its name.
        body: Its bytes.
        sha256: Head of their hash.
    """

    name: str
    body: bytes
    sha256: str

    @property
    def address(self) -> str:
        """Path that it is served under."""
        return f"/static/{self.sha256}/{self.name}"


@lru_cache(maxsize=1)
def assets() -> dict[str, Asset]:
    """Return all files by name."""
    found: dict[str, Asset] = {}
    for path in sorted(_STATIC.iterdir()):
        before = _SHARED[path.name]().encode() if path.name in _SHARED else b""
        body = before + path.read_bytes()
        found[path.name] = Asset(path.name, body, hashlib.sha256(body).hexdigest()[:16])
    return found


@router.get("/static/{sha256}/{name}")
async def get_asset(request: Request, sha256: str, name: str) -> Response:
    """Return a file; under an address of former contents too, which a page that was open during an update asks for."""
    asset = assets().get(name)
    if asset is None:
        raise Problem(404, "not_found", "There is no such file")
    tag = f'"{asset.sha256}"'
    headers = {"ETag": tag, "Cache-Control": _FOR_GOOD if sha256 == asset.sha256 else _ASK_AGAIN}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(asset.body, headers=headers, media_type=_TYPES[name.rpartition(".")[2]])
