"""Which source decides which element (一数一源), and what the other sources said (多源校核)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.model.authority import EVERYTHING_ELSE, LibraryAuthority, decided_elements
from catalog.model.contract import Contract, Reconcile
from jobs.reconcile.identity import keyed

CONFLICT_TYPE = (
    "array<struct<element:string,chosen_source:string,chosen_value:string,chosen_record_key:string,"
    "other_source:string,other_value:string,other_record_key:string,doubted_department:string,conflict_key:string>>"
)


@dataclass(frozen=True)
class Choice:
    """How one element is decided among the inputs, which are known by their places: ``s0``, ``s1`` and on."""

    element: str
    carriers: list[int]
    """Inputs that have it."""
    orders: list[tuple[str | None, list[int]]]
    """Pattern of the key → inputs in order, the source first; the last entry, without a pattern, is for all others."""
    is_checked: bool
    """Whether the carriers are held against one another."""

    def value(self, place: int) -> Column:
        """Return what input ``place`` says."""
        return F.col(f"s{place}.{self.element}")

    @property
    def winner(self) -> str:
        """Name of the column with the place of the input that decides, null when none has a value."""
        return f"_winner_{self.element}"


def choices(contract: Contract, inputs: Sequence[Contract], library: LibraryAuthority, day: date) -> list[Choice]:
    """Return how each element of a base library is decided on ``day`` among ``inputs``."""
    places = {source.id: place for place, source in enumerate(inputs)}
    found = []
    for element in decided_elements(contract):
        carriers = [place for place, source in enumerate(inputs) if element in source.columns]
        orders: list[tuple[str | None, list[int]]] = []
        for segment, order in library.orders(element, day).items():
            pattern = None if segment == EVERYTHING_ELSE else library.segments[segment].key
            orders.append((pattern, [places[resource] for resource in order if resource in places]))
        is_checked = len(carriers) > 1 and element not in library.unchecked
        found.append(Choice(element, carriers, orders, is_checked))
    return found


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


def winner(choice: Choice) -> Column:
    """Return the place of the input that decides: the first in the segment's order that has a value."""
    decided = F.lit(None).cast("int")
    for pattern, order in reversed(choice.orders):
        first = F.coalesce(*[F.when(choice.value(i).isNotNull(), F.lit(i)) for i in order], F.lit(None).cast("int"))
        decided = first if pattern is None else F.when(F.col("key").rlike(pattern), first).otherwise(decided)
    return decided.alias(choice.winner)


def chosen_value(choice: Choice) -> Column:
    """Return the value of the input that decides."""
    places = sorted({place for _, order in choice.orders for place in order})
    values = [F.when(F.col(choice.winner) == place, choice.value(place)) for place in places]
    return F.coalesce(*values) if values else F.lit(None)


def provenance(found: Sequence[Choice], inputs: Sequence[Contract]) -> Column:
    """Return a map element → ``resource|batch|record key`` of the source that decided it; absent values have none."""
    said = [
        F.concat_ws("|", F.lit(source.id), F.col(f"s{i}._batch_id"), F.col(f"s{i}._record_key"))
        for i, source in enumerate(inputs)
    ]
    entries = [
        F.struct(F.lit(c.element).alias("key"), F.get(F.array(*said), F.col(c.winner)).alias("value")) for c in found
    ]
    return F.map_from_entries(F.filter(F.array(*entries), lambda entry: entry["value"].isNotNull()))


def flags_of_inputs(count: int) -> Column:
    """Return all flags that the inputs' rows carry."""
    arrays = [F.coalesce(F.col(f"s{i}._flags"), F.array().cast("array<string>")) for i in range(count)]
    return F.array_distinct(F.concat(*arrays))


def batches_of_inputs(count: int) -> Column:
    """Return the batches that the inputs' rows came with."""
    return F.array_sort(F.array_distinct(F.array_compact(F.array(*[F.col(f"s{i}._batch_id") for i in range(count)]))))


def disagreements(found: Sequence[Choice], inputs: Sequence[Contract]) -> Column:
    """Return an array of structs, one for each source whose value differs from the one that decided."""
    entries = [_disagreement(choice, i, inputs) for choice in found if choice.is_checked for i in choice.carriers]
    return F.array_compact(F.array(*entries)).cast(CONFLICT_TYPE) if entries else F.array().cast(CONFLICT_TYPE)


def _disagreement(choice: Choice, other: int, inputs: Sequence[Contract]) -> Column:
    """Return the struct when another input than ``other`` decides, and ``other`` has another value."""
    decider, said = F.col(choice.winner), choice.value(other)
    chosen = chosen_value(choice)
    chosen_source = F.get(F.array(*[F.lit(source.id) for source in inputs]), decider)
    departments = [F.lit(source.government.department) for source in inputs]
    doubted = F.when(_is_outvoted(choice, other, inputs), F.get(F.array(*departments), decider))
    parts = {
        "element": F.lit(choice.element),
        "chosen_source": chosen_source,
        "chosen_value": chosen.cast("string"),
        "chosen_record_key": F.get(F.array(*[F.col(f"s{i}._record_key") for i in range(len(inputs))]), decider),
        "other_source": F.lit(inputs[other].id),
        "other_value": said.cast("string"),
        "other_record_key": F.col(f"s{other}._record_key"),
        "doubted_department": doubted.otherwise(departments[other]),
    }
    told = [parts["element"], chosen_source, parts["chosen_value"], parts["other_source"], parts["other_value"]]
    parts["conflict_key"] = keyed(F.concat_ws("\x1f", F.col("key"), *told))
    entry = F.struct(*[value.alias(name) for name, value in parts.items()])
    return F.when((decider != other) & (said != chosen), entry)


def _is_outvoted(choice: Choice, other: int, inputs: Sequence[Contract]) -> Column:
    """Return whether two departments or more say what ``other`` says, and only the source's own says what stands.

    Authority decides all the same; but the value to be looked into is then the source's.
    """
    departments = {i: inputs[i].government.department for i in choice.carriers}
    if len(set(departments.values())) < 3:
        return F.lit(False)
    said = F.array(
        *[F.struct(F.lit(d).alias("by"), choice.value(i).cast("string").alias("value")) for i, d in departments.items()]
    )

    def count_of(value: Column) -> Column:
        return F.size(F.array_distinct(F.filter(said, lambda entry: entry["value"] == value)["by"]))

    against, standing = choice.value(other).cast("string"), chosen_value(choice).cast("string")
    return (count_of(against) > 1) & (count_of(standing) == 1)
