"""The publish stage (发布作业): register the checked version of a shared table in the exchange catalogue."""

from __future__ import annotations

import uuid
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.control.checks import is_genuine, latest_check
from catalog.control.resources import register_resource
from catalog.control.session import in_transaction, session_scope
from catalog.control.shares import publish_share_version
from catalog.model.contract import Contract
from catalog.model.errors import GateStoppedError
from catalog.model.exchange_types import exchange_type
from catalog.model.layers import table_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from jobs.runtime import delta
from jobs.runtime.spark import connect
from jobs.runtime.stage import stage_run

STAGE = "publish"


def publish(resource: str, batch: str | None = None) -> None:
    """Register the checked version of a gold table as the one that is served.

    Grain:      one share version per checked Delta version.
    Reads:      ``gold.<domain>__<name>`` at the version that the gate passed, no other.
    Writes:     the control plane's share versions.
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
    with stage_run(STAGE, resource) as run:
        spark, table = connect(), table_of(contract)
        version = delta.current_version(spark, table)
        check_id = _proof(contract, table.name, version, delta.table_id(spark, table))
        rows = delta.read(spark, table, version)
        count, digest = _digest(rows)
        run.say(f"{table.name} version {version}: {count:,} rows, digest {digest}")
        in_transaction(
            lambda session: publish_share_version(
                session,
                share=share.share,
                schema_name=contract.domain,
                table_name=contract.name,
                resource=contract.id,
                delta_version=version,
                table_uri=table.uri,
                rows=count,
                schema_json=catalogue_schema(contract),
                content_digest=digest,
                check_id=check_id,
            )
        )
        _register(contract)
        name = f"share.{share.share}.{contract.domain}.{contract.name}"
        run.ledger(name, f"{contract.name}-{version}", read=count, accepted=count)


def _proof(contract: Contract, table_name: str, version: int, table_id: str) -> uuid.UUID:
    """Return the number of the check that this very version of this very table passed.

    A table that was dropped and made anew counts its versions from zero again; its id tells it from the old one.

    Raises:
        GateStoppedError: when the version was never checked or did not pass.
    """
    with session_scope() as session:
        check = latest_check(session, table_name, version)
    if check is not None and check.detail.get("table_id") != table_id:
        check = None
    if check is not None and not is_genuine(check, get_settings().require("identity_key")):
        check = None
    if check is None or check.outcome not in ("pass", "warn"):
        said = f"was stopped by the gate ({check.failed} rules failed)" if check else "was never checked"
        raise GateStoppedError(
            f"version {version} of {table_name} {said}; the last published version stays served",
            place=table_name,
            remedy=f"python -m jobs check --resource {contract.id}, then publish again",
        )
    return check.check_id


def _digest(rows: DataFrame) -> tuple[int, str]:
    """Return the row count and a digest of the content that does not depend on the order of rows."""
    hashed = rows.select(F.xxhash64(*rows.columns).cast("decimal(38,0)").alias("h"))
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


def _register(contract: Contract) -> None:
    """Bring the catalogue's register up to the contract in force."""
    in_transaction(
        lambda session: register_resource(
            session,
            resource=contract.id,
            version=contract.version,
            contract_sha256=get_registry().sha256(contract.id),
            layer=contract.government.layer,
            department=contract.government.department,
            status=contract.status,
        )
    )
