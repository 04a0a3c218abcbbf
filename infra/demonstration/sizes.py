"""How much of everything there is (规模), and how many faults of each kind are planted."""

from __future__ import annotations

from dataclasses import dataclass

PEOPLE = 50_000
ENTERPRISES = 12_000
INDIVIDUAL_BUSINESSES = 8_000
LICENCES = {"drug_business": 15_000, "construction_qualification": 20_000, "road_transport": 25_000}

NEW, CHANGED, DELETED, LATE = 0.004, 0.004, 0.001, 0.001
"""Shares of a later day: about one row in a hundred moves."""

_LICENCE_FAULTS = {
    "licence_expired": 100,
    "licence_revoked": 60,
    "holder_unknown": 60,
    "impossible_date": 20,
    "unknown_division": 20,
}
FAULTS: dict[str, dict[str, int]] = {
    "population.resident": {
        "citizen_id_check_digit": 120,
        "citizen_id_15_digits": 120,
        "impossible_date": 60,
        "unknown_division": 60,
        "sex_contradicts_number": 80,
        "duplicate_person": 150,
    },
    "population.insured_person": {
        "name_conflict": 150,
        "citizen_id_check_digit": 30,
        "sex_contradicts_number": 20,
    },
    "legal_entity.enterprise": {"uscc_check_digit": 60, "impossible_date": 30, "unknown_division": 30},
    "legal_entity.individual_business": {"uscc_check_digit": 40, "citizen_id_15_digits": 20},
    "legal_entity.legal_representative": {"citizen_id_check_digit": 30},
    "legal_entity.insured_employer": {"uscc_check_digit": 15},
    **{f"licence.{name}": _LICENCE_FAULTS for name in LICENCES},
}
"""Resource → kind of fault → rows planted on the first day at scale 1; a later day plants a hundredth."""
FILE_FAULTS = ("reordered_header", "column_added", "short_delivery", "repeated_delivery")
"""Faults of a whole delivery, each with a file of its own."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of one day at one scale."""

    scale: float
    day: int

    def rows(self, full: int, share: float = 1.0, least: int = 1) -> int:
        """Return how many rows ``share`` of ``full`` makes at this scale, at least ``least``.

        >>> Sizes(0.02, 1).rows(50_000)
        1000
        """
        return max(least, round(full * self.scale * share))

    def faults(self, resource: str) -> dict[str, int]:
        """Return kind → rows to plant for ``resource`` today: two of each at least on day 1, then one."""
        share, least = (1.0, 2) if self.day == 1 else (0.01, 1)
        return {kind: self.rows(count, share, least) for kind, count in FAULTS[resource].items()}

    @property
    def extra_file_rows(self) -> int:
        """Rows of a delivery that is a fault as a whole."""
        return self.rows(200, least=5)
