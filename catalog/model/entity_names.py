"""Firm names in their four parts (企业名称): place, trade name (字号), industry word, organisational form.

Order and parts follow 企业名称登记管理规定 (State Council Order 734), article 6; the words are data
(:mod:`catalog.model.linkage_words`), the places the division list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from catalog.model.linkage_words import fold_text, word_list
from catalog.model.places import leading_place

_BRACKETED = re.compile(r"\((?!有限合伙|普通合伙|特殊普通合伙|个人独资)[^()]*\)?")
_FORMER = re.compile(r"\((?:曾用名称?|原名称?|更名前|旧称|原)[:为是]?([^()]{4,})\)?")
_BRANCH = re.compile(
    r"^(.{2,}?(?:公司|总厂|合作社|医院|学校|总站|总队|厂))(.{1,16}(?:公司|公河|公可|厂|店|部|站|队|处|所|中心|场|园|门诊))$"
)
LEAST_TRADE_NAME = 2
"""Characters that stay for the trade name, whatever industry words the end is made of."""


@dataclass(frozen=True)
class EntityName:
    """One name in its parts; a part that it lacks is empty."""

    place: str
    """Division code of the place at its beginning."""
    trade_name: str
    industry: str
    form: str
    """Organisational form as written, without brackets of the trade name."""
    branch: str
    """What a branch adds to its parent's name."""

    @property
    def core(self) -> str:
        """Trade name and industry: what tells firms of one place apart."""
        return self.trade_name + self.industry


def former_name_of(name: str) -> str:
    """Return the former name that stands in brackets behind a name, folded, or nothing.

    >>> former_name_of("示范建设有限公司（原示范工程公司）"), former_name_of("原野有限公司")
    ('示范工程公司', '')
    """
    match = _FORMER.search(fold_text(name))
    return match[1] if match else ""


def split_entity_name(name: str, hint: str = "") -> EntityName:
    """Return the parts of a firm's name.

    Args:
        name: as written.
        hint: division code of the firm's address, for short names of counties.

    >>> split_entity_name("成都市昊鸣路安汽车维修有限责任公司")
    EntityName(place='510100', trade_name='昊鸣路安', industry='汽车维修', form='有限责任公司', branch='')
    >>> split_entity_name("四川巴中运输（集团）有限公司平昌修理厂")
    EntityName(place='511900', trade_name='运输', industry='', form='集团有限公司', branch='平昌修理厂')
    """
    text = _BRACKETED.sub("", fold_text(name).replace("(集团)", "集团"))
    branch = ""
    if match := _BRANCH.match(text):
        text, branch = match[1], match[2]
    place = leading_place(text, hint)
    rest = place.rest if len(place.rest) >= LEAST_TRADE_NAME else text
    code = place.code if rest is place.rest else ""
    form = _form(rest)
    middle = rest[: len(rest) - len(form)] if form else rest
    industry = _industry(middle)
    return EntityName(code, middle[: len(middle) - len(industry)], industry, form, branch)


@cache
def _forms() -> tuple[str, ...]:
    return tuple(sorted(word_list("organisational_form"), key=lambda form: (-len(form), form)))


def _form(text: str) -> str:
    """Return the organisational form that ``text`` ends with, the longest that leaves a name."""
    return next((form for form in _forms() if text.endswith(form) and len(text) - len(form) >= LEAST_TRADE_NAME), "")


def _industry(text: str) -> str:
    """Return the industry words that ``text`` ends with, as many as leave a trade name."""
    words = word_list("industry_word")
    longest = _longest_word()
    end = len(text)
    while end > LEAST_TRADE_NAME:
        size = next((s for s in range(min(longest, end - LEAST_TRADE_NAME), 1, -1) if text[end - s : end] in words), 0)
        if not size:
            break
        end -= size
    return text[end:]


@cache
def _longest_word() -> int:
    return max(map(len, word_list("industry_word")))


def industry_groups(industry: str) -> tuple[str, ...]:
    """Return the groups that a run of industry words belongs to, in order.

    >>> industry_groups("汽车维修"), industry_groups("")
    (('汽车维修',), ())
    """
    words = word_list("industry_word")
    found, end = set(), len(industry)
    while end:
        size = next((s for s in range(end, 1, -1) if industry[end - s : end] in words), 1)
        found.add(words.get(industry[end - size : end], ""))
        end -= size
    return tuple(sorted(found - {""}))
