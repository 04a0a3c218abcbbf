"""The division at the start of an address (地址所在行政区划), as column expressions over the dated division list.

Clean text becomes ``|text``, ``51|rest`` (province), ``5107|rest`` (prefecture), ``510703|rest`` (county), one level a
step. Names that no longer stand count, under their own historic code; a name that two living divisions share within
what is known so far says nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from operator import or_

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


@dataclass(frozen=True)
class _Try:
    """One projection: goes a level down where ``name`` of the rest is a key of ``table``."""

    table: Callable[[], Mapping[str, str]]
    name: Callable[[Column], Column]
    """What follows the stroke → the name that is tried; empty for none."""
    scopes: tuple[int, ...]
    """Digits known so far with which it is tried."""
    is_scoped: bool = True
    """Whether the keys of ``table`` carry the scope; else what is found must lie within it."""

    def __call__(self, text: Column) -> Column:
        scope, rest = _field(text, 1), _field(text, 2)
        name = self.name(rest)
        code = looked_up(self.table(), F.concat_ws("|", scope, name) if self.is_scoped else name)
        found = code if self.is_scoped else F.when(code.startswith(scope), code)
        onward = F.concat(found, F.lit("|"), rest.substr(F.length(name) + 1, F.length(rest)))
        is_open = _any(F.substring(text, digits + 1, 1) == "|" for digits in self.scopes)
        return F.coalesce(F.when(is_open, onward), text)


def _any(conditions: Iterable[Column]) -> Column:
    """Return whether any of ``conditions`` holds."""
    return reduce(or_, conditions)


def _matched(pattern: str) -> Callable[[Column], Column]:
    return lambda rest: F.regexp_extract(rest, pattern, 0)


def _first(size: int) -> Callable[[Column], Column]:
    """Return the first characters, unless what follows makes them part of another name."""
    return lambda rest: F.when(~F.substring(rest, size + 1, 5).rlike(rf"\A{_PART_OF_NAME}"), F.left(rest, F.lit(size)))


def _whole_names() -> dict[str, str]:
    return {key: code for key, code in prefectures().items() if key[-1] in _PREFECTURE_ENDS}


def _short_names() -> dict[str, str]:
    return {key: code for key, code in prefectures().items() if key[-1] not in _PREFECTURE_ENDS}


def _county_anywhere() -> dict[str, str]:
    return {key[1:]: code for key, code in counties().items() if key[0] == "|"}


def _county_within() -> dict[str, str]:
    return {key: code for key, code in counties().items() if key[0] != "|"}


_PREFECTURE_ENDS = "市州盟区"
_FIRST_PREFECTURE, _SECOND_PREFECTURE = r"\A.{1,12}?(?:[市州盟]|地区)", r"\A.{1,12}?[市州].{0,3}?[市州]"
"""A full name ends at the first or second 市, 州, 盟 or 地区 (兰州市)."""
_FIRST_COUNTY = rf"\A.{{1,14}}?[{_COUNTY_ENDS}]"
_SECOND_COUNTY = rf"{_FIRST_COUNTY}.{{0,3}}?[{_COUNTY_ENDS}]"
"""A name ends at the first or second 区, 县, 市 or 旗 (新市区)."""
_PREFECTURE = (
    *(_Try(_whole_names, _matched(pattern), (0, 2)) for pattern in (_SECOND_PREFECTURE, _FIRST_PREFECTURE)),
    *(_Try(_short_names, _first(size), (2,)) for size in (4, 3, 2)),
)
_COUNTY = tuple(
    _Try(table, _matched(pattern), (0, 2, 4), is_scoped)
    for pattern in (_SECOND_COUNTY, _FIRST_COUNTY)
    for table, is_scoped in ((_county_within, True), (_county_anywhere, False))
)


def _without_collective(text: Column) -> Column:
    """Return the text without 市辖区, which only groups the districts of a city."""
    return F.regexp_replace(text, r"(?<=\A[0-9]{2,4}\|)市辖区", "")


def _field(text: Column, index: int) -> Column:
    return F.split_part(text, F.lit("|"), F.lit(index))


def _code(text: Column) -> Column:
    digits = _field(text, 1)
    return F.when(digits != "", F.rpad(digits, 6, "0"))


_STEPS: tuple[Callable[[Column], Column], ...] = (_province, *_PREFECTURE, _without_collective, *_COUNTY)
ADDRESS_DIVISION = Rule("address.division", text=_text, refined=_STEPS, value=_code)
"""The six-digit division that an address begins with, as far as it says one without doubt; else none."""
ADDRESS_REST = Rule(
    "address.rest",
    text=_text,
    refined=_STEPS,
    value=lambda text: F.nullif(_field(text, 2), F.lit("")),
)
"""What follows the division in the same text; the whole of it where there is none."""
