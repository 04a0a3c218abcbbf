"""Stable ids (实体标识): keyed, so that an id says nothing of the national number behind it."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

ID_LENGTH = 24


def entity_id(resource: str, key: Column, secret: str) -> Column:
    """Return the id of the entity with national ``key``: 24 hexadecimal digits, the same for ever.

    A plain hash of an 18-digit number can be searched through; the installation's secret prevents that.

    Args:
        resource: base resource, so that ids of different libraries never meet.
        key: national key.
        secret: the setting ``IDENTITY_KEY``.
    """
    return F.substring(F.sha2(F.concat_ws("|", F.lit(secret), F.lit(resource), key), 256), 1, ID_LENGTH)
