"""The publish stage (发布作业): register the checked version of a shared table in the exchange catalogue."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sqlalchemy.orm import Session

from catalog.control.held_rows import withdrawals_gone
from catalog.control.ledger import record_ledger
from catalog.control.passing_check import Checked, passing_check
from catalog.control.positions import TableVersion
from catalog.control.resources import register_resource
from catalog.control.session import in_transaction
from catalog.control.shares import publish_share_version
from catalog.control.tables import CheckResult, ShareVersion
from catalog.model.contract import Contract
from catalog.model.errors import GateStoppedError
from catalog.model.exchange_types import exchange_type
from catalog.model.layers import relative_uri, table_of
from catalog.model.publication import published_with
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from jobs.runtime import delta
from jobs.runtime.rule_fingerprint import fingerprint
from jobs.runtime.spark import connect
from jobs.runtime.stage import StageRun, stage_run
from jobs.runtime.table_state import pin

STAGE = "publish"


def publish(resource: str, batch: str | None = None) -> None:
    """Register the checked version of a gold table as the one that is served.

    Grain:      one share version per checked Delta version.
    Reads:      ``gold.<domain>__<name>`` at the version that the gate passed, no other.
    Writes:     the control plane's share versions, its register and its ledger, in one transaction.
    """
    del batch
    contract = get_registry().get(resource)
    share = contract.government.share
    if share is None or share.type == "refused":
        raise GateStoppedError(
            f"{resource} may not be shared",
            place=share.legal_citation if share else resource,
            remedy="the catalogue lists it; nothing is served",
        )
    if contract.status == "retired":
        raise GateStoppedError(
            f"{resource} is retired",
            place=resource,
            remedy="nothing of it is served; its versions are not read any more",
        )
    with stage_run(STAGE, resource) as run:
        spark, table = connect(), table_of(contract)
        pinned = pin(spark, table)
        check = require_checked(contract, pinned)
        count, digest = _digest(delta.read(spark, table, pinned.version))
        run.say(f"{table.name} version {pinned.version}: {count:,} rows, digest {digest}")
        gone = _withdrawals_gone(contract, share.share, pinned)
        publication = Publication(contract, share.share, pinned, count, digest, check.check_id, gone)
        published = run.transaction(lambda session: publication.record(session, run))
        run.say(f"share.{published.share}.{contract.id} serves it as its version {published.version}")


def require_checked(contract: Contract, pinned: TableVersion) -> CheckResult:
    """Return the check that lets this very version of a contract's table be published.

    Raises:
        GateStoppedError: when it has none that passed under the rules in force.
    """
    rules = fingerprint(contract, get_registry())
    wanted = Checked(contract.id, table_of(contract).name, pinned, rules)
    key = get_settings().require("identity_key")
    return in_transaction(lambda session: passing_check(session, wanted, key))


@dataclass(frozen=True)
class Publication:
    """What one run publishes (发布内容)."""

    contract: Contract
    share: str
    pinned: TableVersion
    rows: int
    digest: str
    check_id: uuid.UUID
    rows_gone: list[str]
    """Withdrawals of rows none of which it holds."""

    def record(self, session: Session, run: StageRun) -> ShareVersion:
        """Serve it, bring the catalogue's register up to the contract, and enter it in the ledger: all or nothing."""
        contract, version = self.contract, self.pinned.version
        published = publish_share_version(
            session,
            share=self.share,
            schema_name=contract.domain,
            table_name=contract.name,
            resource=contract.id,
            delta_version=version,
            table_id=self.pinned.table_id,
            table_uri=relative_uri(table_of(contract).uri),
            rows=self.rows,
            schema_json=catalogue_schema(contract),
            content_digest=self.digest,
            check_id=self.check_id,
            published_with=published_with(contract),
            superseded_days=contract.government.share.superseded_days if contract.government.share else None,
            rows_gone=self.rows_gone,
        )
        register_resource(
            session,
            resource=contract.id,
            version=contract.version,
            contract_sha256=get_registry().sha256(contract.id),
            layer=contract.government.layer,
            department=contract.government.department,
            status=contract.status,
        )
        record_ledger(
            session,
            resource=contract.id,
            stage=STAGE,
            table_name=f"share.{self.share}.{contract.id}",
            batch_id=f"{contract.name}-{version}",
            read=self.rows,
            accepted=self.rows,
            seconds=run.seconds,
            run_id=run.run_id,
        )
        return published


def _withdrawals_gone(contract: Contract, share: str, pinned: TableVersion) -> list[str]:
    place, uri = (share, contract.domain, contract.name), table_of(contract).uri
    return in_transaction(lambda session: withdrawals_gone(session, place, uri, pinned.version))


def _digest(rows: DataFrame) -> tuple[int, str]:
    """Return the row count and a digest of the content that does not depend on the order of rows.

    The hash passes over nulls, so it is told where they are: a value that moves to another column is another row.
    """
    hashed = rows.select(F.xxhash64(*rows.columns, *map(F.isnull, rows.columns)).cast("decimal(38,0)").alias("h"))
    total = hashed.agg(F.count("*").alias("n"), F.coalesce(F.sum("h"), F.lit(0)).alias("s")).collect()[0]
    return int(total["n"]), f"{int(total['s']) % 2**128:032x}"


def catalogue_schema(contract: Contract) -> dict[str, Any]:
    """Return the columns as the catalogue shows them, data type and length after their elements."""
    types = {column: exchange_type(element) for column, element in get_registry().elements_of(contract).items()}
    columns = [
        {
            "name": p.name,
            "business_name": p.business_name,
            "type": p.spark_type,
            "nullable": not p.required,
            "element": contract.item(p.name).element,
            "data_type": types[p.name].letter,
            "length": types[p.name].length,
            "decimals": types[p.name].decimals,
        }
        for p in contract.properties
    ]
    return {"columns": columns, "contract_version": contract.version}
