"""Secrets at rest: needed in the clear to sign with, so kept sealed under a key of the service.

A dump of the database alone signs nothing. The key is a file beside the data, or given by the operator where several
machines share one database.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evaluator.batch.database import Database, Transaction
from evaluator.errors import OptionError

__all__ = ["Sealer", "check_sealer", "new_secret"]

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_MARK: Final = "mark"
_SECRET_BYTES: Final = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    """Return a fresh secret of an endpoint, in the form of the specification: ``whsec_`` and base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


class Sealer:
    """Seals secrets and opens them again: AES-256-GCM, bound to the tenant and endpoint that each belongs to."""

    def __init__(self, key: bytes) -> None:
        """Take the key.

        Args:
            key: 32 bytes.
        """
        self._cipher = AESGCM(key)

    @classmethod
    def of_text(cls, text: str) -> Sealer:
        """Build one from a key in base64, as ``openssl rand -base64 32`` prints it.

        Raises:
            OptionError: It isn't 32 bytes in base64; the message doesn't repeat it.
        """
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != _KEY_BYTES:
            raise OptionError(
                "this is no key", where="webhook_key", remedy="make one with: openssl rand -base64 32"
            ) from None
        return cls(key)

    @classmethod
    def of_file(cls, path: Path) -> Sealer:
        """Build one from a file that only its owner may read; it is made if there is none.

        Raises:
            OptionError: The file can't be made or read, or holds something else.
        """
        try:
            return cls.of_text(_kept(path))
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(
                f"the key can't be read or made: {type(error).__name__}",
                where=path.name,
                remedy="let the service write its data folder",
            ) from error
        except OptionError as error:
            raise OptionError(
                "the file holds no key", where=path.name, remedy="put the file back from a copy of the data folder"
            ) from error

    def seal(self, secret: str, owner: str) -> bytes:
        """Return a secret in a form that only this key opens, and only for this owner."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), owner.encode())

    def open(self, sealed: bytes, owner: str) -> str | None:
        """Return a secret; ``None`` if it was sealed under another key or for another owner, or was changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode()).decode()
        except (InvalidTag, ValueError):
            return None


def check_sealer(database: Database, sealer: Sealer) -> None:
    """See to it that the secrets of a database are sealed under one key, by a mark that the first one leaves.

    Raises:
        OptionError: They are sealed under another key: on this machine nothing could be signed.
    """

    def work(transaction: Transaction) -> bool:
        rows = transaction.rows("SELECT sealed FROM sv_webhook_secrets WHERE secret = :mark", {"mark": _MARK})
        if rows and sealer.open(bytes(rows[0][0]), _MARK) == _MARK:
            return True
        if transaction.rows("SELECT 1 FROM sv_webhook_secrets WHERE secret <> :mark LIMIT 1", {"mark": _MARK}):
            return False
        transaction.run("DELETE FROM sv_webhook_secrets WHERE secret = :mark", {"mark": _MARK})
        transaction.run(
            """INSERT INTO sv_webhook_secrets (secret, tenant, endpoint, sealed, created_s)
            VALUES (:mark, '', '', :sealed, 0) ON CONFLICT (secret) DO NOTHING""",
            {"mark": _MARK, "sealed": sealer.seal(_MARK, _MARK)},
        )
        return True

    if not database.write(work):
        raise OptionError(
            "the secrets of webhooks are sealed under another key",
            where="webhook_key",
            remedy="give every machine the same EVALUATOR_WEBHOOK_KEY, or put webhooks.key back from a copy",
        )


def _kept(path: Path) -> str:
    """Return what a file of a key holds; of several processes that start at once, one makes it."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
        try:
            with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode())
                file.flush()
                os.fsync(file.fileno())
            _link(own, path)
        finally:
            own.unlink(missing_ok=True)
    return path.read_text(encoding="ascii")


def _link(own: Path, path: Path) -> None:
    """Give a whole file its name, unless another process was faster: that one's key stands."""
    try:
        path.hardlink_to(own)
    except FileExistsError:
        return
