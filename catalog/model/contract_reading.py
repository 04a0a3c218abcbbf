"""From a file to a contract (读取契约): everything that is wrong with it is found at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from catalog.model.binding import bind
from catalog.model.codes import code_list_names
from catalog.model.contract import Contract
from catalog.model.contract_document import Document, UnreadableDocumentError
from catalog.model.contract_files import RESERVED
from catalog.model.contract_problem import InvalidContractError, Key, Problem, unknown
from catalog.model.contract_words import problems_in_words
from catalog.model.cron import cron_problem
from catalog.model.departments import DEPARTMENTS, load_departments
from catalog.model.elements import Elements

_INHERITED: tuple[Key, ...] = (("standard",), ("code_list",), ("valid_on",))


def contract_of(content: bytes, path: Path, elements: Elements, day: date) -> Contract:
    """Return the contract that a file's content is, its columns with what they inherit from their data elements.

    Args:
        content: the bytes of the file.
        path: the file; its folder and stem are the resource's domain and name.
        elements: the registry of elements.
        day: which versions of the elements hold.

    Raises:
        InvalidContractError: with everything that is wrong.
    """
    try:
        document = Document(content)
    except UnreadableDocumentError as error:
        raise InvalidContractError(path, [error.problem]) from None
    contract, problems = _validated(document.value, elements, day)
    problems += [*_names(document.value), *_misplaced(document.value, path)]
    placed = [problem.at(*document.place(problem.key)) for problem in problems]
    placed += document.repeated()
    if placed or contract is None:
        raise InvalidContractError(path, _each_once(placed))
    return contract


def with_lines(path: Path, problems: list[Problem]) -> list[Problem]:
    """Return problems of a file that can be read, each with its place."""
    try:
        document = Document(path.read_bytes())
    except (OSError, UnreadableDocumentError):
        return problems
    return [problem.at(*document.place(problem.key)) for problem in problems]


def _validated(document: dict[str, Any], elements: Elements, day: date) -> tuple[Contract | None, list[Problem]]:
    bound, problems = bind(document, elements, day)
    try:
        return Contract.model_validate(bound), problems
    except ValidationError as error:
        unbound = {problem.key[2] for problem in problems if problem.key[:2] == ("government", "items")}
        found = problems_in_words(error, bound if isinstance(bound, dict) else {})
        return None, problems + [each for each in found if not _follows(each, unbound)]


def _follows(problem: Problem, unbound: set[str | int]) -> bool:
    """Return whether a problem is only what a column lacks that could not be bound to its element."""
    return bool({*problem.key[2:3]} & unbound) and problem.key[3:] in _INHERITED


def _names(document: dict[str, Any]) -> Iterator[Problem]:
    """Yield the names that the document takes from elsewhere and that are not there."""
    government = _block(document.get("government"))
    department = government.get("department")
    if isinstance(department, str) and department not in load_departments():
        remedy = f"one of {DEPARTMENTS.name}"
        yield unknown("department", department, [*load_departments()], ("government", "department"), remedy)
    schedule = government.get("schedule")
    if isinstance(schedule, str) and (problem := cron_problem(schedule)):
        remedy = 'five fields, such as "30 6 * * *" for half past six each day'
        yield Problem(f"{schedule!r} is no time of cron: {problem}", ("government", "schedule"), remedy=remedy)
    yield from _server(document, _block(government.get("source")))
    known = code_list_names()
    for column, item in _block(government.get("items")).items():
        code_list = _block(item).get("code_list")
        if isinstance(code_list, str) and code_list not in known:
            key: Key = ("government", "items", column, "code_list")
            yield unknown("code list", code_list, known, key, "`python -m catalog codes list` shows those there are")


def _server(document: dict[str, Any], source: dict[str, Any]) -> Iterator[Problem]:
    declared = document.get("servers")
    names = [str(_block(server).get("server")) for server in declared] if isinstance(declared, list) else []
    server = source.get("server")
    if names and isinstance(server, str) and server not in names:
        key: Key = ("government", "source", "server")
        yield unknown("server", server, names, key, "name a server of the block `servers:`, or add it there")


def _misplaced(document: dict[str, Any], path: Path) -> Iterator[Problem]:
    """Yield that the file does not lie where its id says: one resource, one contract, one stem."""
    domain, name = document.get("domain"), document.get("name")
    if domain in RESERVED:
        remedy = f"take another domain; these folders hold something else: {', '.join(sorted(RESERVED))}"
        yield Problem(f"{domain} is no domain of contracts", ("domain",), remedy=remedy)
    if (path.parent.name, path.stem) == (domain, name) or not (isinstance(domain, str) and isinstance(name, str)):
        return
    key: Key = ("name",) if path.stem != name else ("domain",)
    said = f"contract {domain}.{name} lies in the wrong place"
    yield Problem(said, key, remedy=f"move it to {domain}/{name}.yml, or call it {path.parent.name}.{path.stem}")


def _each_once(problems: list[Problem]) -> list[Problem]:
    return list({(problem.key, problem.message): problem for problem in problems}.values())


def _block(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
