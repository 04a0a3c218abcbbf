"""What became of the entries of a register (名录沿革): opened, renamed, left; from what its editions said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from catalog.library.statements import Version, read_versions, standing, statement_rows
from catalog.model.authority import reconcile_of
from catalog.model.contract import Contract

Change = Literal["opened", "renamed", "left"]


@dataclass(frozen=True)
class Entry:
    """One change between two editions; an id is the same through all of them."""

    entity_id: str
    change: Change
    earlier: str
    """The edition before, as a resource."""
    later: str
    """The edition that shows the change."""
    earlier_name: str | None
    later_name: str | None


def history_of(contract: Contract, element: str) -> list[Entry]:
    """Return every change of ``element``, a register's name, in order of edition and id.

    Args:
        contract: a base library whose inputs are editions, in order of time.
        element: what an entry is called.
    """
    ids = statement_rows(contract).to_table(columns=["entity_id"])["entity_id"].unique().to_pylist()
    spoken = read_versions(contract, ids)
    present = {source for versions in spoken.values() for source in standing(versions)}
    editions = [source for source in reconcile_of(contract).inputs if source in present]
    found = [entry for name, own in spoken.items() for entry in _changes(name, own, editions, element)]
    return sorted(found, key=lambda e: (editions.index(e.later), e.change, e.entity_id))


def _changes(entity_id: str, versions: list[Version], editions: list[str], element: str) -> Iterator[Entry]:
    now = standing(versions)
    for earlier, later in pairwise(editions):
        before = now[earlier].value(element) if earlier in now else None
        after = now[later].value(element) if later in now else None
        change: Change | None = None
        if before is None and after is not None:
            change = "opened"
        elif before is not None and after is None:
            change = "left"
        elif before != after:
            change = "renamed"
        if change:
            yield Entry(entity_id, change, earlier, later, before, after)
