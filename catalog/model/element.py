"""One version of one data element (数据元), after GB/T 19488.1: what it means, and what form its values have."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, field_validator, model_validator

from catalog.model.contract import SPARK_TYPES, Classification, LogicalType, Name, Standard, Strict
from catalog.model.element_format import Format, parse_format
from catalog.model.masks import Mask

Representation = Literal[
    "identifier",
    "code",
    "name",
    "text",
    "date",
    "instant",
    "serial_number",
    "quantity",
    "number",
    "amount",
    "indicator",
]
_SHAPES: dict[str, tuple[LogicalType, Standard, tuple[str, ...]]] = {
    "identifier": ("string", "text", ("a", "n", "an")),
    "code": ("string", "text", ("a", "n", "an")),
    "name": ("string", "text", ("a", "an")),
    "text": ("string", "text", ("a", "n", "an")),
    "date": ("date", "date", ("date",)),
    "instant": ("timestamp", "instant", ("instant",)),
    "serial_number": ("integer", "integer", ("n",)),
    "quantity": ("integer", "integer", ("n",)),
    "number": ("number", "decimal", ("n",)),
    "amount": ("number", "decimal", ("n",)),
    "indicator": ("boolean", "boolean", ("boolean",)),
}
"""Representation (表示词) → logical type, rule unless the value domain names another, characters a format may have."""
_WHOLE_DIGITS, _DECIMALS, _INTEGER_DIGITS = 16, 4, 18
"""What ``decimal(20,4)`` and ``bigint`` hold."""


class ValueDomain(Strict):
    """The values allowed (值域): a code list, or the rule that judges them."""

    code_list: Name | None = None
    """Code list in ``catalog/codes``."""
    standard: Standard | None = None
    """Standardising rule of ``jobs/runtime/standards``; absent: the one that the representation implies."""

    @model_validator(mode="after")
    def _is_one_of_them(self) -> ValueDomain:
        if self.code_list and self.standard not in (None, "code"):
            raise ValueError(f"code_list {self.code_list} and standard {self.standard} exclude each other")
        if self.standard == "code" and not self.code_list:
            raise ValueError("standard code needs its code_list")
        return self


class Element(Strict):
    """One version of one data element."""

    id: Name
    """Internal identifier (内部标识符), the same in all versions."""
    version: str = Field(pattern=r"\A\d+\.\d+\.\d+\z")
    name: str = Field(min_length=1)
    """Chinese name (中文名称)."""
    english: str = Field(min_length=1)
    """English name (英文名称)."""
    definition: str = Field(min_length=1)
    """What it means (定义), in Chinese."""
    object_class: Name
    """What kind of thing has the property (对象类词)."""
    property_: str = Field(alias="property", min_length=1)
    """Which property of it (特性词)."""
    representation: Representation
    """In what way it is represented (表示词); decides the logical type."""
    format: str
    """Notation of GB/T 19488.1, see ``element_format``."""
    value_domain: ValueDomain = Field(default_factory=ValueDomain)
    unit: str | None = None
    """Unit of measure (计量单位), where there is one."""
    synonyms: tuple[str, ...] = ()
    """Headings under which departments deliver it (同义名称), initials included."""
    submitted_by: Name
    """Department whose fact it is (提交机构, 数源部门), an id of ``catalog/departments.yml``."""
    classification: Classification = "internal"
    mask: Mask = "none"
    status: Literal["draft", "standard", "retired"] = "standard"
    valid_from: date | None = None
    """First day in force; absent: always was."""
    valid_to: date | None = None
    """Last day in force; absent: still is."""
    citation: str = ""
    """The standard that the definition follows (来源); the project's own where empty."""

    @field_validator("format")
    @classmethod
    def _is_in_the_notation(cls, notation: str) -> str:
        return parse_format(notation).notation

    @model_validator(mode="after")
    def _is_consistent(self) -> Element:
        logical, _, characters = _SHAPES[self.representation]
        form = parse_format(self.format)
        if form.characters not in characters:
            raise ValueError(f"format {self.format} cannot be the form of a {self.representation}")
        if form.decimals and logical != "number":
            raise ValueError(f"format {self.format}: a {self.representation} has no decimals")
        if logical == "integer" and (form.longest or _INTEGER_DIGITS + 1) > _INTEGER_DIGITS:
            raise ValueError(
                f"format {self.format}: an integer has at most {_INTEGER_DIGITS} digits, and a stated length"
            )
        if logical == "number" and form.longest is None:
            raise ValueError(f"format {self.format}: an amount states its digits, such as n..18,2")
        if self.valid_from and self.valid_to and self.valid_from > self.valid_to:
            raise ValueError(f"valid_to {self.valid_to} lies before valid_from {self.valid_from}")
        if self.classification in ("personal", "sensitive") and self.mask == "none":
            raise ValueError(f"classification {self.classification} needs a mask")
        return self

    @property
    def form(self) -> Format:
        """The format, parsed."""
        return parse_format(self.format)

    @property
    def logical_type(self) -> LogicalType:
        """The column's logical type."""
        return _SHAPES[self.representation][0]

    @property
    def physical_type(self) -> str | None:
        """The column's Spark type where the logical type's own does not hold the format, else None.

        The default is ``decimal(20,4)``: sixteen digits before the point, four behind.
        """
        form = self.form
        if self.logical_type != "number" or form.longest is None:
            return None
        if form.longest - form.decimals <= _WHOLE_DIGITS and form.decimals <= _DECIMALS:
            return None
        return f"decimal({form.longest},{form.decimals})"

    @property
    def spark_type(self) -> str:
        """The column's Spark type."""
        return self.physical_type or SPARK_TYPES[self.logical_type]

    @property
    def standard(self) -> Standard:
        """The rule that brings a value into its standard form and judges it."""
        if self.value_domain.code_list:
            return "code"
        return self.value_domain.standard or _SHAPES[self.representation][1]

    @property
    def is_identifier(self) -> bool:
        """Whether it names a thing: any source may carry it as a key or reference."""
        return self.representation == "identifier"

    @property
    def headings(self) -> tuple[str, ...]:
        """Every name it goes by."""
        return (self.name, self.id, self.english, *self.synonyms)

    def is_in_force(self, day: date) -> bool:
        """Return whether this version holds on ``day``."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)
