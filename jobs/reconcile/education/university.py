"""Universities (高等学校名录): editions of one register become one library, with one id for a school through all names.

An entry keeps the register key that it was first given; a school is known by its key even after its name changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.editions import SUCCESSIONS, Listed, match_editions
from catalog.model.layers import table_of
from jobs.reconcile.affected import InputVersion
from jobs.runtime import delta

depends_on = (SUCCESSIONS,)
"""Files that decide which entries are one school: when one changes, every entry is looked at again."""


def extra_flags(business_date: date) -> list[Column]:
    """Return no flags: whether a school left the register is told by its history."""
    del business_date
    return []


def turned_between(previous: date, business_date: date) -> Column | None:
    """Return None: nothing here turns with the calendar."""
    del previous, business_date
    return None


def register_keys(
    spark: SparkSession, editions: Sequence[InputVersion], known: Mapping[tuple[str, str], str]
) -> list[tuple[str, str, str]]:
    """Return (resource, record key, register key) of every entry.

    Args:
        spark: the session.
        editions: the editions in order of time, pinned.
        known: (resource, record key) → register key, as given in earlier runs; they stand for ever.
    """
    given: dict[tuple[str, str], str] = {}
    present: dict[str, Listed] = {}
    for edition in editions:
        rows = delta.read(spark, table_of(edition.contract), edition.now.version).where(~F.col("_is_deleted"))
        entries = _listed(rows, edition.contract)
        own = {x.record_key: known[edition.contract.id, x.record_key] for x in entries if _key(edition, x) in known}
        free = [x for x in entries if x.record_key not in own]
        taken = set(own.values())
        for match in match_editions([x for key, x in present.items() if key not in taken], free):
            own[match.later.record_key] = next(key for key, x in present.items() if x is match.earlier)
        for entry in free:
            own.setdefault(entry.record_key, entry.code or f"{edition.contract.name}:{entry.name}")
        present |= {own[x.record_key]: x for x in entries}
        given |= {(edition.contract.id, record): key for record, key in own.items()}
    return [(resource, record, key) for (resource, record), key in sorted(given.items())]


def _key(edition: InputVersion, entry: Listed) -> tuple[str, str]:
    return edition.contract.id, entry.record_key


def _listed(rows: DataFrame, contract: Contract) -> list[Listed]:
    """Return the entries of one edition; a register of schools fits in memory."""
    code = F.col("university_code") if "university_code" in contract.columns else F.lit(None)
    province = F.regexp_replace("province_section", r"[（(].*", "")
    chosen = rows.select(
        "_record_key", "university_name", code.alias("code"), province.alias("province"), "place_name", "level_name"
    )
    ordered = sorted(chosen.collect(), key=lambda row: row["_record_key"])
    return [Listed(r[0], r[1], r[2], r[3] or "", r[4] or "", r[5] or "") for r in ordered]
