"""Planted against found: only the kind's own code on the very record counts."""

import pytest

from infra.demonstration.answer_key import Planted
from infra.run.faults import DETECTIONS, Evidence, compare


def planted(kind: str, record_key: str, *, day: int = 1, resource: str = "population.resident") -> Planted:
    return Planted(kind, resource, "resident_feed", record_key, day)


def seen(code: str, record_key: str, *, place: str = "row", resource: str = "population.resident") -> Evidence:
    return Evidence(place, code, resource, record_key)  # type: ignore[arg-type]


def test_what_is_planted_and_found_is_whole() -> None:
    key = [planted("citizen_id_check_digit", "7"), planted("unknown_division", "8")]
    verdicts = compare(key, [seen("CITIZEN_ID_CHECKSUM", "7"), seen("DIVISION_UNKNOWN", "8")], day=1)
    assert {kind: (v.planted, v.found) for kind, v in verdicts.items()} == {
        "citizen_id_check_digit": (1, 1),
        "unknown_division": (1, 1),
    }
    assert all(verdict.is_whole for verdict in verdicts.values())


@pytest.mark.parametrize(
    "evidence",
    [
        [],
        [seen("DIVISION_UNKNOWN", "7")],
        [seen("CITIZEN_ID_CHECKSUM", "70")],
        [seen("CITIZEN_ID_CHECKSUM", "7", resource="population.insured_person")],
        [seen("CITIZEN_ID_CHECKSUM", "7", place="base")],
    ],
    ids=["nothing", "another code", "another record", "another resource", "another place"],
)
def test_a_fault_is_missed_unless_its_own_code_stands_on_its_record(evidence: list[Evidence]) -> None:
    verdict = compare([planted("citizen_id_check_digit", "7")], evidence, day=1)["citizen_id_check_digit"]
    assert (verdict.planted, verdict.found) == (1, 0)
    assert verdict.missing == ["population.resident 7"]
    assert not verdict.is_whole


def test_what_is_found_where_nothing_is_planted_is_a_false_alarm() -> None:
    evidence = [seen("CITIZEN_ID_CHECKSUM", "7"), seen("CITIZEN_ID_CHECKSUM", "9")]
    verdict = compare([planted("citizen_id_check_digit", "7")], evidence, day=1)["citizen_id_check_digit"]
    assert verdict.found == 1
    assert verdict.false_alarms == ["population.resident 9"]
    assert not verdict.is_whole


def test_a_false_alarm_of_a_kind_that_is_not_planted_is_told_too() -> None:
    evidence = [seen("CITIZEN_ID_CHECKSUM", "7"), seen("LATE_ROW", "9")]
    verdicts = compare([planted("citizen_id_check_digit", "7")], evidence, day=1)
    assert verdicts["late_row"].false_alarms == ["population.resident 9"]


def test_earlier_days_explain_what_still_stands_and_are_not_counted_again() -> None:
    key = [planted("unknown_division", "7"), planted("unknown_division", "8", day=2)]
    evidence = [seen("DIVISION_UNKNOWN", "7"), seen("DIVISION_UNKNOWN", "8")]
    verdict = compare(key, evidence, day=2)["unknown_division"]
    assert (verdict.planted, verdict.found, verdict.false_alarms) == (1, 1, [])


def test_faults_of_deliveries_are_found_by_the_name_of_their_file() -> None:
    key = [planted("short_delivery", "drug_business_20260302_04.csv", resource="licence.drug_business")]
    evidence = [
        seen("SHORT_DELIVERY", "drug_business_20260302_04.csv", place="delivery", resource="licence.drug_business")
    ]
    assert compare(key, evidence, day=1)["short_delivery"].is_whole


def test_a_kind_without_a_declared_detection_is_refused() -> None:
    with pytest.raises(LookupError, match="moon_phase"):
        compare([planted("moon_phase", "7")], [], day=1)


def test_each_kind_has_one_detection_and_each_code_one_kind() -> None:
    assert len({detection.kind for detection in DETECTIONS}) == len(DETECTIONS) == 16
    assert len({(detection.place, detection.code) for detection in DETECTIONS}) == len(DETECTIONS)


def test_every_kind_that_the_departments_plant_has_its_detection() -> None:
    from infra.demonstration.sizes import FAULTS, FILE_FAULTS

    kinds = {kind for counts in FAULTS.values() for kind in counts} | set(FILE_FAULTS) | {"late_row"}
    assert len(kinds) > 10
    assert kinds <= {detection.kind for detection in DETECTIONS}
