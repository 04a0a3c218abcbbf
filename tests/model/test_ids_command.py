"""`python -m catalog ids`: what a person sees who asks about a number."""

import json

import pytest
from typer.testing import CliRunner

from catalog.__main__ import app

PERSON = "11010519491231002X"


def told(*arguments: str):
    return CliRunner().invoke(app, ["ids", *arguments])


def test_a_valid_code_is_told_with_its_parts():
    result = told("explain", "91350100M000100Y43")
    assert result.exit_code == 0
    for expected in ("统一社会信用代码", "350100 福州市", "M000100Y4", "市场监管：企业"):
        assert expected in result.output


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("915101070549352000", "USCC_SPREADSHEET"),
        ("91350100M000100Y44", "USCC_CHECKSUM"),
        ("91350100M000100Y4", "USCC_LENGTH"),
        ("735130982", "ORGANISATION_CODE_CHECKSUM"),
        ("110103201501010014", "DIVISION_NOT_IN_FORCE"),
        ("1.2.156.3005.2.11100000000013338W011.430000.20230000403.001.U", "LICENCE_ID_ISSUER"),
        ("519999", "DIVISION_UNKNOWN"),
        ("9.14E+17", "USCC_SPREADSHEET"),
    ],
)
def test_what_fails_says_why_and_what_to_do(value: str, code: str):
    result = told("explain", value, "--json")
    assert result.exit_code == 1
    reasons = {answer["reason"]["code"]: answer["reason"] for answer in json.loads(result.output)}
    assert code in reasons
    assert all(reasons[code][text] for text in ("zh", "en", "remedy_zh", "remedy_en"))


@pytest.mark.parametrize("value", [PERSON, PERSON[:17] + "1", PERSON[:-1], "1" + PERSON, " １" + PERSON[1:].lower()])
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_a_persons_number_is_masked_however_it_is_written(value: str, form: list[str]):
    result = told("explain", value, *form)
    assert "公民身份号码" in result.output
    assert "1949" not in result.output
    assert "9491231002" not in result.output


def test_a_persons_number_is_shown_when_asked_for():
    result = told("explain", PERSON, "--unmasked")
    assert result.exit_code == 0
    assert PERSON in result.output
    assert "birth date: 1949-12-31" in result.output


def test_help_and_list_teach():
    assert "--unmasked" in told("explain", "--help").output
    listed = told("list", "--json")
    assert {row["standard"] for row in json.loads(listed.output)} == {
        "citizen_id", "uscc", "organisation_code", "registration_number", "licence_id", "division"
    }  # fmt: skip
