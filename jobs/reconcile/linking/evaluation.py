"""What linking finds, in numbers (关联评测): recall and precision, where the truth is known by key or answer key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.reconcile.linking.assignment import Pair, Verdict, best_candidates
from jobs.reconcile.linking.deterministic import KEYS, link_by_key
from jobs.reconcile.linking.engine import DuckDBEngine, Engine
from jobs.reconcile.linking.model import LinkageModel

PairSet = set[tuple[str, str]]


@dataclass(frozen=True)
class Evaluation:
    """One list linked to another, against the truth; shares are of 1, and none where there is nothing to count."""

    model: str
    keys: str
    """``used`` or ``hidden``."""
    new_records: int
    library_records: int
    true_records: int
    """New records of which the truth knows a partner."""
    found: int
    """Of those, linked to a true partner."""
    for_review: int
    """Of those, shown to a person beside a true partner."""
    recall: float | None
    renamed: int
    """Of the true records, those whose name differs from every true partner's."""
    renamed_found: int
    renamed_for_review: int
    links: int
    """Links that the truth can judge: all with an answer key, else those of records that share a key with some."""
    precision: float | None
    """Share of these links that are true."""
    by_key: int
    by_key_true: int
    contradictions: int
    """Links of two records with different valid national keys; with keys used there must be none, with keys hidden they
    are the most that can be wrong, re-issued keys among them."""
    linked_records: int
    review_pairs: int

    def as_json(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return asdict(self)


@dataclass(frozen=True)
class Linked:
    """The outcome of linking one list to another."""

    by_key: pa.Table
    by_model: list[Verdict]

    @property
    def links(self) -> list[tuple[str, str]]:
        """The linked pairs, by key and by model."""
        keyed = list(zip(self.by_key["left_id"].to_pylist(), self.by_key["right_id"].to_pylist(), strict=True))
        return keyed + [(v.pair.left, v.pair.right) for v in self.by_model if v.band == "link"]

    @property
    def for_review(self) -> list[Verdict]:
        """The pairs for a person."""
        return [verdict for verdict in self.by_model if verdict.band == "review"]


def link_lists(model: LinkageModel, new: pa.Table, library: pa.Table, engine: Engine[pa.Table] | None = None) -> Linked:
    """Link a list to another: by key first, what is left by the model.

    Args:
        model: the trained model.
        new: features of the records to link.
        library: features of the records they may be.
        engine: what compares; default DuckDB.
    """
    by_key = link_by_key(model.features, new, library)
    done = pa.array(set(by_key["left_id"].to_pylist()), pa.string())
    rest = new.filter(pc.invert(pc.is_in(new["record_id"], value_set=done)))
    pairs = (engine or DuckDBEngine()).compare(model, rest, library, model.bands.review)
    keys = national_keys(new) | national_keys(library)
    return Linked(by_key, best_candidates(model, pairs_of(pairs), keys))


def national_keys(features: pa.Table) -> dict[str, str]:
    """Return record → valid national key, for the records that have one."""
    both = zip(features["record_id"].to_pylist(), features["key"].to_pylist(), strict=True)
    return {record: key for record, key in both if key is not None}


def pairs_of(compared: pa.Table) -> list[Pair]:
    """Return compared pairs as objects."""
    columns = (compared[name].to_pylist() for name in ("left_id", "right_id", "weight", "may_link"))
    return [Pair(*values) for values in zip(*columns, strict=True)]


def without_keys(model: LinkageModel, features: pa.Table) -> pa.Table:
    """Return ``features`` with every key hidden."""
    for column in KEYS[model.features]:
        place = features.column_names.index(column)
        features = features.set_column(place, column, pa.nulls(len(features), pa.string()))
    return features


def evaluate(
    model: LinkageModel, new: pa.Table, library: pa.Table, *, truth: PairSet | None = None, hide_keys: bool
) -> Evaluation:
    """Link ``new`` to ``library`` and count against the truth.

    Args:
        model: the trained model.
        new: features of the list to link.
        library: features of the list it is linked to.
        truth: pairs (new, library) that are the same; by default those that share a valid key.
        hide_keys: link as if nobody had a key.
    """
    is_whole = truth is not None
    if truth is None:
        keyed = link_by_key(model.features, new, library)
        truth = set(zip(keyed["left_id"].to_pylist(), keyed["right_id"].to_pylist(), strict=True))
    given = [without_keys(model, table) if hide_keys else table for table in (new, library)]
    linked = link_lists(model, *given)
    known = {left for left, _ in truth}
    links = linked.links
    shown = {(v.pair.left, v.pair.right) for v in linked.for_review}
    found, seen = _lefts(truth & set(links)), _lefts(truth & shown)
    renamed = _renamed(truth, new, library)
    judged = [pair for pair in links if is_whole or pair[0] in known]
    right = sum(pair in truth for pair in judged)
    keys = national_keys(new) | national_keys(library)
    by_key = links[: len(linked.by_key)]
    crossed = sum(1 for a, b in links if a in keys and b in keys and keys[a] != keys[b])
    return Evaluation(
        model=model.name,
        keys="hidden" if hide_keys else "used",
        new_records=len(new),
        library_records=len(library),
        true_records=len(known),
        found=len(found),
        for_review=len(seen - found),
        recall=_share(len(found), len(known)),
        renamed=len(renamed),
        renamed_found=len(renamed & found),
        renamed_for_review=len((renamed & seen) - found),
        links=len(judged),
        precision=_share(right, len(judged)),
        by_key=len(by_key),
        by_key_true=sum(pair in truth for pair in by_key),
        contradictions=crossed,
        linked_records=len(_lefts(links)),
        review_pairs=len(shown),
    )


def _lefts(pairs: Iterable[tuple[str, str]]) -> set[str]:
    return {left for left, _ in pairs}


def _renamed(truth: PairSet, new: pa.Table, library: pa.Table) -> set[str]:
    """Return the new records whose name, brackets and variant characters aside, no true partner has."""
    name = {
        record: name
        for table in (new, library)
        for record, name in zip(table["record_id"].to_pylist(), table["name"].to_pylist(), strict=True)
    }
    same = {left for left, right in truth if name[left] == name[right]}
    return _lefts(truth) - same


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
