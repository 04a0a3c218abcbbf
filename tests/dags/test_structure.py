"""What Airflow makes of the contracts: one DAG each, chained by the tables they make."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from catalog.model.layers import stages_of, table_of
from catalog.model.registry import RESOURCES, Registry, get_registry
from catalog.model.settings import CHECKOUT
from dags.plan import (
    DAILY_ROUND,
    DAILY_ROUND_CRON,
    FALLBACK_CRON,
    NIGHTLY_PROOF,
    NIGHTLY_PROOF_CRON,
    plans,
)
from dags.timetable import README, render, starts

Parsed = dict[str, Any]


def test_every_demonstration_contract_has_its_dag_and_nothing_else_has(demonstration: Parsed) -> None:
    expected = {contract.id for contract in get_registry().all(real=False)}
    assert len(expected) >= 16
    assert demonstration["errors"] == {}
    assert set(demonstration["dags"]) == expected
    assert set(demonstration["others"]) == {DAILY_ROUND, NIGHTLY_PROOF}


def test_real_lists_have_dags_only_where_they_lie(demonstration: Parsed, with_real_lists: Parsed) -> None:
    real = {contract.id for contract in get_registry().all(real=True)}
    assert real
    assert not real & set(demonstration["dags"])
    assert set(with_real_lists["dags"]) == set(demonstration["dags"]) | real


def test_parsing_is_quick_and_loads_nothing_heavy(demonstration: Parsed) -> None:
    assert demonstration["dags"]
    assert demonstration["heavy"] == []
    assert demonstration["seconds"] < 1.0


def test_tasks_are_the_stages_of_the_layer_in_their_order(with_real_lists: Parsed) -> None:
    seen = set()
    for contract in get_registry().all():
        layer = contract.government.layer
        tasks = with_real_lists["dags"][contract.id]["tasks"]
        stages = stages_of(contract)
        assert list(tasks) == list(stages)
        for before, after in pairwise(stages):
            assert tasks[after]["upstream"] == [before]
        seen.add(layer)
    assert seen == {"silver", "base", "gold"}


def test_a_library_that_links_its_records_does_so_before_it_reconciles(tmp_path: Path) -> None:
    folder = shutil.copytree(CHECKOUT / "catalog" / "resources", tmp_path / "resources")
    contract = folder / "population" / "person.yml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("  reconcile:\n", "  reconcile:\n    linked: true\n"), encoding="utf-8")
    before, after = ({p.dag_id: p for p in plans(r, real=True)} for r in (get_registry(), Registry(folder)))
    assert after["population.person"].stages == ("link", *before["population.person"].stages)
    assert after["population.person"].inputs == before["population.person"].inputs
    person, resident = "population.person", "population.resident"
    assert after[resident].priority("extract") == before[resident].priority("extract") + 1
    assert after[person].priority("link") == after[person].priority("reconcile") + 1


def test_commands_are_fixed_text_that_no_run_can_alter(with_real_lists: Parsed) -> None:
    form = re.compile(r"\Apython -m jobs [a-z]+ --resource [a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z")
    tasks = [task for dag in with_real_lists["dags"].values() for task in dag["tasks"].values()]
    assert len(tasks) > 40
    for task in tasks:
        assert form.match(task["command"]), task["command"]
        assert task["retries"] == 4


def test_commands_exist(demonstration: Parsed) -> None:
    asked = {task["command"].split()[3] for dag in demonstration["dags"].values() for task in dag["tasks"].values()}
    assert asked == {"extract", "conform", "check", "reconcile", "curate", "publish"}
    told = subprocess.run([sys.executable, "-m", "jobs", "--help"], cwd=CHECKOUT, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert not {stage for stage in asked if not re.search(rf"\b{stage}\b", told.stdout)}


def test_each_dag_announces_its_table_and_waits_for_all_its_inputs(demonstration: Parsed) -> None:
    registry = get_registry()
    chained = 0
    for dag_id, dag in demonstration["dags"].items():
        contract = registry.get(dag_id)
        inputs = sorted(table_of(source).name for source in registry.inputs_of(contract))
        assert dag["outlets"] == [table_of(contract).name]
        assert dag["inputs"] == inputs
        if inputs:
            assert dag["condition"] == "AssetAll"
            chained += 1
    assert chained >= 6


def test_licences_come_after_the_people_and_entities_they_hang_on(demonstration: Parsed) -> None:
    inputs = demonstration["dags"]["licence.licence"]["inputs"]
    assert {"base.population__person", "base.legal_entity__entity"} <= set(inputs)


def test_the_longest_way_to_a_shared_table_goes_first(demonstration: Parsed) -> None:
    def priority(dag_id: str, stage: str) -> int:
        return demonstration["dags"][dag_id]["tasks"][stage]["priority"]

    assert priority("licence.valid_licence", "publish") == 1
    assert priority("licence.licence", "reconcile") == 5
    assert priority("population.person", "reconcile") == 7
    assert priority("licence.drug_business", "extract") == 8
    assert priority("population.resident", "extract") == 10
    assert priority("population.household", "check") == 1
    rules = {t["weight_rule"] for dag in demonstration["dags"].values() for t in dag["tasks"].values()}
    assert len(rules) == 1
    assert "absolute" in rules.pop().lower()


def test_clocks_are_shanghais_and_never_run_after_the_event(demonstration: Parsed) -> None:
    for dag_id, dag in demonstration["dags"].items():
        contract = get_registry().get(dag_id)
        expected = {"silver": contract.government.schedule, "base": FALLBACK_CRON, "gold": None}
        assert dag["cron"] == expected[contract.government.layer]
        assert dag["cron"] is None or dag["zone"] == "Asia/Shanghai"
        assert (dag["catchup"], dag["max_active_runs"], dag["paused"]) == (False, 1, False)


def test_the_daily_round_is_one_command_by_shanghais_clock(demonstration: Parsed) -> None:
    dag = demonstration["others"][DAILY_ROUND]
    assert {name: task["command"] for name, task in dag["tasks"].items()} == {"tick": "python -m catalog clocks tick"}
    assert (dag["cron"], dag["zone"]) == (DAILY_ROUND_CRON, "Asia/Shanghai")
    assert (dag["catchup"], dag["max_active_runs"], dag["paused"]) == (False, 1, False)
    assert dag["tasks"]["tick"]["retries"] == 4


def test_the_nightly_proof_is_one_command_that_is_not_tried_until_it_passes(demonstration: Parsed) -> None:
    dag = demonstration["others"][NIGHTLY_PROOF]
    commands = {name: task["command"] for name, task in dag["tasks"].items()}
    assert commands == {"prove": "python -m catalog ledger prove"}
    assert (dag["cron"], dag["zone"]) == (NIGHTLY_PROOF_CRON, "Asia/Shanghai")
    assert dag["tasks"]["prove"]["retries"] == 0


def test_a_dag_says_whose_it_is_and_what_it_holds(demonstration: Parsed) -> None:
    for dag_id, dag in demonstration["dags"].items():
        contract = get_registry().get(dag_id)
        government = contract.government
        assert set(dag["tags"]) == {government.layer, contract.domain, government.department}
        assert {task["owner"] for task in dag["tasks"].values()} == {government.department}
        assert contract.table.business_name in dag["doc"]
        assert all(f"| {column} |" in dag["doc"] for column in contract.columns)


def test_timetable_is_what_airflow_runs(with_real_lists: Parsed) -> None:
    entries = plans(get_registry(), real=True)
    assert len(entries) == len(with_real_lists["dags"])
    for plan in entries:
        dag = with_real_lists["dags"][plan.dag_id]
        assert sorted(plan.inputs) == dag["inputs"]
        assert plan.cron == dag["cron"]
        assert all(f"`{table}`" in starts(plan) for table in dag["inputs"])
    assert README.read_text(encoding="utf-8") == render(entries), "run: python -m dags.timetable"


@pytest.mark.parametrize("layer", ["base", "gold"])
def test_no_table_waits_for_one_that_nobody_makes(with_real_lists: Parsed, layer: str) -> None:
    made = {table for dag in with_real_lists["dags"].values() for table in dag["outlets"]}
    waiting = [dag for dag in with_real_lists["dags"].values() if layer in dag["tags"]]
    assert waiting
    for dag in waiting:
        assert set(dag["inputs"]) <= made


def test_every_run_may_be_given_its_business_date(demonstration: Parsed) -> None:
    assert demonstration["dags"]
    assert {tuple(dag["params"].items()) for dag in demonstration["dags"].values()} == {(("business_date", None),)}


def test_a_bad_contract_is_one_import_error_and_all_others_have_their_dags(
    parse_dags: Callable[..., Parsed], demonstration: Parsed, tmp_path: Path
) -> None:
    pattern = (RESOURCES / "licence" / "road_transport.yml").read_text(encoding="utf-8")
    folder = tmp_path / "licence"
    folder.mkdir()
    for name, layer in (("sound", "silver"), ("spoilt", "sliver")):
        text = pattern.replace("road_transport\n", f"{name}\n").replace("layer: silver", f"layer: {layer}")
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    parsed = parse_dags(RESOURCE_PATH=str(tmp_path))
    assert set(parsed["dags"]) == {*demonstration["dags"], "licence.sound"}
    assert set(parsed["others"]) == set(demonstration["others"])
    [(place, told)] = parsed["errors"].items()
    assert place.endswith("invalid_contracts.py")
    assert f"{folder}/spoilt.yml:" in told and "did you mean silver?" in told
