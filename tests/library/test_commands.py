"""The commands over the base libraries: what they answer, masked, and what they refuse."""

import json

from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.model import authority

ANN, BEN, FIRM = "11010519491231002X", "440524188001010014", "91510107MB0000001B"
ROAD = "1.2.156.3005.2.11510000MB001B006G001.11510000MB001B006G"


def ask(*words):
    found = CliRunner().invoke(app, list(words))
    return found.exit_code, found.output


def asked(*words):
    found = CliRunner().invoke(app, [*words, "--json"])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_authority_is_checked_and_shown():
    code, output = ask("authority", "check")
    assert code == 0 and "one source each" in output
    assert {row["resource"] for row in asked("authority", "check")} >= {"population.person", "licence.licence"}
    rows = asked("authority", "show", "legal_entity.entity")
    names = [row for row in rows if row["element"] == "name"]
    assert [row["segment"] for row in names] == ["其余", "个体工商户", "机关和事业单位"]
    assert names[0]["department"] == "market_regulation"


def test_a_file_with_a_gap_is_refused_with_the_gap(tmp_path, monkeypatch):
    path = tmp_path / "authority.yml"
    text = authority.AUTHORITY.read_text(encoding="utf-8").replace(
        "address, phone, status_code]", "address, status_code]"
    )
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(authority, "AUTHORITY", path)
    code, output = ask("authority", "check")
    assert code == 2
    assert "population.person.phone: it has no source" in output


def test_licences_are_listed_for_the_day_of_use(tell):
    said = {"licence_type_code": "11510000MB001B006G001", "licence_no": "示字1", "holder_code": ANN, "status_code": "1"}
    tell("licence.road_transport", f"{ROAD}.2024000001.001.A", 1, {**said, "valid_to_date": "2026-03-20"})
    [live] = asked("licences", "of", ANN)
    assert (live["validity"], live["holder_code"]) == ("valid", "110105************")
    assert asked("licences", "of", ANN, "--on", "2026-03-21") == []
    assert asked("licences", "of", ANN, "--on", "2026-03-21", "--all")[0]["validity"] == "expired"
    assert len(asked("licences", "expiring", "--within", "10")) == 1
    assert asked("licences", "expiring", "--within", "9") == []


def test_people_and_their_relations_are_found_and_masked(tell):
    tell("population.resident", ANN, 1, {"name": "示范甲", "division_code": "110103"})
    tell("population.resident", BEN, 1, {"name": "示范乙", "division_code": "110101"})
    tell("population.insured_person", ANN, 1, {"employer_uscc": FIRM})
    tell("legal_entity.enterprise", FIRM, 1, {"name": "示范建设有限公司"})
    found = asked("find", "population.person", "--column", "division_code", "--value", "110101")
    assert {row["citizen_id"] for row in found} == {"110105************", "440524************"}
    [employer] = asked("relations", "population.person", ANN)
    assert (employer["relation"], employer["name"]) == ("employer", "示范建设有限公司")
    code, output = ask("find", "population.person", "--column", "colour", "--value", "1")
    assert code == 2 and "no column colour" in output
    assert ask("relations", "population.person", "44052418800101003X")[0] == 2
