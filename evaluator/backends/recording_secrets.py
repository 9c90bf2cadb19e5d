"""What must never stand in a recording: keys, tokens, and who the account belongs to.

In: text or a JSON body. Out: the same without them, or the kinds that were found. Nothing here ever returns or prints
a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PureWindowsPath
from typing import Final

from pydantic import JsonValue

__all__ = ["REMOVED", "found_secrets", "scrubbed"]

REMOVED: Final = "[removed]"

_START: Final = r"(?<![A-Za-z0-9])"
_SECRETS: Final = {
    "provider key": re.compile(_START + r"(?:sk|pk|rk)-[A-Za-z0-9_*-]{16,}"),
    "bearer token": re.compile(r"(?i)\bbearer[ \t]+[A-Za-z0-9._~+/-]{12,}=*"),
    "authorization": re.compile(
        r"(?i)\b(?:x-api-key|api[-_]key|authorization)[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9._~+/-]{16,}"
    ),
    "cloud key": re.compile(_START + r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])|" + _START + r"AIza[A-Za-z0-9_-]{30,}"),
    "service token": re.compile(_START + r"(?:gh[pousr]_|github_pat_|glpat-|hf_|gsk_|xox[abprs]-)[A-Za-z0-9_-]{16,}"),
    "web token": re.compile(_START + r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}
_ACCOUNTS: Final = {
    "organisation": re.compile(_START + r"org[-_](?=[a-zA-Z]*\d)[A-Za-z0-9]{12,}"),
    "project": re.compile(_START + r"proj_(?=[a-zA-Z]*\d)[A-Za-z0-9]{12,}"),
    "account": re.compile(_START + r"(?:acct|wrkspc|user)[-_](?=[a-zA-Z]*\d)[A-Za-z0-9]{16,}"),
}
_ACCOUNT_KEYS: Final = frozenset(
    {
        "account",
        "account_id",
        "organization",
        "organization_id",
        "project",
        "project_id",
        "safety_identifier",
        "user",
        "user_id",
        "workspace_id",
    }
)
_SHORTEST_KEY: Final = 16  # what local servers are given for a key ("none", "lm-studio") is a word, not a secret


def found_secrets(text: str, keys: Iterable[str] = (), *, accounts: bool = True) -> tuple[str, ...]:
    """Return the kinds of secret that stand in a text, such as ``bearer token``; empty if none.

    Args:
        text: What to search.
        keys: The very keys in use.
        accounts: Whether ids of organisations and accounts count as well.
    """
    patterns = {**_SECRETS, **_ACCOUNTS} if accounts else _SECRETS
    kinds = [kind for kind, pattern in patterns.items() if pattern.search(text)]
    if any(key in text for key in keys if len(key) >= _SHORTEST_KEY):
        kinds.append("key in use")
    return tuple(kinds)


def scrubbed(body: JsonValue, keys: Sequence[str] = ()) -> JsonValue:
    """Return a body without secrets, and without who the account belongs to; its shape stays."""
    match body:
        case str():
            return _scrubbed_text(body, keys)
        case list():
            return [scrubbed(item, keys) for item in body]
        case dict():
            return {name: _scrubbed_member(name, value, keys) for name, value in body.items()}
        case _:
            return body


def _scrubbed_member(name: str, value: JsonValue, keys: Sequence[str]) -> JsonValue:
    if name in _ACCOUNT_KEYS and isinstance(value, str):
        return REMOVED
    if name == "model" and isinstance(value, str) and PureWindowsPath(value).root:
        return PureWindowsPath(value).name  # a local server's model file; the folder tells whose machine it is
    return scrubbed(value, keys)


def _scrubbed_text(text: str, keys: Sequence[str]) -> str:
    for key in keys:
        if len(key) >= _SHORTEST_KEY:
            text = text.replace(key, REMOVED)
    for pattern in (*_SECRETS.values(), *_ACCOUNTS.values()):
        text = pattern.sub(REMOVED, text)
    return text
