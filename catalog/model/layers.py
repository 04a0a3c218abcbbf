"""Names and places of every table (分层): the one module that builds them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.model.contract import Contract
from catalog.model.errors import ContractError
from catalog.model.settings import get_settings

LAYERS = ("bronze", "silver", "base", "gold", "ops")
STAGES: dict[str, tuple[str, ...]] = {
    "silver": ("extract", "conform", "check"),
    "base": ("reconcile", "check"),
    "gold": ("curate", "check", "publish"),
}
"""The stages that make a table, in order, by its layer; a contract of the layer silver makes bronze on its way."""
LINK = "link"
"""The stage that goes before all others of a base library whose records are linked."""
_SCHEME = re.compile(r"\A[a-z][a-z0-9+.-]*:")
_NAME = re.compile(r"\A(bronze|silver|base|gold|ops)\.[a-z][a-z0-9_]*\Z")


def stages_of(contract: Contract) -> tuple[str, ...]:
    """Return the stages that a resource goes through, in order."""
    spec = contract.government.reconcile
    linking = (LINK,) if spec is not None and spec.linked else ()
    return linking + STAGES[contract.government.layer]


@dataclass(frozen=True)
class Table:
    """One Delta table, addressed by path so that no metastore is needed."""

    name: str
    """``layer.table``, as people and the ledger call it."""
    uri: str
    """Where it lies, below ``LAKE_URI``."""

    @property
    def sql(self) -> str:
        """The table as a Spark SQL identifier."""
        return f"delta.`{self.uri}`"

    @property
    def local_path(self) -> str:
        """The folder of a ``file:`` table, for readers without Spark."""
        return re.sub(r"\Afile:(//)?", "", self.uri)


def table(name: str, lake_uri: str | None = None) -> Table:
    """Return the table called ``layer.table``.

    Args:
        name: such as ``silver.population__resident``.
        lake_uri: root of the lake; default the setting ``LAKE_URI``.

    Raises:
        ContractError: when the name is not of that form.

    >>> table("silver.population__resident", "file:/lake").uri
    'file:/lake/silver/population__resident'
    """
    if not _NAME.match(name):
        raise ContractError(f"{name!r} is not a table name", remedy="use layer.domain__dataset in snake_case")
    layer, rest = name.split(".")
    return Table(name, f"{lake_uri or get_settings().lake_uri}/{layer}/{rest}")


def relative_uri(uri: str, lake_uri: str | None = None) -> str:
    """Return where a table lies below ``LAKE_URI``; one that lies elsewhere keeps its whole address.

    >>> relative_uri("file:/lake/gold/t", "file:/lake"), relative_uri("file:/other/t", "file:/lake")
    ('gold/t', 'file:/other/t')
    """
    return uri.removeprefix(f"{lake_uri or get_settings().lake_uri}/")


def absolute_uri(stored: str, lake_uri: str | None = None) -> str:
    """Return where a stored address lies now; one that is not below the lake stays as it is.

    >>> absolute_uri("gold/t", "file:/moved"), absolute_uri("s3a://other/gold/t", "file:/moved")
    ('file:/moved/gold/t', 's3a://other/gold/t')
    """
    if stored.startswith("/") or _SCHEME.match(stored):
        return stored
    return f"{(lake_uri or get_settings().lake_uri).rstrip('/')}/{stored}"


def table_of(contract: Contract, lake_uri: str | None = None) -> Table:
    """Return the table that a contract describes, in the contract's own layer."""
    return table(f"{contract.government.layer}.{contract.domain}__{contract.name}", lake_uri)


def bronze_of(contract: Contract, lake_uri: str | None = None) -> Table:
    """Return the bronze table (原始层) of a source contract: ``bronze.<department>__<dataset>``."""
    return table(f"bronze.{contract.government.department}__{contract.name}", lake_uri)


def set_aside_of(contract: Contract, lake_uri: str | None = None) -> Table:
    """Return the table of rows set aside (待处置数据) of a contract."""
    return table(f"ops.set_aside__{contract.domain}__{contract.name}", lake_uri)


def closed_of(contract: Contract, lake_uri: str | None = None) -> Table:
    """Return the table of rows set aside that no longer wait (已关闭问题行) of a contract."""
    return table(f"ops.closed__{contract.domain}__{contract.name}", lake_uri)


def identity_of(contract: Contract, lake_uri: str | None = None) -> Table:
    """Return the table that says which entity each source record of a base library belongs to (记录归属)."""
    return table(f"base.identity__{contract.domain}__{contract.name}", lake_uri)


def redirect_of(contract: Contract, lake_uri: str | None = None) -> Table:
    """Return the table of entity ids of a base library that others took over (标识沿革)."""
    return table(f"base.redirect__{contract.domain}__{contract.name}", lake_uri)


def linkage_of(contract: Contract, lake_uri: str | None = None) -> Table:
    """Return the table of what of a base library's records is compared (比对特征)."""
    return table(f"ops.linkage__{contract.domain}__{contract.name}", lake_uri)


def keyed_of(library: Contract, source: Contract, lake_uri: str | None = None) -> Table:
    """Return the table of what a source without a base library's key says, by that key (无主键来源陈述)."""
    return table(f"ops.keyed__{_pair(library, source)}", lake_uri)


def waiting_of(library: Contract, source: Contract, lake_uri: str | None = None) -> Table:
    """Return the table of a keyless source's records that say nothing in a base library yet, and why (待归属记录)."""
    return table(f"ops.waiting__{_pair(library, source)}", lake_uri)


def _pair(library: Contract, source: Contract) -> str:
    return f"{library.domain}__{library.name}__{source.domain}__{source.name}"


def conflict_of(contract: Contract, lake_uri: str | None = None) -> Table:
    """Return the table of disagreeing sources (多源冲突) of a base library."""
    return table(f"ops.conflict__{contract.domain}__{contract.name}", lake_uri)


def statement_of(contract: Contract, lake_uri: str | None = None) -> Table:
    """Return the table of what each source said (来源陈述) about the entities of a base library."""
    return table(f"ops.statement__{contract.domain}__{contract.name}", lake_uri)
