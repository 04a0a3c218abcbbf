"""A contract (数据契约): one resource, in the keys of the Open Data Contract Standard 3.x.

What the standard lacks stands in the ``government:`` block. Unknown keys are refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Literal, LiteralString

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from catalog.model.masks import Mask
from catalog.model.source import FileSource, Source

Name = Annotated[str, Field(pattern=r"\A[a-z][a-z0-9_]*\z")]
ResourceId = Annotated[str, Field(pattern=r"\A[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\z")]

LogicalType = Literal["string", "date", "timestamp", "number", "integer", "boolean"]
Standard = Literal[
    "text", "name", "citizen_id", "uscc", "organisation_code", "registration_number", "licence_id", "division",
    "code", "date", "instant", "decimal", "integer", "boolean",
    "current_name", "former_name", "money_amount", "money_currency",
    "phone", "address", "address_division", "address_rest", "industry",
]  # fmt: skip
Classification = Literal["public", "internal", "sensitive", "personal"]
SPARK_TYPES: dict[str, str] = {
    "string": "string", "date": "date", "timestamp": "timestamp",
    "number": "decimal(20,4)", "integer": "bigint", "boolean": "boolean",
}  # fmt: skip


class Strict(BaseModel):
    """A block whose unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OdcsBlock(BaseModel):
    """A block of the standard: camelCase in YAML, snake_case in Python."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Property(OdcsBlock):
    """One column (信息项)."""

    name: Name
    business_name: str
    """Chinese name."""
    logical_type: LogicalType = "string"
    physical_type: str | None = None
    """Spark type, where the default for the logical type does not fit."""
    description: str = ""
    required: bool = False
    unique: bool = False
    primary_key: bool = False
    classification: Classification = "internal"
    examples: list[str] = Field(default_factory=list)
    transform_logic: str | None = None
    """Spark SQL over the input's columns; only in gold contracts."""

    @property
    def spark_type(self) -> str:
        """The column's Spark type."""
        return self.physical_type or SPARK_TYPES[self.logical_type]


class SchemaObject(OdcsBlock):
    """The table of the contract; each contract has exactly one."""

    name: Name
    business_name: str
    physical_type: Literal["table"] = "table"
    description: str = ""
    properties: list[Property] = Field(min_length=1)


class Server(OdcsBlock):
    """Where the data comes from, for other tools; addresses at run time come from ``SOURCE_<SERVER>``."""

    server: Name
    type: Literal["postgres", "local", "api"]
    description: str = ""
    host: str | None = None
    port: int | None = None
    database: str | None = None
    schema_: str | None = Field(default=None, alias="schema")
    path: str | None = None
    format: str | None = None
    location: str | None = None


class Description(OdcsBlock):
    """What the resource is for, and what not."""

    purpose: str
    usage: str = ""
    limitations: str = ""


class Item(Strict):
    """How one column is read from its source and judged."""

    source_names: list[str] = Field(default_factory=list, alias="from")
    """Column names in the source, synonyms included; the column's own name always counts."""
    element: Name | None = None
    """Data element (数据元) of ``catalog/elements`` that the column is; type, rule, code list, classification and mask
    follow from it when the contract is read (``catalog/model/binding.py``)."""
    of: Name | None = None
    """Delivered column that this one is derived from; such a column is neither in the source nor in bronze."""
    standard: Standard = "text"
    """Which standardising rule applies."""
    code_list: Name | None = None
    """Code list in ``catalog/codes``, when ``standard`` is ``code``."""
    valid_on: Name | None = None
    """Day on which the code must be in force: a date column of the contract, or ``source_time``, the day of the
    source's change. Without it a retired code stands for ever (CODE_RETIRED never arises)."""
    agrees_with: Name | None = None
    """Citizen-number column that this birth date or sex code must not contradict."""
    on_failure: Literal["set_aside", "flag"] = "set_aside"
    """Whether a row that breaks the rule is set aside or accepted with a flag."""
    optional: bool = False
    """Whether the source may lack the column altogether."""
    mask: Mask | None = None
    """How a personal value is hidden from people; absent: the reader's own rule."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Bounds(Strict):
    """Row counts of a sane table: below the floor the gate stops, above the ceiling it warns."""

    floor: int = Field(default=1, ge=1)
    ceiling: int | None = None
    fall: float | None = Field(default=None, gt=0, lt=1)
    """Largest share of its rows that a table may lose against the version that passed before; more is held as a
    truncated delivery (数据截断). Absent: not judged."""
    growth: float | None = Field(default=None, gt=0)
    """Largest share by which it may grow against that version before the gate warns."""
    max_age_days: int | None = Field(default=None, ge=0)
    """Days before the business date by which the newest row must have changed at its source; older warns."""


class Link(Strict):
    """A reference from this base library to entities of others, by national key."""

    column: Name
    """Column of the entity id found."""
    by: Name
    """Column with the national key."""
    targets: list[ResourceId] = Field(min_length=1)
    """Base resources whose key may match, in order."""
    missing_flag: str | None = None
    """Flag for a key that no target knows."""


class Reconcile(Strict):
    """How a base library is built; which input decides which element says ``catalog/authority.yml`` (一数一源)."""

    entity_id: Name
    key: Name
    inputs: list[ResourceId] = Field(min_length=1)
    """Silver resources that know these entities."""
    keyed_by: Literal["column", "own_logic"] = "column"
    """Whether inputs carry the key, or the library's own module gives each of their records one (editions)."""
    links: list[Link] = Field(default_factory=list)
    members: list[ResourceId] = Field(default_factory=list)
    """Inputs that can by themselves establish an entity; default all."""
    linked: bool = False
    """Whether records of members are linked before each reconcile (记录关联), because some have no valid key; the
    library then has a model in ``catalog/linkage``. Inputs that are not one row an entity, by ``key``, speak through
    what linking decides (``catalog/model/keyless.py``)."""


class Curate(Strict):
    """How a shared table is cut from a base library."""

    input: ResourceId
    where: str = "true"
    """Spark SQL condition on the base library's columns."""


class Share(Strict):
    """Under what conditions a table is shared (共享属性)."""

    share: Name
    type: Literal["unconditional", "conditional", "refused"]
    """无条件共享 / 有条件共享 / 不予共享."""
    condition: str = ""
    legal_citation: str = ""
    mode: tuple[Literal["table", "file", "interface"], ...] = ("table",)
    needs_host: bool = False
    """Whether an application goes on from the provider to the host authority (须经主管部门同意)."""
    superseded_days: int | None = Field(default=None, ge=0)
    """For how many days a superseded version may still be read; absent: ``SUPERSEDED_DAYS`` of the site."""

    @model_validator(mode="after")
    def _has_its_reason(self) -> Share:
        if self.type == "refused" and not self.legal_citation:
            raise ValueError("不予共享 needs the legal citation that forbids sharing")
        if self.type == "conditional" and not self.condition:
            raise ValueError("有条件共享 needs its condition")
        return self


class Government(Strict):
    """What the standard lacks."""

    layer: Literal["silver", "base", "gold"]
    department: Name
    """Provider (提供方), an id of ``catalog/departments.yml``."""
    resource_code: str = Field(pattern=r"\A[123]\d{2}\d{3}\d*/\d+\z")
    """资源代码 after 发改高技〔2017〕1272号."""
    update_cycle: Literal["real_time", "daily", "weekly", "monthly", "quarterly", "yearly"] = "daily"
    schedule: str | None = None
    """Cron expression of the ingestion, Asia/Shanghai; sources only."""
    demonstration: bool = True
    """False for contracts on real lists, which run only with ``REAL_DATA``."""
    source: Source | None = None
    items: dict[Name, Item] = Field(default_factory=dict)
    reconcile: Reconcile | None = None
    curate: Curate | None = None
    share: Share | None = None
    bounds: Bounds = Field(default_factory=Bounds)


class Contract(OdcsBlock):
    """One resource: its schema, its source or inputs, its conditions of sharing."""

    api_version: Literal["v3.0.2", "v3.1.0"]
    kind: Literal["DataContract"]
    id: ResourceId
    name: Name
    version: str = Field(pattern=r"\A\d+\.\d+\.\d+\z")
    status: Literal["proposed", "draft", "active", "deprecated", "retired"]
    domain: Name
    description: Description
    servers: list[Server] = Field(default_factory=list)
    schema_: list[SchemaObject] = Field(alias="schema", min_length=1, max_length=1)
    government: Government

    @property
    def table(self) -> SchemaObject:
        """The contract's one table."""
        return self.schema_[0]

    @property
    def properties(self) -> list[Property]:
        """The columns, in order."""
        return self.table.properties

    @property
    def columns(self) -> list[str]:
        """The column names, in order."""
        return [p.name for p in self.properties]

    @property
    def raw_columns(self) -> list[str]:
        """The columns that bronze holds as received: all but the derived ones."""
        return [c for c in self.columns if self.item(c).of is None]

    @property
    def key(self) -> list[str]:
        """The primary key's column names."""
        return [p.name for p in self.properties if p.primary_key]

    @property
    def source(self) -> Source:
        """The source block of a silver contract; asking another layer's is a programming error."""
        if self.government.source is None:
            raise LookupError(f"{self.id} has no source block")
        return self.government.source

    def item(self, column: str) -> Item:
        """Return how ``column`` is read and judged; plain text when the contract says nothing."""
        return self.government.items.get(column, Item())

    def code_list_of(self, column: str) -> str | None:
        """Return the code list that judges ``column``, if one does."""
        item = self.item(column)
        return "division" if item.standard == "division" else item.code_list

    @model_validator(mode="after")
    def _is_whole(self) -> Contract:
        if found := contradictions(self):
            told = "; ".join(message for _, message, _ in found)
            raise PydanticCustomError(CONTRADICTIONS, "{told}", {"told": told, "found": found})
        return self


SOURCE_TIME = "source_time"
"""What ``valid_on`` says for the day of the source's change."""
CONTRADICTIONS: LiteralString = "contract_contradictions"
"""The type of the error under which validation tells what contradicts itself in a contract."""
Contradiction = tuple[tuple[str | int, ...], str, str]
"""Key, what is wrong, and what to do."""
_BLOCK_OF_LAYER = {"silver": "source", "base": "reconcile", "gold": "curate"}


def contradictions(contract: Contract) -> list[Contradiction]:
    """Return everything that contradicts itself in ``contract``."""
    found = [*_naming(contract), *_blocks(contract)]
    for column, item in contract.government.items.items():
        key = ("government", "items", column)
        if column not in contract.columns:
            found.append(_no_column(contract, key, column))
        else:
            found += [
                ((*key, name), f"column {column}: {what}", remedy)
                for name, what, remedy in _item(contract, column, item)
            ]
    return found + list(_source_columns(contract))


def _naming(contract: Contract) -> Iterator[Contradiction]:
    columns = contract.columns
    if contract.id != f"{contract.domain}.{contract.name}":
        said = f"id {contract.id} is not domain.name ({contract.domain}.{contract.name})"
        yield ("id",), said, "the three name one resource"
    if contract.table.name != contract.name:
        said = f"schema object {contract.table.name} must be called {contract.name}"
        yield ("schema", 0, "name"), said, f"write {contract.name}"
    for position, column in enumerate(columns):
        key = ("schema", 0, "properties", position, "name")
        if column in columns[:position]:
            yield key, f"a column is declared twice: {column}", "keep one of the two"
        if column.startswith("_"):
            yield key, f"column {column}: leading underscores belong to the pipeline", "take another name"
    if not contract.key:
        yield ("schema", 0, "properties"), "no property is marked primaryKey", "mark the key `primaryKey: true`"


def _blocks(contract: Contract) -> Iterator[Contradiction]:
    government = contract.government
    for layer, block in _BLOCK_OF_LAYER.items():
        if (getattr(government, block) is not None) != (government.layer == layer):
            wanted = _BLOCK_OF_LAYER[government.layer]
            said = f"a {government.layer} contract and the block government.{block} do not go together"
            yield ("government", block), said, f"a {government.layer} contract has the block `{wanted}:`"
    if (government.share is not None) != (government.layer == "gold"):
        said = "government.share belongs to gold contracts, and each has one"
        yield ("government", "share"), said, "leave the block out, or add it to a gold contract"


def _item(contract: Contract, column: str, item: Item) -> Iterator[tuple[str, str, str]]:
    """Yield key, problem and remedy of what is wrong with how a column is read."""
    source, columns = contract.government.source, contract.columns
    if (item.standard == "code") != (item.code_list is not None):
        key = "code_list" if item.code_list is not None else "standard"
        yield key, "standard code and code_list go together", "write both, or neither"
    if item.valid_on is not None:
        days = [p.name for p in contract.properties if p.logical_type == "date"]
        if item.standard not in ("code", "division"):
            yield "valid_on", "valid_on is for codes and divisions", "leave it out"
        if item.valid_on != SOURCE_TIME and item.valid_on not in days:
            said = f"valid_on is {SOURCE_TIME} or one of the date columns {', '.join(days)}"
            yield "valid_on", said, "write one of these"
    if item.agrees_with and item.agrees_with not in columns:
        said = f"agrees_with names unknown column {item.agrees_with}"
        yield "agrees_with", said, f"one of {', '.join(columns)}"
    if item.of is not None and (item.of not in contract.raw_columns or item.source_names or not source):
        said = "of names a delivered column of a silver contract, and goes without from"
        yield "of", said, f"one of {', '.join(contract.raw_columns)}"
    if item.of is not None and source and column in source.key:
        yield "of", "a derived column cannot be part of the source's key", "take it out of government.source.key"


def _source_columns(contract: Contract) -> Iterator[Contradiction]:
    """Yield where the source names a column that the contract has not."""
    source = contract.government.source
    if source is None:
        return
    at = ("government", "source")
    named: list[tuple[tuple[str | int, ...], str]] = [((*at, "key", n), name) for n, name in enumerate(source.key)]
    if isinstance(source, FileSource):
        named += [((*at, "constants", name), name) for name in source.constants]
        named += [((*at, "section_column"), source.section_column)] if source.section_column else []
    for key, name in named:
        if name not in contract.columns:
            yield _no_column(contract, key, name)


def _no_column(contract: Contract, key: tuple[str | int, ...], name: str) -> Contradiction:
    columns = contract.columns
    near = get_close_matches(name, columns, n=1)
    said = f"{'.'.join(str(step) for step in key[:2])} names unknown column {name}"
    return key, said, f"did you mean {near[0]}?" if near else f"one of {', '.join(columns)}; or add the property"
