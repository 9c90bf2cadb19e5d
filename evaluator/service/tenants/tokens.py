"""The form of a key, ``ev_live_ID_SECRET``: made, read and hashed.

The prefix is fixed so that scanners for leaked secrets can know it, and the last six characters are a checksum, so that
what is no key costs no look into the database.

At rest stands the SHA-256 of the token. A slow hash (bcrypt, Argon2) protects passwords, which can be guessed from a
list; a secret of 256 random bits can't be, however fast a guess is, and a slow hash would cost each request 100 ms of a
core and hand whoever sends wrong keys a way to keep the service busy.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from typing import Final

__all__ = ["KEY_PATTERN", "digest", "key_of", "new_token"]

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_CHARS: Final = 43  # of 62: 256 bits
_CHECK_CHARS: Final = 6  # of 62: 32 bits of CRC
_PREFIX: Final = "ev_live_"
KEY_PATTERN: Final = r"ev_live_[0-9a-f]{24}_[0-9A-Za-z]{49}"
_TOKEN: Final = re.compile(KEY_PATTERN, re.ASCII)


def new_token(key: str) -> str:
    """Return a new secret token for a key, ``key_`` and 24 hex digits."""
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_CHARS))
    start = f"{_PREFIX}{key.removeprefix('key_')}_{secret}"
    return start + _checksum(start)


def key_of(token: str) -> str | None:
    """Return the id of the key that a token says it is; ``None`` if it is no token. Nothing is proven yet."""
    if not _TOKEN.fullmatch(token) or _checksum(token[:-_CHECK_CHARS]) != token[-_CHECK_CHARS:]:
        return None
    return f"key_{token[len(_PREFIX) :].partition('_')[0]}"


def digest(token: str) -> str:
    """Return what is kept of a token: its SHA-256, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK_CHARS):
        number, rest = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[rest] + digits
    return digits
