"""Keys as they are kept and shown, and the rows that they are read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from evaluator.batch.database import Row
from evaluator.service.tenants.caller import Scope, known_scopes

__all__ = ["KEY_COLUMNS", "KeptKey", "Key", "NewKey", "read_key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it may be shown; times are seconds since 1970.

    Attributes:
        key: Id.
        tenant: Id of its tenant.
        tenant_name: What the operator calls the tenant.
        name: What the operator calls the key.
        scopes: What it allows.
        created_s: When it was made.
        expires_s: When it ends; ``None`` if never.
        revoked_s: When it was revoked; ``None`` if it wasn't.
        used_s: When it was last used, to five minutes; ``None`` if never.
        former_until_s: Until when the secret before the last rotation is valid too; ``None`` if none is.
    """

    key: str
    tenant: str
    tenant_name: str
    name: str
    scopes: tuple[Scope, ...]
    created_s: float
    expires_s: float | None
    revoked_s: float | None
    used_s: float | None
    former_until_s: float | None

    def state(self, now_s: float) -> str:
        """Return what has become of it, in a few words."""
        if self.revoked_s is not None:
            return "revoked"
        if self.expires_s is None:
            return "valid"
        return "expired" if self.expires_s <= now_s else f"valid until {datetime.fromtimestamp(self.expires_s, UTC):%F}"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key with its token, which can't be read again.

    Attributes:
        key: The key.
        token: What callers send.
    """

    key: Key
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key with the hashes of its tokens.

    Attributes:
        key: The key.
        digest: Hash of its token.
        former: Hash of the token before; ``None`` if there is none.
    """

    key: Key
    digest: str
    former: str | None


KEY_COLUMNS: Final = """SELECT k.key, k.tenant, t.name, k.name, k.scopes, k.created_s, k.expires_s, k.revoked_s,
    k.used_s, k.former_until_s, k.digest, k.former FROM sv_keys k LEFT JOIN sv_tenants t ON t.tenant = k.tenant"""


def read_key(row: Row) -> KeptKey:
    """Return the key of a row of `KEY_COLUMNS`."""
    key, tenant, tenant_name, name, scopes, created_s, expires_s, revoked_s, used_s, former_until_s, hashed, former = (
        row
    )
    return KeptKey(
        Key(
            key=key,
            tenant=tenant,
            tenant_name=tenant_name or tenant,
            name=name,
            scopes=known_scopes(scopes.split()),
            created_s=created_s,
            expires_s=expires_s,
            revoked_s=revoked_s,
            used_s=used_s,
            former_until_s=former_until_s,
        ),
        hashed,
        former,
    )
