"""What the exchange service's own database role may do (数据库最小权限): what it needs, and not one thing more.

The role is a login of its own (`SERVICE_CONTROL_URL`); tables belong to the role that migrates. Each table stands here
with what the service does to it, and one that does not stand here is closed to it. Privileges are set after each
migration. Invariant: what the pipeline and the law keep (receipts, disclosures, verdicts, versions, ledger, positions,
audit) cannot be changed or removed by the process that faces the network.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from catalog.model.errors import GuantongError

SERVICE_ROLE = "guantong_service"


@dataclass(frozen=True)
class Rights:
    """What the service may do to a table beside reading it."""

    adds: bool = False
    changes: bool | tuple[str, ...] = False
    """All columns, none, or these."""
    removes: bool = False

    @property
    def granted(self) -> str:
        """The privileges as PostgreSQL names them."""
        named = ["SELECT"]
        if self.adds:
            named.append("INSERT")
        if isinstance(self.changes, tuple):
            named.append(f"UPDATE ({', '.join(self.changes)})")
        elif self.changes:
            named.append("UPDATE")
        if self.removes:
            named.append("DELETE")
        return ", ".join(named)


READS, APPENDS, KEEPS = Rights(), Rights(adds=True), Rights(adds=True, changes=True)
"""Only reads; adds and never changes; adds and changes, and removes nothing."""
PASSING = Rights(adds=True, changes=True, removes=True)
"""What is of no worth once it has expired."""
SERVICE_RIGHTS: dict[str, Rights] = {
    **dict.fromkeys(
        (
            "batch", "batch_measure", "batch_stage", "check_result", "entity_redirect", "finding",
            "issue", "issue_closing", "ledger_entry", "notice", "position", "quality_score", "recipient",
            "record_assignment", "resource", "review_decision", "review_pair", "rule_activation", "run",
            "share_version", "stage_lease", "table_state", "unmapped_count", "unmapped_value",
            "withdrawal", "withdrawn_version",
        ),
        READS,
    ),
    **dict.fromkeys(
        ("audit_entry", "batch_decision", "client_system_officer", "delivery", "disclosure", "life_event"), APPENDS
    ),
    **dict.fromkeys(
        (
            "access_grant", "account_recovery", "application", "catalogue_entry", "client_system", "client_system_role",
            "client_token",
            "clock", "correction_case", "demand", "dispute", "grant_use", "login_session", "negative_listing",
            "numbering", "person", "person_role", "responsibility", "standing_authorisation", "webhook",
            "webhook_delivery",
        ),
        KEEPS,
    ),
    "event": Rights(adds=True, changes=("dispatched_at",)),
    "event_mark": Rights(adds=True, changes=("acknowledged_at", "acknowledged_by")),
    "recipient_grant": Rights(adds=True, changes=("valid_to", "revoked_at")),
    "withdrawal_receiver": Rights(changes=("answer", "answer_reason", "answered_by", "answered_at")),
    "entry_words": PASSING,
    "idempotent_answer": PASSING,
    "oidc_attempt": PASSING,
}  # fmt: skip
"""Table → what the service may do to it."""
APPEND_ONLY = tuple(table for table, rights in SERVICE_RIGHTS.items() if rights == APPENDS)
"""Tables to which the service adds and which it never changes."""


class AuditUnprotectedError(GuantongError):
    """The role that the service logs in as could change the audit."""

    code = "AUDIT_UNPROTECTED"


def grant_to_service(connection: Connection) -> bool:
    """Set the privileges of the service's role in one transaction; tell whether there is such a role."""
    if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": SERVICE_ROLE}):
        return False
    tables = set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
    statements = [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {SERVICE_ROLE}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {SERVICE_ROLE}",
        *(
            f"GRANT {rights.granted} ON {table} TO {SERVICE_ROLE}"
            for table, rights in SERVICE_RIGHTS.items()
            if table in tables
        ),
    ]
    for statement in statements:
        connection.execute(text(statement))
    return True


def require_append_only(connection: Connection) -> None:
    """Accept a database role that can add to the audit and not change it.

    Raises:
        AuditUnprotectedError: when it could, or when it cannot add.
    """
    for table in APPEND_ONLY:
        privileges = connection.execute(
            text(
                "SELECT current_user AS role, has_table_privilege(:table, 'INSERT') AS adds, "
                "has_table_privilege(:table, 'UPDATE') OR has_any_column_privilege(:table, 'UPDATE') "
                "OR has_table_privilege(:table, 'DELETE') OR has_table_privilege(:table, 'TRUNCATE') "
                "OR pg_has_role((SELECT relowner FROM pg_class WHERE oid = CAST(:table AS regclass)), 'MEMBER') "
                "AS changes"
            ),
            {"table": table},
        ).one()
        if privileges.changes or not privileges.adds:
            fault = "could change" if privileges.changes else "cannot add to"
            raise AuditUnprotectedError(
                f"the service does not start, because its database role {privileges.role} {fault} {table}",
                place="SERVICE_CONTROL_URL",
                remedy=f"log in as {SERVICE_ROLE}, which `python -m catalog migrate` gives just what is needed",
            )
