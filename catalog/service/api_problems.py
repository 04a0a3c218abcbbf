"""What the interface answers when it refuses: RFC 9457 problem+json, in the language of the reader (错误答复)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Formatter

import yaml
from fastapi import Request
from fastapi.responses import JSONResponse

from catalog.model.errors import ContractError, GuantongError
from catalog.model.settings import CHECKOUT
from catalog.service.translation import error_in_chinese, in_chinese, noun_in_chinese

PROBLEMS = CHECKOUT / "catalog" / "problems"
MEDIA_TYPE = "application/problem+json"
LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Kind:
    """One kind of problem."""

    code: str
    status: int
    texts: dict[str, dict[str, str]]
    """Language → title and detail."""

    @property
    def places(self) -> set[str]:
        """Names in braces."""
        return {name for text in self.texts.values() for _, name, _, _ in Formatter().parse(text["detail"]) if name}


class ProblemError(Exception):
    """A request that is refused, with a code of `catalog/problems` and what fills its text."""

    def __init__(
        self,
        code: str,
        *,
        headers: dict[str, str] | None = None,
        refusal: str | None = None,
        more: Mapping[str, str | int] | None = None,
        about: GuantongError | None = None,
        **values: str,
    ) -> None:
        super().__init__(code)
        self.kind = kinds()[code]
        if set(values) != self.kind.places:
            raise ValueError(f"{code} needs {sorted(self.kind.places)} and got {sorted(values)}")
        self.values = values
        self.about = about
        """The error that `reason` tells, for its own code and words."""
        self.headers = headers or {}
        self.more = dict(more or {})
        """Further members of the answer, for programs."""
        self.refusal = refusal or (code if self.kind.status in (401, 403, 409) else "")
        """The reason that the audit keeps, also where the answer does not tell it; empty for what is no refusal."""


def not_found(noun: str) -> ProblemError:
    """Return the one answer for what does not exist and for what is not the caller's: they look the same."""
    return ProblemError("NOT_FOUND", noun=noun)


@lru_cache(maxsize=4)
def kinds(folder: Path = PROBLEMS) -> dict[str, Kind]:
    """Return every kind by code.

    Raises:
        ContractError: when a code stands twice, lacks a language, or its languages differ in their places.
    """
    found: dict[str, Kind] = {}
    for path in sorted(folder.glob("*.yml")):
        for code, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            texts = {language: entry[language] for language in LANGUAGES if language in entry}
            kind = Kind(code, int(entry["status"]), texts)
            even = len({frozenset(_places(text["detail"])) for text in texts.values()}) == 1
            if code in found or set(texts) != set(LANGUAGES) or not even or not re.fullmatch(r"[A-Z][A-Z_]+", code):
                raise ContractError(f"problem {code} is not whole, or there twice", place=str(path), remedy="README.md")
            found[code] = kind
    return found


def language_of(accept: str) -> str:
    """Return the language a reader prefers: Chinese unless English is asked for with more weight (RFC 9110, 12.5.4).

    >>> language_of("en-GB,en;q=0.9"), language_of("zh-CN,en;q=0.5"), language_of(""), language_of("fr;q=x")
    ('en', 'zh', 'zh', 'zh')
    """
    weights = {"zh": 0.0, "en": 0.0}
    for part in accept.split(","):
        name, _, parameter = part.strip().partition(";")
        found = re.fullmatch(r"\s*q=([01](?:\.[0-9]{0,3})?)\s*", parameter) if parameter else None
        weight = float(found[1]) if found else 0.0 if parameter else 1.0
        language = name.split("-")[0].strip().lower()
        if language in weights:
            weights[language] = max(weights[language], weight)
    return "en" if weights["en"] > weights["zh"] else "zh"


def answer(request: Request, problem: ProblemError, **more: object) -> JSONResponse:
    """Return the answer to a refused request."""
    kind = problem.kind
    language = language_of(request.headers.get("accept-language", ""))
    texts = kind.texts[language]
    content = {
        "type": f"urn:guantong:problem:{kind.code.lower().replace('_', '-')}",
        "title": texts["title"],
        "status": kind.status,
        "detail": texts["detail"].format(**(_in_chinese(problem) if language == "zh" else problem.values)),
        "code": kind.code,
        "request_id": getattr(request.state, "request_id", ""),
        **problem.more,
        **more,
    }
    headers = {"Content-Language": language, "Vary": "Accept-Language", **problem.headers}
    return JSONResponse(content, status_code=kind.status, headers=headers, media_type=MEDIA_TYPE)


def _in_chinese(problem: ProblemError) -> dict[str, str]:
    """Return what fills the Chinese text of a problem, without English sentences."""
    values = dict(problem.values)
    if "noun" in values:
        values["noun"] = noun_in_chinese(values["noun"])
    if "reason" in values:
        about = problem.about
        values["reason"] = error_in_chinese(about) if about else in_chinese(values["reason"], problem.kind.code)
    return values


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
