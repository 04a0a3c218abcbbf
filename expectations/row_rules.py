"""All rules on single rows at once (逐行规则): one number per row whose bits say which rules the row breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.domain import Failing

_BITS = 60
"""Rules per mask; a Spark bigint has 63 usable bits."""


class RowRules:
    """The rules that are judged by a predicate, as masks."""

    def __init__(self, failing: Mapping[int, Failing]) -> None:
        self._failing = failing
        self.numbers = list(failing)
        """The rules' numbers."""
        self._chunks = [self.numbers[start : start + _BITS] for start in range(0, len(self.numbers), _BITS)]

    @property
    def masks(self) -> list[str]:
        """The names of the mask columns."""
        return [f"_mask_{number}" for number in range(len(self._chunks))]

    def marked(self, rows: DataFrame) -> DataFrame:
        """Return ``rows`` with their masks."""
        masks = [
            _mask([self._failing[rule] for rule in chunk]).alias(name)
            for name, chunk in zip(self.masks, self._chunks, strict=True)
        ]
        return rows.select("*", *masks)

    @property
    def is_broken(self) -> Column:
        """Whether a marked row breaks any rule."""
        return reduce(or_, [F.col(name) != 0 for name in self.masks], F.lit(False))

    def broken_rules(self, names: Mapping[int, int] | Mapping[int, str] | None = None) -> Column:
        """Return an array of what the masks name: rule numbers, or what ``names`` gives for them."""
        told = [F.when(broken, F.lit(names[rule] if names else rule)) for rule, broken in self._broken().items()]
        return F.array_compact(F.array(*told))

    def some_broken_rules(self, chance: Column, one_in: Mapping[int, int]) -> Column:
        """Return the rule numbers that the masks name, each only in one of ``one_in`` rows, by ``chance``, a bigint."""
        told = [
            F.when(broken & (F.pmod(chance, F.lit(one_in[rule])) == 0), F.lit(rule))
            for rule, broken in self._broken().items()
        ]
        return F.array_compact(F.array(*told))

    def counts(self) -> dict[int, Column]:
        """Return an aggregate for each rule that counts the marked rows that break it."""
        return {rule: F.count_if(broken) for rule, broken in self._broken().items()}

    def _broken(self) -> dict[int, Column]:
        """Return for each rule whether a marked row breaks it."""
        return {
            rule: F.col(mask).bitwiseAND(F.lit(1 << bit).cast("bigint")) != 0
            for mask, chunk in zip(self.masks, self._chunks, strict=True)
            for bit, rule in enumerate(chunk)
        }


def _mask(failing: Sequence[Failing]) -> Column:
    """Return a number whose bits tell which of at most 60 rules a row breaks; never null.

    Joined in pairs: Spark Connect's client refuses expressions of more than a hundred levels.
    """
    bits = [
        F.when(f.domain.both(f.predicate), F.lit(1 << bit).cast("bigint")).otherwise(F.lit(0).cast("bigint"))
        for bit, f in enumerate(failing)
    ]
    while len(bits) > 1:
        halves = zip(bits[::2], [*bits[1::2], F.lit(0).cast("bigint")], strict=False)
        bits = [a.bitwiseOR(b) for a, b in halves]
    return bits[0]
