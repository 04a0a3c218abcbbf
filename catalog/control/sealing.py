"""Secrets that must be read again (加密保存): one-time code seeds, webhook keys and kept answers, AES-256-GCM.

The key is outside the database, and each use has a key of its own, bound to whose secret it is.
"""

import base64
import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from catalog.model.errors import GuantongError
from catalog.model.settings import get_settings


class SealBrokenError(GuantongError):
    """What is stored was not sealed with this installation's key, or was changed or moved."""

    code = "SEAL_BROKEN"


def seal(use: str, owner: str, content: bytes) -> str:
    """Return content encrypted for one use and owner, as text."""
    nonce = os.urandom(12)
    sealed = AESGCM(_key(_secret(), use)).encrypt(nonce, content, owner.encode())
    return base64.b64encode(nonce + sealed).decode()


def unseal(use: str, owner: str, sealed: str) -> bytes:
    """Return what was sealed.

    Raises:
        SealBrokenError: when key, use or owner are others, or the text was changed.
    """
    data = base64.b64decode(sealed)
    try:
        return AESGCM(_key(_secret(), use)).decrypt(data[:12], data[12:], owner.encode())
    except InvalidTag as error:
        raise SealBrokenError(
            f"a stored secret ({use}) cannot be opened", place=owner, remedy="restore CREDENTIAL_KEY, or set it up anew"
        ) from error


def _secret() -> str:
    return get_settings().require("credential_key")


@lru_cache(maxsize=16)
def _key(secret: str, use: str) -> bytes:
    return hmac.new(secret.encode(), f"guantong-seal-{use}".encode(), hashlib.sha256).digest()
