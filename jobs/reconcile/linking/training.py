"""Training (模型训练): what pairs with the same national key teach about pairs without one.

*m* is counted on pairs that share a valid key, *u* on pairs whose valid keys differ: at random for what is frequent,
among those that blocking brings together for what is too rare to meet at random. Nothing is drawn by chance, so that
the same lists give the same model.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.model.errors import GuantongError
from jobs.reconcile.linking.conditions import is_null_level
from jobs.reconcile.linking.deterministic import KEYS, link_by_key
from jobs.reconcile.linking.engine import DuckDBEngine, weigh
from jobs.reconcile.linking.model import Bands, Comparison, Level, LinkageModel

RANDOM_PAIRS = 2_000_000
"""Pairs of the sample from which frequent agreements are counted."""
FREQUENT = 5
"""Pairs of one level in that sample from which its count is trusted."""
LARGEST_BLOCK = 300
"""Records that may share a value while the pairs that agree on it are counted."""
ROUNDS = 20
"""Rounds in which weights and the doubt about pairs with different keys settle."""
LEAST_KEYED_PAIRS = 200
NO_LIMIT = 1_000_000_000
REVIEW_ODDS = 20
"""A pair that is the same entity as seldom as once in so many is not shown to a person."""
LEAD = 3.0
"""Bits by which the best candidate must exceed the next: eight times as likely."""


class TooLittleToLearnError(GuantongError):
    """The lists share too few valid keys."""

    code = "LINKAGE_TRAINING"


@dataclass(frozen=True)
class Lesson:
    """What the lists teach: compared pairs, by what is known of them."""

    same: pa.Table
    """Pairs that share a valid key."""
    random: pa.Table
    """Pairs taken without regard to what they hold."""
    blocked: pa.Table
    """Pairs that blocking brings together, with ``is_same`` where both have a valid key."""
    product: int
    """Number of all pairs of a keyed record of each list."""


def lesson(model: LinkageModel, new: pa.Table, library: pa.Table, random_pairs: int = RANDOM_PAIRS) -> Lesson:
    """Compare what is needed to learn, about ``random_pairs`` of them at random.

    Raises:
        TooLittleToLearnError: when fewer than ``LEAST_KEYED_PAIRS`` pairs share a valid key.
    """
    engine = DuckDBEngine()
    truth = link_by_key(model.features, new, library)
    if len(truth) < LEAST_KEYED_PAIRS:
        raise TooLittleToLearnError(
            f"only {len(truth)} pairs of the two lists share a valid key",
            remedy=f"give lists that share {LEAST_KEYED_PAIRS} or more",
        )
    keyed = [table.filter(_has_key(model.features, table)) for table in (new, library)]
    product = len(keyed[0]) * len(keyed[1])
    by_key = _blocked_by(model, *KEYS[model.features])
    at_random = _blocked_by(model, "block_random")
    dealt = [_dealt(table, max(1, product // random_pairs)) for table in keyed]
    alike = sorted(_agreeing_features(model))
    by_value = model.model_copy(
        update={"blocks": (*model.blocks, *(f"block_same_{f}" for f in alike)), "block_limit": LARGEST_BLOCK}
    )
    known = _pair_keys(truth)
    blocked = engine.compare(by_value, *[_doubled(table, alike) for table in keyed])
    same = engine.compare(by_key, *keyed)
    same = same.filter(pa.array([pair in known for pair in _pairs(same)], pa.bool_()))
    is_same = pa.array([pair in known for pair in _pairs(blocked)], pa.bool_())
    random = engine.compare(at_random, *dealt)
    random = random.filter(pa.array([pair not in known for pair in _pairs(random)], pa.bool_()))
    return Lesson(same, random, blocked.append_column("is_same", is_same), product)


def train(model: LinkageModel, learned: Lesson, version: int, precision: float, notes: dict[str, str]) -> LinkageModel:
    """Return the model with its weights and bands.

    Args:
        model: comparisons as declared.
        learned: compared pairs.
        version: its number.
        precision: share of links that must be right among the keyed pairs from the band ``link`` on.
        notes: what it was trained on, for people.
    """
    weighed = model.model_copy(update={"prior": len(learned.same) / learned.product, "version": version})
    likely = learned.blocked["is_same"].to_numpy(zero_copy_only=False).astype(float)
    for _ in range(ROUNDS if model.keys_are_reissued else 1):
        comparisons = {name: _trained(name, c, learned, likely) for name, c in model.comparisons.items()}
        weighed = weighed.model_copy(update={"comparisons": comparisons})
        if model.keys_are_reissued:
            likely = _likely_same(weighed, learned.blocked)
    bands, reached = _bands(weighed, learned, likely, precision)
    training = {
        **notes,
        "trained_on": date.today().isoformat(),
        "keyed_pairs": len(learned.same),
        "random_pairs": len(learned.random),
        "blocked_pairs": len(learned.blocked),
        "precision_wanted": precision,
        **reached,
    }
    return weighed.model_copy(update={"bands": bands, "training": training})


def _has_key(kind: str, table: pa.Table) -> pa.Array:
    held = pc.is_valid(table[KEYS[kind][0]])
    for column in KEYS[kind][1:]:
        held = pc.or_(held, pc.is_valid(table[column]))
    return held


def _dealt(table: pa.Table, parts: int) -> pa.Table:
    """Return ``table`` dealt out into ``parts``, without regard to what its rows hold."""
    dealt = [str(zlib.crc32(record.encode()) % parts) for record in table["record_id"].to_pylist()]
    return table.append_column("block_random", pa.array(dealt))


def _pairs(table: pa.Table) -> list[tuple[str, str]]:
    return list(zip(table["left_id"].to_pylist(), table["right_id"].to_pylist(), strict=True))


def _pair_keys(table: pa.Table) -> set[tuple[str, str]]:
    return set(_pairs(table))


def _blocked_by(model: LinkageModel, *blocks: str) -> LinkageModel:
    return model.model_copy(update={"blocks": blocks, "block_limit": NO_LIMIT})


def _agreeing_features(model: LinkageModel) -> set[str]:
    """Return the features whose sameness a level asks for."""
    conditions = [part.strip() for c in model.comparisons.values() for lv in c.levels for part in lv.when.split("&")]
    frequent = {"prefecture", "province", "sex", "surname", "birth_year", "town", "street"}
    return {part.removeprefix("same ") for part in conditions if part.startswith("same ")} - frequent


def _doubled(table: pa.Table, features: Iterable[str]) -> pa.Table:
    """Return ``table`` with a block for each of the features."""
    for feature in features:
        table = table.append_column(f"block_same_{feature}", table[feature])
    return table


def _likely_same(model: LinkageModel, blocked: pa.Table) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return how likely each pair is the same entity: certain with one key, by what else is known with two."""
    weights = weigh(model, blocked)["weight"].to_numpy()
    likely = 1 / (1 + np.exp2(-np.clip(weights, -60, 60)))
    same = blocked["is_same"].to_numpy(zero_copy_only=False)
    return np.where(same, 1.0, likely)


def _trained(
    name: str, comparison: Comparison, learned: Lesson, likely: np.ndarray[Any, np.dtype[np.float64]]
) -> Comparison:
    """Return a comparison with the shares of its levels."""
    gamma = f"gamma_{name}"
    levels = [level for level in comparison.levels if not is_null_level(level.when)]
    same, random = (Counter(table[gamma].to_pylist()) for table in (learned.same, learned.random))
    found = learned.blocked[gamma].to_numpy()
    blocked = {g: float((1 - likely)[found == g].sum()) for g in range(len(levels))}
    places = range(len(levels) - 1, -1, -1)
    compared_same = sum(same[g] for g in places)
    compared_random = sum(random[g] for g in places)
    product = learned.product * compared_random / max(1, len(learned.random))
    m = [(same[g] + 0.5) / (compared_same + 0.5 * len(levels)) for g in places]
    u = [
        _share(level, random[g], compared_random, blocked[g], product) for level, g in zip(levels, places, strict=True)
    ]
    total = sum(u)
    shares = dict(zip(levels, zip(m, (share / total for share in u), strict=True), strict=True))
    counted = [
        level.model_copy(update=_rounded(*shares[level])) if level in shares else level for level in comparison.levels
    ]
    return comparison.model_copy(update={"levels": tuple(counted)})


def _share(level: Level, random: int, compared: int, blocked: float, product: float) -> float:
    """Return how frequent a level is among different entities.

    What is too rare to be met at random is counted among blocked pairs: of two that have the same value none is missed
    there, of others some are, so that not having met any counts for half a pair.
    """
    if random >= FREQUENT:
        return random / compared
    share = (blocked + 0.5) / max(1.0, product)
    return share if level.when.startswith("same ") else max(share, (random + 0.5) / compared)


def _rounded(m: float, u: float) -> dict[str, float]:
    """Return both shares in four significant digits: more is not known."""
    return {"m": float(f"{m:.4g}"), "u": float(f"{u:.4g}")}


def _bands(
    model: LinkageModel, learned: Lesson, likely: np.ndarray[Any, np.dtype[np.float64]], precision: float
) -> tuple[Bands, dict[str, float]]:
    """Return the bands, and what they reach on the keyed pairs.

    ``link`` begins at the lightest weight from which on ``precision`` of the keyed pairs are the same entity and each
    pair is so with that probability, ``review`` where one in ``REVIEW_ODDS`` is.
    """
    weights = weigh(model, learned.blocked)["weight"].to_numpy()
    same = learned.blocked["is_same"].to_numpy(zero_copy_only=False)
    order = np.argsort(-weights, kind="stable")
    ordered, right, found = weights[order], np.cumsum(likely[order]), np.cumsum(same[order])
    last_of_weight = np.append(ordered[1:] != ordered[:-1], True)
    good = last_of_weight & (right / np.arange(1, len(order) + 1) >= precision)
    if not good.any():
        raise TooLittleToLearnError(
            f"no weight reaches a precision of {precision} on these lists", remedy="ask for less, or compare more"
        )
    at = int(np.flatnonzero(good)[-1])
    link = max(float(np.floor(ordered[at] * 10) / 10), round(float(np.log2(precision / (1 - precision))), 1))
    at = int(np.flatnonzero(ordered >= link)[-1])
    bands = Bands(link=link, review=min(link, -float(np.log2(REVIEW_ODDS))), lead=LEAD)
    reached = {
        "blocking_recall": round(float(found[-1]) / len(learned.same), 4),
        "link_recall": round(float(found[at]) / len(learned.same), 4),
        "link_precision": round(float(right[at]) / (at + 1), 4),
    }
    return bands, reached
