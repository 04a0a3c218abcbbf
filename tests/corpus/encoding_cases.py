"""Bytes that are not what the contract says, or not text at all (编码)."""

from __future__ import annotations

import codecs

from tests.corpus.case import HEADER, Case, admitted, csv, held, padding

G = "encoding"
ROW = ("1", "老店", "2024-01-01")
LINE = ",".join(ROW)
ENGLISH = "uscc,shop_name,opened_date"
UTF8, GB = csv(LINE), csv(LINE, encoding="gb18030")
RARE = ("1", "𠮷野㐂䶮𬭎", "2024-01-01")
BIG5 = "1,臺灣茶鋪,2024-01-01"
LATIN = "成都路安汽修公司".encode().decode("latin-1")
CP1252 = "贸易商店".encode().decode("cp1252")
AS_GBK = "成都路安汽修有限责任公司".encode().decode("gb18030", "replace")
PADDED = [tuple(line.split(",")) for line in padding()]


def garbled(name: str, text: str, code: str) -> Case:
    """Return a file in which one text of many is garbled."""
    row = ("9", text, "x")
    return admitted(name, G, csv(",".join(row), *padding()), [row, *PADDED], notes={code})


CASES = [
    admitted("utf8", G, UTF8, [ROW]),
    admitted("gbk", G, csv(LINE, encoding="gbk"), [ROW], encoding="gb18030"),
    admitted("gb18030_four_bytes", G, csv(",".join(RARE), encoding="gb18030"), [RARE], encoding="gb18030"),
    admitted("utf8_supplementary_planes", G, csv(",".join(RARE)), [RARE]),
    admitted("utf8_mark", G, csv(LINE, mark=codecs.BOM_UTF8), [ROW]),
    admitted(
        "utf8_mark_under_gb18030", G, csv(LINE, mark=codecs.BOM_UTF8), [ROW],
        notes={"ENCODING_DIFFERS"}, encoding="gb18030",
    ),
    admitted("utf8_under_gb18030", G, UTF8, [ROW], notes={"ENCODING_DIFFERS"}, encoding="gb18030"),
    admitted("gbk_under_utf8", G, GB, [ROW], notes={"ENCODING_DIFFERS"}),
    held("utf8_under_gb18030_english_header", G, csv(LINE, header=ENGLISH), "ENCODING_INVALID",
         "fits utf-8", "contract says gb18030", records=1, encoding="gb18030"),
    held("gbk_header_over_utf8", G, f"{HEADER}\n".encode("gbk") + f"{LINE}\n".encode(), "ENCODING_INVALID",
         "below the first line fits utf-8", "the header is gb18030", records=1, encoding="gb18030"),
    held("gbk_header_over_utf8_under_utf8", G, f"{HEADER}\n".encode("gbk") + f"{LINE}\n".encode(), "ENCODING_INVALID",
         "below the first line fits utf-8", records=1),
    held("utf8_header_over_gbk", G, f"{HEADER}\n".encode() + f"{LINE}\n".encode("gbk"), "ENCODING_INVALID",
         "(line 2)", records=1, encoding="gb18030"),
    held("gbk_under_utf8_english_header", G, csv(LINE, header=ENGLISH, encoding="gbk"), "ENCODING_INVALID",
         f"offset {len(ENGLISH) + 3} (line 2)", "is not utf-8", "change `encoding`", records=1),
    admitted("one_chinese_character_in_gbk", G, csv("1,一,x", header=ENGLISH, encoding="gbk"), [("1", "一", "x")],
             encoding="gb18030"),
    held("big5_header", G, "統一社會信用代碼,店鋪名稱,開業日期\n1,店,x\n".encode("big5"), "COLUMN_MISSING",
         "none of the", "agreed encoding", records=1, encoding="gb18030"),
    held("big5_under_utf8", G, csv(BIG5, header=ENGLISH, encoding="big5"), "ENCODING_INVALID", "(line 2)", records=1),
    held("utf16_little_endian_mark", G, codecs.BOM_UTF16_LE + csv(LINE, encoding="utf-16-le"), "ENCODING_INVALID",
         "the file is UTF-16", "as UTF-8", records=1),
    held("utf16_big_endian_mark", G, codecs.BOM_UTF16_BE + csv(LINE, encoding="utf-16-be"), "ENCODING_INVALID",
         "the file is UTF-16", records=1),
    held("utf16_without_mark", G, csv(LINE, encoding="utf-16-le"), "ENCODING_INVALID",
         "UTF-16 without byte order mark", "as UTF-8", records=1),
    held("utf16_big_endian_without_mark", G, csv(LINE, encoding="utf-16-be"), "ENCODING_INVALID",
         "UTF-16 without byte order mark", records=1),
    held("utf32", G, csv(LINE, encoding="utf-32"), "ENCODING_INVALID", "the file is UTF-32", records=1),
    held("byte_ff", G, GB + b"2,\xff,x\n", "ENCODING_INVALID", "byte 0xFF", f"offset {len(GB) + 2} (line 3)",
         records=2, encoding="gb18030"),
    held("byte_80_euro_of_windows", G, GB + b"2,\x80,x\n", "ENCODING_INVALID", "0x80", "(line 3)",
         records=2, encoding="gb18030"),
    held("half_a_gbk_character", G, GB + b"2,\xb5,x\n", "ENCODING_INVALID", "0xB5", "(line 3)",
         records=2, encoding="gb18030"),
    held("utf8_cut_off_in_a_character", G, UTF8 + b"2,\xe5\xba", "ENCODING_INVALID", "(line 3)", records=2),
    held("utf8_overlong", G, UTF8 + b"2,\xc0\xaf,x\n", "ENCODING_INVALID", "byte 0xC0", records=2),
    held("utf8_surrogate_bytes", G, UTF8 + b"2,\xed\xa0\x80,x\n", "ENCODING_INVALID", "byte 0xED", records=2),
    held("utf8_beyond_unicode", G, UTF8 + b"2,\xf5\x80\x80\x80,x\n", "ENCODING_INVALID", "byte 0xF5", records=2),
    held("latin1_byte_in_utf8", G, UTF8 + b"2,caf\xe9,x\n", "ENCODING_INVALID", "byte 0xE9", "(line 3)", records=2),
    held("gbk_rows_appended_to_utf8", G, UTF8 + "2,新店铺,x\n".encode("gbk"), "ENCODING_INVALID", "(line 3)",
         records=2),
    held("nul_byte", G, UTF8 + b"2,a\0b,x\n", "ENCODING_INVALID", "NUL byte", "(line 3)", records=2),
    held("nul_padding_at_the_end", G, UTF8 + b"\0" * 512, "ENCODING_INVALID", f"NUL byte at offset {len(UTF8)}",
         records=2),
    garbled("utf8_read_as_gbk", AS_GBK, "TEXT_GARBLED"),
    garbled("utf8_read_as_latin1", LATIN, "TEXT_GARBLED"),
    garbled("utf8_read_as_windows_1252", CP1252, "TEXT_GARBLED"),
    garbled("replacement_characters", "成都\ufffd\ufffd公司", "CHARACTERS_LOST"),
    garbled("replacement_characters_read_as_gbk", "成都锟斤拷公司", "CHARACTERS_LOST"),
    garbled("uninitialised_memory_of_a_c_program", "烫烫烫烫", "CHARACTERS_LOST"),
    held("whole_file_read_as_gbk", G, csv(*[f"{n},{AS_GBK},x" for n in range(9)]), "ENCODING_INVALID",
         "9 of 9 rows", "decoded wrongly", "first row 2, column shop_name", records=9),
    held("header_read_as_gbk", G, csv("1,x,y", header=HEADER.encode().decode("gb18030", "replace")), "COLUMN_MISSING",
         "decoded wrongly before", records=1),
    admitted("latin_names_are_sound", G, csv("1,Käse é Müller,x"), [("1", "Käse é Müller", "x")]),
    admitted("minority_scripts", G, csv("1,ئۇيغۇر བོད་,x"), [("1", "ئۇيغۇر བོད་", "x")]),
    admitted("invisible_characters_stay_in_bronze", G, csv("1,a\u200bb\u202e,x"), [("1", "a\u200bb\u202e", "x")]),
    admitted("private_use_characters", G, csv("1,\ue000店,x", encoding="gb18030"), [("1", "\ue000店", "x")],
             encoding="gb18030"),
]  # fmt: skip
