"""An entry of the exchange catalogue (政务数据目录条目), after 发改高技〔2017〕1272号 with the later additions.

What the contract knows is filled in from it; what only people know is added by the provider's officer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from catalog.model.contract import Contract, Strict
from catalog.model.departments import get_department
from catalog.model.element import Element
from catalog.model.errors import GuantongError
from catalog.model.exchange_types import exchange_type
from catalog.model.ids.uscc import is_valid_uscc

CODE_PATTERN = r"^[123][0-9]{5}[0-9]{0,12}/[0-9]{1,12}$"
"""类 1 digit, 项 2, 目 3, 细目 as many as there are, then the serial number."""

ShareType = Literal["unconditional", "conditional", "refused"]
SHARE_TYPES: dict[ShareType, str] = {"unconditional": "无条件共享", "conditional": "有条件共享", "refused": "不予共享"}
UpdateCycle = Literal["real_time", "daily", "weekly", "monthly", "quarterly", "yearly"]
UPDATE_CYCLES: dict[UpdateCycle, str] = {
    "real_time": "实时", "daily": "每日", "weekly": "每周", "monthly": "每月", "quarterly": "每季度", "yearly": "每年",
}  # fmt: skip
Mode = Literal["table", "file", "interface"]
MODES: dict[Mode, str] = {"table": "数据库", "file": "文件", "interface": "接口"}
Format = Literal["document", "spreadsheet", "database", "image", "stream", "self_describing", "service"]
FORMATS: dict[Format, str] = {
    "document": "电子文件", "spreadsheet": "电子表格", "database": "数据库", "image": "图形图像", "stream": "流媒体",
    "self_describing": "自描述格式", "service": "服务接口",
}  # fmt: skip
Letter = Literal["C", "N", "Y", "D", "T", "L", "M", "G", "B", "I", "F"]
_LETTER_OF_TYPE: dict[str, Letter] = {
    "string": "C", "date": "D", "timestamp": "T", "number": "N", "integer": "I", "boolean": "L",
}  # fmt: skip
_UNKEPT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_STRICTNESS: tuple[ShareType, ...] = ("unconditional", "conditional", "refused")


def is_stricter(one: ShareType, other: ShareType) -> bool:
    """Tell whether one share type lets less out than another.

    >>> is_stricter("conditional", "unconditional"), is_stricter("conditional", "refused")
    (True, False)
    """
    return _STRICTNESS.index(one) > _STRICTNESS.index(other)


class EntryError(GuantongError):
    """An entry contradicts the guide or itself."""

    code = "ENTRY_INVALID"


class Sharing(Strict):
    """Under what conditions something is shared (共享属性) and open (开放属性)."""

    share_type: ShareType
    condition: str = ""
    """共享条件; 有条件共享 states it."""
    legal_citation: str = ""
    """Law or regulation that forbids sharing; 不予共享 without it is refused."""
    is_open: bool = False
    """Whether it is open to the public (是否向社会开放)."""
    open_condition: str = ""
    update_cycle: UpdateCycle = "daily"

    @model_validator(mode="after")
    def _has_its_reason(self) -> Sharing:
        if self.share_type == "refused" and not self.legal_citation:
            raise ValueError("不予共享 needs the legal citation that forbids sharing")
        if self.share_type == "conditional" and not self.condition:
            raise ValueError("有条件共享 needs its condition")
        if self.share_type == "refused" and self.is_open:
            raise ValueError("what is not shared is not open to the public either")
        return self


class EntryItem(Sharing):
    """One data item (信息项); sharing, openness and cycle may differ per item."""

    name: str = Field(min_length=1, max_length=200)
    """Column name."""
    business_name: str = Field(min_length=1, max_length=200)
    """Chinese name (信息项名称)."""
    element: str | None = None
    """Data element (数据元) of ``catalog/elements``."""
    data_type: Letter = "C"
    length: int | None = Field(default=None, ge=1)
    decimals: int = Field(default=0, ge=0)
    classification: Literal["public", "internal", "sensitive", "personal"] = "internal"


class Entry(Sharing):
    """One entry (目录条目), as reviewed and published."""

    code: str = Field(pattern=CODE_PATTERN)
    """信息资源代码."""
    name: str = Field(min_length=1, max_length=200)
    abstract: str = Field(min_length=1, max_length=4000)
    """信息资源摘要."""
    provider: str
    """Department (信息资源提供方), an id of ``catalog/departments.yml``."""
    provider_uscc: str
    """信息资源提供方代码: 统一社会信用代码."""
    resource: str | None = None
    """The contract behind it; none while a demanded resource is not built."""
    format: Format = "database"
    concrete_format: str = "Delta"
    modes: tuple[Mode, ...] = ("table",)
    items: tuple[EntryItem, ...] = Field(min_length=1)
    related_codes: tuple[str, ...] = ()
    """关联资源代码."""
    data_class: str = ""
    """数据分类."""
    grade: Literal[1, 2, 3, 4] = 2
    """敏感级别, 1 lowest (数据分级)."""
    use_conditions: str = ""
    """使用条件."""
    division_code: str = ""
    """Division that the data is about; default the provider's."""
    needs_host: bool = False
    """Whether an application goes on from the provider to the host authority."""

    @model_validator(mode="after")
    def _is_whole(self) -> Entry:
        names = [item.name for item in self.items]
        if len(set(names)) != len(names):
            raise ValueError("an item stands twice")
        if not is_valid_uscc(self.provider_uscc):
            raise ValueError(f"{self.provider_uscc!r} is no 统一社会信用代码")
        if self.strictest(names) != self.share_type and self.share_type == "unconditional":
            raise ValueError("an entry with items under conditions is not 无条件共享 itself")
        return self

    @property
    def division(self) -> str:
        """The division: stated, or that of the provider's credit code (positions 3 to 8)."""
        return self.division_code or self.provider_uscc[2:8]

    def item(self, name: str) -> EntryItem | None:
        """Return an item by its column name."""
        return next((item for item in self.items if item.name == name), None)

    def strictest(self, names: Iterable[str]) -> ShareType:
        """Return the strictest share type among some items."""
        wanted = set(names)
        types = [item.share_type for item in self.items if item.name in wanted]
        return max(types, key=_STRICTNESS.index, default="unconditional")


@dataclass(frozen=True)
class Change:
    """One difference between two versions of an entry."""

    place: str
    """Key of the entry, or ``items.<name>`` and ``items.<name>.<key>``."""
    before: Any
    after: Any


def read_entry(document: Mapping[str, Any], place: str = "") -> Entry:
    """Return the entry of a document.

    Raises:
        EntryError: naming every key that is wrong.
    """
    if _holds_unkept(document):
        raise EntryError("a text holds control characters or half a character", place=place, remedy="take them out")
    try:
        return Entry.model_validate(document)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'entry'}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()
        )
        raise EntryError(
            wrong, place=place, remedy="catalog/model/catalogue_entry.py gives every key its meaning"
        ) from error


def _holds_unkept(value: object) -> bool:
    """Tell whether any text of a document holds what a database cannot keep or a reader cannot see."""
    if isinstance(value, str):
        return _UNKEPT.search(value) is not None
    if isinstance(value, Mapping):
        return any(_holds_unkept(key) or _holds_unkept(item) for key, item in value.items())
    return isinstance(value, list | tuple) and any(map(_holds_unkept, value))


def entry_of(contract: Contract, elements: Mapping[str, Element], people: Mapping[str, Any] | None = None) -> Entry:
    """Return the entry that a contract leads to, with what only people know laid over it.

    Args:
        contract: the resource.
        elements: its columns' data elements.
        people: keys of :class:`Entry` that the contract does not know, or that differ.

    Raises:
        EntryError: what was added does not fit.
    """
    government = contract.government
    share = government.share
    sharing: dict[str, Any] = {
        "share_type": share.type if share else "conditional",
        "condition": share.condition if share else "经提供部门同意",
        "legal_citation": share.legal_citation if share else "",
        "update_cycle": government.update_cycle,
    }
    document = {
        "code": government.resource_code,
        "name": contract.table.business_name,
        "abstract": contract.description.purpose,
        "provider": government.department,
        "provider_uscc": get_department(government.department).uscc,
        "resource": contract.id,
        "modes": share.mode if share else ("table",),
        "needs_host": share.needs_host if share else False,
        "items": [_item(contract, column, elements.get(column), sharing) for column in contract.columns],
        "grade": 3 if any(p.classification == "personal" for p in contract.properties) else 2,
        **sharing,
        **(people or {}),
    }
    return read_entry(document, place=contract.id)


def _item(contract: Contract, column: str, element: Element | None, sharing: Mapping[str, Any]) -> dict[str, Any]:
    prop = next(p for p in contract.properties if p.name == column)
    kind = exchange_type(element) if element else None
    return {
        "name": column,
        "business_name": prop.business_name,
        "element": element.id if element else None,
        "data_type": kind.letter if kind else _LETTER_OF_TYPE[prop.logical_type],
        "length": kind.length if kind else None,
        "decimals": kind.decimals if kind else 0,
        "classification": prop.classification,
        **sharing,
    }


def differences(before: Entry, after: Entry) -> list[Change]:
    """Return what changed from one version to the next, items one by one."""
    old, new = before.model_dump(exclude={"items"}), after.model_dump(exclude={"items"})
    found = [Change(key, old[key], new[key]) for key in new if old[key] != new[key]]
    return found + list(_item_differences(before, after))


def drift(published: Entry, now: Entry) -> list[Change]:
    """Return how a source's schema has left its published entry: items come, gone, or of another type."""
    keys = ("element", "data_type", "length", "decimals")
    return [
        change
        for change in _item_differences(published, now)
        if change.place.count(".") == 1 or change.place.rsplit(".", 1)[1] in keys
    ]


def _item_differences(before: Entry, after: Entry) -> Iterator[Change]:
    old = {item.name: item for item in before.items}
    new = {item.name: item for item in after.items}
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield Change(f"items.{name}", old[name].business_name, None)
        elif name not in old:
            yield Change(f"items.{name}", None, new[name].business_name)
        else:
            left, right = old[name].model_dump(), new[name].model_dump()
            yield from (Change(f"items.{name}.{key}", left[key], right[key]) for key in left if left[key] != right[key])
