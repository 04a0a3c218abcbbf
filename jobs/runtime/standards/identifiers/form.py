"""What all identifiers share (标识的共同形式): cleaning, digits of a number, tables, and the naming of failures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.ids.cleaning import OUTER_MARKS
from catalog.model.ids.failures import Failure
from jobs.runtime.standards.cleaning import cleaned

_CLEAN = r"\A[0-9A-Z.]+\z"


def identifier_text(raw: Column) -> Column:
    """Return ``raw`` in half-width capitals, without blanks and invisible characters.

    Most values are clean, which is found out in a quarter of the time that cleaning takes.
    """
    tidied = F.upper(F.replace(cleaned(raw), F.lit(" "), F.lit("")))
    return F.when(raw.rlike(_CLEAN), raw).otherwise(tidied)


def without_outer_marks(text: Column) -> Column:
    """Return ``text`` without marks before and after it; marks that are all there is stay."""
    return F.coalesce(F.nullif(F.btrim(text, F.lit(OUTER_MARKS)), F.lit("")), text)


def named(value: Column, failures: Iterable[Failure]) -> list[tuple[Column, str]]:
    """Return the cases that name what is wrong with a value that has not the form."""
    return [(value.rlike(failure.pattern), failure.code) for failure in failures]


def digit(number: Column, place: int, base: int = 10) -> Column:
    """Return the digit of ``number`` at ``place``, counted from 0 at its end."""
    return whole(number, base**place) % F.lit(base)


def whole(number: Column, divisor: int) -> Column:
    """Return how many times ``divisor`` goes into ``number``, as a whole number: no floating point on the way."""
    return number if divisor == 1 else F.call_function("div", number, F.lit(divisor).cast("bigint"))


def weighted(terms: Iterable[Column], weights: Sequence[int]) -> Column:
    """Return the sum of ``terms`` times their ``weights``."""
    return reduce(add, (term * F.lit(weight) for term, weight in zip(terms, weights, strict=True)))


def pick(characters: str, index: Column) -> Column:
    """Return the character of ``characters`` at 0-based ``index``."""
    return F.lit(characters).substr(index.cast("int") + F.lit(1), F.lit(1))


def table(values: Iterable[int]) -> Column:
    """Return whole numbers as an array that Spark makes once per plan.

    As one text it costs one literal to send and to analyse, where a literal per number would cost tens of thousands;
    being constant, the optimiser turns it into the array before any row is read, and a look-up is an array access.
    """
    return F.split(F.lit(",".join(map(str, values))), ",").cast("array<int>")


def wide_table(values: Iterable[int]) -> Column:
    """Return whole numbers of up to 64 bits as ``table`` returns small ones."""
    return F.split(F.lit(",".join(map(str, values))), ",").cast("array<bigint>")
