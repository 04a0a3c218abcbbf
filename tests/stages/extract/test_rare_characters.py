"""Rare characters and a derived column, from a GB18030 file through bronze to silver."""

from catalog.model.layers import table_of
from jobs.conform.stage import conform
from tests.stages.extract.shop_contract import COLUMNS, file_source

RARE = "𠮷㛃䶮𬭎"
"""Of four bytes in GB18030: planes 2, extension A, and plane 2 again."""


def test_rare_characters_and_former_names_reach_silver(department, spark):
    columns = {**COLUMNS, "former_name": "原店铺名称"}
    contract = department.declare(
        "shop_rare",
        file_source(pattern="*.csv", encoding="gb18030"),
        columns,
        shop_name={"from": ["店铺名称"], "standard": "current_name"},
        former_name={"of": "shop_name", "standard": "former_name"},
    )
    raw = f"示范{RARE}店（原{RARE}小吃店）"
    content = f"统一社会信用代码,店铺名称,开业日期\nC1,{raw},2024-01-01\n".encode("gb18030")
    assert "𠮷".encode("gb18030") in content and len("𠮷".encode("gb18030")) == 4
    department.drop("rare.csv", content, at=1)

    department.extract()
    conform(contract.id)

    [bronze] = department.bronze()
    assert bronze["shop_name"] == raw and "former_name" not in bronze
    [silver] = spark.read.format("delta").load(table_of(contract).uri).collect()
    assert (silver["shop_name"], silver["former_name"]) == (f"示范{RARE}店", f"{RARE}小吃店")
    assert {tuple(change) for change in silver["_changes"]} == {
        ("shop_name", raw, "name.current"),
        ("former_name", raw, "name.former"),
    }
