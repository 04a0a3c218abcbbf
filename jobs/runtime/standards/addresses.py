"""The division at the start of an address (地址所在行政区划), as column expressions over the dated division list.

Clean text becomes ``|text``, ``51|rest`` (province), ``5107|rest`` (prefecture), ``510703|rest`` (county), one level a
step. Names that no longer stand count, under their own historic code; a name that two living divisions share within
what is known so far says nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.codes import Code, load_code_list
from jobs.runtime.standards.cleaning import cleaned
from jobs.runtime.standards.lookup import looked_up
from jobs.runtime.standards.rule import Rule
from jobs.runtime.standards.text import bracketed_alike

_COLLECTIVE = re.compile(r"市辖区|(市辖)?县|(省|自治区)直辖(县级)?行政(单位|区划)|.*行政单位|.*直辖.*")
"""Names of rows that only group others."""
_PROVINCE_KINDS = re.compile(r"(省|市|特别行政区|(壮族|回族|维吾尔)?自治区)$")
_PEOPLES = r"(?:[一-鿿]{1,5}族)+|蒙古|哈萨克|柯尔克孜"
_PREFECTURE_SHORT = re.compile(rf"^([一-鿿]{{2,5}}?)(?:{_PEOPLES})自治州$")
_PART_OF_NAME = r"(?:[市县区州藏蒙盟]|.{0,2}[路街巷]|大道|大厦|商)"
"""What follows a short name when it is part of another: 吉林市, 河南蒙古族自治县, 北京路."""
_COUNTY_ENDS = "区县市旗"


def _plausible(codes: Iterable[Code]) -> str | None:
    """Return the one code that a name means: the living one, or of none the last that ended; null when two live."""
    codes = list(codes)
    living = {c.code for c in codes if not c.valid_to}
    if living:
        return living.pop() if len(living) == 1 else None
    last = max(c.valid_to for c in codes)
    ended = {c.code for c in codes if c.valid_to == last}
    return ended.pop() if len(ended) == 1 else None


def _names(codes: Iterable[tuple[str, str, Code]]) -> dict[str, dict[str, str]]:
    """Return scope → name → code out of (scope, name, code), without what is ambiguous."""
    grouped: dict[str, dict[str, list[Code]]] = defaultdict(lambda: defaultdict(list))
    for scope, name, code in codes:
        grouped[scope][name].append(code)
    found = {s: {n: _plausible(codes) for n, codes in names.items()} for s, names in grouped.items()}
    return {s: {n: code for n, code in names.items() if code} for s, names in found.items()}


def _short_prefecture(name: str) -> list[str]:
    """Return how a prefecture is called for short: 绵阳市 is 绵阳, 凉山彝族自治州 is 凉山州 and 凉山."""
    if match := _PREFECTURE_SHORT.match(name):
        return [f"{match[1]}州", match[1]]
    short = re.sub(r"(市|地区|盟)$", "", name)
    return [short] if len(short) >= 2 and short != name and short[-1] != "县" else []


@cache
def _divisions() -> list[Code]:
    codes = load_code_list("division").codes
    return [c for c in codes if c.kind == "canonical" and not _COLLECTIVE.fullmatch(c.name)]


@cache
def provinces() -> dict[str, str]:
    """Return name and short name of each province → its two digits."""
    full = [(c.name, c.code[:2]) for c in _divisions() if c.code.endswith("0000")]
    return dict(full) | {_PROVINCE_KINDS.sub("", name): code for name, code in full}


@cache
def prefectures() -> dict[str, str]:
    """Return ``province|name`` and ``|name`` → four digits; short names, but for 凉山州, only within a province."""
    rows = [c for c in _divisions() if c.code.endswith("00") and not c.code.endswith("0000")]
    named = [(scope, c.name, c) for c in rows for scope in ("", c.code[:2])]
    short = [(c.code[:2], name, c) for c in rows for name in _short_prefecture(c.name)]
    short += [("", name, c) for _, name, c in short if name.endswith("州") and len(name) > 2]
    scopes = _names([*named, *short])
    return {f"{scope}|{name}": code[:4] for scope, names in scopes.items() for name, code in names.items()}


@cache
def counties() -> dict[str, str]:
    """Return ``|name`` → six digits, and ``scope|name`` where a prefecture or province says otherwise, or nothing."""
    rows = [c for c in _divisions() if not c.code.endswith("00") and c.name[-1] in _COUNTY_ENDS]
    scopes = _names((scope, c.name, c) for c in rows for scope in (c.code[:4], c.code[:2], ""))
    everywhere = scopes.pop("")
    found = {f"|{name}": code for name, code in everywhere.items()}
    for scope, names in scopes.items():
        for name, code in names.items():
            if everywhere.get(name) != code:
                found[f"{scope}|{name}"] = code
    return found


def _any_of(names: Iterable[str]) -> str:
    """Return a pattern of ``names``, the longest first."""
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


def _text(raw: Column) -> Column:
    """Return the address in one form, behind a stroke."""
    return F.concat(F.lit("|"), F.translate(bracketed_alike(cleaned(raw)), "|", "¦"))


def _province(text: Column) -> Column:
    full = _any_of(n for n in provinces() if _PROVINCE_KINDS.search(n))
    short = _any_of(n for n in provinces() if not _PROVINCE_KINDS.search(n))
    pattern = rf"\A\|((?:{full})|(?:{short})(?!{_PART_OF_NAME}))"
    name = F.regexp_extract(text, pattern, 1)
    rest = text.substr(F.length(name) + 2, F.length(text))
    return F.when(name != "", F.concat_ws("|", looked_up(provinces(), name), rest)).otherwise(text)


def _prefecture(text: Column) -> Column:
    """Return the text with the prefecture: a full name ends at the first or second 市, 州, 盟 or 地区 (兰州市)."""
    scope = _field(text, 1)
    rest = _field(text, 2)
    first = F.regexp_extract(rest, r"\A.{1,12}?(?:[市州盟]|地区)", 0)
    second = F.regexp_extract(rest, r"\A.{1,12}?[市州].{0,3}?[市州]", 0)
    short = [
        F.when((scope != "") & ~F.substring(rest, size + 1, 5).rlike(rf"\A{_PART_OF_NAME}"), F.left(rest, F.lit(size)))
        for size in (4, 3, 2)
    ]
    return _found(text, prefectures(), scope, rest, [second, first, *short])


def _county(text: Column) -> Column:
    """Return the text with the county; its name ends at the first or second 区, 县, 市 or 旗 (新市区)."""
    scope = _field(text, 1)
    rest = F.regexp_replace(_field(text, 2), r"\A市辖区", "")
    first = F.regexp_extract(rest, rf"\A.{{1,14}}?[{_COUNTY_ENDS}]", 0)
    second = F.regexp_extract(rest, rf"\A.{{1,14}}?[{_COUNTY_ENDS}].{{0,3}}?[{_COUNTY_ENDS}]", 0)
    return _found(text, counties(), scope, rest, [second, first])


def _found(text: Column, table: dict[str, str], scope: Column, rest: Column, names: list[Column]) -> Column:
    """Return the text one level on, by the first of ``names`` that ``table`` knows within ``scope``.

    The names are tried in a lambda, so that the plan holds the table once.
    """

    def onward(candidate: Column) -> Column:
        code = looked_up(table, candidate["key"])
        size = F.length(candidate["name"])
        further = F.concat(code, F.lit("|"), rest.substr(size + 1, F.length(rest)))
        return F.when(code.startswith(scope), further)

    keys = [(F.concat_ws("|", prefix, name), name) for name in names for prefix in (scope, F.lit(""))]
    candidates = F.array(*[F.struct(key.alias("key"), name.alias("name")) for key, name in keys])
    return F.coalesce(F.get(F.array_compact(F.transform(candidates, onward)), F.lit(0)), text)


def _field(text: Column, index: int) -> Column:
    return F.split_part(text, F.lit("|"), F.lit(index))


def _code(text: Column) -> Column:
    digits = _field(text, 1)
    return F.when(digits != "", F.rpad(digits, 6, "0"))


_STEPS = (_province, _prefecture, _county)
ADDRESS_DIVISION = Rule("address.division", text=_text, steps=_STEPS, value=_code)
"""The six-digit division that an address begins with, as far as it says one without doubt; else none."""
ADDRESS_REST = Rule(
    "address.rest",
    text=_text,
    steps=_STEPS,
    value=lambda text: F.nullif(_field(text, 2), F.lit("")),
)
"""What follows the division in the same text; the whole of it where there is none."""
