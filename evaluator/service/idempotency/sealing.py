"""Answers that only whoever repeats the request can read.

An answer may quote a transcript that the caller asked not to be stored. So it is encrypted with a key that comes from
the request itself: its Idempotency-Key, route and body. Of these nothing is kept but a salted mark, which tells whether
a request is the same and can't be turned into the key. Who holds the database, with all its backups, can read an answer
only by guessing the whole request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["Asked", "Seal", "new_salt", "seal_of"]

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """What makes a request the same as another.

    Attributes:
        method: As in ``POST``.
        path: With the query, as sent.
        body: All of it.
        media_type: Type of the body, as sent.
    """

    method: str
    path: str
    body: bytes = field(repr=False)
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Seal:
    """What closes and opens the answer to one request.

    Attributes:
        mark: Tells this request from others; may be kept.
    """

    mark: bytes
    _key: bytes = field(repr=False)

    def fits(self, mark: bytes) -> bool:
        """Return whether a mark that was kept is of the same request."""
        return hmac.compare_digest(self.mark, mark)

    def close(self, answer: bytes) -> bytes:
        """Return an answer encrypted."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, answer, self.mark)

    def open(self, sealed: bytes) -> bytes | None:
        """Return an answer; ``None`` if it was sealed for another request, or changed."""
        try:
            return AESGCM(self._key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self.mark)
        except (InvalidTag, ValueError):
            return None


def new_salt() -> bytes:
    """Return a salt, so that the same request of two tenants, or on two days, leaves marks that tell nothing."""
    return secrets.token_bytes(_SALT_BYTES)


def seal_of(tenant: str, key: str, asked: Asked, salt: bytes) -> Seal:
    """Return the seal of a tenant's request by its Idempotency-Key, route and body."""
    whole = hashlib.sha256()
    for part in (tenant, key, asked.method, asked.path, asked.media_type):
        data = part.encode(errors="surrogatepass")
        whole.update(len(data).to_bytes(8, "big") + data)
    whole.update(asked.body)
    derived = HKDF(algorithm=SHA256(), length=2 * _KEY_BYTES, salt=salt, info=b"evaluator idempotency 1")
    both = derived.derive(whole.digest())
    return Seal(both[:_KEY_BYTES], both[_KEY_BYTES:])
