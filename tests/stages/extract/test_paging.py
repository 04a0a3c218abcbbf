"""Pages of interfaces that lie, stumble or write in their own way: proven complete, tried again, or named."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from catalog.model.settings import get_settings
from catalog.model.source import RestSource
from jobs.extract import paging
from jobs.extract.delivery import DeliveryHeldError
from jobs.extract.paging import Paging, SourceUnavailableError, read_list

SOURCE = RestSource(kind="rest", server="x", path="/v1/list", key=["id"], page_size=10)
Answer = Callable[[int], Any]


class Server:
    """An interface that answers page by page, and counts its pages."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked = answer, 0

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        found = self.answer(int(request.url.params["page"]))
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    def read(self) -> Paging:
        with httpx.Client(transport=httpx.MockTransport(self.handle), base_url="http://x") as client:
            return read_list(client, SOURCE, None, ["id"], lambda _: None)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    monkeypatch.setattr(paging, "FIRST_PAUSE", 0.0)


def records(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"id": n} for n in range(start, start + count)]


def paged(items: list[Any], total: int | None = None, size: int = 10, last: Any = None) -> Answer:
    """Return an interface over a list; past its end it says ``last``, by default an empty page."""

    def answer(page: int) -> Any:
        found = items[(page - 1) * size : page * size]
        if not found and last is not None:
            return last
        return {"total": len(items) if total is None else total, "items": found}

    return answer


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        (paged(records(20)), 3),
        (paged(records(25)), 3),
        (paged(records(20), last={"total": 0, "items": []}), 3),
        (paged(records(20), last=httpx.Response(404)), 3),
        (paged(records(20), last={"total": 20, "items": records(10, 10)}), 3),
        (paged(records(23), size=5), 5),
        (paged([]), 1),
    ],
)
def test_a_list_is_read_until_its_pages_end(answer, asked):
    server = Server(answer)
    found = server.read()
    assert found.is_settled and not found.check(["id"], "x")
    assert (server.asked, len(found.items)) == (asked, found.total)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (paged(records(25), total=20), "TOTAL_WRONG"),
        (paged(records(20), total=10), "TOTAL_WRONG"),
        (lambda _: {"total": 20, "items": records(10)}, "SOURCE_UNSTABLE"),
        (lambda page: {"total": 20 - page, "items": records(10 if page == 1 else 8, 10 * page)}, "SOURCE_UNSTABLE"),
    ],
)
def test_a_list_that_is_not_what_it_says_is_held(answer, code):
    with pytest.raises(DeliveryHeldError) as held:
        Server(answer).read().check(["id"], "x")
    assert held.value.code == code and held.value.remedy and held.value.rows


def test_two_records_of_one_key_are_noted_once_the_list_stands_still():
    server = Server(paged([*records(11), {"id": 3, "name": "乙"}]))
    [note] = server.read().check(["id"], "x")
    assert (note.code, note.count) == ("RECORD_REPEATED", 1)


def test_a_list_that_is_another_one_each_time_is_read_three_times():
    state = {"readings": 0}

    def answer(page: int) -> Any:
        state["readings"] += page == 1
        items = [*records(10), {"id": 3, "name": state["readings"]}]
        return {"total": 11, "items": items[:10] if page == 1 else items[10:]}

    with pytest.raises(DeliveryHeldError) as held:
        Server(answer).read().check(["id"], "x")
    assert (held.value.code, state["readings"]) == ("SOURCE_UNSTABLE", 3)


ONE = json.dumps({"total": 1, "items": [{"id": 1, "name": "成都市双流区"}]}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        (ONE.encode(), None),
        (ONE.encode("utf-8-sig"), None),
        (ONE.encode("gbk"), "GBK"),
        (ONE.encode(), "GBK"),
        (ONE.encode(), "ISO-8859-1"),
        (ONE.encode(), "no-such-charset"),
        (ONE.encode("euc_jis_2004"), "euc-jis-2004"),
    ],
)
def test_answers_are_read_in_the_encoding_they_are_in(content, charset):
    kind = "application/json" + (f"; charset={charset}" if charset else "")
    answer = httpx.Response(200, content=content, headers={"Content-Type": kind})
    found = Server(lambda page: answer if page == 1 else {"total": 1, "items": []}).read()
    assert found.items == [{"id": "1", "name": "成都市双流区"}]
    assert found.pages == [content]


def damaged(cut: int) -> httpx.Response:
    packed = gzip.compress(json.dumps({"total": 1, "items": records(1)}).encode())
    body = b"no gzip at all" if cut == 0 else packed[:cut]
    return httpx.Response(200, stream=httpx.ByteStream(body), headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("trouble", "attempts", "words"),
    [
        (lambda: damaged(0), 6, "DecodingError"),
        (lambda: damaged(-14), 6, "cut off"),
        (lambda: httpx.Response(200, content=b'{"total": 1, "it'), 6, "cut off"),
        (lambda: httpx.Response(200, content=ONE.encode("gbk")), 6, "not utf-8"),
        (lambda: {"code": 401, "msg": "token已失效，请重新获取"}, 1, r"code, msg instead of .*401 token已失效"),
        (lambda: {"code": 500, "message": "系统繁忙，请稍后再试"}, 6, "系统繁忙"),
        (lambda: {"status": "error", "error": "call 13812345678"}, 1, r"error call 13\*+"),
        (lambda: {"total": "many", "items": []}, 1, "a number"),
        (lambda: [1], 1, "a list"),
        (lambda: httpx.Response(403), 1, "status 403"),
        (lambda: httpx.Response(200, content=b" " * 3_000), 1, "more than 2,000 bytes"),
    ],
)
def test_what_is_no_page_is_tried_again_where_that_may_help_and_named(monkeypatch, trouble, attempts, words):
    monkeypatch.setattr(get_settings(), "page_bytes", 2_000)
    server = Server(lambda _: trouble())
    with pytest.raises(SourceUnavailableError, match=words) as refused:
        server.read()
    assert server.asked == attempts and refused.value.remedy


def test_one_bad_answer_among_good_ones_costs_a_moment():
    answers = iter([damaged(0), damaged(-14), {"code": 429, "msg": "访问过于频繁"}, httpx.Response(502)])
    server = Server(lambda page: next(answers, paged(records(3))(page)))
    assert len(server.read().items) == 3
