"""One row per entity out of what its sources say (基础库记录): the same for a run and for a look back in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.authority import get_authority, reconcile_of
from catalog.model.contract import Contract
from catalog.model.registry import get_registry
from jobs.reconcile import authority, own_logic
from jobs.reconcile.identity import entity_id
from jobs.reconcile.links import resolve_links
from jobs.reconcile.verification import Cases, in_verification


def assemble(
    spark: SparkSession,
    contract: Contract,
    inputs: Sequence[tuple[Contract, DataFrame]],
    day: date,
    targets: Mapping[str, int],
    cases: Cases,
) -> DataFrame:
    """Return one row per entity with its elements, provenance, flags and disagreements.

    Args:
        spark: the session.
        contract: the base library.
        inputs: silver contracts with living rows, unique by the library's key, carrying the elements they have,
            ``_record_key``, ``_batch_id`` and ``_flags``.
        day: which rules of authority hold, and what has expired.
        targets: base resources that links may meet, with the version to read.
        cases: doubts that people raised and departments answered.

    Returns:
        The contract's columns, ``_provenance``, ``_batch_ids``, ``_flags``, ``_conflicts``, ``_in_verification``,
        ``_is_deleted`` (false), ``_established`` (whether an input entitled to it knows the entity), ``_input_rows``.
    """
    spec, sources = reconcile_of(contract), [source for source, _ in inputs]
    found = authority.choices(contract, sources, get_authority().of(contract), day)
    gathered = authority.gather(inputs, spec)
    decided = gathered.select("key", *gathered.columns[1:], *[authority.winner(choice) for choice in found])
    types = {p.name: p.spark_type for p in contract.properties}
    members = spec.members or spec.inputs
    established = F.greatest(
        *[F.col(f"s{i}").isNotNull() for i, s in enumerate(sources) if s.id in members], F.lit(False), F.lit(False)
    )
    rows = decided.select(
        F.col("key").alias(spec.key),
        entity_id(contract.id, F.col("key")).alias(spec.entity_id),
        *[authority.chosen_value(c).cast(types[c.element]).alias(c.element) for c in found],
        authority.provenance(found, sources).alias("_provenance"),
        authority.batches_of_inputs(len(sources)).alias("_batch_ids"),
        authority.flags_of_inputs(len(sources)).alias("_flags"),
        authority.disagreements(found, sources).alias("_conflicts"),
        established.alias("_established"),
        sum((F.col(f"s{i}").isNotNull().cast("int") for i in range(len(sources))), F.lit(0)).alias("_input_rows"),
    )
    rows, missing = resolve_links(spark, rows, spec.links, get_registry(), dict(targets))
    more = [*missing, *own_logic.extra_flags(contract, day)]
    conflict = F.when(F.size("_conflicts") > 0, F.lit("SOURCES_DISAGREE"))
    flags = F.array_distinct(F.concat(F.col("_flags"), F.array_compact(F.array(conflict, *more))))
    rows = in_verification(spark, rows, spec.entity_id, cases)
    return rows.withColumn("_flags", F.array_sort(flags)).withColumn("_is_deleted", F.lit(False))
