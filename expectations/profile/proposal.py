"""From a sample to a proposed contract (契约建议): elements by heading and by the values; for a person to mend."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from catalog.model.binding import bind
from catalog.model.contract import Contract
from catalog.model.contract_problem import InvalidContractError
from catalog.model.element import Element
from catalog.model.elements import load_elements
from catalog.model.settings import get_settings
from catalog.model.suggestions import Suggestion, suggest
from expectations.profile.columns import ColumnProfile, profile_column
from expectations.profile.reading import Sample

SURE = 0.9
"""Score from which a heading alone binds; below it the values must agree."""
LOGICAL = {"integer": "integer", "decimal": "number", "date": "date", "instant": "timestamp"}
STANDARDS = ("integer", "decimal", "date", "instant", "phone", "citizen_id", "uscc", "licence_id",
             "organisation_code", "division")  # fmt: skip
PERSONAL = ("citizen_id", "phone")
BY_VALUES = ("citizen_id", "uscc", "licence_id", "organisation_code")
"""Identifiers whose element is named like the kind: their values tell what no heading says."""
LIST_KEY = (
    ("list_file", "清单文件", "_source_file", "list_file_name"),
    ("row_number", "清单行号", "_row_number", "list_row_number"),
)
"""Where nothing is unique a record is its row: column, Chinese name, what it is read from, data element."""
MOST_KEY_COLUMNS = 8
"""Columns of which pairs are tried as a key."""


@dataclass(frozen=True)
class Proposal:
    """What is known about a new source, and what is proposed."""

    sample: Sample
    columns: list[ColumnProfile]
    suggestions: list[Suggestion]
    keys: list[list[str]]
    """Columns or pairs that are unique and never empty in the sample, by column name; the best first."""
    names: list[str]
    """Column name proposed for each heading."""
    contract: dict[str, Any]


def propose(sample: Sample, resource: str, department: str) -> Proposal:
    """Return the profile of ``sample`` and a contract for it that the registry accepts.

    Args:
        sample: rows of the new source.
        resource: id to propose, ``domain.resource``.
        department: provider, an id of ``catalog/departments.yml``.
    """
    columns = [
        profile_column(heading, [row[place] for row in sample.rows]) for place, heading in enumerate(sample.headings)
    ]
    elements = list(load_elements().in_force(get_settings().business_date))
    by_id = {element.id: element for element in elements}
    suggestions = [_agreed(s, c, by_id) for s, c in zip(suggest(sample.headings, elements), columns, strict=True)]
    names = _names(suggestions, columns)
    keys = _keys(sample, columns, names)
    contract = _contract(sample, columns, suggestions, names, keys, resource, department)
    bound, problems = bind(contract, load_elements(), get_settings().business_date)
    if problems:
        raise InvalidContractError(Path(resource), problems)
    Contract.model_validate(bound)
    return Proposal(sample, columns, suggestions, keys, names, contract)


def render_contract(proposal: Proposal) -> str:
    """Return the proposed contract as YAML, with what must be decided by a person said at its head."""
    lost = [s.heading for s in proposal.suggestions if s.element is None]
    head = [
        "# Proposed from a sample (由样本生成的契约建议).",
        "# A person confirms purpose, resource_code, schedule, key and bindings.",
        f"# Rows looked at: {len(proposal.sample.rows):,}; keys that are unique in them: "
        + ("; ".join("+".join(key) for key in proposal.keys) or "none, so a record is its row"),
    ]
    if lost:
        head.append(f"# Headings without a data element: {'、'.join(lost)}")
    body = yaml.safe_dump(proposal.contract, allow_unicode=True, sort_keys=False, width=110)
    return "\n".join(head) + "\n" + body


def _agreed(suggestion: Suggestion, column: ColumnProfile, by_id: dict[str, Element]) -> Suggestion:
    """Return a suggestion: of an identifier's element where only the values tell, of none where they contradict."""
    element = suggestion.element
    if element is None:
        known = by_id.get(column.kind) if column.kind in BY_VALUES else None
        return Suggestion(suggestion.heading, known, column.kind_share, "by its values") if known else suggestion
    contradicts = element.standard in ("citizen_id", "uscc", "licence_id") and column.kind not in (
        element.standard, "text", "organisation_code",
    )  # fmt: skip
    too_long = element.form.longest is not None and column.longest > element.form.longest and column.kind == "text"
    if suggestion.score < SURE and (contradicts or too_long):
        return Suggestion(suggestion.heading, None, 0.0, f"the values are no {element.name}")
    return suggestion


def _names(suggestions: list[Suggestion], columns: list[ColumnProfile]) -> list[str]:
    """Return a column name for each heading: its element's, the heading itself, else by place; each once."""
    used: Counter[str] = Counter()
    names = []
    for place, (suggestion, column) in enumerate(zip(suggestions, columns, strict=True), start=1):
        plain = re.sub(r"[^a-z0-9]+", "_", column.heading.lower()).strip("_")
        name = (
            suggestion.element.id if suggestion.element else plain if re.match(r"[a-z]", plain) else f"column_{place}"
        )
        used[name] += 1
        names.append(name if used[name] == 1 else f"{name}_{used[name]}")
    return names


def _keys(sample: Sample, columns: list[ColumnProfile], names: list[str]) -> list[list[str]]:
    """Return what is unique in the sample: single columns, identifiers first, else pairs of them."""
    whole = [place for place, column in enumerate(columns) if column.nulls == 0 and column.rows]
    single = [place for place in whole if columns[place].is_unique]
    if single:
        rank = {"licence_id": 0, "citizen_id": 0, "uscc": 0, "organisation_code": 1, "integer": 2, "text": 3}
        single.sort(key=lambda place: (rank.get(columns[place].kind, 4), columns[place].longest))
        return [[names[place]] for place in single]
    likely = sorted(whole, key=lambda place: -columns[place].distinct)[:MOST_KEY_COLUMNS]
    found = []
    for pair in combinations(sorted(likely), 2):
        values = {tuple(row[place] for place in pair) for row in sample.rows}
        if len(values) == len(sample.rows):
            found.append([names[place] for place in pair])
    return found[:3]


def _contract(
    sample: Sample,
    columns: list[ColumnProfile],
    suggestions: list[Suggestion],
    names: list[str],
    keys: list[list[str]],
    resource: str,
    department: str,
) -> dict[str, Any]:
    domain, name = resource.split(".")
    key = keys[0] if keys else ["list_file", "row_number"]
    properties: list[dict[str, Any]] = []
    items: dict[str, dict[str, Any]] = {}
    if not keys:
        for column_name, chinese, origin, element in LIST_KEY:
            properties.append({"name": column_name, "businessName": chinese})
            items[column_name] = {"from": [origin], "element": element}
    for column, suggestion, column_name in zip(columns, suggestions, names, strict=True):
        properties.append(_property(column, suggestion, column_name))
        items[column_name] = _item(column, suggestion)
    for each in properties:
        if each["name"] in key:
            each |= {"primaryKey": True, "required": True}
    source: dict[str, Any] = {"kind": "file", "server": department, "pattern": f"*.{sample.format}"}
    source |= {"format": sample.format, "key": key}
    if sample.encoding and sample.format == "csv":
        source["encoding"] = sample.encoding
    return {
        "apiVersion": "v3.0.2",
        "kind": "DataContract",
        "id": resource,
        "name": name,
        "version": "0.1.0",
        "status": "proposed",
        "domain": domain,
        "description": {"purpose": f"{sample.name}（待填写用途）"},
        "schema": [{"name": name, "businessName": sample.name, "properties": properties}],
        "government": {
            "layer": "silver",
            "department": department,
            "resource_code": "300000/1",
            "source": source,
            "items": items,
            "bounds": {"floor": max(1, len(sample.rows) // 10)},
        },
    }


def _property(column: ColumnProfile, suggestion: Suggestion, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "businessName": column.heading}
    if suggestion.element is None:
        if column.kind in LOGICAL:
            found["logicalType"] = LOGICAL[column.kind]
        if column.kind in PERSONAL:
            found["classification"] = "personal"
    if column.nulls == 0:
        found["required"] = True
    return found


def _item(column: ColumnProfile, suggestion: Suggestion) -> dict[str, Any]:
    item: dict[str, Any] = {"from": [column.heading]}
    if suggestion.element is not None:
        return item | {"element": suggestion.element.id}
    if column.code_list:
        return item | {"standard": "code", "code_list": column.code_list}
    if column.kind in STANDARDS:
        item["standard"] = column.kind
    if column.kind in PERSONAL:
        item["mask"] = "first_3"
    return item
