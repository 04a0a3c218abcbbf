"""The worked example of CONTRIBUTING.md: one contract file makes a source, from delivery to checked silver table."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from catalog.model.layers import table

CHECKOUT = Path(__file__).resolve().parents[2]
GUIDE = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def block(kind: str) -> tuple[str, str]:
    """Return name and text of the code block marked ``<!-- kind: name -->``."""
    found = re.search(rf"<!-- {kind}: (\S+) -->\n```\w+\n(.*?)```", GUIDE, re.DOTALL)
    assert found, f"CONTRIBUTING.md has no block marked {kind}"
    return found[1], found[2]


@pytest.fixture(scope="module")
def source(stack, tmp_path_factory):
    """Write contract and delivery as the guide shows them; return the environment of its commands."""
    root = tmp_path_factory.mktemp("guide")
    contract, text = block("contract")
    path = root / "resources" / contract
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    inbox = root / "inbox"
    inbox.mkdir()
    delivery, rows = block("delivery")
    (inbox / delivery).write_bytes(rows.encode("gbk"))
    return {
        **os.environ,
        "GUANTONG_HOME": str(stack.home),
        "RESOURCE_PATH": str(root / "resources"),
        "SOURCE_WATER": f"file:{inbox}",
        "PYTHONPATH": str(CHECKOUT),
    }


def run(source: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=source, capture_output=True, text=True, timeout=300)


def test_the_headings_lead_to_the_elements_of_the_contract(source):
    delivery, _ = block("delivery")
    inbox = Path(source["SOURCE_WATER"].removeprefix("file:"))
    done = run(source, "catalog", "elements", "suggest", str(inbox / delivery), "--object-class", "licence")
    assert done.returncode == 0, done.stderr
    suggested = {item["element"] for item in yaml.safe_load(done.stdout)["items"].values()}
    items = yaml.safe_load(block("contract")[1])["government"]["items"]
    assert len(items) == 5
    assert suggested == {item["element"] for item in items.values()}


def test_one_contract_file_is_enough(source, spark):
    done = run(source, "jobs", "run", "--resource", "licence.water_abstraction")
    assert done.returncode == 0, done.stderr
    silver = spark.read.format("delta").load(table("silver.licence__water_abstraction").uri).collect()
    assert [(r["licence_no"], r["holder_name"], str(r["valid_to_date"])) for r in silver] == [
        ("取水示字001", "示范自来水有限公司", "2030-06-30")
    ]
    aside = spark.read.format("delta").load(table("ops.set_aside__licence__water_abstraction").uri).collect()
    assert {(r["_record_key"], tuple(r["reasons"])) for r in aside} == {
        ("取水示字002", ("USCC_CHECKSUM",)),
        ("取水示字003", ("DATE_IMPOSSIBLE",)),
    }
    assert {r["_row_number"] for r in aside} == {3, 4}, "rows are named by their line in the file"


def test_the_same_bytes_again_change_nothing(source, spark):
    done = run(source, "jobs", "run", "--resource", "licence.water_abstraction")
    assert done.returncode == 0, done.stderr
    uri = table("silver.licence__water_abstraction").uri
    assert spark.read.format("delta").load(uri).count() == 1
    assert spark.sql(f"DESCRIBE HISTORY delta.`{uri}`").count() == 2, "created, then filled once"


def test_its_checks_follow_from_the_contract(source):
    plan = run(source, "expectations", "suite", "licence.water_abstraction", "--json")
    assert plan.returncode == 0, plan.stderr
    rules = {expectation["meta"]["rule_id"] for expectation in json.loads(plan.stdout)["expectations"]}
    assert "licence.water_abstraction.holder_uscc.not_null" in rules
