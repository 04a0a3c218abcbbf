"""Addresses in comparable parts (地址要素): town, street, number, village, group; what follows is a building's matter.

Parts after GB/T 23705-2009 数字城市地理信息公共平台 地名/地址编码规则 (M), as far as departments' lists write them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.model.linkage_words import fold_text
from catalog.model.places import leading_place

_DIGITS = str.maketrans("零〇一二三四五六七八九", "00123456789")
_NUMERAL = re.compile(r"[一二三四五六七八九十百〇零]+(?=号|组|社|村民小组|栋|幢|单元|楼|层|段)")
_ZONE = re.compile(r"^.{0,6}?(?:高新|经开|开发|科创|工业园|新)区")
"""Zones (功能区) stand in no division list and are written or left out at will."""
_TOWN = re.compile(r"^(.{1,8}?(?:街道办事处|街道办|街道|镇|乡))(?!路|街|大道)")
_STREET = re.compile(
    r"([^\d,;、()号]{2,10}?(?:大道|公路|路|街|巷|道))((?:[东南西北中上下]?[0-9]*段)|(?:[东南西北中]段)|)"
)
_NUMBER = re.compile(r"([0-9]+(?:-[0-9]+)?)号")
_VILLAGE = re.compile(r"([^\d,;、()号镇乡]{2,8}?(?:村|社区))")
_GROUP = re.compile(r"([0-9]+)(?:组|社|村民小组)")
_TENS = re.compile(r"([1-9]?)十([1-9]?)")
_STREET_WORDS = re.compile(r"街道办事处|街道办|街道|[镇乡]$")


@dataclass(frozen=True)
class AddressParts:
    """One address in its parts; a part that it lacks is empty."""

    division: str
    """Division code of the place at its beginning."""
    town: str
    street: str
    number: str
    village: str
    group: str
    rest: str
    """Everything behind division and zone."""

    @property
    def spot(self) -> str:
        """What names one spot: street and number, else village and group, else nothing."""
        if self.street and self.number:
            return f"{self.street}{self.number}号"
        return f"{self.village}{self.group}组" if self.village and self.group else ""


def _arabic(match: re.Match[str]) -> str:
    """Return a Chinese numeral below a hundred in Arabic digits.

    >>> _arabic(_NUMERAL.match("二十四号")), _arabic(_NUMERAL.match("十号"))
    ('24', '10')
    """
    text = match[0].translate(_DIGITS)
    return _TENS.sub(lambda tens: (tens[1] or "1") + (tens[2] or "0"), text)


def split_address(address: str, hint: str = "") -> AddressParts:
    """Return the parts of an address.

    Args:
        address: as written.
        hint: division code known from elsewhere.

    >>> parts = split_address("四川省成都市武侯区簇桥成双大道中段八十一号")
    >>> parts.division, parts.street, parts.number, parts.spot
    ('510107', '簇桥成双大道', '81', '簇桥成双大道81号')
    >>> split_address("绵阳市三台县乐安镇福利村4组").spot
    '福利村4组'
    """
    place = leading_place(fold_text(address), hint)
    text = _ZONE.sub("", _NUMERAL.sub(_arabic, place.rest))
    town = _TOWN.match(text)
    body = text[town.end() :] if town else text
    street, village, group = _STREET.search(body), _VILLAGE.search(body), _GROUP.search(body)
    number = _NUMBER.search(body, street.end() if street else 0)
    return AddressParts(
        place.code,
        _STREET_WORDS.sub("", town[1]) if town else "",
        street[1] if street else "",
        number[1] if number else "",
        village[1] if village else "",
        group[1] if group else "",
        text,
    )
