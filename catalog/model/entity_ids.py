"""Stable ids of entities in plain Python (实体标识): the same as ``jobs.reconcile.identity`` computes as a column."""

from __future__ import annotations

import hashlib

ID_LENGTH = 24


def entity_id_of(library: str, key: str, secret: str) -> str:
    """Return the id of the entity that begins with ``key``: 24 hexadecimal digits, the same for ever.

    Args:
        library: base resource, so that ids of different libraries never meet.
        key: national key; for an entity without one, the id of its first record.
        secret: the setting ``IDENTITY_KEY``.

    >>> entity_id_of("population.person", "11010519491231002X", "secret")
    '296173874c06665577da7656'
    """
    return hashlib.sha256("|".join((secret, library, key)).encode()).hexdigest()[:ID_LENGTH]
