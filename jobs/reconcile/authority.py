"""Which source decides which element (一数一源), and what the other sources said (多源校核)."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.model.contract import Contract, Reconcile


def gather(inputs: Sequence[tuple[Contract, DataFrame]], reconcile: Reconcile) -> DataFrame:
    """Return one row per key with one struct column ``s<i>`` per input (null where the input lacks the key).

    Every input has unique keys, so one shuffle brings all of them together, however many there are.
    """
    stacked: DataFrame | None = None
    for place, (_, rows) in enumerate(inputs):
        structs = [
            F.struct("*").alias(f"s{i}") if i == place else F.lit(None).cast(other.schema).alias(f"s{i}")
            for i, (_, other) in enumerate(inputs)
        ]
        part = rows.select(F.col(reconcile.key).alias("key"), *structs)
        stacked = part if stacked is None else stacked.unionByName(part)
    assert stacked is not None  # noqa: S101 - a contract has at least one input
    return stacked.groupBy("key").agg(*[F.first(f"s{i}", ignorenulls=True).alias(f"s{i}") for i in range(len(inputs))])


def order_of(element: str, inputs: Sequence[Contract], reconcile: Reconcile) -> list[int]:
    """Return the places of the inputs that have ``element``, the authoritative one first."""
    ids = [contract.id for contract in inputs]
    wanted = reconcile.authority.get(element, list(reconcile.inputs))
    having = [i for i, contract in enumerate(inputs) if element in contract.columns]
    return sorted((i for i in having if ids[i] in wanted), key=lambda i: wanted.index(ids[i]))


def chosen_value(element: str, order: list[int]) -> Column:
    """Return the first value in order of authority."""
    return F.coalesce(*[F.col(f"s{i}.{element}") for i in order])


def provenance(elements: dict[str, list[int]], inputs: Sequence[Contract]) -> Column:
    """Return a map element → ``resource|batch|record key`` of the source that decided it; absent values have none."""
    entries = []
    for element, order in elements.items():
        origin = F.lit(None).cast("string")
        for i in reversed(order):
            said = F.concat_ws("|", F.lit(inputs[i].id), F.col(f"s{i}._batch_id"), F.col(f"s{i}._record_key"))
            origin = F.when(F.col(f"s{i}.{element}").isNotNull(), said).otherwise(origin)
        entries.append(F.struct(F.lit(element).alias("key"), origin.alias("value")))
    return F.map_from_entries(F.filter(F.array(*entries), lambda entry: entry["value"].isNotNull()))


def flags_of_inputs(count: int) -> Column:
    """Return all flags that the inputs' rows carry."""
    arrays = [F.coalesce(F.col(f"s{i}._flags"), F.array().cast("array<string>")) for i in range(count)]
    return F.array_distinct(F.concat(*arrays))


def batches_of_inputs(count: int) -> Column:
    """Return the batches that the inputs' rows came with."""
    return F.array_sort(F.array_distinct(F.array_compact(F.array(*[F.col(f"s{i}._batch_id") for i in range(count)]))))


def disagreements(elements: dict[str, list[int]], inputs: Sequence[Contract], compare: Sequence[str]) -> Column:
    """Return an array of structs, one for each other source whose value differs from the chosen one."""
    entries = []
    for element in compare:
        order = elements[element]
        for place, other in enumerate(order[1:], start=1):
            for winner in order[:place]:
                entries.append(_disagreement(element, winner, other, order[: order.index(winner)], inputs))
    kind = (
        "array<struct<element:string,chosen_source:string,chosen_value:string,chosen_record_key:string,"
        "other_source:string,other_value:string,other_record_key:string>>"
    )
    return F.array_compact(F.array(*entries)).cast(kind)


def _disagreement(element: str, winner: int, other: int, before: list[int], inputs: Sequence[Contract]) -> Column:
    """Return the struct when ``winner`` decides ``element`` (nobody before it has a value) and ``other`` differs."""
    chosen, said = F.col(f"s{winner}.{element}"), F.col(f"s{other}.{element}")
    decides = chosen.isNotNull()
    for earlier in before:
        decides = decides & F.col(f"s{earlier}.{element}").isNull()
    parts = {
        "element": F.lit(element),
        "chosen_source": F.lit(inputs[winner].id),
        "chosen_value": chosen.cast("string"),
        "chosen_record_key": F.col(f"s{winner}._record_key"),
        "other_source": F.lit(inputs[other].id),
        "other_value": said.cast("string"),
        "other_record_key": F.col(f"s{other}._record_key"),
    }
    entry = F.struct(*[value.alias(name) for name, value in parts.items()])
    return F.when(decides & said.isNotNull() & (said != chosen), entry)
