"""Refusals in Chinese (拒绝说明译文): the sentences that code raises in English, from ``catalog/translations``.

Invariant: what is answered in Chinese holds no English sentence. One without a translation is answered with what
its code says in general, and with the code, by which the operator finds the sentence itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import yaml

from catalog.model.errors import GuantongError
from catalog.model.holds import NEVER, load_holds
from catalog.model.reasons import load_reasons
from catalog.model.settings import CHECKOUT

REFUSALS = CHECKOUT / "catalog" / "translations" / "refusals.yml"
GENERAL = "请求不符合平台规则"
SENTENCE = re.compile(r"[A-Za-z][A-Za-z']*(?:,? [A-Za-z][A-Za-z']*){2,}")
"""Three or more Latin words on end: what no identifier, code or command of one word is."""
WORDS = re.compile(r"[A-Za-z]{2,}:? [A-Za-z]")
"""Two of them: a text that is no mere identifier."""


@dataclass(frozen=True)
class Translation:
    """One English sentence and the Chinese one."""

    pattern: re.Pattern[str]
    zh: str
    fixed: int
    """Letters of the English sentence that are no values: the most specific one is tried first."""


@dataclass(frozen=True)
class Refusals:
    """The whole file."""

    nouns: dict[str, str]
    codes: dict[str, str]
    sentences: tuple[Translation, ...]

    def sentence(self, text: str) -> str | None:
        """Return a sentence in Chinese, its values as they are; None where it has no translation."""
        for one in self.sentences:
            if found := one.pattern.fullmatch(text):
                values = [self._value(value) for value in found.groups()]
                if None not in values:
                    return one.zh.format(*values)
        return None

    def _value(self, value: str) -> str | None:
        if value in self.nouns:
            return self.nouns[value]
        if not SENTENCE.search(value):
            return value
        parts = [self.nouns.get(part) or self.sentence(part) for part in value.split("; ")]
        return None if None in parts else "；".join(part for part in parts if part)


@lru_cache(maxsize=1)
def load_refusals() -> Refusals:
    """Return what refusals say in Chinese; rules of held deliveries and remedies of reasons have their own words."""
    content = yaml.safe_load(REFUSALS.read_text(encoding="utf-8"))
    pairs = [(str(one["en"]), str(one["zh"])) for one in content["sentences"]]
    for rule in (*load_holds().values(), NEVER):
        pairs.append((rule.en, rule.zh))
    pairs += [(reason.remedy_en, reason.remedy_zh) for reason in load_reasons().values()]
    made = [_translation(en, zh) for en, zh in pairs]
    return Refusals(content["nouns"], content["codes"], tuple(sorted(made, key=lambda one: -one.fixed)))


def noun_in_chinese(noun: str) -> str:
    """Return what an object is called in Chinese.

    >>> noun_in_chinese("application")
    '共享申请'
    """
    return load_refusals().nouns.get(noun, "对象")


def in_chinese(text: str, code: str = "") -> str:
    """Return a text of a refusal in Chinese; identifiers, numbers and names stay.

    Args:
        text: as the code raised it.
        code: of the refusal, for what it says in general.

    >>> in_chinese("no demand DEM-2026-000001"), in_chinese("something that nobody translated", "LIST_INVALID")
    ('没有编号为 DEM-2026-000001 的需求', '清单内容不符合要求（LIST_INVALID）')
    """
    known = load_refusals()
    found = known.sentence(text)
    if found is not None:
        return found
    if text and not WORDS.search(text):
        return text
    general = known.codes.get(code, GENERAL)
    return f"{general}（{code}）" if code else general


def error_in_chinese(error: GuantongError) -> str:
    """Return the sentence of an error and its remedy in Chinese; a remedy without a translation is left out."""
    told = in_chinese(str(error.args[0]), error.code)
    remedy = load_refusals().sentence(error.remedy) if error.remedy else None
    return f"{told}（{remedy}）" if remedy else told


def _translation(en: str, zh: str) -> Translation:
    parts = en.split("{}")
    pattern = re.compile("(.+?)".join(re.escape(part) for part in parts), re.DOTALL)
    count = len(parts) - 1
    plain = zh if count else zh.replace("{", "{{").replace("}", "}}")
    return Translation(pattern, plain, sum(map(len, parts)))
