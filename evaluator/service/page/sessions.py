"""Sign-ins: a random cookie stands for a key, for some hours, so that no browser has to keep the key itself.

The database holds a mark of the cookie and the key encrypted under it: who reads the database can neither sign in nor
learn a key. Each request shows the key to the door anew, so that a key that is revoked ends its sign-ins at once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from evaluator.batch.database import Database, Transaction

__all__ = ["SESSION_S", "SessionStore"]

SESSION_S: Final = 12 * 3600.0
"""How long a sign-in holds."""
_COOKIE_BYTES: Final = 32
_LONGEST_COOKIE: Final = 64
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class _Secret:
    """What a cookie turns into: a mark to find its row by, and the key that opens it."""

    mark: str
    key: bytes = field(repr=False)


class SessionStore:
    """The sign-ins of one database, whose tables are there. Safe to share between threads."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """Read and write that database; ``clock`` gives seconds since 1970."""
        self._database = database
        self._clock = clock

    def open(self, tenant: str, token: str) -> str:
        """Begin a sign-in of a tenant by a key's token; return the cookie. Those that are over are forgotten."""
        cookie = secrets.token_urlsafe(_COOKIE_BYTES)
        secret = _secret_of(cookie)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        now_s = self._clock()
        values = {
            "tenant": tenant,
            "mark": secret.mark,
            "sealed": nonce + AESGCM(secret.key).encrypt(nonce, token.encode(), secret.mark.encode()),
            "now": now_s,
            "expires": now_s + SESSION_S,
        }

        def work(transaction: Transaction) -> None:
            transaction.run("DELETE FROM sv_sessions WHERE expires_s <= :now", {"now": now_s})
            transaction.run(
                """INSERT INTO sv_sessions (tenant, mark, sealed, created_s, expires_s)
                VALUES (:tenant, :mark, :sealed, :now, :expires) ON CONFLICT (mark) DO NOTHING""",
                values,
            )

        self._database.write(work)
        return cookie

    def token(self, cookie: str) -> str | None:
        """Return the token that a cookie stands for; ``None`` if it stands for none, or no longer."""
        if len(cookie) > _LONGEST_COOKIE or not cookie.isascii():
            return None
        secret = _secret_of(cookie)
        rows = self._database.read(
            lambda transaction: transaction.rows(
                "SELECT sealed FROM sv_sessions WHERE mark = :mark AND expires_s > :now",
                {"mark": secret.mark, "now": self._clock()},
            )
        )
        if not rows:
            return None
        sealed = bytes(rows[0][0])
        try:
            opened = AESGCM(secret.key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], secret.mark.encode())
        except InvalidTag:
            return None
        return opened.decode()

    def close(self, cookie: str) -> None:
        """End a sign-in."""
        if len(cookie) > _LONGEST_COOKIE or not cookie.isascii():
            return
        mark = _secret_of(cookie).mark
        self._database.write(
            lambda transaction: transaction.run("DELETE FROM sv_sessions WHERE mark = :mark", {"mark": mark})
        )


def _secret_of(cookie: str) -> _Secret:
    derived = HKDF(algorithm=SHA256(), length=2 * _KEY_BYTES, salt=None, info=b"evaluator sign-in 1")
    both = derived.derive(cookie.encode())
    return _Secret(both[:_KEY_BYTES].hex(), both[_KEY_BYTES:])
