"""Weighted sums two characters at a time (成对加权): what a pair counts stands in a table, found by the pair's CRC-32.

Each character alone would take a text of its own, its code point, a look-up and a product; a pair takes as long as one.
The engine has no cheaper way from two bytes to a number. CRC-32 is linear in the bits of a text, so a few of its bits
tell all pairs of an alphabet apart, and the table is small.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import product
from operator import add
from zlib import crc32

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.runtime.standards.identifiers.form import table

_CRC_BITS = 32


def weighted_total(text: Column, alphabet: str, weights: Sequence[int], modulus: int) -> Column:
    """Return the sum of the characters' places in ``alphabet``, each times its weight, modulo ``modulus``.

    Args:
        text: as many ASCII characters as ``weights``, all of ``alphabet``. Of any other text the sum means nothing; it
            is null for null alone.
        alphabet: ASCII characters in the order of their values, from 0.
        weights: one for each character, even in number.
        modulus: a prime that divides no weight.
    """
    characters, pairs = text.cast("binary"), zip(weights[::2], weights[1::2], strict=True)
    terms = []
    for number, (first, second) in enumerate(pairs):
        ratio = first * pow(second, -1, modulus) % modulus
        found = F.crc32(F.substring(characters, 2 * number + 1, 2))
        counts, shift = _counts(alphabet, ratio, modulus)
        place = F.shiftright(found, shift).bitwiseAND(F.lit(len(counts) - 1)).cast("int")
        terms.append(F.get(table(counts), place) * F.lit(second % modulus))
    return reduce(add, terms) % F.lit(modulus)


@lru_cache
def _counts(alphabet: str, ratio: int, modulus: int) -> tuple[tuple[int, ...], int]:
    """Return what each pair counts, its first character ``ratio`` times, at a place given by bits of its CRC-32.

    Returns:
        The counts, a power of two in number; and how many of the last bits are left out.
    """
    width, shift = _telling_bits(alphabet)
    counts = [0] * (1 << width)
    for (first, a), (second, b) in product(enumerate(alphabet), repeat=2):
        counts[_bits(a + b, width, shift)] = (ratio * first + second) % modulus
    return tuple(counts), shift


@lru_cache
def _telling_bits(alphabet: str) -> tuple[int, int]:
    """Return width and shift of the fewest bits of CRC-32 that differ for any two pairs."""
    pairs = ["".join(pair) for pair in product(alphabet, repeat=2)]
    for width in range((len(pairs) - 1).bit_length(), _CRC_BITS):
        for shift in range(_CRC_BITS - width + 1):
            if len({_bits(pair, width, shift) for pair in pairs}) == len(pairs):
                return width, shift
    return _CRC_BITS, 0


def _bits(pair: str, width: int, shift: int) -> int:
    return (crc32(pair.encode()) >> shift) % (1 << width)
