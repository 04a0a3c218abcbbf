"""The rules of the house that no linter knows: file sizes, names, contracts and the files that belong to them."""

import statistics
import subprocess
from pathlib import Path

from catalog.model.codes import load_code_list
from catalog.model.registry import RESOURCES, Registry

CHECKOUT = Path(__file__).resolve().parents[1]
VAGUE = {"utils", "helpers", "common", "misc"}
OF_EVERY_LIBRARY = {"linking"}
"""Packages below a stage that belong to no one domain."""


def python_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return [CHECKOUT / line for line in listed.stdout.split()]


def test_no_file_is_longer_than_500_lines_and_most_are_short():
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert len(sizes) > 100
    assert {str(path): size for path, size in sizes.items() if size > 500} == {}
    assert statistics.median(size for size in sizes.values() if size) <= 130


def test_no_file_has_a_name_that_says_nothing():
    assert [path for path in python_files() if VAGUE & {path.stem, path.parent.name}] == []


def test_every_contract_is_whole_and_its_code_lists_exist():
    contracts = Registry(RESOURCES).all()
    assert len(contracts) >= 16
    named = {item.code_list for c in contracts for item in c.government.items.values() if item.code_list}
    assert named
    for name in named:
        assert load_code_list(name).canonical_codes


def test_logic_of_its_own_belongs_to_a_contract():
    known = {contract.id for contract in Registry(RESOURCES).all()}
    folders = [CHECKOUT / "jobs" / stage for stage in ("conform", "reconcile", "curate", "publish")]
    folders.append(CHECKOUT / "expectations" / "rules")
    files = [path for f in folders for path in f.glob("*/*.py") if path.stem != "__init__"]
    own = {f"{path.parent.name}.{path.stem}" for path in files if path.parent.name not in OF_EVERY_LIBRARY}
    assert own, "at least one resource has logic of its own"
    assert own <= known
