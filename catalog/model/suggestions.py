"""Which data elements the headings of a new source may be (数据元推荐): by name, then synonym, then similarity.

A suggestion is for a person to accept; nothing binds by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import yaml

from catalog.model.element import Element
from catalog.model.headings import normalise_heading

NAME_SCORE, SYNONYM_SCORE, LEAST_SIMILARITY = 1.0, 0.95, 0.75
_SIMILARITY_SCORE = 0.9
"""Likeness alone never reaches the score of a known name."""


@dataclass(frozen=True)
class Suggestion:
    """What one heading may be."""

    heading: str
    element: Element | None
    """None where nothing is like it."""
    score: float
    """0 to 1."""
    reason: str
    others: tuple[str, ...] = ()
    """Ids of further elements that fit as well, of other object classes."""


@dataclass(frozen=True)
class _Candidate:
    element: Element
    score: float
    reason: str


def suggest(headings: Sequence[str], elements: Iterable[Element], object_class: str | None = None) -> list[Suggestion]:
    """Return one suggestion per heading, in order.

    A heading that several object classes know (名称, 地址) goes to the class asked for, else to the one that most of
    the other headings belong to; the rest are named as alternatives.

    Args:
        headings: as the department writes them.
        elements: those in force.
        object_class: what the source is about, where the caller knows.
    """
    known = _known_names(elements)
    found = [_candidates(heading, known) for heading in headings]
    sure = Counter(c[0].element.object_class for c in found if len(c) == 1)
    common = [name for name, _ in sure.most_common()]
    preferred = [*([object_class] if object_class else []), *common]
    return [_choose(heading, candidates, preferred) for heading, candidates in zip(headings, found, strict=True)]


def render_items(suggestions: Sequence[Suggestion]) -> str:
    """Return the ``items:`` block of a contract, ready to paste; headings without an element end it as comments."""
    lines, used = ["  items:"], Counter[str]()
    for each in suggestions:
        if each.element is None:
            continue
        used[each.element.id] += 1
        nth = used[each.element.id]
        column = each.element.id if nth == 1 else f"{each.element.id}_{nth}"
        binding = {"from": [each.heading], "element": each.element.id}
        flow = yaml.safe_dump(
            binding, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000
        ).strip()
        others = f"; or {', '.join(each.others)}" if each.others else ""
        lines.append(f"    {column}: {flow.strip()}  # {each.score:.2f} {each.reason}{others}")
    return "\n".join([*lines, *(f"    # not placed: {each.heading}" for each in suggestions if each.element is None)])


def _known_names(elements: Iterable[Element]) -> dict[str, list[_Candidate]]:
    """Return every normalised name with the elements it may mean, at most one entry per element."""
    known: dict[str, list[_Candidate]] = {}
    for element in elements:
        for heading in element.headings:
            is_name = heading in (element.name, element.id, element.english)
            score, kind = (NAME_SCORE, "name") if is_name else (SYNONYM_SCORE, "synonym")
            there = known.setdefault(normalise_heading(heading), [])
            if element.id not in [c.element.id for c in there]:
                there.append(_Candidate(element, score, f"{kind} of {element.name}"))
    return known


def _candidates(heading: str, known: dict[str, list[_Candidate]]) -> list[_Candidate]:
    """Return the elements that know ``heading``, or else those that know the name most like it."""
    text = normalise_heading(heading)
    if not text:
        return []
    if text in known:
        return known[text]
    likeness = {name: SequenceMatcher(None, text, name).ratio() for name in known}
    name = max(likeness, key=likeness.__getitem__, default="")
    if likeness.get(name, 0) < LEAST_SIMILARITY:
        return []
    score = round(_SIMILARITY_SCORE * likeness[name], 2)
    return [_Candidate(c.element, score, f"like {name}, a name of {c.element.name}") for c in known[name]]


def _choose(heading: str, candidates: list[_Candidate], preferred: Sequence[str]) -> Suggestion:
    if not candidates:
        return Suggestion(heading, None, 0.0, "no element has such a name")
    rank = {name: place for place, name in reversed(list(enumerate(preferred)))}
    first, *others = sorted(candidates, key=lambda c: (rank.get(c.element.object_class, len(rank)), -c.score))
    return Suggestion(heading, first.element, first.score, first.reason, tuple(c.element.id for c in others))
