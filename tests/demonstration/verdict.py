"""An independent judge of demonstration rows: what is wrong with a row, by stdnum and the calendar."""

import re
from datetime import date
from typing import Any

from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_37_36

from catalog.model.codes import load_code_list

DIVISIONS = {code.code for code in load_code_list("division").codes}
_BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def parse_date(text: Any) -> date | None:
    """Return the day that ``text`` names, whatever its spelling; None when there is no such day."""
    if isinstance(text, date):
        return text
    digits = re.findall(r"\d+", text)
    if len(digits) == 1:
        digits = [text[:4], text[4:6], text[6:8]]
    try:
        return date(*(int(part) for part in digits))
    except ValueError:
        return None


def wrong_with_number(number: str) -> set[str]:
    if re.fullmatch(r"\d{15}", number):
        return {"citizen_id_15_digits"}
    return set() if ric.is_valid(number) and ric.compact(number) == number else {"citizen_id_check_digit"}


def wrong_with_code(code: str) -> set[str]:
    if not uscc.is_valid(code) or uscc.compact(code) != code:
        return {"uscc_check_digit"}
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    total = sum(alphabet.index(c) * w for c, w in zip(code[8:16], _BODY_WEIGHTS, strict=True))
    assert code[16] == {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11)), "organisation code, GB 11714"
    return set()


def wrong_with_resident(row: dict[str, Any]) -> set[str]:
    """Return the kinds of fault that a resident row shows by itself."""
    number = row["citizen_id"]
    wrong = wrong_with_number(number)
    born = parse_date(row["birth_date"])
    if born is None:
        wrong.add("impossible_date")
    full = number if len(number) == 18 else f"{number[:6]}19{number[6:]}?"
    if born is not None:
        assert full[6:14] == f"{born:%Y%m%d}", "birth date and number must agree"
    if ("1" if int(full[16]) % 2 else "2") != row["sex_code"]:
        wrong.add("sex_contradicts_number")
    if row["division_code"] not in DIVISIONS:
        wrong.add("unknown_division")
    return wrong


def wrong_with_insured(row: dict[str, Any]) -> set[str]:
    wrong = wrong_with_number(row["citizen_id"])
    if ("1" if int(row["citizen_id"][16]) % 2 else "2") != row["sex_code"]:
        wrong.add("sex_contradicts_number")
    assert not wrong_with_code(row["employer_uscc"])
    return wrong


def wrong_with_enterprise(row: dict[str, Any]) -> set[str]:
    wrong = wrong_with_code(row["uscc"])
    if parse_date(row["established_date"]) is None:
        wrong.add("impossible_date")
    if row["division_code"] not in DIVISIONS:
        wrong.add("unknown_division")
    return wrong


def wrong_with_licence(row: dict[str, Any], today: date, known: set[str]) -> set[str]:
    """Return the kinds of fault that a licence row shows.

    Args:
        row: under the Chinese headers.
        today: business date.
        known: citizen numbers and credit codes that 公安, 市场监管 and 人社 hold.
    """
    wrong: set[str] = set()
    type_code, issuer, serial, version, check = row["证照标识"].removeprefix("1.2.156.3005.2.").split(".")
    assert mod_37_36.is_valid(type_code + issuer + serial + version + check)
    assert type_code == row["证照类型代码"] and issuer == row["发证机关代码"] and not wrong_with_code(issuer)
    if parse_date(row["发证日期"]) is None:
        wrong.add("impossible_date")
    until = parse_date(row["有效期止"])
    assert until is not None
    if until < today:
        wrong.add("licence_expired")
    if row["证照状态"] not in ("有效", "正常", "1"):
        wrong.add("licence_revoked")
    if row["行政区划代码"] not in DIVISIONS:
        wrong.add("unknown_division")
    judge = wrong_with_number if row["持证主体代码类型"] == "111" else wrong_with_code
    assert not judge(row["持证主体代码"])
    if row["持证主体代码"] not in known:
        wrong.add("holder_unknown")
    return wrong
