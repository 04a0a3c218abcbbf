"""The keys of the audit (审计密钥): one secret outside the database, from which each use has a key of its own."""

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from catalog.model.errors import GuantongError
from catalog.model.settings import get_settings


class AuditKeyError(GuantongError):
    """The audit's key is too short to be one."""

    code = "AUDIT_KEY_INVALID"


@dataclass(frozen=True)
class AuditKeys:
    """What appending and proving entries needs."""

    folder: Path
    """Where checkpoints are written, outside the database."""
    algorithm: str
    """`sha256` or `sm3`, for new entries."""
    seal_key: bytes = field(repr=False)
    subject_key: bytes = field(repr=False)
    signing_key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_secret(cls, secret: str, folder: Path, algorithm: str = "sha256") -> "AuditKeys":
        """Return the keys that follow from one secret of at least 32 characters.

        Raises:
            AuditKeyError: when it is shorter.
        """
        if len(secret) < 32:
            raise AuditKeyError(
                "AUDIT_KEY is shorter than 32 characters", place="AUDIT_KEY", remedy="make one: `openssl rand -hex 32`"
            )
        seal, subject, signing = (_derive(secret, use) for use in ("seal", "subject", "signing"))
        return cls(folder, algorithm, seal, subject, Ed25519PrivateKey.from_private_bytes(signing))

    def seal(self, digest: str) -> str:
        """Return the keyed hash by which an entry is known as the service's own."""
        return hmac.new(self.seal_key, digest.encode(), hashlib.sha256).hexdigest()

    def subject_digest(self, key: str) -> str:
        """Return the keyed hash that stands for a person; the number itself is never kept."""
        return hmac.new(self.subject_key, key.strip().upper().encode(), hashlib.sha256).hexdigest()

    def sign(self, message: bytes) -> str:
        """Return an Ed25519 signature in hexadecimal digits."""
        return self.signing_key.sign(message).hex()

    @property
    def public_key(self) -> str:
        """The key that proves signatures, in hexadecimal digits; no secret."""
        return self.signing_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def audit_keys() -> AuditKeys:
    """Return the keys of this installation.

    Raises:
        SettingMissingError: when AUDIT_KEY has no value.
    """
    settings = get_settings()
    return _keys(settings.require("audit_key"), settings.home / "audit", settings.audit_digest)


@lru_cache(maxsize=8)
def _keys(secret: str, folder: Path, algorithm: str) -> AuditKeys:
    return AuditKeys.from_secret(secret, folder, algorithm)


def _derive(secret: str, use: str) -> bytes:
    return hmac.new(secret.encode(), f"guantong-audit-{use}".encode(), hashlib.sha256).digest()
