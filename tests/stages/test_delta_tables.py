"""Tables on the real engine after what a killed engine leaves behind."""

from pathlib import Path

from catalog.model.layers import Table
from jobs.runtime import delta

COLUMNS = [("name", "string", "名称")]


def test_a_table_whose_creation_was_cut_off_is_created_anew(spark, tmp_path: Path):
    log = tmp_path / "cut_off" / "_delta_log"
    (log / "_staged_commits").mkdir(parents=True)
    (log / ".00000000000000000000.json.605c263e.tmp").write_text("{}")
    table = Table("test.cut_off", f"file:{tmp_path}/cut_off")
    assert delta.columns_of(spark, table) is None
    delta.ensure(spark, table, COLUMNS)
    assert delta.columns_of(spark, table) == ["name"]
    spark.createDataFrame([("示范",)], "name string").writeTo(table.sql).append()
    assert delta.read(spark, table).count() == 1
    delta.ensure(spark, table, COLUMNS)
    assert delta.read(spark, table).count() == 1, "a table with a commit is left alone"
