"""What the exchange service's own database role may do (数据库最小权限): what it needs, and to the audit only add.

The role is a login of its own (`SERVICE_CONTROL_URL`); tables belong to the role that migrates. Privileges are set
after each migration, so that tables of later revisions are covered and those of the audit stay closed.
"""

from sqlalchemy import Connection, text

from catalog.model.errors import GuantongError

SERVICE_ROLE = "guantong_service"
APPEND_ONLY = ("audit_entry", "life_event")
"""Tables to which the service adds and which it never changes."""
CLOSED = ("alembic_version",)
"""Tables that are only the migration's."""


class AuditUnprotectedError(GuantongError):
    """The role that the service logs in as could change the audit."""

    code = "AUDIT_UNPROTECTED"


def grant_to_service(connection: Connection) -> bool:
    """Set the privileges of the service's role in one transaction; tell whether there is such a role."""
    if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": SERVICE_ROLE}):
        return False
    tables = set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")))
    statements = [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {SERVICE_ROLE}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {SERVICE_ROLE}",
        *(f"REVOKE UPDATE, DELETE ON {table} FROM {SERVICE_ROLE}" for table in APPEND_ONLY if table in tables),
        *(f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM {SERVICE_ROLE}" for table in CLOSED if table in tables),
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
