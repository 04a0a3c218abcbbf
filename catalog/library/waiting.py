"""Records of keyless sources that say nothing in a base library yet (待归属记录), and why."""

from __future__ import annotations

from dataclasses import dataclass

from catalog import lake
from catalog.model.contract import Contract
from catalog.model.keyless import is_keyless
from catalog.model.layers import waiting_of
from catalog.model.reasons import Reason, reason_of
from catalog.model.registry import get_registry

_NEWEST = """
    SELECT _record_key AS record_key, _entity_id AS entity_id, _reason AS reason, _batch_id AS batch_id,
           _source_file AS source_file, _row_number AS row_number
    FROM waiting ORDER BY _recorded_at DESC, _record_key LIMIT {limit:d}"""


@dataclass(frozen=True)
class Waiting:
    """One record that waits."""

    source: str
    record_key: str
    """Whole; the caller masks it."""
    entity_id: str
    """The entity that linking gave it."""
    reason: Reason
    batch_id: str
    source_file: str | None
    row_number: int | None


def waiting_records(library: Contract, limit: int) -> list[Waiting]:
    """Return the records that wait for a base library, the newest of each source first.

    Args:
        library: a linked base library; of any other nothing waits.
        limit: at most so many of each source.
    """
    found = []
    for source in get_registry().inputs_of(library):
        if is_keyless(library, source):
            rows = lake.query(_NEWEST.format(limit=limit), waiting=waiting_of(library, source)) or []
            found += [Waiting(source.id, **{**row, "reason": reason_of(row["reason"])}) for row in rows]
    return found
