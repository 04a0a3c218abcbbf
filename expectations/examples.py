"""Which rows broke a rule (问题数据定位): twenty keys per rule at most, masked, with their place in the source.

The scan brings them along; no value of a personal column leaves in clear but into a file that only its owner reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.control.masking import mask_personal
from catalog.model.contract import Contract
from catalog.model.masks import apply_mask
from expectations.domain import Failing

LIMIT = 20
PLACES = ("_batch_id", "_source_file", "_row_number")
"""Where a silver row stood in the department's delivery; no personal data."""
PERSONAL = ("personal", "sensitive")

Place = dict[str, str | None]


def place_columns(contract: Contract, present: Sequence[str]) -> list[str]:
    """Return the columns that tell where a row is: its key and its place in the delivery, as far as there are any."""
    return [name for name in (*contract.key, *PLACES) if name in present]


def masked_places(contract: Contract, names: Sequence[str], places: Iterable[Sequence[str | None]]) -> list[Place]:
    """Return at most twenty ``places`` (values of ``names``) as documents without a personal value in clear."""
    personal = {p.name: contract.item(p.name).mask for p in contract.properties if p.classification in PERSONAL}
    examples = []
    for values in sorted(places, key=str)[:LIMIT]:
        place = _place(contract, names, values)
        examples.append(
            {
                name: hide(value, personal[name]) if name in personal else value and mask_personal(value)
                for name, value in place.items()
            }
        )
    return sorted(examples, key=str)


def find_rows(frame: DataFrame, contract: Contract, failing: Failing, limit: int) -> list[Place]:
    """Return key and place, in clear, of up to ``limit`` rows that break a rule; for a file with mode 0600."""
    names = place_columns(contract, frame.columns)
    rows = failing.rows(frame).select(*[F.col(name).cast("string").alias(name) for name in names]).limit(limit)
    return [_place(contract, names, list(row)) for row in rows.collect()]


def _place(contract: Contract, names: Sequence[str], values: Sequence[str | None]) -> Place:
    """Return the values by name; a key's null is told, that of a technical column says nothing."""
    pairs = zip(names, values, strict=True)
    return {name: value for name, value in pairs if value is not None or name in contract.key}


def hide(value: str | None, mask: str | None) -> str | None:
    """Return a personal value under its element's mask; without one all but its first characters are hidden.

    >>> hide("11010519491231002X", "first_6"), hide("11010519491231002X", None), hide("张三丰", None), hide(None, None)
    ('110105************', '110105************', '张**', None)
    """
    if value is None:
        return None
    return apply_mask(mask or ("first_6" if len(value) >= 12 else "first_1"), value)
