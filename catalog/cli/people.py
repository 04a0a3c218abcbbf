"""`python -m catalog people`: the first administrators, and who is who (人员).

The first of each administrator is made here, because nobody can log in before. Further accounts and roles are made by
those administrators over the interface, one making accounts and the other giving roles.
"""

from pathlib import Path
from typing import Annotated

import typer

from catalog.cli.output import AsJson, explained, fields, show
from catalog.control import people as register
from catalog.control.audit import record
from catalog.control.password_files import new_password_file, password_path
from catalog.control.recovery import require_nobody_else
from catalog.control.session import session_scope
from catalog.model.caller import command_line
from catalog.model.errors import GuantongError
from catalog.model.roles import ADMINISTRATORS, Role, load_role_rules

app = typer.Typer(no_args_is_help=True, help="The first administrators, and who is who (人员).")

Login = Annotated[str, typer.Argument(help="Log-in name, such as zhang.")]


@app.command("first")
def first(
    login: Login,
    role: Annotated[Role, typer.Option(help="system_administrator, security_administrator or auditor.")],
    name: Annotated[str, typer.Option(help="Name of the person.")],
    staff_number: Annotated[str, typer.Option(help="Staff number (工号); one person has one account.")],
    department: Annotated[str, typer.Option(help="The host department.")] = "data_administration",
    password_file: Annotated[
        Path | None, typer.Option(help="Where to write the one-time password; default below GUANTONG_HOME/people.")
    ] = None,
) -> None:
    """Make the first person of an administrator's role, and write a one-time password file (mode 0600).

    Refused once somebody active holds the role. Example: python -m catalog people first zhang
    --role system_administrator --name 示范管理员 --staff-number A-001
    """
    with explained():
        if role not in ADMINISTRATORS:
            raise GuantongError(
                f"{role.value} is not an administrator's role",
                remedy="a security administrator gives it over the interface",
            )
        path = password_file or password_path(login)
        with new_password_file(path) as file, session_scope() as session:
            register.hold_people_lock(session)
            if register.holders_of(session, role):
                raise GuantongError(
                    f"somebody holds {role.value} already", remedy="the administrators make further accounts themselves"
                )
            who = command_line()
            record(session, who, "person.first", f"person:{login}", detail={"role": role.value})
            person, password = register.add_person(
                session, login=login, display_name=name, department=department,
                staff_number=staff_number, kind="administrator",
            )  # fmt: skip
            register.grant_role(session, person, role, by=who)
            file.write(f"{password}\n")
        typer.echo(f"{login} is the first {role.value} ({load_role_rules()[role].name}); one-time password: {path}")


@app.command("reset")
def reset(
    login: Login,
    password_file: Annotated[Path | None, typer.Option(help="Where to write the one-time password.")] = None,
) -> None:
    """Give an account a new one-time password when nobody else can; locks and one-time codes are taken off.

    Refused for an account that holds a role while a security administrator other than its person could confirm it.
    """
    with explained():
        path = password_file or password_path(login)
        with new_password_file(path) as file, session_scope() as session:
            person = register.find_person(session, login)
            require_nobody_else(session, person)
            record(session, command_line(), "person.reset", f"person:{person.id}")
            password = register.reset_password(session, person)
            file.write(f"{password}\n")
        typer.echo(f"One-time password of {login}: {path}")


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Show accounts and their roles."""
    with explained(), session_scope() as session:
        record(session, command_line(), "people.read", "department:*", purpose="account administration")
        found = register.list_people(session, limit=100_000)
        held = register.roles_of(session, [person.id for person in found])
    plain = ("id", "login", "display_name", "department", "kind", "locked_until", "disabled_at")
    rows = [{**fields(person, *plain), "roles": " ".join(held[person.id])} for person in found]
    show("People (人员)", ["id", "login", "display_name", "department", "kind", "roles", "disabled_at"], rows, as_json)


@app.command("roles")
def roles(as_json: AsJson = False) -> None:
    """Show the roles (角色) and who may hold them."""
    rows = [
        {
            "role": role.value,
            "name": rule.name,
            "departments": " ".join(sorted(rule.departments)),
            "beside": " ".join(sorted(rule.combines)) or "nothing",
            "systems": "yes" if rule.systems else "no",
            "second_factor": "yes" if rule.second_factor else "no",
        }
        for role, rule in load_role_rules().items()
    ]
    show("Roles (角色)", ["role", "name", "departments", "beside", "systems", "second_factor"], rows, as_json)
