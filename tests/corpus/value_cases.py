"""Values that departments write, one per line: the column's standard, the raw text, the reason or the value (值)."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.model.ids import citizen_id, licence_id, uscc

CITIZEN = "11010519491231002X"
STEM = "91510107054935200"
SOUND = STEM + uscc.check_character(STEM)
WRONG = STEM + ("A" if SOUND[-1] != "A" else "B")
PARTS = ("11100000000013338W011", "11430000006122244L", "20230000403", "001")
LICENCE = f"{licence_id.ROOT}.{'.'.join(PARTS)}.{licence_id.check_character(*PARTS)}"


def citizen(first_17: str) -> str:
    """Return a citizen number with its check character."""
    return first_17 + citizen_id.check_character(first_17)


@dataclass(frozen=True)
class ValueCase:
    """One raw value: set aside for a reason, or accepted as a value."""

    id: str
    standard: str
    raw: str | None
    reason: str = ""
    value: str | None = None


def aside(name: str, standard: str, raw: str, reason: str) -> ValueCase:
    """Return a value that sets its row aside."""
    return ValueCase(f"{standard}_{name}", standard, raw, reason)


def stands(name: str, standard: str, raw: str | None, value: str | None) -> ValueCase:
    """Return a value that is accepted in its standard form."""
    return ValueCase(f"{standard}_{name}", standard, raw, "", value)


CASES = [
    stands("sound", "citizen_id", CITIZEN, CITIZEN),
    stands("small_x", "citizen_id", CITIZEN.lower(), CITIZEN),
    stands("full_width", "citizen_id", "１１０１０５１９４９１２３１００２Ｘ", CITIZEN),
    stands("invisible_character", "citizen_id", f"\u200b{CITIZEN}\u00a0", CITIZEN),
    stands("fifteen_digits", "citizen_id", "320311770706001", "320311197707060018"),
    aside("check_character", "citizen_id", "110105194912310021", "CITIZEN_ID_CHECKSUM"),
    aside("seventeen_digits", "citizen_id", CITIZEN[:17], "CITIZEN_ID_LENGTH"),
    aside("nineteen_digits", "citizen_id", "1" + CITIZEN, "CITIZEN_ID_LENGTH"),
    aside("letter_inside", "citizen_id", CITIZEN.replace("49", "4O"), "CITIZEN_ID_FORMAT"),
    aside("masked", "citizen_id", "110105********002X", "CITIZEN_ID_MASKED"),
    aside("scientific_form", "citizen_id", "1.10105194912310E+17", "CITIZEN_ID_SPREADSHEET"),
    stands("apostrophe", "citizen_id", f"'{CITIZEN}", CITIZEN),
    aside("impossible_birth_date", "citizen_id", citizen("11010519490230002"), "DATE_IMPOSSIBLE"),
    aside("unknown_division", "citizen_id", citizen("99010519491231002"), "DIVISION_UNKNOWN"),
    aside("a_credit_code", "citizen_id", SOUND, "CITIZEN_ID_FORMAT"),
    stands("sound", "uscc", SOUND, SOUND),
    stands("small_letters", "uscc", "91350100m000100y43", "91350100M000100Y43"),
    stands("outer_blanks", "uscc", f"　{SOUND}\t", SOUND),
    aside("check_character", "uscc", WRONG, "USCC_CHECKSUM"),
    aside("forbidden_letter", "uscc", "91350100I000100Y43", "USCC_LETTER"),
    aside("twenty_characters", "uscc", SOUND + "00", "USCC_LENGTH"),
    aside("chinese_text", "uscc", "无", "USCC_PLACEHOLDER"),
    aside("nine_digit_organisation_code", "uscc", "66966610-8", "USCC_IS_ORGANISATION_CODE"),
    aside("scientific_form", "uscc", "9.14E+17", "USCC_SPREADSHEET"),
    aside("tail_zeroed", "uscc", "915101070549352000", "USCC_SPREADSHEET"),
    aside("lost_characters", "uscc", "9151010705493520??", "USCC_CHARACTERS_LOST"),
    stands("sound", "licence_id", LICENCE, LICENCE),
    aside("check_character", "licence_id", LICENCE[:-1] + ("A" if LICENCE[-1] != "A" else "B"), "LICENCE_ID_CHECKSUM"),
    aside("without_dots", "licence_id", LICENCE.replace(".", ""), "LICENCE_ID_FORMAT"),
    aside("another_root", "licence_id", LICENCE.replace("1.2.156", "1.2.157"), "LICENCE_ID_FORMAT"),
    stands("sound", "division", "110105", "110105"),
    aside("unknown", "division", "999999", "DIVISION_UNKNOWN"),
    aside("twelve_digits", "division", "110105000000", "DIVISION_LENGTH"),
    aside("by_name", "division", "朝阳区", "DIVISION_FORMAT"),
    stands("single_digits", "date", "2024-9-1", "2024-09-01"),
    stands("chinese", "date", "2024年9月1日", "2024-09-01"),
    stands("compact", "date", "20240901", "2024-09-01"),
    stands("sentinel", "date", "9999-12-31", None),
    stands("leap_day", "date", "2024-02-29", "2024-02-29"),
    aside("no_leap_day", "date", "2023-02-29", "DATE_IMPOSSIBLE"),
    aside("month_thirteen", "date", "2023-13-01", "DATE_IMPOSSIBLE"),
    aside("day_thirty_one_of_april", "date", "20230431", "DATE_IMPOSSIBLE"),
    aside("day_first", "date", "01/09/2024", "DATE_FORMAT"),
    aside("lost_characters", "date", "2023??????", "DATE_FORMAT"),
    aside("two_digit_year", "date", "24-9-1", "DATE_CENTURY_MISSING"),
    stands("open_end", "date", "长期", None),
    stands("slashes", "date", "2024/9/1", "2024-09-01"),
    stands("chinese_numerals", "date", "二〇二四年九月一日", "2024-09-01"),
    stands("serial_of_a_workbook", "date", "45536", "2024-09-01"),
    aside("month_only", "date", "2024年9月", "DATE_DAY_MISSING"),
    stands("ten_thousands", "money_amount", "9(万元人民币)", "90000.0000"),
    stands("without_figure", "money_amount", "", None),
    stands("dollars", "money_currency", "9(万美元)", "USD"),
    aside("without_unit", "money_amount", "9()", "MONEY_UNIT_MISSING"),
    aside("a_name", "money_amount", "示范贸易", "MONEY_FORMAT"),
    stands("mobile", "phone", "＋86 138 0013 8000", "13800138000"),
    aside("too_short", "phone", "1380013", "PHONE_FORMAT"),
    aside("without_area", "phone", "65432100", "PHONE_AREA_MISSING"),
    aside("text", "phone", "见附件", "PHONE_FORMAT"),
    stands("in_brackets", "former_name", "示范水利公司（原示范工程队）", "示范工程队"),
    stands("without_former_name", "current_name", "示范水利公司（原示范工程队）", "示范水利公司"),
    stands("division_of_an_address", "address_division", "四川省成都市武侯区人民南路1号", "510107"),
    stands("rest_of_an_address", "address_rest", "四川省成都市武侯区人民南路1号", "人民南路1号"),
    stands("zone", "instant", "2024-09-01T08:00:00+08:00", "2024-09-01 00:00:00"),
    stands("without_zone_is_beijing_time", "instant", "2024-09-01 08:00:00", "2024-09-01 00:00:00"),
    aside("hour_twenty_five", "instant", "2024-09-01 25:00:00", "INSTANT_FORMAT"),
    aside("text", "instant", "昨天", "INSTANT_FORMAT"),
    stands("thousands", "decimal", "1,234,567.5", "1234567.5000"),
    stands("negative", "decimal", "-0.5", "-0.5000"),
    aside("scientific_form", "decimal", "9.14E+17", "NUMBER_FORMAT"),
    aside("text", "decimal", "一百", "NUMBER_FORMAT"),
    aside("two_points", "decimal", "1.2.3", "NUMBER_FORMAT"),
    aside("too_precise", "decimal", "1.00005", "NUMBER_PRECISION"),
    stands("full_width", "integer", "１２", "12"),
    aside("fraction", "integer", "1.5", "NUMBER_FORMAT"),
    aside("not_a_number", "integer", "NaN", "NUMBER_FORMAT"),
    aside("beyond_every_size", "integer", "9" * 40, "NUMBER_FORMAT"),
    stands("chinese", "boolean", "是", "true"),
    aside("unknown", "boolean", "也许", "BOOLEAN_UNKNOWN"),
    stands("mended", "code", "男", "1"),
    aside("unknown", "code", "7", "CODE_UNKNOWN"),
    aside("blank_inside", "code", "男 女", "CODE_UNKNOWN"),
    stands("middle_dot", "name", "阿卜杜拉•买买提", "阿卜杜拉·买买提"),
    stands("rare_characters", "name", "𠮷𬭎䶮", "𠮷𬭎䶮"),
    stands("blank_inside", "name", "张　三", "张三"),
    stands("only_blanks", "name", "　 \u200b", None),
]
"""Add a class by adding a line; a standard not met before gets its column by itself."""
