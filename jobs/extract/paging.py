"""Reading all pages of an interface (分页读取): again when it stumbles, to the end, and twice when the list moves."""

from __future__ import annotations

import codecs
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from catalog.control.masking import mask_personal
from catalog.model.errors import GuantongError
from catalog.model.settings import get_settings
from catalog.model.source import RestSource
from jobs.extract.delivery import DeliveryHeldError, Note
from jobs.extract.readers.json_values import RepeatingRecord, parse_json

ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE = 6, 0.5, 20.0
TIMEOUT = httpx.Timeout(60.0, connect=10.0)
PAGE_LIMIT = 1_000_000
READINGS = 3
"""How often a list is read that does not stand still."""
_PASSING = frozenset({408, 425, 429})
_NO_SUCH_PAGE = frozenset({400, 404, 416, 422})
_WORDS = ("msg", "message", "errmsg", "error", "error_description", "detail", "reason")
_CODES = ("code", "status", "errcode", "error_code")
_FOR_NOW = re.compile(
    "繁忙|稍后|超时|限流|频繁|维护|暂时|暂不|busy|time.?out|too many|temporar|unavailable|try again|rate limit",
    re.IGNORECASE,
)
_FIRST_WIDE_CHARACTER = "\u2000"


class SourceUnavailableError(GuantongError):
    """A department's interface does not answer, or not as agreed."""

    code = "SOURCE_UNAVAILABLE"


class _UnusableError(Exception):
    """One answer that cannot be used."""

    def __init__(self, what: str, *, is_lasting: bool = False, status: int = 200, wait: str = "") -> None:
        super().__init__(what)
        self.is_lasting, self.status, self.wait = is_lasting, status, wait


@dataclass(frozen=True)
class Page:
    """One answer: as sent, and what it says."""

    content: bytes
    total: int
    items: list[Any]


@dataclass(frozen=True)
class Paging:
    """One pass over all pages."""

    pages: list[bytes]
    items: list[Any]
    totals: tuple[int, ...]
    is_settled: bool = True
    """Whether another pass said the very same."""

    @property
    def total(self) -> int:
        """What the interface says the list has, by its last page."""
        return self.totals[-1]

    def repeated(self, keys: list[str]) -> dict[str, bool]:
        """Return each source key that comes more than once, and whether some of its records are copies."""
        named: dict[str, list[str]] = {}
        for item in self.items:
            if isinstance(item, dict):
                key = json.dumps([item.get(k) for k in keys])
                named.setdefault(key, []).append(json.dumps(item, sort_keys=True))
        return {key: len(set(texts)) < len(texts) for key, texts in named.items() if len(texts) > 1}

    def is_one_list(self, keys: list[str]) -> bool:
        """Tell whether the pages are one list: one total on all of them, as many items, none twice."""
        return len(set(self.totals)) == 1 and len(self.items) == self.total and not self.repeated(keys)

    def check(self, keys: list[str], place: str) -> list[Note]:
        """Return what is to be noted of a list that may be believed.

        Raises:
            DeliveryHeldError: SOURCE_UNSTABLE, when the pages are of different lists; TOTAL_WRONG, when there are more
                records than the interface says.
        """
        repeated = self.repeated(keys)
        if len(set(self.totals)) > 1:
            raise self._unstable(
                f"the total is {min(self.totals):,} on one page and {max(self.totals):,} on another", place
            )
        if any(repeated.values()) or (repeated and not self.is_settled):
            raise self._unstable(
                f"{len(repeated):,} records come more than once, so that others may be left out", place
            )
        if len(self.items) > self.total:
            raise DeliveryHeldError(
                "TOTAL_WRONG",
                f"the interface says {self.total:,} records and has {len(self.items):,}",
                place=place,
                remedy="ask the department what its total counts: often it is cut at a search engine's limit, and then "
                "nobody knows how many records there are",
                rows=len(self.items),
                detail={"declared": self.total, "received": len(self.items)},
            )
        if len(self.items) != self.total and not self.is_settled:
            raise self._unstable(f"{len(self.items):,} of {self.total:,} records came, another number each time", place)
        return [Note("RECORD_REPEATED", place, {"keys": len(repeated)}, len(repeated))] if repeated else []

    def _unstable(self, what: str, place: str) -> DeliveryHeldError:
        return DeliveryHeldError(
            "SOURCE_UNSTABLE",
            f"read {READINGS} times at most, the pages are no one list: {what}",
            place=place,
            remedy="read it at an hour at which it does not change, and ask the department to give its pages a fixed "
            "order; the position stands, and the next run reads the same again",
            rows=len(self.items),
            detail={"totals": sorted(set(self.totals)), "received": len(self.items)},
        )


def read_list(
    client: httpx.Client, source: RestSource, since: str | None, keys: list[str], say: Callable[[str], None]
) -> Paging:
    """Read all pages until they are one list, the same list twice, or have been read often enough.

    Args:
        client: talks to the department.
        source: the interface.
        since: only what changed since then.
        keys: every name under which a key column may come.
        say: tells people what happens.

    Raises:
        SourceUnavailableError: when a page does not come, or is not ``{total, items}``.
    """
    earlier: Paging | None = None
    for reading in range(1, READINGS + 1):
        paging = fetch_pages(client, source, since)
        if paging.is_one_list(keys):
            return paging
        is_settled = earlier is not None and (earlier.totals, earlier.items) == (paging.totals, paging.items)
        earlier = Paging(paging.pages, paging.items, paging.totals, is_settled)
        if is_settled:
            break
        if reading < READINGS:
            say(f"{source.path} changed while it was read; reading it once more")
    return earlier or paging


def fetch_pages(client: httpx.Client, source: RestSource, since: str | None) -> Paging:
    """Read all pages once, on until one is empty, or shorter than the others with all records there.

    That the total is reached proves nothing: it may be cut at a limit, or count the page. Past the end, an interface
    answers with an empty page, with an error, or with its last page once more.

    Raises:
        SourceUnavailableError: when a page does not come, or is not ``{total, items}``.
    """
    found: list[Page] = []
    items: list[Any] = []
    longest = 0
    for number in range(1, PAGE_LIMIT):
        parameters: dict[str, str | int] = {"page": number, "page_size": source.page_size}
        if since and source.since_parameter:
            parameters[source.since_parameter] = since
        is_beyond = bool(found) and len(items) >= found[-1].total
        page = _ask(client, source.path, parameters, is_beyond=is_beyond)
        if page is None or (found and not page.items) or (is_beyond and page.items == found[-1].items):
            break
        found.append(page)
        items += page.items
        longest = max(longest, len(page.items))
        if not page.items or (len(items) >= page.total and len(page.items) < longest):
            break
    return Paging([page.content for page in found], items, tuple(page.total for page in found))


def _ask(client: httpx.Client, path: str, parameters: dict[str, str | int], *, is_beyond: bool) -> Page | None:
    """Return one page, trying again while the interface is busy, away or garbled; nothing when there is none."""
    trouble = _UnusableError("nothing")
    for attempt, pause in enumerate(_pauses(), 1):
        try:
            return _answer(client, path, parameters)
        except httpx.RequestError as error:
            trouble = _UnusableError(type(error).__name__)
        except _UnusableError as error:
            trouble = error
        if is_beyond and trouble.status in _NO_SUCH_PAGE:
            return None
        if trouble.is_lasting:
            break
        if attempt < ATTEMPTS:
            time.sleep(min(float(trouble.wait), LONGEST_PAUSE) if trouble.wait.isdigit() else pause)
    raise SourceUnavailableError(
        f"{path} answers with {trouble}",
        place=f"{client.base_url}, page {parameters['page']}",
        remedy="401, 403 or a token that ran out: check SOURCE_<SERVER>_TOKEN; an answer of another shape: ask the "
        "department whether the interface changed; otherwise ask whether it is up",
    )


def _pauses() -> Iterator[float]:
    return (min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(ATTEMPTS))


def _answer(client: httpx.Client, path: str, parameters: dict[str, str | int]) -> Page:
    with client.stream("GET", path, params=parameters) as response:
        status = response.status_code
        if status != httpx.codes.OK:
            is_lasting = status < 500 and status not in _PASSING
            wait = response.headers.get("Retry-After", "")
            raise _UnusableError(f"status {status}", is_lasting=is_lasting, status=status, wait=wait)
        content, limit = bytearray(), get_settings().page_bytes
        for block in response.iter_bytes():
            content += block
            if len(content) > limit:
                what = f"more than {limit:,} bytes on one page (lower page_size, or raise PAGE_BYTES)"
                raise _UnusableError(what, is_lasting=True)
        return parse_page(bytes(content), response.charset_encoding)


def parse_page(content: bytes, charset: str | None = None) -> Page:
    """Return what one answer says.

    Args:
        content: the answer's body.
        charset: what its ``Content-Type`` says it is written in.

    >>> parse_page('{"total": 1, "items": [{"name": "甲"}]}'.encode("gbk"), "GBK").items
    [{'name': '甲'}]
    """
    codec = _codec(content, charset)
    try:
        answer = parse_json(content.decode(codec))
    except UnicodeDecodeError as error:
        raise _UnusableError(f"text that is not {codec} (byte {error.start:,})") from error
    except ValueError as error:
        raise _UnusableError(f"something that is not JSON, or was cut off ({len(content):,} bytes: {error})") from error
    if isinstance(answer, RepeatingRecord):
        raise _UnusableError(f"{', '.join(answer.repeated)} twice in one object", is_lasting=True)
    if isinstance(answer, dict) and isinstance(answer.get("items"), list):
        try:
            return Page(content, int(answer.get("total")), answer["items"])  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise _UnusableError("items without a total that is a number", is_lasting=True) from None
    raise _told(answer)


def _codec(content: bytes, charset: str | None) -> str:
    """Return in which encoding an answer is written: UTF-8 with or without its mark, unless it says and is another."""
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    try:
        named = codecs.lookup(charset or "utf-8").name
    except LookupError:
        return "utf-8"
    if named in ("gbk", "gb2312", "gb18030"):
        return "utf-8" if _is_wide_utf8(content) else "gb18030"
    return "utf-8" if named in ("ascii", "iso8859-1", "cp1252") else named


def _is_wide_utf8(content: bytes) -> bool:
    """Tell whether bytes are UTF-8 with East Asian characters only, which GBK text practically never is."""
    try:
        foreign = [c for c in set(content.decode()) if not c.isascii()]
    except UnicodeDecodeError:
        return False
    return all(c >= _FIRST_WIDE_CHARACTER for c in foreign)


def _told(answer: object) -> _UnusableError:
    """Return what an answer says that is no page: often an error under status 200."""
    if not isinstance(answer, dict):
        return _UnusableError(f"a {type(answer).__name__}, not {{total, items}}", is_lasting=True)
    words = next((str(answer[name]) for name in _WORDS if answer.get(name)), "")
    numbers = [str(answer[name]) for name in _CODES if name in answer]
    is_passing = any(n.isdigit() and (500 <= int(n) < 600 or int(n) in _PASSING) for n in numbers)
    names = ", ".join(sorted(map(str, answer))[:20]) or "nothing"
    told = f"{' '.join(numbers)} {words}".strip()[:200]
    return _UnusableError(
        mask_personal(f"{names} instead of {{total, items}}" + (f": {told}" if told else "")),
        is_lasting=not (is_passing or _FOR_NOW.search(words)),
    )
