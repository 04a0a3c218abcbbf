"""How much a stage has before it (数据量), as far as the ledger knows: it decides how plans are made."""

from __future__ import annotations

from pyspark.sql import SparkSession

from catalog.control.ledger import rows_admitted
from catalog.control.session import in_transaction
from catalog.model.contract import Contract
from catalog.model.registry import get_registry
from jobs.runtime.spark import expect_rows


def expect_batch(spark: SparkSession, contract: Contract, rows: int = 0) -> int:
    """Prepare ``spark`` for ``rows`` new rows of ``contract`` beside all that its sources ever brought.

    Returns:
        The rows its sources brought so far.
    """
    sources = [source.id for source in get_registry().sources_of(contract)]
    standing = in_transaction(lambda session: rows_admitted(session, sources))
    expect_rows(spark, rows, standing)
    return standing
