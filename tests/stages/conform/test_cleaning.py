"""One form of each character, nothing invisible, and every rare character kept; held against ``unicodedata``."""

import sys
import unicodedata

from jobs.runtime.standards import apply_rules, cleaning, text

BETWEEN = "龘"
"""A character that no other becomes."""
RARE = "𠮷㛃䶮𬭎𪚥𰻝\u9fff\ue863"
"""Planes 2 and 3, extension A, the end of the first block, and a private character of an older code page."""
CLEAN = [
    ("\ufeff示\u00ad范\u200b公\u2060司\U000e0041", "示范公司"),
    ("辻\U000e0100元\ufe0f", "辻元"),
    ("ＡＢＣ１２３，；", "ABC123,;"),
    ("示范﹙集团﹚公司", "示范(集团)公司"),
    ("示\u3000范\u00a0a\u2003b", "示 范 a b"),
    ("Le\u0301a か\u3099き", "Léa がき"),
    ("\u212bngstro\u0308m", "Ångström"),
    ("豈更車\U0002f800", "豈更車丽"),
    ("\u1820\u180e\u1820", "\u1820\u180e\u1820"),
    (RARE, RARE),
    (f"{RARE}e\u0301", f"{RARE}é"),
    ("\u200b \t", None),
]
NAMES = [
    ("示范【集团】公司", "示范(集团)公司"),
    ("示范〔四川〕公司", "示范(四川)公司"),
    ("示范［一］公司", "示范(一)公司"),
    ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
]


def values(spark, raws, rule):
    frame = spark.createDataFrame([(i, r) for i, r in enumerate(raws)], "i int, raw string")
    rows = apply_rules(frame, {"raw": rule}).selectExpr("i", "raw__value AS value").collect()
    return [r["value"] for r in sorted(rows, key=lambda r: r["i"])]


def test_texts_lose_what_is_invisible_and_keep_what_is_rare(spark):
    assert values(spark, [raw for raw, _ in CLEAN], text.TEXT) == [value for _, value in CLEAN]


def test_names_and_addresses_have_one_form_of_bracket(spark):
    assert values(spark, [raw for raw, _ in NAMES], text.NAME) == [value for _, value in NAMES]
    assert values(spark, ["四川省 示范路【西】1号"], text.ADDRESS) == ["四川省示范路(西)1号"]


def test_every_character_becomes_what_unicode_says(spark):
    """All code points, each between letters that take no mark, against NFC and the categories."""
    characters = [c for code in range(sys.maxunicode + 1) if unicodedata.category(c := chr(code)) not in ("Cs", "Cn")]
    blocks = [
        BETWEEN.join(f"字{c}b" for c in characters[i : i + 500] if c != BETWEEN) for i in range(0, len(characters), 500)
    ]
    found = BETWEEN.join(values(spark, blocks, text.TEXT)).split(BETWEEN)
    assert len(found) > 280_000
    assert len(found) == len(characters) - 1
    kept = {c: got[1:-1] for c, got in zip((c for c in characters if c != BETWEEN), found, strict=True)}
    invisible = {c for c in kept if unicodedata.category(c) in ("Cf", "Cc", "Zl", "Zp")}
    assert {c for c in invisible if kept[c]} == cleaning.VISIBLE_FORMATS & set(characters)
    assert all(kept[c] == " " for c in kept if unicodedata.category(c) == "Zs")
    others = [c for c in kept if c not in invisible and unicodedata.category(c) != "Zs"]
    differing = {c for c in others if kept[c] != unicodedata.normalize("NFC", c)}
    wide = {c for c in differing if kept[c] == unicodedata.normalize("NFKC", c)}
    selectors = {c for c in differing if "VARIATION SELECTOR" in unicodedata.name(c, "") and not kept[c]}
    long_forms = {c for c in differing if len(unicodedata.normalize("NFC", c)) > 1}
    assert len(wide) > 100 and len(selectors) == 256
    assert len(long_forms) < 90, "what composition excludes, named in the README"
    rest = differing - wide - selectors - long_forms
    assert all(kept[c] == " " for c in rest) and len(rest) < 8
