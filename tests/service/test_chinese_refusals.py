"""Chinese answers hold no English sentence: every problem, every noun, and every refusal that the service can raise.

The refusals come from the sources of the modules that the running service has loaded, so that a new one cannot be
forgotten; each is made with values as they occur and answered by the production code.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from starlette.requests import Request

from catalog.model.errors import GuantongError
from catalog.model.roles import Role
from catalog.model.settings import CHECKOUT
from catalog.service.api_problems import ProblemError, answer, kinds
from catalog.service.translation import REFUSALS, SENTENCE, error_in_chinese, load_refusals
from tests.service.world import World

QUOTED = re.compile(r"`[^`]*`")
STARTING = ("catalog.service.app", "catalog.service.configuration", "catalog.control.privileges")
"""Modules whose refusals keep the service from starting: nobody is answered with them."""
BUSINESS = ("catalog.control.", "catalog.model.state_machine", "catalog.model.application_form", "catalog.model.roles")
"""Modules of what officers do: each of their sentences has a translation of its own."""
MACHINERY = ("audit", "sealing", "shares", "privileges", "grant_use")
"""Modules below `catalog.control` that refuse to the operator only, or by a problem of their own."""


@dataclass(frozen=True)
class Raised:
    """One place where a refusal is raised."""

    module: str
    line: int
    error: type[GuantongError]
    text: str
    remedy: str

    @property
    def name(self) -> str:
        return f"{self.module}:{self.line} {self.error.__name__}"

    @property
    def is_business(self) -> bool:
        short = self.module.removeprefix("catalog.control.")
        return self.module.startswith(BUSINESS) and not short.startswith(MACHINERY)


@lru_cache(maxsize=1)
def loaded_modules() -> list[tuple[str, ModuleType]]:
    """Return the modules that a process of the service has loaded, and no others."""
    command = [sys.executable, "-c", "import catalog.service.app, sys; catalog.service.app.api.mount(__import__("
               "'fastapi').FastAPI()); print(*sorted(sys.modules))"]  # fmt: skip
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=True)
    names = [name for name in done.stdout.split() if name.startswith("catalog.")]
    found = [(name, importlib.import_module(name)) for name in names]
    return [(name, module) for name, module in found if getattr(module, "__file__", None)]


def errors(base=GuantongError) -> dict[str, type[GuantongError]]:
    found = {base.__name__: base}
    for child in base.__subclasses__():
        found |= errors(child)
    return found


def told(node: ast.expr | None) -> str | None:
    """Return a text with values as they occur; None where it is made elsewhere."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "water-7" for part in node.values)
    return None


def raised() -> list[Raised]:
    classes, found = errors(), []
    for name, module in loaded_modules():
        if name in STARTING or name.startswith("catalog.cli"):
            continue
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in classes and node.args:
                remedy = next((one.value for one in node.keywords if one.arg == "remedy"), None)
                text = told(node.args[0])
                if text is None:
                    text = "what pydantic says of a value that it does not take"
                found.append(Raised(name, node.lineno, classes[node.func.id], text, told(remedy) or ""))
    return found


def answered_in_chinese(problem: ProblemError) -> dict[str, str]:
    request = Request({"type": "http", "headers": [(b"accept-language", b"zh-CN")], "method": "GET", "path": "/"})
    return json.loads(bytes(answer(request, problem).body))


def english(text: str) -> str:
    """Return the English sentence in a text; codes and commands in quotes are none."""
    found = SENTENCE.search(QUOTED.sub("", text))
    return found[0] if found else ""


def made(one: Raised) -> GuantongError:
    error = one.error.__new__(one.error)
    GuantongError.__init__(error, one.text, remedy=one.remedy)
    return error


def test_every_refusal_that_the_service_can_raise_is_answered_in_chinese():
    every = raised()
    assert len(every) > 120 and len({one.module for one in every}) > 30
    wrong = {}
    for one in every:
        error = made(one)
        for code in ("CONFLICT", "RULE_REFUSED"):
            content = answered_in_chinese(ProblemError(code, reason=f"{one.text} ({one.remedy})", about=error))
            for member in ("title", "detail"):
                if found := english(content[member]):
                    wrong[one.name] = found
            assert re.search(r"[\u4e00-\u9fff]", content["detail"]), one.name
            assert content["code"] == code
    assert wrong == {}


def test_every_refusal_of_what_officers_do_has_a_sentence_of_its_own():
    known, business = load_refusals(), [one for one in raised() if one.is_business]
    assert len(business) > 90
    lacking = {one.name: one.text for one in business
               if known.sentence(one.text) is None and "pydantic" not in one.text}  # fmt: skip
    assert lacking == {}, "give it a Chinese sentence in catalog/translations/refusals.yml"
    remedies = {one.name: one.remedy for one in business
                if one.remedy and "`" not in one.remedy and known.sentence(one.remedy) is None
                and SENTENCE.search(one.remedy)}  # fmt: skip
    assert remedies == {}


def test_values_stay_and_the_two_languages_say_the_same_of_them():
    content = yaml.safe_load(REFUSALS.read_text(encoding="utf-8"))
    assert len(content["sentences"]) > 120
    for one in content["sentences"]:
        places = one["en"].count("{}")
        used = {int(number) for number in re.findall(r"\{(\d)\}", one["zh"])}
        assert used <= set(range(places)), one
        assert not english(one["zh"]), one
        if places and "?" not in one["en"]:
            values = [f"V{number}" for number in range(places)]
            text = one["en"].format(*values)
            shown = load_refusals().sentence(text)
            assert shown is not None and all(f"V{number}" in shown for number in used), one


def test_every_problem_is_chinese_whatever_fills_it():
    assert len(kinds()) > 30
    for code, kind in kinds().items():
        texts = {place: "no such value is known here" for place in kind.places if place in ("reason", "noun")}
        values = {place: texts.get(place, "water-7") for place in kind.places}
        content = answered_in_chinese(ProblemError(code, **values))
        assert not english(content["title"]) and not english(content["detail"]), (code, content)


def test_every_object_that_an_answer_names_has_a_chinese_name():
    nouns = set()
    for name, module in loaded_modules():
        if not name.startswith("catalog.service"):
            continue
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            callee = getattr(node.func, "id", "")
            if callee in ("not_found", "answered", "Matter") and node.args and isinstance(node.args[0], ast.Constant):
                nouns.add(node.args[0].value)
            nouns |= {one.value.value for one in node.keywords
                      if one.arg == "noun" and isinstance(one.value, ast.Constant)}  # fmt: skip
    assert len(nouns) > 20
    assert nouns - set(load_refusals().nouns) == set()


def test_an_error_keeps_its_values_and_says_the_remedy():
    error = GuantongError("no demand DEM-2026-000007", remedy="confirm it first")
    assert error_in_chinese(error) == "没有编号为 DEM-2026-000007 的需求（请先确认）"


@pytest.fixture(scope="module")
def world(exchange) -> World:
    return World(exchange)


CHINESE = {"Accept-Language": "zh-CN"}


def test_refusals_over_http_are_chinese_in_title_detail_and_errors(world):
    host = world.token(Role.HOST_AUTHORITY)
    officer, asker = world.token(Role.PROVIDER_OFFICER), world.token(Role.REQUESTER_OFFICER)
    listed = {"title": "涉密", "department": "water", "citation": "《保守国家秘密法》"}
    line = world.call("POST", "/negative-list", host, json=listed)
    assert line.status_code == 201
    answers = [
        world.call("POST", "/negative-list", host, json=listed, headers=CHINESE),
        world.call("POST", "/negative-list", host, json={**listed, "department": "mars"}, headers=CHINESE),
        world.call("POST", "/responsibilities", host, json={"duties": []}, headers=CHINESE),
        world.call("POST", "/responsibilities/99/fulfilment", officer, json={"resource": "a.b"}, headers=CHINESE),
        world.call("GET", "/demands/DEM-2026-999999", asker, headers=CHINESE),
        world.call("GET", "/people/999999", host, headers=CHINESE),
        world.call("GET", "/nowhere", host, headers=CHINESE),
        world.call("POST", "/demands", asker, content=b"{", headers={**CHINESE, "Content-Type": "application/json"}),
        world.call("GET", "/me", None, headers=CHINESE),
    ]
    for one in answers:
        content = one.json()
        assert one.status_code >= 400 and one.headers["content-language"] == "zh"
        assert not english(content["title"]) and not english(content["detail"]), content
        assert all(not english(error["message"]) for error in content.get("errors", ())), content
    assert answers[0].json()["rule"] == "LIST_INVALID" and "涉密 已在负面清单中" in answers[0].json()["detail"]
    same = world.call("POST", "/negative-list", host, json=listed, headers={"Accept-Language": "en"})
    assert "stands on the negative list already" in same.json()["detail"] and same.json()["rule"] == "LIST_INVALID"
    assert world.call("DELETE", f"/negative-list/{line.json()['id']}", host).json()["ended_at"]
