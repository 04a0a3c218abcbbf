"""The word that goes with a shared row (记录状态标识): ``catalog.model.record_flag.flag_of`` as a column."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.record_flag import RecordFlag

COLUMN = "_record_flag"
"""What contracts of shared tables call it in ``transformLogic``."""
CONFLICTING = "_conflicting"
"""Column with the elements on which the sources of a row disagree."""


def delivered_elements(contract: Contract) -> list[str]:
    """Return the columns that a shared table takes over from its library as they are."""
    return [p.name for p in contract.properties if p.transform_logic in (None, p.name)]


def record_flag(elements: Sequence[str], silent: Collection[str]) -> Column:
    """Return the flag of a library's row, as far as ``elements`` of it are delivered.

    Args:
        elements: columns of the library.
        silent: resources that have not delivered for too long.

    The row has ``_in_verification``, ``_conflicting`` (both arrays of elements, or null) and ``_provenance``.
    """
    delivered = F.array(*map(F.lit, elements))
    origins = [F.substring_index(F.col("_provenance")[element], "|", 1) for element in elements]
    sources = F.array_compact(F.array(*origins))
    known = F.array(*map(F.lit, sorted(silent))).cast("array<string>")
    is_stale = (F.size(sources) > 0) & (F.size(F.array_except(sources, known)) == 0)

    def concerns(column: str) -> Column:
        return F.coalesce(F.arrays_overlap(F.col(column), delivered), F.lit(False))

    return (
        F.when(concerns("_in_verification"), RecordFlag.IN_VERIFICATION.value)
        .when(concerns(CONFLICTING), RecordFlag.CONFLICTING.value)
        .when(is_stale, RecordFlag.STALE.value)
        .otherwise(RecordFlag.OK.value)
    )
