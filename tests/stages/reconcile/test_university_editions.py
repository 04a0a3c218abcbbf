"""The lists of universities of 2011 and 2017 as two editions of one register; skipped without the real workbooks."""

import re
import unicodedata
from collections import Counter
from datetime import date

import pytest
from python_calamine import CalamineWorkbook

from catalog.library.register_history import history_of
from catalog.model.entity_ids import entity_id_of
from catalog.model.registry import get_registry
from jobs.reconcile.stage import reconcile
from tests.real_lists import real_lists_folder
from tests.stages.reconcile.library_rows import forget, instant, library, silver_row, write

LIBRARY = "education.university"
EDITIONS = {
    "education.university_2011": (
        "moe_universities_2011-05-23.xls",
        ["serial_no", "university_name", "authority_name", "place_name", "level_name"],
    ),
    "education.university_2017": (
        "moe_universities_2017.xls",
        ["serial_no", "university_name", "university_code", "authority_name", "place_name", "level_name", "note"],
    ),
}


def listed(resource, day):
    """Return the schools of one workbook as silver rows, each with the heading of its province."""
    file, columns = EDITIONS[resource]
    workbook = CalamineWorkbook.from_path(str(real_lists_folder() / "education" / file))
    section, rows = None, []
    for sheet in workbook.sheet_names:
        for cells in workbook.get_sheet_by_name(sheet).to_python():
            texts = [re.sub(r"\s", "", unicodedata.normalize("NFKC", str(cell))) or None for cell in cells]
            if texts[0] and not any(texts[1:]):
                section = texts[0]
            elif re.fullmatch(r"\d+\.0", texts[0] or ""):
                values = dict(zip(columns, texts, strict=False))
                values["serial_no"] = int(float(texts[0]))
                key = values.get("university_code") or values["university_name"]
                more = {"province_section": section, "_record_key": key, "_row_number": len(rows) + 1}
                rows.append(silver_row(**values, **more, _batch_id=resource[-4:], _source_at=instant(day)))
    return rows


@pytest.fixture(scope="module")
def register(spark, stack, tmp_path_factory):
    """Both editions, the later one a day after the earlier; the library after each."""
    stack.lake_uri = f"file:{tmp_path_factory.mktemp('register')}"
    forget(LIBRARY)
    after = []
    for day, resource in enumerate(EDITIONS, start=1):
        stack.business_date = date(2026, 3, day)
        write(spark, resource, listed(resource, day))
        reconcile(LIBRARY)
        after.append(library(spark, LIBRARY))
    return after


def named(rows):
    return {row["university_name"]: row["university_id"] for row in rows.values()}


def test_a_school_keeps_its_id_through_every_name(register):
    first, second = map(named, register)
    assert (len(first), len(register[1])) == (2101, 2101 + 2631 - len(set(first.values()) & still_listed(register)))
    assert first["北京大学"] == second["北京大学"]
    assert first["山东轻工业学院"] == second["齐鲁工业大学"], "decided by people"
    assert first["西安邮电学院"] == second["西安邮电大学"], "alike but for the kind"
    assert first["广东财经职业学院"] not in {second["广东财经大学"]}, "a college does not become a university at once"
    assert first["广东商学院"] == second["广东财经大学"]
    assert set(first.values()) <= {row["university_id"] for row in register[1].values()}, "nobody's id is lost"


def still_listed(register):
    """Return the ids of schools of which both editions know."""
    return {row["university_id"] for row in register[1].values() if row["university_code"]}


def test_the_history_has_a_row_for_every_school_renamed_opened_or_gone(register):
    history = history_of(get_registry().get(LIBRARY), "university_name")
    counts = Counter(entry.change for entry in history)
    both = 2101 - counts["left"]
    assert counts["opened"] == 2631 - both
    assert both - counts["renamed"] >= 1854, "schools under their old name"
    assert counts["renamed"] >= 100
    assert len({entry.entity_id for entry in history}) == len(history)
    told = {entry.earlier_name: entry.later_name for entry in history if entry.change == "renamed"}
    assert told["泸州医学院"] == "西南医科大学"
    assert told["黑龙江科技学院"] == "黑龙江科技大学"
    gone = {entry.earlier_name for entry in history if entry.change == "left"}
    assert "上海医疗器械高等专科学校" in gone


def test_keys_once_given_stand_whatever_is_read_again(register, spark, stack):
    before = {name: row["register_key"] for name, row in register[1].items()}
    [peking] = [row for row in register[1].values() if row["university_name"] == "北京大学"]
    assert peking["university_id"] == entity_id_of(LIBRARY, peking["register_key"], stack.identity_key)
    forget(LIBRARY)
    reconcile(LIBRARY)
    assert {name: row["register_key"] for name, row in library(spark, LIBRARY).items()} == before
