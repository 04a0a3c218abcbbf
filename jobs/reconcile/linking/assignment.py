"""From pairs to links (归并判定): one best candidate per record, and no two valid national keys in one entity.

Deterministic: pairs are taken by weight, then by id, so that neither order nor cutting of the input changes the result.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from jobs.reconcile.linking.model import Band, LinkageModel

Reason = Literal["", "close_second", "needs_person", "key_conflict", "decided"]


@dataclass(frozen=True)
class Pair:
    """Two records with the weight of what they have in common."""

    left: str
    right: str
    weight: float
    may_link: bool = True
    """Whether the model may link it without a person."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a pair."""

    pair: Pair
    band: Band
    reason: Reason = ""
    """Why it is not what its weight alone would say."""


def best_candidates(model: LinkageModel, pairs: Iterable[Pair], keys: Mapping[str, str]) -> list[Verdict]:
    """Return what becomes of each pair of a new record with a record of the library.

    The heaviest links, if it leads the next by ``bands.lead`` bits; else both go to a person. Candidates of one
    entity do not compete, so that ``right`` must be entity ids or records of distinct entities. Pairs whose national
    keys are both valid and differ are refused, whatever they weigh.

    Args:
        model: its bands.
        pairs: pairs from ``bands.review`` bits on.
        keys: record → its valid national key, where it has one.
    """
    by_left: dict[str, list[Pair]] = defaultdict(list)
    verdicts = []
    for pair in pairs:
        if contradict(keys, pair.left, pair.right):
            verdicts.append(Verdict(pair, "no_link", "key_conflict"))
        elif model.band(pair.weight) != "no_link":
            by_left[pair.left].append(pair)
    for left in sorted(by_left):
        ranked = sorted(by_left[left], key=_rank)
        verdicts += _judged(model, ranked)
    return verdicts


def all_likely(model: LinkageModel, pairs: Iterable[Pair], keys: Mapping[str, str]) -> list[Verdict]:
    """Return what becomes of each pair by its own weight, where one record may rightly have several partners."""
    verdicts = []
    for pair in sorted(pairs, key=_rank):
        band = model.band(pair.weight)
        if contradict(keys, pair.left, pair.right):
            verdicts.append(Verdict(pair, "no_link", "key_conflict"))
        elif band == "link" and not pair.may_link:
            verdicts.append(Verdict(pair, "review", "needs_person"))
        else:
            verdicts.append(Verdict(pair, band))
    return verdicts


def _judged(model: LinkageModel, ranked: list[Pair]) -> list[Verdict]:
    best, rest = ranked[0], ranked[1:]
    band = model.band(best.weight)
    is_linkable = band == "link" and best.may_link
    is_close = bool(rest) and best.weight - rest[0].weight < model.bands.lead
    if is_linkable and not is_close:
        return [Verdict(best, "link")]
    near = [pair for pair in rest if best.weight - pair.weight < model.bands.lead]
    reason: Reason = "" if band != "link" else "close_second" if is_linkable else "needs_person"
    return [Verdict(pair, "review", reason) for pair in (best, *near)]


def contradict(keys: Mapping[str, str], one: str, other: str) -> bool:
    """Tell whether two records have valid national keys that differ."""
    return one in keys and other in keys and keys[one] != keys[other]


def _rank(pair: Pair) -> tuple[float, str, str]:
    return (-pair.weight, pair.left, pair.right)


def clusters(links: Iterable[Pair], keys: Mapping[str, str]) -> tuple[dict[str, str], list[Pair]]:
    """Return record → the first record of its cluster, and the links that would have joined two national keys.

    Links are taken the heaviest first; one that would bring two different valid keys into a cluster, however many
    records lie between them, is left out.

    >>> links = [Pair("a", "b", 9.0), Pair("b", "c", 8.0)]
    >>> clusters(links, {"a": "1", "c": "2"})
    ({'a': 'a', 'b': 'a'}, [Pair(left='b', right='c', weight=8.0, may_link=True)])
    """
    parent: dict[str, str] = {}
    key_of: dict[str, str | None] = {}

    def root(record: str) -> str:
        parent.setdefault(record, record)
        while parent[record] != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    refused = []
    for link in sorted(links, key=_rank):
        first, second = sorted((root(link.left), root(link.right)))
        one, other = key_of.get(first, keys.get(first)), key_of.get(second, keys.get(second))
        if first == second:
            continue
        if one and other and one != other:
            refused.append(link)
            continue
        parent[second] = first
        key_of[first] = one or other
    joined = {record: root(record) for record in sorted(parent)}
    sizes = Counter(joined.values())
    return {record: head for record, head in joined.items() if sizes[head] > 1}, refused
