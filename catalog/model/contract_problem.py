"""What is wrong with a contract's file (契约问题): the line, the key, what may stand there, and what to do.

Every sentence is the project's own, so that whoever wrote the contract can mend it without knowing its libraries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias

from catalog.model.errors import ContractError

Key: TypeAlias = tuple[str | int, ...]
"""Where in a document: the keys, and the positions in lists, from the top."""
MOST_SHOWN = 40
"""So many allowed values are named in a sentence; a program gets all of them."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one file."""

    message: str
    key: Key = ()
    allowed: tuple[str, ...] = ()
    remedy: str = ""
    line: int = 1
    column: int = 1

    @property
    def dotted(self) -> str:
        """The key as people write it.

        >>> Problem("is unknown", ("schema", 0, "properties", 2, "name")).dotted
        'schema[1].properties[3].name'
        """
        steps = [f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in self.key]
        return "".join(steps).removeprefix(".")

    def at(self, line: int, column: int) -> Problem:
        """Return the problem with its place."""
        return replace(self, line=line, column=column)

    def sentences(self) -> str:
        """Return message, allowed values and remedy, a line each."""
        told = [f"{self.dotted}: {self.message}" if self.key else self.message]
        if self.allowed:
            rest = f" and {len(self.allowed) - MOST_SHOWN} more" if len(self.allowed) > MOST_SHOWN else ""
            told.append(f"  allowed: {', '.join(self.allowed[:MOST_SHOWN])}{rest}")
        if self.remedy:
            told.append(f"  remedy: {self.remedy}")
        return "\n".join(told)

    def as_json(self, file: Path) -> dict[str, Any]:
        """Return the problem for programs."""
        fields = {name: value for name, value in asdict(self).items() if name != "key"}
        return {"file": str(file), **fields, "key": self.dotted, "allowed": list(self.allowed)}


class InvalidContractError(ContractError):
    """A contract's file cannot be used; every problem is named at once.

    Attributes:
        path: the file.
        resource: the id that its path gives it.
        problems: what is wrong with it, in the order of its lines.
    """

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.path = path
        self.resource = f"{path.parent.name}.{path.stem}"
        self.problems = sorted(problems, key=lambda problem: (problem.line, problem.column))
        first = self.problems[0]
        told = "\n".join(f"{path}:{problem.line}: {problem.sentences()}" for problem in self.problems)
        super().__init__(
            told,
            place=f"{path}:{first.line}",
            remedy=f"mend the file, then ask `python -m catalog contract check {path}`",
        )

    @property
    def told_to_readers(self) -> str:
        """What those hear who may know that the resource is stopped, and not what its file says."""
        return (
            f"the contract of {self.resource} cannot be used until it is mended (该资源的数据契约有误，修正前停用); "
            "`python -m catalog contract check` tells its engineer why"
        )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the word of ``known`` that ``word`` was probably meant to be.

    >>> nearest("requird", ["required", "unique"])
    'required'
    """
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def unknown(what: str, word: object, known: Sequence[str], key: Key, remedy: str) -> Problem:
    """Return the problem of a name that is none of ``known``: with the nearest, else with ``remedy``."""
    likely = nearest(str(word), known)
    mended = f"did you mean {likely}?" if likely else remedy
    return Problem(f"there is no {what} {str(word)!r}", key, tuple(known), mended)
