"""A contract's file as a document that knows its lines (契约文件): what stands in it, and on which line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from catalog.model.contract_problem import Key, Problem

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C where the library has it: a tenth of the time, the same documents."""
LONGEST = 1 << 20
"""Bytes of a contract's file at most."""
_LOOK = "look at this line and the one before: the indentation, a colon and its space, a quote or bracket left open"
_WORDS = (
    ("\t", "a tab stands where only spaces may indent", "indent with spaces"),
    ("cannot start any token", "a character stands here that cannot begin a value", "put the value in quotes"),
    ("mapping values are not allowed", "a second `key: value` begins inside a value", "put the value in quotes"),
    ("undefined alias", "a value beginning with * names an anchor that is not there", "put the value in quotes"),
    ("end of stream", "the file ends inside a quote or bracket", "close what was opened"),
    ("',' or", "a bracket or brace is not closed, or a comma is missing", "close it, or put the comma"),
    ("expected key", "the line fits no block above it", "indent it as the lines of its block"),
    ("could not determine a constructor", "a value beginning with ! is not allowed", "put the value in quotes"),
    ("unhashable", "a list or block stands where a key is expected", "write the key as one word"),
    ("expected ':'", "a key has no colon", "write `key: value`, with a space after the colon"),
)  # fmt: skip
"""Part of the parser's reason → what it means, and what to do."""


class UnreadableDocumentError(Exception):
    """The text is no document.

    Attributes:
        problem: why, and where.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Document:
    """What stands in a file, and where."""

    def __init__(self, content: bytes) -> None:
        """Read ``content``.

        Raises:
            UnreadableDocumentError: it is not UTF-8, not YAML, not one block of keys, or far too long.
        """
        text = _text_of(content)
        try:
            loader = LOADER(text)
            self._root: yaml.Node | None = loader.get_single_node()
            self.value: Any = loader.construct_document(self._root) if self._root else None
        except yaml.YAMLError as error:
            raise UnreadableDocumentError(_yaml_problem(error, text)) from None
        except (RecursionError, ValueError, TypeError):
            raise UnreadableDocumentError(
                Problem("a value cannot be read", remedy="put dates and numbers of an unusual form in quotes")
            ) from None
        if not isinstance(self.value, dict):
            raise UnreadableDocumentError(
                Problem(
                    "a contract is a block of keys", remedy="begin with `apiVersion: v3.0.2`; CONTRIBUTING.md has one"
                )
            )

    def place(self, key: Key) -> tuple[int, int]:
        """Return line and column of ``key``, or of the innermost block around it that is there."""
        node, mark = self._root, self._root.start_mark if self._root else None
        for step in key:
            found = _step(node, step)
            if found is None:
                break
            at, node = found
            mark = at.start_mark
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)

    def repeated(self) -> Iterator[Problem]:
        """Yield the keys that stand twice in one block, of which the parser would silently take the last."""
        yield from _repeated(self._root, (), frozenset())


def _text_of(content: bytes) -> str:
    if len(content) > LONGEST:
        raise UnreadableDocumentError(
            Problem(f"the file has {len(content):,} bytes", remedy=f"a contract has at most {LONGEST:,}")
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        problem = Problem("the file is not in UTF-8", remedy="save it as UTF-8", line=line, column=column)
        raise UnreadableDocumentError(problem) from None


def _yaml_problem(error: yaml.YAMLError, text: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", "") or "")
    lines = text.splitlines()
    line = min(mark.line + 1, max(len(lines), 1)) if mark else _line_of_control_character(text)
    if mark is not None and mark.line < len(lines) and lines[mark.line][: mark.column + 1].endswith("\t"):
        said = "\t"
    unknown = ("the text cannot be read as YAML from here on", _LOOK)
    message, remedy = next(((words, mended) for part, words, mended in _WORDS if part in said), unknown)
    return Problem(message, remedy=remedy, line=line, column=mark.column + 1 if mark else 1)


def _line_of_control_character(text: str) -> int:
    at = next((n for n, sign in enumerate(text) if sign < " " and sign not in "\t\n\r"), 0)
    return text.count("\n", 0, at) + 1


def _step(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """Return where a step begins, and what lies behind it."""
    if isinstance(node, yaml.MappingNode):
        for name, value in reversed(node.value):
            if isinstance(name, yaml.ScalarNode) and name.value == str(step):
                return name, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _repeated(node: yaml.Node | None, key: Key, above: frozenset[int]) -> Iterator[Problem]:
    if id(node) in above:
        return
    inside = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for position, each in enumerate(node.value):
            yield from _repeated(each, (*key, position), inside)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for name, value in node.value:
            word = str(name.value)
            if word in seen:
                message = f"the key stands twice in its block, first on line {seen[word]}"
                mark = name.start_mark
                yield Problem(
                    message, (*key, word), remedy="keep one of the two", line=mark.line + 1, column=mark.column + 1
                )
            seen.setdefault(word, name.start_mark.line + 1)
            yield from _repeated(value, (*key, word), inside)
