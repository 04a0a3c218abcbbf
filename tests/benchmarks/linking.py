"""Linking people without numbers: ours against Splink as its tutorial writes it, on the same lists, pairs a second."""

import logging
import os
import statistics
import time
from collections.abc import Callable

import duckdb
import pandas as pd
import splink.comparison_library as cl
from splink import Linker, SettingsCreator, block_on
from splink.backends.duckdb import DuckDBAPI

from infra.demonstration.linkage_lists import LinkageLists, make_lists
from jobs.reconcile.linking.engine import DuckDBEngine
from jobs.reconcile.linking.evaluation import evaluate, without_keys
from jobs.reconcile.linking.features import extract_features
from jobs.reconcile.linking.model import load_model
from tests.benchmarks.result import Result

Say = Callable[[str], None]
REPEATS = 3
SEED = 31
LIKELY = 0.99
"""Probability from which the peer's pairs count as links."""


def people_wanted() -> int:
    """Return the size of the library; ``BENCH_LINK_PEOPLE`` makes it smaller while trying out."""
    return int(os.environ.get("BENCH_LINK_PEOPLE", 100_000))


def by_ours(lists: LinkageLists) -> tuple[float, float, int]:
    """Return the seconds of making features, of comparing, and how many pairs were compared."""
    model = load_model("population.person")
    began = time.monotonic()
    frames = (("new", lists.new), ("library", lists.library))
    features = [extract_features("person", _records(name, frame)) for name, frame in frames]
    made = time.monotonic() - began
    hidden = [without_keys(model, table) for table in features]
    taken, pairs = [], 0
    for _ in range(REPEATS):
        began = time.monotonic()
        pairs = len(DuckDBEngine().compare(model, *hidden))
        taken.append(time.monotonic() - began)
    return made, statistics.median(taken), pairs


def by_splink(lists: LinkageLists) -> tuple[float, int, set[tuple[int, int]]]:
    """Return the seconds of Splink's own comparing once it is trained, how many pairs it compared, and its links."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    taken, pairs, links = [], 0, set()
    for _ in range(REPEATS):
        with duckdb.connect() as connection:
            api = DuckDBAPI(connection=connection)
            named = (("a_new", lists.new), ("b_library", lists.library))
            inputs = [api.register(_plain(frame), dataset_display_name=name) for name, frame in named]
            linker = Linker(inputs, _settings(), log_level=None)
            linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
            for rule in (block_on("birth_date"), block_on("name")):
                linker.training.estimate_parameters_using_expectation_maximisation(rule)
            began = time.monotonic()
            found = linker.inference.predict(warning_mode="never").as_pandas_dataframe()
            taken.append(time.monotonic() - began)
        likely = found[found["match_probability"] >= LIKELY]
        links = set(zip(likely["row_l"].astype(int), likely["row_r"].astype(int), strict=True))
        pairs = len(found)
    return statistics.median(taken), pairs, links


def _settings() -> SettingsCreator:
    return SettingsCreator(
        link_type="link_only",
        unique_id_column_name="row",
        comparisons=[
            cl.JaroWinklerAtThresholds("name", [0.9, 0.7]),
            cl.LevenshteinAtThresholds("birth_date", [1, 2]),
            cl.ExactMatch("sex_code"),
            cl.ExactMatch("division_code"),
            cl.LevenshteinAtThresholds("address", [3, 8]),
            cl.ExactMatch("phone"),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("name", "substr(birth_date, 1, 4)"), block_on("birth_date", "division_code"), block_on("phone"),
            block_on("address"),
        ],
    )  # fmt: skip


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    filled = frame.drop(columns=["record_no", "citizen_id"]).astype(object)
    return filled.where(filled != "", None).assign(row=range(1, len(frame) + 1))


def _records(name: str, frame: pd.DataFrame) -> list[dict[str, str]]:
    return [{**row, "record_id": f"{name}|{i}"} for i, row in enumerate(frame.to_dict("records"), start=1)]


def linking(say: Say) -> list[Result]:
    """People without numbers, linked to a library of 100,000: ours and Splink alone, with what each finds."""
    lists = make_lists(SEED, people_wanted())
    truth = set(lists.truth)
    made, ours, our_pairs = by_ours(lists)
    theirs, their_pairs, links = by_splink(lists)
    model = load_model("population.person")
    frames = (("new", lists.new), ("library", lists.library))
    tables = [extract_features("person", _records(name, frame)) for name, frame in frames]
    pairs = {(f"new|{a}", f"library|{b}") for a, b in truth}
    found = evaluate(model, *tables, truth=pairs, hide_keys=True)
    say(f"features {made:.1f} s for {len(lists.new) + len(lists.library):,} records")
    reached = f"recall {found.recall}, precision {found.precision}"
    say(f"ours: {our_pairs:,} pairs, {our_pairs / ours:,.0f} a second; {reached}")
    right = len(links & truth)
    say(
        f"Splink alone: {their_pairs:,} pairs, {their_pairs / theirs:,.0f} a second; "
        f"recall {right / len(truth):.4f}, precision {right / max(1, len(links)):.4f}"
    )
    return [Result("linking, features included", "Splink alone, trained", made + ours, theirs, "s")]
