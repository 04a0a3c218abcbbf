"""What validation finds, in words (校验用语): the key, what may stand there, and what to do; no library's sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from catalog.model.contract import CONTRADICTIONS, Contract
from catalog.model.contract_problem import Key, Problem, nearest

FORMS = {
    r"\A[a-z][a-z0-9_]*\z": "lower-case letters, digits and underscores, beginning with a letter, such as holder_name",
    r"\A[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\z": "domain.resource in lower case, such as population.resident",
    r"\A\d+\.\d+\.\d+\z": "three numbers with points, in quotes where in doubt, such as 1.0.0",
    r"\A[123]\d{2}\d{3}\d*/\d+\z": "a resource code after 发改高技〔2017〕1272号, such as 301001/1",
    r"\A[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?\z": "table or schema.table in lower case, such as public.resident",
    r"\A(none|all|first_[1-9])\z": "none, all, or first_ and how many signs stay, such as first_6",
    r"\A/[a-z0-9/_-]+\z": "a path in lower case that begins with /, such as /v1/persons",
}
"""Pattern of a field → the form in words."""
_KINDS = {
    "string": "text; put it in quotes",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "list": "a list: [a, b], or a line beginning with - for each",
    "tuple": "a list: [a, b], or a line beginning with - for each",
    "dict": "a block of keys, indented below it",
    "model": "a block of keys, indented below it",
    "date": "a day such as 2026-03-01",
}
_LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
    "too_short": ("min_length", "at least"),
    "too_long": ("max_length", "at most"),
}
_ROUNDS = 4
"""So often a document is mended to see what is wrong behind a misspelling: a key, its value, what that leads to."""
_QUOTED = re.compile(r"'([^']*)'")
_SPELLING = "leave it out; catalog/model/contract.py and source.py explain every key"


def problems_in_words(error: ValidationError, document: Mapping[str, Any]) -> list[Problem]:
    """Return what ``error`` says about ``document``, and what would come to light once that is mended."""
    found = list(_told(error, document))
    if CONTRADICTIONS not in {each["type"] for each in error.errors(include_url=False)}:
        found += _hidden_behind(error, document)
    return found


def _told(error: ValidationError, document: Mapping[str, Any]) -> Iterator[Problem]:
    for each in error.errors(include_url=False):
        if each["type"] == CONTRADICTIONS:
            yield from (Problem(message, key, remedy=remedy) for key, message, remedy in each["ctx"]["found"])
            continue
        key = _key_in(document, each["loc"])
        yield _WORDS.get(each["type"], _misfit)(key, each, document)


def _hidden_behind(error: ValidationError, document: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the contradictions of the document as it is without what is wrong with single values."""
    mended = deepcopy(dict(document))
    for _ in range(_ROUNDS):
        if not all(_mend(mended, each) for each in error.errors(include_url=False)):
            return
        try:
            Contract.model_validate(mended)
        except ValidationError as second:
            if {each["type"] for each in second.errors(include_url=False)} == {CONTRADICTIONS}:
                yield from _told(second, mended)
                return
            error = second
        else:
            return


def _mend(document: dict[str, Any], each: Mapping[str, Any]) -> bool:
    """Put what was probably meant in place of one wrong value, or take it out; return whether one could."""
    key = _key_in(document, each["loc"])
    block = _value_at(document, key[:-1])
    if not isinstance(block, dict) or key[-1] not in block:
        return False
    value, meant = block.pop(key[-1]), None
    if each["type"] == "extra_forbidden":
        meant = nearest(str(key[-1]), _keys_of(document, key[:-1]))
        if meant and meant not in block:
            block[meant] = value
    elif each["type"] == "literal_error":
        meant = nearest(str(value), _QUOTED.findall(each["ctx"]["expected"]))
        if meant:
            block[key[-1]] = meant
    return True


def _unknown_key(key: Key, each: Mapping[str, Any], document: Mapping[str, Any]) -> Problem:
    known = _keys_of(document, key[:-1])
    likely = nearest(str(key[-1]), known)
    return Problem("the key is unknown here", key, known, f"did you mean {likely}?" if likely else _SPELLING)


def _missing(key: Key, each: Mapping[str, Any], document: Mapping[str, Any]) -> Problem:
    return Problem("the key is missing", key, remedy=f"add `{key[-1]}:` to the block")


def _not_allowed(key: Key, each: Mapping[str, Any], document: Mapping[str, Any]) -> Problem:
    allowed = tuple(_QUOTED.findall(each["ctx"]["expected"]))
    likely = nearest(str(each["input"]), allowed)
    return Problem(_is_not(each["input"]), key, allowed, f"did you mean {likely}?" if likely else "write one of these")


def _kind(key: Key, each: Mapping[str, Any], document: Mapping[str, Any]) -> Problem:
    allowed = tuple(_QUOTED.findall(each["ctx"].get("expected_tags", "")))
    return _not_allowed((*key, "kind"), {"input": each["ctx"]["tag"], "ctx": {"expected": repr_of(allowed)}}, document)


def _no_kind(key: Key, each: Mapping[str, Any], document: Mapping[str, Any]) -> Problem:
    allowed = tuple(sorted(_tags(_annotation(key))))
    return Problem("the key is missing", (*key, "kind"), allowed, "add `kind:`, which says how the source is read")


def _no_form(key: Key, each: Mapping[str, Any], document: Mapping[str, Any]) -> Problem:
    form = FORMS.get(each["ctx"]["pattern"], "another form; the other contracts show it")
    return Problem(f"{each['input']!r} does not have the form of this key", key, remedy=f"write {form}")


def _limit(key: Key, each: Mapping[str, Any], document: Mapping[str, Any]) -> Problem:
    name, words = _LIMITS[each["type"]]
    entries = " entries" if each["type"] in ("too_short", "too_long") else ""
    given = f"{each['input']!r} does not do" if not entries else "the list has the wrong length"
    return Problem(given, key, remedy=f"write {words} {each['ctx'][name]}{entries}")


def _own(key: Key, each: Mapping[str, Any], document: Mapping[str, Any]) -> Problem:
    return Problem(str(each["ctx"]["error"]), key, remedy="CONTRIBUTING.md shows a whole contract")


def _misfit(key: Key, each: Mapping[str, Any], document: Mapping[str, Any]) -> Problem:
    kind = each["type"].partition("_")[0]
    wanted = _KINDS.get(kind, "a value of the form that the other contracts show")
    given = "has no value" if each["input"] is None else f"{str(each['input'])[:60]!r} does not fit here"
    return Problem(given, key, remedy=f"write {wanted}")


_WORDS: dict[str, Callable[[Key, Mapping[str, Any], Mapping[str, Any]], Problem]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "literal_error": _not_allowed,
    "union_tag_invalid": _kind,
    "union_tag_not_found": _no_kind,
    "string_pattern_mismatch": _no_form,
    "value_error": _own,
    **dict.fromkeys(_LIMITS, _limit),
}


def _is_not(value: object) -> str:
    return f"{value!r} is not allowed here"


def repr_of(words: Sequence[str]) -> str:
    """Return words in single quotes, as the expected values of an error are.

    >>> repr_of(["feed", "full"])
    "'feed', 'full'"
    """
    return ", ".join(f"'{word}'" for word in words)


def _key_in(document: Mapping[str, Any], location: Sequence[str | int]) -> Key:
    """Return where an error lies in the document: its location without the names of alternatives and of keys."""
    key: list[str | int] = []
    value: Any = document
    for position, step in enumerate(location):
        is_last = position == len(location) - 1
        if step == "[key]" or (isinstance(value, dict) and step not in value and not is_last):
            continue
        if is_last and isinstance(value, dict) and step not in value and value.get("kind") == step:
            continue
        key.append(step)
        value = _value_at(value, (step,))
    return tuple(key)


def _value_at(value: Any, key: Key) -> Any:  # noqa: ANN401 - YAML has any
    for step in key:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _keys_of(document: Mapping[str, Any], key: Key) -> tuple[str, ...]:
    """Return the keys that may stand in the block at ``key``."""
    tag = (_value_at(document, key) or {}).get("kind")
    blocks = list(_blocks(_annotation(key)))
    fitting = [block for block in blocks if tag in _tags(block)] or blocks
    return tuple(sorted({field.alias or name for block in fitting for name, field in block.model_fields.items()}))


def _annotation(key: Key) -> Any:  # noqa: ANN401 - a type
    """Return the type of what stands at ``key``."""
    at: Any = Contract
    for step in (step for step in key if isinstance(step, str)):
        if get_origin(at) is dict:
            at = get_args(at)[1]
            continue
        fields = [(name, field) for block in _blocks(at) for name, field in block.model_fields.items()]
        at = next((field.annotation for name, field in fields if step in (name, field.alias)), None)
    return at


def _blocks(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - a type
    """Yield the models inside a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in get_args(annotation):
        yield from _blocks(part)


def _tags(annotation: Any) -> set[str]:  # noqa: ANN401 - a type
    """Return the kinds of which a type may be."""
    fields = (block.model_fields.get("kind") for block in _blocks(annotation))
    kinds: list[Any] = [field.annotation for field in fields if field is not None]
    return {str(word) for kind in kinds for word in get_args(kind)}
