"""Which record gets a key that several want (主键归属): decided for a whole run at once.

A living record keeps its key while it claims it. A key that its record gives up in the same run is free for another;
of several that want a free key, the one whose version is first gets it. Who is refused stays as it was, so a key that
it meant to give up is not free after all: the decision is repeated until nothing moves.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """What a record's newest living version states as its key."""

    record: str
    key: Hashable
    order: tuple[int, ...]
    """Place of the record's first version that states the key; the last parts break ties within a delivery."""


def refused_claims(claims: Sequence[Claim], holders: Mapping[Hashable, str], leaving: Collection[str]) -> list[Claim]:
    """Return the claims whose record may not have the key that it states.

    Args:
        claims: one per record, of all records that want a key in question.
        holders: key in question → the living record that has it.
        leaving: holders that are deleted, or move to a key that nobody disputes.

    >>> a, b = Claim("a", "K2", (1,)), Claim("b", "K1", (2,))
    >>> refused_claims([a, b], {"K1": "a", "K2": "b"}, [])
    []
    >>> refused_claims([a], {"K1": "a", "K2": "b"}, [])
    [Claim(record='a', key='K2', order=(1,))]
    """
    refused: dict[str, Claim] = {}
    while True:
        moving = {c.record for c in claims if c.record not in refused and holders.get(c.key) != c.record}
        found = _refused_once(claims, holders, {*leaving, *moving}, refused)
        if not found:
            return list(refused.values())
        refused |= {claim.record: claim for claim in found}


def _refused_once(
    claims: Sequence[Claim], holders: Mapping[Hashable, str], free: Collection[str], refused: Collection[str]
) -> list[Claim]:
    """Return which further claims fall when the keys of the ``free`` holders may be given away."""
    wanting: dict[Hashable, list[Claim]] = {}
    for claim in claims:
        if claim.record not in refused:
            wanting.setdefault(claim.key, []).append(claim)
    found = []
    for key, several in wanting.items():
        holder = holders.get(key)
        if holder is not None and holder not in free:
            found += [claim for claim in several if claim.record != holder]
        else:
            found += sorted(several, key=lambda claim: claim.order)[1:]
    return found
