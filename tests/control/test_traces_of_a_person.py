"""A person is found wherever data lies, in whatever spelling and wrapping; another person in the same files is not."""

import bz2
import gzip
import io
import json
import lzma
import secrets
import shutil
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from openpyxl import Workbook
from sqlalchemy import select, text
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.audit_tables import AuditEntry
from catalog.control.session import session_scope
from catalog.erasure.marks import marks_of
from catalog.erasure.texts import NAME, NUMBER, Needles, count_in
from catalog.model.entity_ids import entity_id_of
from catalog.model.layers import table
from catalog.model.settings import get_settings

ANN, OLD, NAMED = "11010519491231002X", "110105491231002", "示范国华"
BORN = date(1949, 12, 31)
BEN, BENS = "440524188001010014", "示范乙"


@pytest.fixture
def home(control_database, monkeypatch, tmp_path):
    """An empty home with a control plane."""
    for name in ("AUDIT_KEY", "IDENTITY_KEY"):
        monkeypatch.setenv(name, secrets.token_hex(32))
    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
    monkeypatch.setenv("LAKE_URI", "")
    monkeypatch.setenv("CONTROL_URL", control_database)
    get_settings.cache_clear()
    (tmp_path / "landing").mkdir()
    write_deltalake(table("silver.licence__any").local_path, pa.table({"code": ["x"]}))
    yield tmp_path
    get_settings.cache_clear()


def ask(*arguments, number=ANN):
    answer = CliRunner().invoke(
        app, ["erase", "search", "-", "--purpose", "a test", "--name", NAMED, "--json", *arguments], input=f"{number}\n"
    )
    for value in (ANN, OLD, NAMED, BEN):
        assert value not in answer.output
    return answer


def places(*arguments, number=ANN):
    found = json.loads(ask(*arguments, number=number).stdout)
    return {(trace["where"], trace["place"], trace["told_by"]): trace["rows"] for trace in found}


def packed(name, content):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return archive.getvalue()


def workbook(*rows):
    book, content = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


LANDED = {
    "plain.csv": f"姓名,证件\n{NAMED},{ANN}\n".encode(),
    "chinese.csv": f"姓名,证件\n{NAMED},{ANN.lower()}\n".encode("gb18030"),
    "wide.txt": f"{NAMED}\t{ANN}\n".encode("utf-16"),
    "old.csv": f"x,{OLD}\n".encode(),
    "full_width.csv": "x,１１０１０５１９４９１２３１００２Ｘ\n".encode(),
    "grouped.csv": b"x,110105 19491231 002X\n",
    "named.csv": f"{NAMED},1949年12月31日\n".encode(),
    "sent.csv.gz": gzip.compress(f"x,{ANN}\n".encode()),
    "sent.zip": packed("inner/list.csv", gzip.compress(f"x,{ANN}\n".encode())),
    "sent.xlsx": workbook(["证件"], [ANN]),
    "page.json": json.dumps({"items": [{"name": NAMED, "born": "1949-12-31"}, {"name": "x"}]}).encode(),
    "named_file.zip": packed(f"{ANN}.txt", "x"),
    "sent.csv.bz2": bz2.compress(f"x,{BORN}\n{ANN}\n".encode()),
    "sent.csv.xz": lzma.compress(f"x,{BORN}\n{ANN}\n".encode()),
    "fixed.txt": f"1{ANN}20260301\n".encode(),
    "list.json": json.dumps([["x", "1949-12-30"], [NAMED, "1949-12-31"]]).encode(),
    "damaged.gz": gzip.compress(b"x")[:6] + ANN.encode(),
}
OTHERS = {
    "another.csv": f"姓名,证件\n{BENS},{BEN}\n".encode(),
    "longer.csv": f"account,9{ANN[:17]}0\nserial,7{OLD}4\n".encode(),
    "two_rows.csv": f"{NAMED},1950-01-01\n{BENS},1949-12-31\n".encode(),
    "two_records.json": json.dumps(
        {"items": [{"name": NAMED, "born": "1950-01-01"}, {"name": BENS, "born": "1949-12-31"}]}
    ).encode(),
}


@pytest.mark.parametrize("name", LANDED)
def test_landed_bytes_tell_a_person_in_every_wrapping(home, name):
    (home / "landing" / name).write_bytes(LANDED[name])
    [((where, place, told_by), rows)] = places().items()
    assert (where, place, rows) == ("landing", name, 1)
    assert told_by == (NAME if name in ("named.csv", "page.json", "list.json") else NUMBER) or name == "named_file.zip"


def test_a_name_is_found_whose_bytes_are_those_of_an_end_of_line(home):
    """上 and 官, 不 and 下 have the byte of a line feed or carriage return in UTF-16."""
    marks = replace(marks_of(ANN), names=("上官不下",))
    for encoding in ("utf-16", "utf-8", "gb18030"):
        found = count_in(Needles(marks), "上官不下,1949-12-31\n上官不下,1949-12-30\n".encode(encoding))
        assert found == Counter({NAME: 1}), encoding


def test_the_name_of_a_file_and_a_table_that_is_called_otherwise_tell_a_person(home):
    (home / "landing" / f"{ANN}.pdf").write_bytes(b"%PDF-1.4")
    pq.write_table(pa.table({"citizen_id": [ANN] * 3, "n": [1, 2, 3]}), home / "landing" / "part.parquet.tmp")
    found = {(where, told_by, rows) for (where, _, told_by), rows in places().items()}
    assert found == {("landing", NUMBER, 1), ("landing", NUMBER, 3)}


def test_an_empty_name_is_nobody(home):
    (home / "landing" / "f.csv").write_text("x,1949-12-31\n")
    assert places("--name", " ") == {}


@pytest.mark.parametrize("name", OTHERS)
def test_who_is_another_person_is_not_found(home, name):
    (home / "landing" / name).write_bytes(OTHERS[name])
    assert places() == {}


def test_every_version_of_a_table_and_its_log_are_searched(home):
    lake = table("silver.population__resident").local_path
    rows = pa.table(
        {
            "citizen_id": [ANN, BEN],
            "name": [NAMED, BENS],
            "birth_date": pa.array([BORN, date(1880, 1, 1)]),
            "_row": pa.array([[("身份证", ANN)], [("身份证", BEN)]], pa.map_(pa.string(), pa.string())),
        }
    )
    write_deltalake(lake, rows)
    found = places()
    assert {(where, told_by) for where, _, told_by in found} >= {("lake", NUMBER), ("lake", NAME)}
    [data] = [place for _, place, told_by in found if place.endswith(".parquet") and told_by == NUMBER]
    assert found["lake", data, NUMBER] == found["lake", data, NAME] == 1
    assert any("_delta_log" in place for _, place, _ in found), "the log keeps the least and greatest value of a file"
    DeltaTable(lake).delete(f"citizen_id = '{ANN}'")
    assert ("lake", data, NUMBER) in places(), "a file that no version in force names is still there"
    assert places(number=BEN).keys() >= {("lake", data, NUMBER)}


def test_a_damaged_data_file_is_a_finding_of_its_own(home):
    lake = table("silver.population__resident").local_path
    write_deltalake(lake, pa.table({"citizen_id": [BEN]}))
    [data] = Path(lake).glob("*.parquet")
    data.write_bytes(data.read_bytes()[:-20])
    assert ("lake", f"silver/population__resident/{data.name}", "unreadable") in places()
    assert ask("--prove").exit_code == 1, "nobody can say that it holds nothing"


def test_an_entity_id_tells_a_person_without_any_value(home):
    entity = entity_id_of("population.person", ANN, get_settings().identity_key)
    write_deltalake(table("gold.population__resident_basic").local_path, pa.table({"person_id": [entity, "0" * 24]}))
    found = places()
    assert {told_by for _, _, told_by in found} == {"entity id"}
    assert [rows for (_, place, _), rows in found.items() if place.endswith(".parquet")] == [1]


def test_the_control_plane_is_searched_also_in_documents_and_bytes(home):
    with session_scope() as session:
        session.execute(
            text(
                "INSERT INTO event (kind, object, departments, payload) VALUES ('a.b', 'c:1', '{}', CAST(:p AS jsonb))"
            ),
            {"p": json.dumps({"deep": [{"number": ANN}]})},
        )
        session.execute(
            text(
                "INSERT INTO idempotent_answer (caller, key, request_sha256, body, expires_at)"
                " VALUES ('a', 'k', 'd', :b, now())"
            ),
            {"b": json.dumps({"number": ANN, "name": BENS}).encode()},
        )
    assert places() == {("control", "event", NUMBER): 1, ("control", "idempotent_answer", NUMBER): 1}
    assert places(number=BEN) == {}


def test_what_is_below_the_home_is_searched_once_and_names_of_files_are_masked(home):
    for place in ("reports/quality/page.html", "exports/1/part.csv", f"reports/{BEN}.txt"):
        path = home / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<td>{BEN}</td>\n")
    (home / "landing" / "f.csv").write_text(f"x,{BEN}\n")
    assert places(number=BEN) == {
        ("home", "exports/1/part.csv", NUMBER): 1,
        ("home", "reports/440524************.txt", NUMBER): 1,
        ("home", "reports/quality/page.html", NUMBER): 1,
        ("landing", "f.csv", NUMBER): 1,
    }


def test_the_search_proves_by_its_exit_code_and_is_on_record(home):
    (home / "landing" / "f.csv").write_text(f"x,{BEN}\n")
    assert ask("--prove").exit_code == 0
    assert ask("--prove", number=BEN).exit_code == 1
    assert ask(number=BEN).exit_code == 0
    with session_scope() as session:
        entries = list(session.scalars(select(AuditEntry).where(AuditEntry.act == "erasure.search")))
    assert [entry.purpose for entry in entries] == ["a test"] * 3


@pytest.mark.parametrize(
    ("number", "purpose", "says"),
    [("110105194912310021", "a test", "CITIZEN_ID_INVALID"), (ANN, " ", "PURPOSE_MISSING")],
)
def test_a_question_without_number_or_purpose_is_refused(home, number, purpose, says):
    answer = CliRunner().invoke(app, ["erase", "search", "-", "--purpose", purpose], input=f"{number}\n")
    assert answer.exit_code == 2
    assert says in answer.output and "remedy" in answer.output
    assert number not in answer.output


def test_a_home_without_a_lake_proves_nothing(home):
    shutil.rmtree(home / "lake")
    answer = ask("--prove")
    assert answer.exit_code == 2 and "NOTHING_SEARCHED" in answer.output


def test_many_rows_are_counted_each(home):
    lines = "".join(f"{n},{ANN if n % 10 == 0 else BEN}\n" for n in range(1000))
    assert count_in(Needles(marks_of(ANN)), lines.encode()) == Counter({NUMBER: 100})
