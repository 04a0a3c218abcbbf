"""Text files whose lines, quotes, separators or headers are broken (文本结构)."""

from __future__ import annotations

from tests.corpus.case import HEADER, NAMES, Case, Row, admitted, csv, held, padding

G = "structure"
ROW: Row = ("1", "店", "x")
LINE = "1,店,x"
PADDED: list[Row] = [("P" + str(n), "店", "2024-01-01") for n in range(40)]


def with_line(name: str, line: str, code: str, **source: object) -> Case:
    """Return a file of forty sound rows with one ``line`` before them that is rejected for ``code``."""
    return admitted(name, G, csv(line, *padding()), PADDED, rejected={2: code}, **source)


def with_row(name: str, line: str, row: Row) -> Case:
    """Return a file of one line that arrives as ``row``."""
    return admitted(name, G, csv(line), [row])


CASES = [
    admitted("crlf", G, csv(LINE, end="\r\n"), [ROW]),
    admitted("cr_only", G, csv(LINE, "2,店,y", end="\r"), [ROW, ("2", "店", "y")]),
    admitted("mixed_line_ends", G, (HEADER + "\r\n1,店,x\n2,店,y\r3,店,z\n").encode(),
             [ROW, ("2", "店", "y"), ("3", "店", "z")]),
    admitted("double_carriage_returns", G, (HEADER + "\r\n1,店,x\r\r\n2,店,y\r\n").encode(),
             [ROW, ("2", "店", "y")], rejected={3: "BLANK_ROW"}),
    admitted("no_last_line_end", G, csv(LINE)[:-1], [ROW]),
    admitted("unicode_line_separator_inside_a_text", G, csv("1,a\u2028b\x0bc\x85,x"), [("1", "a\u2028b\x0bc\x85",
         "x")]),
    with_row("quoted_separator", '1,"a,b",x', ("1", "a,b", "x")),
    with_row("doubled_quotes", '1,"甲""乙""",x', ("1", '甲"乙"', "x")),
    with_row("line_break_in_quotes", '1,"甲\n乙",x', ("1", "甲\n乙", "x")),
    with_row("line_break_and_commas_in_quotes", '1,店,"一,\n二,三"', ("1", "店", "一,\n二,三")),
    with_row("quote_inside_unquoted_text", '1,店"铺",x', ("1", '店"铺"', "x")),
    with_row("chinese_quotes", "1,“店”,x", ("1", "“店”", "x")),
    with_row("single_quotes", "1,'店',x", ("1", "'店'", "x")),
    with_row("apostrophe_of_a_spreadsheet", "'1,店,x", ("'1", "店", "x")),
    with_row("formula_text", '"=""001""",店,x', ('="001"', "店", "x")),
    with_row("formula_text_unquoted", '="001",店,x', ('="001"', "店", "x")),
    with_row("formula_that_could_run", "=1+2,@SUM(A1),-1", ("=1+2", "@SUM(A1)", "-1")),
    with_row("outer_blanks", " 1 ,\t店　,x", (" 1 ", "\t店　", "x")),
    with_row("empty_cells", "1,,", ("1", "", "")),
    with_row("number_in_scientific_form", "9.14E+17,店,x", ("9.14E+17", "店", "x")),
    with_row("cell_of_40000_characters", "1," + "字" * 40_000 + ",x", ("1", "字" * 40_000, "x")),
    with_row("markup_and_query_text", "1,<b>店</b>'; DROP TABLE t; --,x", ("1", "<b>店</b>'; DROP TABLE t; --", "x")),
    held("unclosed_quote", G, csv('1,"店,x', *padding()), "STRUCTURE_INVALID", "line 2", "not closed", records=41),
    held("unclosed_quote_closed_later", G, csv('1,"店,x', *padding(), '2,店",x'), "STRUCTURE_INVALID", "line 2",
         records=42),
    held("unclosed_quote_swallows_one_neighbour", G, csv('1,"店,x', '2,店",x', *padding()), "STRUCTURE_INVALID",
         "line 2 runs over 2 lines", records=42),
    held("unclosed_quote_with_cr_only", G, csv('1,"店,x', '2,店",x', *padding(), end="\r"), "STRUCTURE_INVALID",
         "line 2 runs over 2 lines", records=42),
    held("unclosed_quote_in_the_last_line", G, csv(*padding(), '1,"店,x'), "STRUCTURE_INVALID", "line 42", records=41),
    held("unclosed_quote_in_the_header", G, csv(LINE, header='"' + HEADER), "STRUCTURE_INVALID", "line 1", records=1),
    held("unclosed_quote_over_a_thousand_lines", G, csv('1,"店,x', *padding(1000), '2,店",x'), "STRUCTURE_INVALID",
         "line 2", records=1002),
    held("text_after_a_closing_quote", G, csv('1,"店"铺,x'), "STRUCTURE_INVALID", "line 2", '("")', records=1),
    held("backslash_before_a_quote", G, csv(r'1,"店\"铺",x'), "STRUCTURE_INVALID", "line 2", records=1),
    held("field_beyond_every_limit", G, csv('1,"' + "字" * 200_000 + '",x'), "STRUCTURE_INVALID", "field limit",
         records=1),
    with_line("too_few_cells", "1,店", "ROW_RAGGED"),
    with_line("too_many_cells", "1,店,x,y", "ROW_RAGGED"),
    with_line("unquoted_separator_in_a_text", "1,甲,乙,x", "ROW_RAGGED"),
    with_line("blank_before_a_quote", '1, "a,b",x', "ROW_RAGGED"),
    with_line("separator_at_the_end_of_one_row", "1,店,x,", "ROW_RAGGED"),
    with_line("end_of_file_mark_of_dos", "\x1a", "ROW_RAGGED"),
    with_line("blank_line", "", "BLANK_ROW"),
    with_line("row_of_separators", ",,", "BLANK_ROW"),
    with_line("row_of_blanks", " ,　,\t", "BLANK_ROW"),
    with_line("total_row", "合计,40,", "NOTE_ROW"),
    with_line("total_row_with_few_cells", "合 计：,40", "NOTE_ROW"),
    with_line("total_after_empty_cells", ",总计,40", "NOTE_ROW"),
    with_line("note_row", "注：本表不含分公司", "NOTE_ROW"),
    with_line("signature_row", "填表人：示范甲,,填表日期：2024-01-01", "NOTE_ROW"),
    with_row("name_that_begins_like_a_total", "合计通达物流公司,店,x", ("合计通达物流公司", "店", "x")),
    with_line("header_repeated", HEADER, "REPEATED_HEADER"),
    with_line("header_repeated_with_its_mark", "\ufeff" + HEADER, "REPEATED_HEADER"),
    with_line("header_repeated_in_english", "uscc,shop_name,opened_date", "REPEATED_HEADER"),
    held("second_header_in_another_order", G, csv(*padding(), "店铺名称,统一社会信用代码,开业日期", "店,1,x"),
         "STRUCTURE_INVALID", "line 42", "another order", "one file per list", records=42),
    held("second_header_of_another_width", G, csv(*padding(), HEADER + ",备注", "1,店,x,y"), "STRUCTURE_INVALID",
         "line 42", records=42),
    held("every_row_ragged", G, csv(*["1,店,x,y"] * 10), "STRUCTURE_INVALID", "10 of 10 rows", "row 2",
         "4 cells, 3 expected", records=10),
    admitted("header_reordered", G, csv("x,1,店", header="开业日期,统一社会信用代码,店铺名称"), [ROW],
             notes={"HEADER_REORDERED"}),
    admitted("header_synonym_in_english", G, csv(LINE, header="uscc,shop_name,opened_date"), [ROW]),
    admitted("header_with_line_break", G, csv(LINE, header='"统一社会\n信用代码",店铺名称,开业日期'), [ROW]),
    admitted("header_with_wide_and_invisible_characters", G, csv(LINE,
         header="\u200b统一社会信用代码　,店铺 名称,开业日期"),
             [ROW]),
    admitted("blank_lines_before_the_header", G, csv(LINE, header="\n,,\n" + HEADER), [ROW],
             rejected={1: "BLANK_ROW", 2: "BLANK_ROW"}),
    admitted("separator_at_the_end_of_every_row", G, csv(LINE + ",", header=HEADER + ","), [ROW]),
    admitted("value_under_no_name", G, csv("1,店,x,y", *[f"{p}," for p in padding()], header=HEADER + ","), PADDED,
             rejected={2: "ROW_RAGGED"}),
    held("separator_at_the_end_of_rows_only", G, csv("1,店,x,"), "STRUCTURE_INVALID", "4 cells, 3 expected", records=1),
    held("header_with_a_unit", G, csv(LINE, header="统一社会信用代码,店铺名称,开业日期(年)"), "COLUMN_MISSING",
         "opened_date is missing", "unknown: 开业日期(年)", "government.items", records=1),
    held("column_renamed", G, csv(LINE, header="统一社会信用代码,店铺名称,成立日期"), "COLUMN_MISSING",
         "unknown: 成立日期", records=1),
    held("column_gone", G, csv("1,店", header="统一社会信用代码,店铺名称"), "COLUMN_MISSING", "opened_date", records=1),
    held("column_added", G, csv(LINE + ",y", header=HEADER + ",备注"), "COLUMN_ADDED", "备注", "unknown_columns",
         records=1),
    held("unnamed_column_between", G, csv("1,,店,x", header="统一社会信用代码,,店铺名称,开业日期"), "COLUMN_ADDED",
         "unnamed column 2", records=1),
    admitted("column_added_and_noted", G, csv(LINE + ",y", header=HEADER + ",备注"), [ROW], notes={"COLUMN_ADDED"},
             unknown_columns="note"),
    held("column_named_twice", G, csv(LINE + ",y", header=HEADER + ",开业日期"), "COLUMN_REPEATED", "开业日期 (3)",
         "开业日期 (4)", records=1),
    held("column_under_two_of_its_names", G, csv(LINE + ",y", header=HEADER + ",shop_name"), "COLUMN_REPEATED",
         "店铺名称 (2)", "shop_name (4)", records=1),
    held("header_missing", G, csv("2,店,y", header=LINE), "COLUMN_MISSING", "none of the 3 cells", "header_required",
         records=1),
    admitted("header_not_agreed", G, csv("2,店,y", header=LINE), [ROW, ("2", "店", "y")], header_required=False),
    held("groups_above_the_header", G, csv(HEADER, LINE, header="基本信息,,日期"), "COLUMN_MISSING", "first row",
         records=2),
    held("separator_line_of_a_spreadsheet", G, csv(HEADER, LINE, header="sep=,"), "COLUMN_MISSING", "first row",
         records=2),
    admitted("row_of_units_is_left_to_the_rules", G, csv("(18位),(全称),(年月日)", LINE),
             [("(18位)", "(全称)", "(年月日)"), ROW]),
    admitted("tab_and_gbk_at_once", G, csv("1\t老店\tx", header="\t".join(NAMES), encoding="gbk"), [("1", "老店", "x")],
             notes={"SEPARATOR_DIFFERS", "ENCODING_DIFFERS"}),
    held("title_above_the_header", G, csv(HEADER, LINE, header="店铺清单,,"), "COLUMN_MISSING", "first row", records=2),
    *[
        admitted(f"separator_{name}", G, csv(mark.join(ROW), header=mark.join(NAMES)), [ROW],
                 notes={"SEPARATOR_DIFFERS"})
        for name, mark in {"tab": "\t", "semicolon": ";", "bar": "|"}.items()
    ],
    held("separator_of_full_width", G, csv("1，店，x", header="，".join(NAMES)), "COLUMN_MISSING",
         "none of the 1 cells",
         records=1),
]  # fmt: skip
