"""Places at the beginning of a text (名称与地址开头的行政区划), for names and addresses that have no division code.

The dated division list (GB/T 2260) decides; names that no longer stand count under their own code. Short names
(成都 for 成都市) count where one division within the province known so far has them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from catalog.model.codes import CodeList, load_code_list
from catalog.model.crosswalks import crosswalk

_COLLECTIVE = re.compile(r"市辖区|市区|(市辖)?县|.*直辖.*|.*行政(单位|区划)")
_ENDS = re.compile(r"(特别行政区|(壮族|回族|维吾尔)?自治区|省|市|地区|盟|县|区)$")
_PEOPLES = re.compile(r"^([一-鿿]{2,5}?)(?:(?:[一-鿿]{1,5}族)+|蒙古|哈萨克|柯尔克孜)自治([州县旗])$")


@dataclass(frozen=True)
class Place:
    """A division that a text begins with, and the rest of the text."""

    code: str
    """Six digits, or empty when the text begins with none."""
    rest: str


def _short_names(name: str) -> set[str]:
    """Return how a division is called for short: 凉山彝族自治州 is 凉山州 and 凉山, 成都市 is 成都."""
    if match := _PEOPLES.search(name):
        return {match[1], match[1] + match[2]}
    stem = _ENDS.sub("", name)
    return {stem} if len(stem) >= 2 and stem != name else set()


@cache
def _names() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return full name → codes and short name → codes, the living ones where there are any."""
    full: dict[str, set[tuple[str, str]]] = defaultdict(set)
    short: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for line in load_code_list("division").codes:
        if line.kind != "canonical" or _COLLECTIVE.fullmatch(line.name):
            continue
        ended = line.valid_to or "9999"
        full[line.name].add((ended, line.code))
        for name in _short_names(line.name):
            short[name].add((ended, line.code))
    return _latest(full), _latest(short)


@cache
def _sizes(is_short: bool) -> dict[str, tuple[int, ...]]:
    """Return first two characters → the lengths of the names that begin with them, the longest first."""
    found: dict[str, set[int]] = defaultdict(set)
    for name in _names()[is_short]:
        found[name[:2]].add(len(name))
    return {head: tuple(sorted(sizes, reverse=True)) for head, sizes in found.items()}


def _latest(names: dict[str, set[tuple[str, str]]]) -> dict[str, tuple[str, ...]]:
    """Return each name's living codes, or of none those that ended last."""
    last = {name: max(ended for ended, _ in codes) for name, codes in names.items()}
    return {name: tuple(sorted(code for ended, code in codes if ended == last[name])) for name, codes in names.items()}


def _stem(code: str) -> str:
    """Return the digits of a code that say something: 51, 5101 or 510107."""
    return code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code


def _within(codes: tuple[str, ...], known: str, hint: str) -> str:
    """Return the one code below what is known; of several the one that the hint points at; else nothing."""
    below = [code for code in codes if _stem(code).startswith(known) and len(_stem(code)) > len(known)]
    for scope in (hint[:6], hint[:4], hint[:2], ""):
        fit = [code for code in below if code.startswith(scope)]
        if fit:
            return fit[0] if len(fit) == 1 else ""
    return ""


def leading_place(text: str, hint: str = "") -> Place:
    """Return the lowest division that ``text`` begins with, and what follows it.

    Args:
        text: folded text.
        hint: division code known from elsewhere (a register's province); short names of counties need one.

    >>> leading_place("四川省成都市武侯区武科西四路9号")
    Place(code='510107', rest='武科西四路9号')
    >>> leading_place("成都昊鸣路安汽车维修")
    Place(code='510100', rest='昊鸣路安汽车维修')
    >>> leading_place("大竹竹海路878号", hint="510000")
    Place(code='511724', rest='竹海路878号')
    >>> leading_place("乐山市中区白燕路7号")
    Place(code='511102', rest='白燕路7号')
    >>> leading_place("竹海路878号")
    Place(code='', rest='竹海路878号')
    """
    full, short = _names()
    code, rest = "", text
    while rest:
        known = _stem(code) if code else ""
        step = _step(rest, full, known, hint, "") or _step(rest, short, known, hint, "路街巷道大镇乡")
        if step is None:
            break
        code, rest = step
        if rest.startswith("中区") and (inner := _within(full["市中区"], _stem(code), hint)):
            code, rest = inner, rest[2:]
    return Place(code, rest)


def _step(
    rest: str, names: dict[str, tuple[str, ...]], known: str, hint: str, not_before: str
) -> tuple[str, str] | None:
    """Return the next lower division and what follows it, the longest name first."""
    for size in _sizes(bool(not_before)).get(rest[:2], ()):
        codes = names.get(rest[:size])
        if not codes or (rest[size:] and rest[size] in not_before):
            continue
        is_vague = bool(not_before) and not known and not hint and not any(c.endswith("00") for c in codes)
        found = "" if is_vague else _within(codes, known, hint)
        if found:
            return found, rest[size:]
    return None


@cache
def division_successors(code: str) -> tuple[str, ...]:
    """Return ``code`` with the codes that took its place, in order: people of a merged county have both.

    >>> division_successors("510122")
    ('510116', '510122')
    """
    codes: CodeList = load_code_list("division")
    found, waiting = {code}, [code]
    table = crosswalk("division", "division")
    while waiting:
        current = waiting.pop()
        onward = {line.successor for line in codes.lines_of(current) if line.successor and line.valid_to}
        onward |= {line.to_code for line in table.targets(current)}
        waiting += sorted(onward - found)
        found |= onward
    return tuple(sorted(found))
