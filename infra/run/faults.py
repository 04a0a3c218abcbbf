"""Planted faults against what the pipeline found (标准答案核对), record by record.

A kind counts as found for a record only when the pipeline recorded the kind's own code on that very record or file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from infra.demonstration.answer_key import Planted

Place = Literal["row", "base", "conflict", "delivery"]


@dataclass(frozen=True)
class Detection:
    """How the pipeline records one kind of fault."""

    kind: str
    code: str
    """Reason code, flag or compared element."""
    place: Place
    """``row``: reason of a row set aside, or flag of a silver row; ``base``: flag of a base library, traced to its
    sources; ``conflict``: an element on which sources disagree; ``delivery``: a note about a file."""


DETECTIONS = (
    Detection("citizen_id_check_digit", "CITIZEN_ID_CHECKSUM", "row"),
    Detection("citizen_id_15_digits", "CITIZEN_ID_UPGRADED", "row"),
    Detection("impossible_date", "DATE_IMPOSSIBLE", "row"),
    Detection("unknown_division", "DIVISION_UNKNOWN", "row"),
    Detection("sex_contradicts_number", "SEX_CONTRADICTS_NUMBER", "row"),
    Detection("duplicate_person", "DUPLICATE_KEY", "row"),
    Detection("uscc_check_digit", "USCC_CHECKSUM", "row"),
    Detection("late_row", "LATE_ROW", "row"),
    Detection("name_conflict", "name", "conflict"),
    Detection("licence_expired", "LICENCE_EXPIRED", "base"),
    Detection("licence_revoked", "LICENCE_REVOKED", "base"),
    Detection("holder_unknown", "HOLDER_UNKNOWN", "base"),
    Detection("repeated_delivery", "DUPLICATE_DELIVERY", "delivery"),
    Detection("short_delivery", "SHORT_DELIVERY", "delivery"),
    Detection("reordered_header", "HEADER_REORDERED", "delivery"),
    Detection("column_added", "COLUMN_ADDED", "delivery"),
)
"""The one table of kinds; all of them are decided by a rule, so each must be found whole."""


@dataclass(frozen=True)
class Evidence:
    """One thing that the pipeline recorded about one record or file."""

    place: Place
    code: str
    resource: str
    record_key: str


@dataclass
class Verdict:
    """One kind: what was planted on the day, and what of it was found."""

    planted: int = 0
    found: int = 0
    missing: list[str] = field(default_factory=list)
    """Resource and record key of what was planted and not found."""
    false_alarms: list[str] = field(default_factory=list)
    """Resource and record key of what was found on a record that has nothing planted."""

    @property
    def is_whole(self) -> bool:
        """Whether all was found, and nothing else."""
        return self.planted == self.found and not self.false_alarms


def codes_at(place: Place) -> list[str]:
    """Return the codes to look for at ``place``."""
    return [detection.code for detection in DETECTIONS if detection.place == place]


def compare(planted: Sequence[Planted], evidence: Iterable[Evidence], day: int) -> dict[str, Verdict]:
    """Return kind → verdict for one day.

    Args:
        planted: the answer keys of ``day`` and all days before it.
        evidence: everything recorded so far.
        day: the day whose faults are counted; earlier ones only explain what is found.

    Raises:
        LookupError: when the answer key has a kind that no detection is declared for.
    """
    known = {detection.kind: detection for detection in DETECTIONS}
    strange = {entry.kind for entry in planted} - set(known)
    if strange:
        raise LookupError(f"no detection is declared for {', '.join(sorted(strange))}")
    found = set(evidence)
    verdicts = {kind: Verdict() for kind in known if any(entry.kind == kind for entry in planted)}
    for entry in planted:
        if entry.day != day:
            continue
        detection, verdict = known[entry.kind], verdicts[entry.kind]
        verdict.planted += 1
        if Evidence(detection.place, detection.code, entry.resource, entry.record_key) in found:
            verdict.found += 1
        else:
            verdict.missing.append(f"{entry.resource} {entry.record_key}")
    explained = {(entry.resource, entry.record_key) for entry in planted}
    kind_of = {(detection.place, detection.code): detection.kind for detection in DETECTIONS}
    for item in sorted(found - _explained(found, explained), key=lambda e: (e.resource, e.record_key, e.code)):
        kind = kind_of.get((item.place, item.code))
        if kind:
            verdicts.setdefault(kind, Verdict()).false_alarms.append(f"{item.resource} {item.record_key}")
    return verdicts


def _explained(found: set[Evidence], explained: set[tuple[str, str]]) -> set[Evidence]:
    """Return the evidence on records and files that have something planted, of whatever kind."""
    return {item for item in found if (item.resource, item.record_key) in explained}
