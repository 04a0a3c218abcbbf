"""Which record gets a key that several want (主键归属): decided for a whole run at once.

A living record keeps its key while it claims it. A key that its record gives up in the same run is free for another;
of several that want a free key, the one that has claimed it longest without a break gets it: how a run is cut must not
decide. Who is refused stays as it was, so a key that it meant to give up is not free after all: the decision is
repeated until nothing moves.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """What a record's newest living version states as its key."""

    record: str
    key: Hashable
    order: tuple[int, ...]
    """Place of the version since which the record states the key; the last parts break ties within a delivery."""


def claimed_since(versions: Iterable[tuple[tuple[int, ...], Hashable]]) -> tuple[int, ...]:
    """Return the place of the version since which a record states the key of its newest one, without another between.

    Args:
        versions: place and key of the record's versions, at least one; the key is None where it was deleted.

    >>> claimed_since([((1,), "K1"), ((4,), "K1"), ((2,), "K2"), ((3,), "K1")])
    (3,)
    """
    newest, *older = sorted(versions, key=lambda version: version[0], reverse=True)
    since = newest[0]
    for place, key in older:
        if key != newest[1]:
            break
        since = place
    return since


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
