"""File drops: encodings, workbooks, receipts, and the faults of whole deliveries."""

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from catalog.model.settings import Settings
from infra.demonstration.answer_key import read_answer_key
from infra.demonstration.create import DayReport
from infra.demonstration.licence_kinds import KINDS, LicenceKind
from infra.demonstration.names import RARE_CHARACTERS
from infra.demonstration.outbox import outbox_path, render_delivery
from infra.demonstration.world import make_day
from tests.demonstration.conftest import FIRST_DATE, SEED, SMALL

CSV_KINDS = [kind for kind in KINDS if kind.file_format == "csv"]
WORKBOOK_KIND = next(kind for kind in KINDS if kind.file_format == "xlsx")


@pytest.fixture(scope="module")
def outboxes(two_days: tuple[Settings, DayReport, DayReport]) -> dict[str, Path]:
    settings, *_ = two_days
    return {kind.name: outbox_path(settings.source(kind.department_id)) for kind in KINDS}


def deliveries(folder: Path, kind: LicenceKind) -> list[Path]:
    paths = sorted(folder.glob(f"{kind.name}_*.{kind.file_format}"))
    assert len(paths) >= 7
    return paths


def records(path: Path, kind: LicenceKind) -> list[list[str]]:
    """Return header and rows of a delivery, read by a library that is not ours."""
    if kind.file_format == "xlsx":
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        return [[str(cell) for cell in row] for row in rows[2:]]
    return list(csv.reader(io.StringIO(path.read_bytes().decode(kind.encoding, errors="strict"), newline="")))


@pytest.mark.parametrize("kind", CSV_KINDS, ids=lambda kind: kind.name)
def test_csv_decodes_strictly_in_its_encoding_only(kind: LicenceKind, outboxes: dict[str, Path]):
    for path in deliveries(outboxes[kind.name], kind):
        content = path.read_bytes()
        assert content.decode(kind.encoding, errors="strict").startswith(("证照标识", "发证机关代码"))
        with pytest.raises(UnicodeDecodeError):
            content.decode("utf-8", errors="strict")
        assert content.endswith(b"\r\n")


def test_gb18030_file_holds_rare_characters_that_gbk_cannot(outboxes: dict[str, Path]):
    kind = next(kind for kind in CSV_KINDS if kind.encoding == "gb18030")
    content = deliveries(outboxes[kind.name], kind)[0].read_bytes()
    text = content.decode("gb18030", errors="strict")
    found = [character for character in RARE_CHARACTERS if character in text]
    assert len(found) >= 3
    assert any(ord(character) > 0xFFFF for character in found)
    assert any(len(character.encode("gb18030")) == 4 for character in found)
    with pytest.raises(UnicodeDecodeError):
        content.decode("gbk", errors="strict")


def test_some_csv_cells_need_quotes(outboxes: dict[str, Path]):
    kind = CSV_KINDS[0]
    path = deliveries(outboxes[kind.name], kind)[0]
    header, *rows = records(path, kind)
    scopes = {row[header.index("经营范围")] for row in rows}
    assert any("," in scope for scope in scopes) and any('"' in scope for scope in scopes)
    assert {len(row) for row in rows} == {len(header)}


def test_workbook_has_merged_title_rows_and_date_cells(outboxes: dict[str, Path]):
    path = deliveries(outboxes[WORKBOOK_KIND.name], WORKBOOK_KIND)[0]
    sheet = load_workbook(path).active
    assert sheet is not None
    assert [str(merged) for merged in sheet.merged_cells.ranges] == ["A1:O1", "A2:O2"]
    assert sheet["A1"].value == "建筑业企业资质证书清单"
    assert str(sheet["A2"].value).startswith("填报单位：示范市住房和城乡建设局")
    header = [cell.value for cell in sheet[3]]
    assert header == list(WORKBOOK_KIND.header.values())
    cell = sheet.cell(row=4, column=header.index("有效期止") + 1)
    assert cell.is_date and cell.number_format == "mm-dd-yy"
    assert sheet.max_row == 403
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert len(rows) == 403 and rows[3][0] == sheet["A4"].value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_receipts_declare_what_is_there_unless_planted(
    kind: LicenceKind, outboxes: dict[str, Path], two_days: tuple[Settings, DayReport, DayReport]
):
    settings, *_ = two_days
    planted = [entry for day in (1, 2) for entry in read_answer_key(settings.home, day)]
    short = {entry.record_key for entry in planted if entry.kind == "short_delivery"}
    assert len(short) >= 3
    for path in deliveries(outboxes[kind.name], kind):
        receipt = json.loads((path.parent / f"{path.name}.receipt.json").read_text(encoding="utf-8"))
        assert set(receipt) == {"file", "rows", "sha256", "sent_at", "department"}
        assert receipt["file"] == path.name and receipt["department"] == kind.department.name
        assert receipt["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        rows = len(records(path, kind)) - 1
        assert rows > 0
        if path.name in short:
            assert receipt["rows"] > rows
        else:
            assert receipt["rows"] == rows


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_faulty_delivery_is_what_the_key_says(
    kind: LicenceKind, outboxes: dict[str, Path], two_days: tuple[Settings, DayReport, DayReport]
):
    settings, *_ = two_days
    folder = outboxes[kind.name]
    planted = {e.kind: e for e in read_answer_key(settings.home, 1) if e.dataset == kind.name and e.record_key in {
        path.name for path in deliveries(folder, kind)
    }}  # fmt: skip
    header = list(kind.header.values())
    assert set(planted) == {"reordered_header", "column_added", "short_delivery", "repeated_delivery"}
    main = records(folder / planted["repeated_delivery"].detail["of"], kind)
    assert main[0] == header
    repeated = folder / planted["repeated_delivery"].record_key
    assert repeated.read_bytes() == (folder / planted["repeated_delivery"].detail["of"]).read_bytes()
    reordered = records(folder / planted["reordered_header"].record_key, kind)
    assert reordered[0] != header and sorted(reordered[0]) == sorted(header)
    assert all(row[reordered[0].index("证照标识")].startswith("1.2.156.3005.2.") for row in reordered[1:])
    added = records(folder / planted["column_added"].record_key, kind)
    assert set(added[0]) - set(header) == {"备注"}
    identifiers = [row[table[0].index("证照标识")] for table in (main, reordered, added) for row in table[1:]]
    assert len(identifiers) == len(set(identifiers)) > 300


def test_the_same_day_gives_the_same_bytes(outboxes: dict[str, Path]):
    _, again = make_day(SEED, SMALL, FIRST_DATE, 1)
    compared = 0
    for delivery in again.files:
        sent = (outboxes[delivery.kind.name] / delivery.name).read_bytes()
        assert render_delivery(delivery, again.day) == sent
        compared += 1
    assert compared == 15
