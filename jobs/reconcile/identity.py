"""Stable ids (实体标识) as column expressions; ``catalog/model/entity_ids.py`` says what they are."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.entity_ids import ID_LENGTH
from catalog.model.settings import get_settings


def entity_id(resource: str, key: Column) -> Column:
    """Return the id of the entity with national ``key``: 24 hexadecimal digits, the same for ever."""
    return keyed(F.concat_ws("|", F.lit(resource), key))


def keyed(text: Column) -> Column:
    """Return a digest of ``text`` that only this installation can make: 24 hexadecimal digits."""
    secret = get_settings().require("identity_key")
    return F.substring(F.sha2(F.concat_ws("|", F.lit(secret), text), 256), 1, ID_LENGTH)
