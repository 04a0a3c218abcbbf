"""Stable ids (实体标识) of base-library entities: keyed, so that an id says nothing of the number behind it."""

from __future__ import annotations

import hashlib
import re

ID_LENGTH = 24


def entity_id(resource: str, key: str, secret: str) -> str:
    """Return the id of the entity with national ``key``: 24 hexadecimal digits, the same for ever.

    A plain hash of an 18-digit number can be searched through; the installation's secret prevents that.

    Args:
        resource: base resource, so that ids of different libraries never meet.
        key: national key.
        secret: the setting ``IDENTITY_KEY``.

    >>> entity_id("population.person", "11010519491231002X", "0" * 64)
    'db2b637de9bd4ec1184abe06'
    """
    return hashlib.sha256(f"{secret}|{resource}|{key}".encode()).hexdigest()[:ID_LENGTH]


def is_entity_id(text: str) -> bool:
    """Return whether ``text`` has the form of an entity id."""
    return re.fullmatch(r"[0-9a-f]{24}", text) is not None
