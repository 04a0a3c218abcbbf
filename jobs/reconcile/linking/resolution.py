"""Which entity each record belongs to (实体归属): persons' decisions, then keys, then the model; ids stay.

Pure: the same records, library and decisions give the same identities in whatever order they come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from catalog.model.entity_ids import entity_id_of
from jobs.reconcile.linking.assignment import Pair, Verdict, all_likely, best_candidates, clusters
from jobs.reconcile.linking.deterministic import link_by_key
from jobs.reconcile.linking.engine import DuckDBEngine, Engine
from jobs.reconcile.linking.evaluation import national_keys, pairs_of
from jobs.reconcile.linking.model import LinkageModel

BY_PERSON, BY_KEY = 1e9, 1e6
"""Weights of links that no model may outweigh."""
_ENTITY = "entity:"


@dataclass(frozen=True)
class Identity:
    """Which entity a record belongs to, and how that came about."""

    record_id: str
    entity_id: str
    method: str
    """``person``, ``key``, ``organisation_code``, ``registration_no``, ``model``, or ``new`` (unlike all known)."""
    model: str | None = None
    """Version of the model, where it linked."""
    weight: float | None = None
    """Evidence in bits, where the model linked."""
    linked_to: str | None = None
    """The record or entity it was linked to."""


@dataclass(frozen=True)
class Decisions:
    """What persons decided: it wins over keys and model."""

    pairs: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(record, record) → ``link`` or ``no_link``."""
    assignments: Mapping[str, str] = field(default_factory=dict)
    """Record → entity."""
    redirects: Mapping[str, str] = field(default_factory=dict)
    """Entity → the entity that took it over."""

    def parts(self, record: str, keys: Mapping[str, str]) -> bool:
        """Tell whether persons have parted ``record`` from another that has the same key."""
        parted = [pair for pair, verdict in self.pairs.items() if verdict == "no_link" and pair[0] == record]
        return any(keys.get(record) is not None and keys.get(record) == keys.get(other) for _, other in parted)

    def verdict(self, one: str, other: str) -> str | None:
        """Return what was decided about two records, in either order."""
        return self.pairs.get((one, other)) or self.pairs.get((other, one))


@dataclass(frozen=True)
class Resolution:
    """What one run found."""

    identities: list[Identity]
    for_review: list[tuple[Verdict, dict[str, int]]]
    """Pairs of records for persons, each with the level of each comparison as engines number them."""
    joined: dict[str, str]
    """Entities of the library that turned out to be one: id → the id that stays."""
    refused: list[Pair]
    """Links that would have brought two valid national keys into one entity."""


@dataclass(frozen=True)
class Known:
    """The library as far as the new records may concern it."""

    features: pa.Table
    entity_of: Mapping[str, str]
    """Record → entity, for the records of ``features``."""


def resolve(
    model: LinkageModel,
    new: pa.Table,
    known: Known,
    decisions: Decisions,
    secret: str,
    engine: Engine[pa.Table] | None = None,
) -> Resolution:
    """Return the entity of every new record.

    Args:
        model: the trained model.
        new: features of records that belong nowhere yet.
        known: records that share a key or a block with them, and their entities.
        decisions: of persons.
        secret: the setting ``IDENTITY_KEY``.
        engine: what compares; default DuckDB.
    """
    engine = engine or DuckDBEngine()
    keys = national_keys(new) | national_keys(known.features)
    entity_keys = {_ENTITY + known.entity_of[r]: k for r, k in keys.items() if r in known.entity_of}
    nodes = {r: _ENTITY + decisions.redirects.get(e, e) for r, e in known.entity_of.items()}
    found = _Links(decisions, nodes)
    found.by_key(link_by_key(model.features, new, known.features), link_by_key(model.features, new, new))
    settled, rest = _parted(new, found.lefts())
    found.settle(clusters(found.pairs, keys | entity_keys)[0])
    targets = pa.concat_tables([known.features, settled])
    review = found.by_model(model, engine.compare(model, rest, targets, model.bands.review), keys | entity_keys)
    _, left = _parted(rest, found.lefts())
    compared = engine.compare(model, left, None, model.bands.review)
    review += found.by_model(model, compared, keys, is_within=True)
    joined, refused = clusters(found.pairs, keys | entity_keys)
    return _identities(model, new, found, joined, keys | entity_keys, secret, review, refused)


def _parted(records: pa.Table, wanted: set[str]) -> tuple[pa.Table, pa.Table]:
    """Return the rows of the records that are wanted, and the others."""
    mask = pa.array([record in wanted for record in records["record_id"].to_pylist()], pa.bool_())
    return records.filter(mask), records.filter(pc.invert(mask))


class _Links:
    """The links of one run, each with how it came about."""

    def __init__(self, decisions: Decisions, nodes: Mapping[str, str]) -> None:
        self.decisions, self.nodes = decisions, dict(nodes)
        self.pairs: list[Pair] = []
        self.how: dict[str, tuple[str, float | None, str]] = {}
        self.met: dict[str, tuple[str, float | None, str]] = {}
        """Record → the link by which another came to it, for those that came to none themselves."""

    def node(self, record: str) -> str:
        """Return the entity of a record of the library, or the new record itself."""
        return self.nodes.get(record, record)

    def settle(self, joined: Mapping[str, str]) -> None:
        """Let new records that belong together stand for one: as candidates they do not compete."""
        self.nodes |= {record: head for record, head in joined.items() if not record.startswith(_ENTITY)}

    def lefts(self) -> set[str]:
        """Return the new records that are linked to something."""
        return set(self.how) | set(self.decisions.assignments)

    def add(self, method: str, left: str, right: str, weight: float) -> None:
        """Keep a link, unless persons have said that the two are not the same."""
        if self.decisions.verdict(left, right) == "no_link" or left == right:
            return
        self.pairs.append(Pair(left, self.node(right), weight))
        kept = None if weight >= BY_KEY else weight
        if left not in self.how or (self.how[left][1] or BY_KEY) < weight:
            self.how[left] = (method, kept, right)
        if right not in self.met or (self.met[right][1] or BY_KEY) < weight:
            self.met[right] = (method, kept, left)

    def by_key(self, *tables: pa.Table) -> None:
        """Keep links by key, and what persons have linked."""
        for (left, right), verdict in sorted(self.decisions.pairs.items()):
            if verdict == "link":
                one, other = (right, left) if left in self.nodes else (left, right)
                self.add("person", one, other, BY_PERSON)
        for table in tables:
            for row in table.to_pylist():
                method = "key" if row["rule"] == "key" else row["rule"]
                self.add(method, row["left_id"], row["right_id"], BY_KEY)

    def by_model(
        self, model: LinkageModel, compared: pa.Table, keys: Mapping[str, str], *, is_within: bool = False
    ) -> list[tuple[Verdict, dict[str, int]]]:
        """Keep what the model links; return the pairs of records that persons must judge.

        Within new records all likely pairs are kept, since several records can be one person's.
        """
        records: dict[tuple[str, str], Pair] = {}
        rows: dict[Pair, int] = {}
        for row, pair in enumerate(pairs_of(compared)):
            node = self.node(pair.right)
            best = records.get((pair.left, node))
            is_open = self.decisions.verdict(pair.left, pair.right) is None
            if is_open and (best is None or (best.may_link, best.weight) < (pair.may_link, pair.weight)):
                records[pair.left, node], rows[pair] = pair, row
        by_node = [Pair(p.left, node, p.weight, p.may_link) for (_, node), p in sorted(records.items())]
        review = []
        judge = all_likely if is_within else best_candidates
        for verdict in judge(model, by_node, keys):
            pair = records[verdict.pair.left, verdict.pair.right]
            if verdict.band == "link":
                self.add("model", pair.left, pair.right, pair.weight)
            elif verdict.band == "review":
                levels = {name: int(compared[f"gamma_{name}"][rows[pair]].as_py()) for name in model.comparisons}
                review.append((Verdict(pair, "review", verdict.reason), levels))
        return review


def _identities(
    model: LinkageModel,
    new: pa.Table,
    found: _Links,
    joined: Mapping[str, str],
    keys: Mapping[str, str],
    secret: str,
    review: list[tuple[Verdict, dict[str, int]]],
    refused: list[Pair],
) -> Resolution:
    members: dict[str, set[str]] = defaultdict(set)
    for node, head in joined.items():
        members[head].add(node)
    onward = found.decisions.redirects
    first = {head: _name(model.library, nodes, keys, secret) for head, nodes in members.items()}
    named = {head: onward.get(name, name) for head, name in first.items()}
    gone = {
        node.removeprefix(_ENTITY): named[head]
        for head, nodes in members.items()
        for node in nodes
        if node.startswith(_ENTITY) and node != _ENTITY + named[head]
    }

    def one(record: str) -> Identity:
        if record in found.decisions.assignments:
            return Identity(record, found.decisions.assignments[record], "person")
        if record in joined:
            method, weight, other = found.how.get(record) or found.met.get(record) or ("key", None, None)
            version = model.name if method == "model" else None
            return Identity(record, named[joined[record]], method, version, weight, other)
        if found.decisions.parts(record, keys):
            return Identity(record, _name(model.library, {record}, {}, secret), "person")
        return Identity(record, _name(model.library, {record}, keys, secret), "key" if record in keys else "new")

    return Resolution([one(record) for record in new["record_id"].to_pylist()], review, gone, refused)


def _name(library: str, nodes: Iterable[str], keys: Mapping[str, str], secret: str) -> str:
    """Return the id of a cluster: by its national key, else the first id it has, else by its first record."""
    key = next((keys[node] for node in sorted(nodes) if node in keys), None)
    if key:
        return entity_id_of(library, key, secret)
    entities = sorted(node.removeprefix(_ENTITY) for node in nodes if node.startswith(_ENTITY))
    return entities[0] if entities else entity_id_of(library, f"record|{min(nodes)}", secret)
