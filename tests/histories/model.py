"""What silver must hold after a history (对照模型): plain Python, one dictionary of records, no engine.

The newest sound version of each record is its state. Living records claim their keys; what nobody else may take stays
with its holder; of several records that claim a free key the one gets it that has stated it longest without a break.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

Order = tuple[int, int, int, int]
"""Rank, time, arrival, row: of two versions of one record the one with the greater order is newer."""
DUPLICATE = frozenset({"DUPLICATE_KEY"})
MISSING = frozenset({"REQUIRED_MISSING"})


@dataclass(frozen=True)
class Version:
    """One row as extract admits it."""

    record: str
    order: Order
    batch: str
    key: str | None
    name: str | None
    is_deleted: bool = False

    @property
    def is_sound(self) -> bool:
        """A deletion needs nothing but its record."""
        return self.is_deleted or bool(self.key and self.name)


@dataclass
class Ledger:
    """What conform counts of one batch."""

    read: int = 0
    set_aside: int = 0

    @property
    def accepted(self) -> int:
        """Rows that stand, or stood until a newer version of the same record came."""
        return self.read - self.set_aside


@dataclass
class Silver:
    """One conformed table and what is set aside beside it."""

    states: dict[str, Version] = field(default_factory=dict)
    """Record → its newest sound version; a deletion is one too."""
    aside: dict[Version, frozenset[str]] = field(default_factory=dict)
    ledger: dict[str, Ledger] = field(default_factory=dict)
    judged: dict[str, list[Version]] = field(default_factory=dict)
    """Batch → its rows."""
    closed: dict[Version, set[str]] = field(default_factory=dict)
    """Row set aside → the batches that brought its record again, newer."""

    def conform(self, batches: dict[str, list[Version]]) -> None:
        """Bring batches in together; one that was judged before is judged again."""
        self.judged |= batches
        rows = [version for versions in batches.values() for version in versions]
        self.aside = {v: why for v, why in self.aside.items() if v.batch not in batches}
        refused = {version: MISSING for version in rows if not version.is_sound}
        refused |= dict.fromkeys(self._settle([v for v in rows if v.is_sound]), DUPLICATE)
        self.aside |= refused
        self._close(rows, batches)
        for batch, versions in batches.items():
            self.ledger[batch] = Ledger(len(versions), sum(v in refused for v in versions))

    def _close(self, rows: list[Version], batches: Collection[str]) -> None:
        """Note which waiting rows these rows overtake."""
        newest = _newest(rows)
        for version in self.aside:
            by = self.closed.setdefault(version, set())
            by -= set(batches)
            if version.record in newest and newest[version.record].order > version.order:
                by.add(newest[version.record].batch)

    def rebuild(self) -> None:
        """Bring everything in again, into an empty table."""
        self.states.clear()
        self.conform(dict(self.judged))

    def living(self) -> dict[str, tuple[str, str | None]]:
        """Return key → record and name, of all that live."""
        return {v.key: (v.record, v.name) for v in self.states.values() if not v.is_deleted and v.key}

    def deleted(self) -> set[str]:
        """Return the records that lived and are deleted."""
        return {record for record, version in self.states.items() if version.is_deleted}

    def set_aside(self) -> Counter[tuple[str, str, tuple[str, ...]]]:
        """Return batch, record and reasons of every row set aside, counted."""
        return Counter((v.batch, v.record, tuple(sorted(why))) for v, why in self.aside.items())

    def waiting(self) -> Counter[tuple[str, str]]:
        """Return batch and record of every row set aside that did not come again."""
        return Counter((v.batch, v.record) for v in self.aside if not self.closed[v])

    def _settle(self, sound: list[Version]) -> set[Version]:
        """Let the newest versions of a run take their keys; return those that cannot.

        Who is refused stays as it was, unless an older version of the same run is newer than that.
        """
        fresh = {v for v in sound if v.record not in self.states or v.order > self.states[v.record].order}
        rejected: set[Version] = set()
        while True:
            moving = _newest(fresh - rejected)
            refused = self._refused(moving, _stated_since(fresh - rejected))
            if not refused:
                self.states |= moving
                return rejected
            rejected |= refused

    def _refused(self, moving: dict[str, Version], first: Stated) -> set[Version]:
        """Return the versions that cannot have the key they claim, nor what follows from that."""
        standing, refused = dict(moving), set[Version]()
        while losers := self._losers(standing, first):
            refused |= {standing.pop(record) for record in losers}
        return refused

    def _losers(self, moving: dict[str, Version], first: Stated) -> set[str]:
        """Return the records that claim a key which another one holds or has claimed earlier."""
        holders = {
            state.key: record
            for record, state in self.states.items()
            if not state.is_deleted and _keeps(state, moving.get(record))
        }
        claims: dict[str, list[Version]] = {}
        for version in moving.values():
            if not version.is_deleted and version.key:
                claims.setdefault(version.key, []).append(version)
        losers = set()
        for key, claimants in claims.items():
            earliest = min(claimants, key=lambda v: (first[v.record, v.key], v.record)).record
            winner = holders.get(key, earliest)
            losers |= {v.record for v in claimants if v.record != winner}
        return losers


Stated = dict[tuple[str, str | None], tuple[int, ...]]
"""Record and key → the order of the version since which the record states the key."""


def _stated_since(versions: Iterable[Version]) -> Stated:
    """Return since when each record of a run states each key, without another key or a deletion between."""
    found: Stated = {}
    last: dict[str, str | None] = {}
    for version in sorted(versions, key=lambda v: v.order):
        key = None if version.is_deleted else version.key
        if last.get(version.record) != key or version.record not in last:
            found[version.record, key] = version.order
        last[version.record] = key
    return found


def _newest(versions: Iterable[Version]) -> dict[str, Version]:
    """Return the newest version of each record."""
    found: dict[str, Version] = {}
    for version in versions:
        if version.record not in found or version.order > found[version.record].order:
            found[version.record] = version
    return found


def _keeps(state: Version, moving: Version | None) -> bool:
    """Tell whether a living record keeps its key in a run that brings ``moving`` of it."""
    return moving is None or (not moving.is_deleted and moving.key == state.key)
