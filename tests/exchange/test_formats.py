"""What is exported is accepted by others' tools, and what comes back by workbook is the same or named row by row."""

import json
from datetime import UTC, date, datetime
from importlib import resources
from io import BytesIO

import pytest
import yaml
from jsonschema import Draft201909Validator
from open_data_contract_standard.model import OpenDataContractStandard
from openpyxl import Workbook, load_workbook
from pyshacl import validate
from rdflib import DCAT, DCTERMS, RDF, Graph

from catalog.formats.dcat import SHAPES, dcat_document
from catalog.formats.odcs import odcs_document, odcs_text
from catalog.formats.openapi_document import openapi_document
from catalog.formats.workbook import HEADINGS, SHEET, WorkbookError, read_workbook, write_workbook
from catalog.model.catalogue_entry import entry_of
from catalog.model.registry import RESOURCES, Registry
from tests.exchange.people import an_entry, an_item

REGISTRY = Registry(RESOURCES)
ENTRIES = [entry_of(contract, REGISTRY.elements_of(contract)) for contract in REGISTRY.all()]


def rows_of(content: bytes) -> list[list]:
    return [list(row) for row in load_workbook(BytesIO(content))[SHEET].iter_rows(values_only=True)]


def damaged(change) -> bytes:
    """Return a workbook of two entries after ``change`` was done to its rows."""
    items = [an_item("a"), an_item("b", "refused"), an_item("c", "unconditional")]
    rows = rows_of(write_workbook([(an_entry("301001/1", items=items), None), (an_entry("301001/2", "其他"), None)]))
    change(rows, {heading: index for index, heading in enumerate(rows[0])})
    book = Workbook()
    book.active.title = SHEET
    for row in rows:
        book.active.append(row)
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_every_entry_comes_back_from_the_workbook_as_it_was():
    content = write_workbook([(entry, date(2026, 3, 2)) for entry in ENTRIES])
    rows = rows_of(content)
    assert tuple(rows[0]) == HEADINGS
    assert len(rows) == 1 + sum(len(entry.items) for entry in ENTRIES) > 150
    back = read_workbook(content)
    assert back.errors == ()
    fields = {"code", "name", "abstract", "provider", "share_type", "condition", "grade", "modes", "update_cycle"}
    kept = {entry.code: entry for entry in ENTRIES}
    assert len(back.entries) == len(kept) >= 16
    for entry in back.entries:
        assert entry.model_dump(include=fields) == kept[entry.code].model_dump(include=fields)
        drop = {"classification", "legal_citation"}
        assert [i.model_dump(exclude=drop) for i in entry.items] == [
            i.model_dump(exclude=drop) for i in kept[entry.code].items
        ]


@pytest.mark.parametrize(
    ("heading", "row", "value", "words"),
    [
        ("共享类型", 2, "随便共享", "共享类型不在标准内"),
        ("共享条件", 2, "", "须写明法律依据"),
        ("共享条件", 1, None, "须写明共享条件"),
        ("数据类型", 3, "Z", "数据类型不在标准内"),
        ("数据长度", 1, "长", "数据长度不是数字"),
        ("信息项名称", 1, " ", "信息项名称为空"),
        ("信息资源代码", 2, None, "信息资源代码为空"),
        ("信息资源名称", 3, "别名", "与第2行不同"),
        ("信息资源提供方", 1, "火星局", "未登记"),
        ("提供方代码", 1, "11510000MB000700X4", "提供方代码与第2行不同"),
        ("更新周期", 1, "偶尔", "更新周期不在标准内"),
        ("信息项标识", 3, "a", "twice"),
    ],
)
def test_a_wrong_row_is_named_and_only_its_entry_is_left_out(heading, row, value, words):
    def change(rows, columns):
        rows[row][columns[heading]] = value

    back = read_workbook(damaged(change))
    assert any(words in error.message for error in back.errors), back.errors
    assert {error.row for error in back.errors} <= {2, 3, 4}
    assert row + 1 in {error.row for error in back.errors} or words in ("twice",) or "第2行" in words
    assert "301001/2" in {entry.code for entry in back.entries}


def test_formulas_are_not_run_by_the_reader_and_come_back_as_they_were():
    entry = an_entry(name="=HYPERLINK(1)", items=[an_item("a", business_name="+86电话"), an_item("b", "refused")])
    content = write_workbook([(entry, None)])
    cells = [str(cell) for row in rows_of(content)[1:] for cell in row if cell is not None]
    assert "'=HYPERLINK(1)" in cells and not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert read_workbook(content).entries[0].items[0].business_name == "+86电话"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", "目录,名称\n1,2".encode()])
def test_what_is_no_workbook_is_refused(content):
    with pytest.raises(WorkbookError):
        read_workbook(content)


def test_a_workbook_damaged_anywhere_is_refused_and_never_fails_inside():
    sound = write_workbook([(an_entry(), None)])
    refused = 0
    for place in range(0, len(sound), 37):
        try:
            read_workbook(sound[:place] + bytes([sound[place] ^ 0x5A]) + sound[place + 1 :])
        except WorkbookError:
            refused += 1
    assert refused > 20


def test_a_workbook_without_the_headings_is_refused():
    def change(rows, columns):
        rows[0][columns["信息资源代码"]] = "编码"

    with pytest.raises(WorkbookError, match="信息资源代码"):
        read_workbook(damaged(change))


def test_the_catalogue_is_dcat_ap_and_loses_it_without_a_title():
    document = dcat_document([(entry, datetime(2026, 3, 2, tzinfo=UTC)) for entry in ENTRIES], "https://data.example")
    graph = Graph().parse(data=document, format="json-ld")
    datasets = set(graph.subjects(RDF.type, DCAT.Dataset))
    assert len(datasets) == len(ENTRIES)
    for dataset in datasets:
        for needed in (DCTERMS.title, DCTERMS.description, DCTERMS.identifier, DCTERMS.publisher, DCTERMS.issued):
            assert list(graph.objects(dataset, needed)), (dataset, needed)
    shapes = Graph().parse(SHAPES, format="turtle")
    assert validate(graph, shacl_graph=shapes)[0]
    graph.remove((next(iter(datasets)), DCTERMS.title, None))
    assert not validate(graph, shacl_graph=shapes)[0]


def standard_faults(document: dict) -> list[str]:
    """Return what the JSON schema that the standard publishes finds wrong; its own package carries it."""
    schema = json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text(encoding="utf-8"))
    return [f"{error.json_path}: {error.message}" for error in Draft201909Validator(schema).iter_errors(document)]


def test_every_contract_is_valid_under_the_standards_own_schema():
    checked = 0
    for contract, entry in zip(REGISTRY.all(), ENTRIES, strict=True):
        document = yaml.safe_load(odcs_text(contract, entry))
        assert standard_faults(document) == [], contract.id
        checked += len(document["schema"][0]["properties"])
    assert checked > 150


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        (lambda document: document.pop("id"), "'id' is a required property"),
        (lambda document: document.update(government={}), "government"),
        (lambda document: document["servers"][0].update(type="postgres"), "'host' is a required property"),
        (lambda document: document["schema"][0]["properties"][0].update(logicalType="text"), "logicalType"),
    ],
)
def test_a_document_that_breaks_the_standard_is_told(damage, place):
    document = odcs_document(REGISTRY.get("population.resident"))
    assert standard_faults(document) == []
    damage(document)
    assert any(place in fault for fault in standard_faults(document))


def test_every_contract_is_a_document_of_the_data_contract_standard(tmp_path):
    assert len(REGISTRY.all()) >= 16
    for contract, entry in zip(REGISTRY.all(), ENTRIES, strict=True):
        text = odcs_text(contract, entry)
        assert "government" not in text
        path = tmp_path / "contract.yml"
        path.write_text(text, encoding="utf-8")
        read = OpenDataContractStandard.from_file(str(path))
        assert read.id == contract.id and len(read.schema_[0].properties) == len(contract.properties)
        assert {p.property for p in read.customProperties} >= {"department", "resourceCode", "catalogueName"}


def test_the_interface_of_a_shared_table_leaves_out_what_is_not_shared():
    shared = REGISTRY.get("population.resident_basic")
    entry = entry_of(shared, REGISTRY.elements_of(shared))
    hidden = entry.model_copy(
        update={"items": tuple(
            item.model_copy(update={"share_type": "refused"}) if item.name == "ethnic_group_code" else item
            for item in entry.items
        )}
    )  # fmt: skip
    document = json.loads(json.dumps(openapi_document(hidden, shared, "https://data.example")))
    row = document["components"]["schemas"]["resident_basic"]
    assert set(row["properties"]) == set(shared.columns) - {"ethnic_group_code"}
    assert row["properties"]["citizen_id"] == {
        "type": "string", "title": "公民身份号码", "maxLength": 18,
        "x-element": "citizen_id", "x-share-type": "有条件共享",
    }  # fmt: skip
    assert "/delta-sharing/shares/city/schemas/population/tables/resident_basic/query" in document["paths"]
