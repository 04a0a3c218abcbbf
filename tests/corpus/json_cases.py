"""JSON documents that are no documents, or whose records are no records (自描述格式)."""

from __future__ import annotations

import json
from typing import Any

from tests.corpus.case import NAMES, Case, Row, admitted, held

G = "structure"
ROW: Row = ("1", "店", "x")
RECORD: dict[str, Any] = dict(zip(NAMES, ROW, strict=True))
TEXT = json.dumps(RECORD, ensure_ascii=False)
MANY = [TEXT] * 40
DEEP = "[" * 40 + "]" * 40


def document(*records: str) -> bytes:
    """Return a list of records written as they are given."""
    return f"[{','.join(records)}]".encode()


def with_name(shop_name: str) -> str:
    """Return a record whose shop name is written so."""
    return f'{{"统一社会信用代码": "1", "店铺名称": {shop_name}, "开业日期": "x"}}'


def reads(name: str, written: str, text: str | None) -> Case:
    """Return a document in which one written value arrives as ``text``."""
    return admitted(f"json_{name}", G, document(with_name(written)), [("1", text, "x")], format="json")


def rejects(name: str, record: str, code: str) -> Case:
    """Return a document of forty sound records and one that is rejected."""
    return admitted(f"json_{name}", G, document(record, *MANY), [ROW] * 40, rejected={1: code}, format="json")


def refuses(name: str, content: bytes, code: str, *words: str, group: str = G, **source: Any) -> Case:
    """Return a document that is held."""
    return held(f"json_{name}", group, content, code, *words, format="json", **source)


CASES = [
    admitted("json_list", G, document(TEXT, TEXT), [ROW, ROW], format="json"),
    admitted("json_wrapped", G, f'{{"data": {{"rows": [{TEXT}]}}}}'.encode(), [ROW], format="json",
             records_path="data.rows"),
    admitted("json_lines", G, "\n".join(MANY).encode(), [ROW] * 40, format="json"),
    admitted("json_lines_with_blank_lines_and_crlf", G, f"{TEXT}\r\n\r\n{TEXT}\r\n".encode(), [ROW, ROW],
         format="json"),
    admitted("json_lines_with_a_line_separator_in_a_text", G,
             "\n".join([with_name('"a\u2028b"'), TEXT]).encode(), [("1", "a\u2028b", "x"), ROW], format="json"),
    admitted("json_one_object", G, TEXT.encode(), [ROW], format="json"),
    admitted("json_with_mark", "encoding", b"\xef\xbb\xbf" + document(TEXT), [ROW], format="json"),
    admitted("json_in_gbk", "encoding", f"[{TEXT}]".encode("gbk"), [ROW], notes={"ENCODING_DIFFERS"}, format="json"),
    reads("eighteen_digits", "915101070549352001", "915101070549352001"),
    reads("forty_digits", "1" * 40, "1" * 40),
    reads("decimal_with_final_zero", "80.20", "80.20"),
    reads("number_in_scientific_form", "9.14E+17", "9.14E+17"),
    reads("truth", "true", "true"),
    reads("null", "null", None),
    reads("nested_object", '{"a": 1.50, "b": [null, "c"]}', '{"a": 1.50, "b": [null, "c"]}'),
    reads("escaped_character", '"\\u5e97"', "店"),
    reads("escaped_pair", '"\\ud842\\udfb7"', "𠮷"),
    admitted("json_name_missing_in_one_record", G, document(TEXT, '{"统一社会信用代码": "2", "店铺名称": "b"}'),
             [ROW, ("2", "b", None)], format="json"),
    rejects("text_for_a_record", '"text"', "ROW_RAGGED"),
    rejects("list_for_a_record", '["1", "店", "x"]', "ROW_RAGGED"),
    rejects("null_for_a_record", "null", "ROW_RAGGED"),
    rejects("empty_record", "{}", "BLANK_ROW"),
    rejects("name_twice_in_a_record", '{"店铺名称": "a", "店铺名称": "b"}', "NAME_REPEATED"),
    rejects("name_twice_inside_a_value", with_name('{"a": 1, "a": 2}'), "NAME_REPEATED"),
    rejects("nan", with_name("NaN"), "NUMBER_NOT_FINITE"),
    rejects("infinity_inside_a_value", with_name("[-Infinity]"), "NUMBER_NOT_FINITE"),
    rejects("value_nested_too_deep", with_name(DEEP), "NESTED_TOO_DEEP"),
    refuses("document_nested_too_deep", b"[" * 200_000, "STRUCTURE_INVALID", "levels deep"),
    refuses("array_of_arrays", document(*['["1", "店", "x"]'] * 9), "STRUCTURE_INVALID", "9 of 9 rows", "not an object",
            records=9),
    refuses("trailing_comma", document(TEXT, ""), "STRUCTURE_INVALID", "line 1, column"),
    refuses("comment", b"// list\n" + document(TEXT), "STRUCTURE_INVALID", "line 1, column 1"),
    refuses("single_quotes", b"[{'a': 1}]", "STRUCTURE_INVALID", "line 1, column 3"),
    refuses("cut_off", document(TEXT, TEXT)[:-30], "STRUCTURE_INVALID", "line 1, column", "cut off"),
    refuses("two_documents", document(TEXT) * 2, "STRUCTURE_INVALID", "Extra data"),
    refuses("broken_line", f"{TEXT}\n{TEXT[:-4]}\n{TEXT}".encode(), "STRUCTURE_INVALID", "line 2", records=3),
    refuses("raw_line_break_in_a_text", document(with_name('"a\nb"')), "STRUCTURE_INVALID", "line 1", "control"),
    refuses("text_only", b'"text"', "STRUCTURE_INVALID", "not a list of records"),
    refuses("wrapped_elsewhere", f'{{"rows": [{TEXT}]}}'.encode(), "STRUCTURE_INVALID", "no 'data.rows'",
            records_path="data.rows"),
    refuses("list_wrapped_twice", f'{{"rows": [{TEXT}], "rows": []}}'.encode(), "STRUCTURE_INVALID", "rows twice",
            records_path="rows"),
    refuses("name_added", document(TEXT[:-1] + ', "备注": ""}'), "COLUMN_ADDED", "备注", records=1),
    refuses("name_gone", document('{"统一社会信用代码": "1", "店铺名称": "店"}'), "COLUMN_MISSING", "opened_date",
         records=1),
    refuses("name_with_half_a_character", document(TEXT[:-1] + ', "\\ud800": ""}'), "ENCODING_INVALID", "half of a",
            group="encoding", records=1),
    refuses("half_a_character", document(TEXT, with_name('"\\ud83d"')), "ENCODING_INVALID",
            "record 2", "column shop_name", group="encoding", records=2),
    refuses("in_utf16", f"[{TEXT}]".encode("utf-16"), "ENCODING_INVALID", "UTF-16", group="encoding"),
]  # fmt: skip
