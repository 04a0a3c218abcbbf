"""What the catalogue is told of a published table's columns."""

import json

import pytest

from catalog.model.registry import RESOURCES, Registry
from jobs.publish.stage import catalogue_schema

GOLD = Registry(RESOURCES).all("gold")


@pytest.mark.parametrize("contract", GOLD, ids=lambda contract: contract.id)
def test_every_column_has_its_element_data_type_and_length(contract):
    told = json.loads(json.dumps(catalogue_schema(contract)))
    assert [column["name"] for column in told["columns"]] == contract.columns
    for column in told["columns"]:
        assert column["element"] == contract.item(column["name"]).element
        assert column["data_type"] in set("CNYDTLMI")
        assert column["length"] or column["data_type"] == "M"


def test_types_are_those_of_the_1272_guide():
    (contract,) = [c for c in GOLD if c.id == "population.resident_basic"]
    told = {c["name"]: (c["data_type"], c["length"]) for c in catalogue_schema(contract)["columns"]}
    assert (told["citizen_id"], told["birth_date"], told["is_insured"]) == (("C", 18), ("D", 8), ("L", 1))
