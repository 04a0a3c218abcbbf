"""Nobody becomes somebody else by recovering an account: one proposes, another confirms, a third gets the password."""

import stat
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from catalog.control.base import utc_now
from catalog.control.identity_tables import AccountRecovery, Person
from catalog.control.session import session_scope
from catalog.model.roles import Role
from tests.service.world import OWN, World

ROLES = [
    Role.AUDITOR,
    Role.SECURITY_ADMINISTRATOR,
    Role.SYSTEM_ADMINISTRATOR,
    Role.HOST_AUTHORITY,
    Role.PROVIDER_OFFICER,
]


@pytest.fixture(scope="module")
def world(exchange) -> World:
    return World(exchange)


@pytest.fixture
def holder(exchange, world):
    """Return a function that makes another person with a role, who has a one-time code."""

    def make(role: Role) -> int:
        number = World(exchange).person(role, department=world.department_of(role, OWN))
        with session_scope(exchange.control_url) as session:
            found = session.get_one(Person, number)
            found.totp_secret, found.totp_confirmed_at = "sealed", utc_now()
        return number

    return make


def propose(world, number, token=None):
    administrator = token or world.token(Role.SYSTEM_ADMINISTRATOR)
    tag = world.call("GET", f"/people/{number}", administrator).headers["etag"]
    return world.call("POST", f"/people/{number}/reset", administrator, headers={"If-Match": tag})


def account(world, number) -> Person:
    with session_scope(world.exchange.control_url) as session:
        return session.get_one(Person, number)


def confirm(world, proposal, token):
    return world.call("POST", f"/recoveries/{proposal.json()['id']}/confirmation", token)


@pytest.mark.parametrize("role", ROLES)
def test_a_reset_of_who_holds_a_role_waits_for_a_security_administrator(world, holder, role):
    number = holder(role)
    proposal = propose(world, number)
    assert (proposal.status_code, proposal.json()["outcome"]) == (202, None)
    unchanged = account(world, number)
    assert unchanged.totp_confirmed_at is not None and unchanged.password_hash is None
    path = world.exchange.home / "people" / f"{unchanged.login}.password"
    assert not path.exists()
    refused = confirm(world, proposal, world.token(Role.SYSTEM_ADMINISTRATOR))
    assert (refused.status_code, refused.json()["code"]) == (403, "ROLE_MISSING")
    security = world.token(Role.SECURITY_ADMINISTRATOR)
    assert proposal.json()["id"] in [one["id"] for one in world.call("GET", "/recoveries", security).json()["items"]]
    confirmed = confirm(world, proposal, security)
    assert (confirmed.status_code, confirmed.json()["outcome"]) == (200, "confirmed"), confirmed.text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert confirmed.json()["password_file"] == f"people/{unchanged.login}.password"
    password = world.one_time_password(unchanged.login)
    assert len(password) > 15 and password not in confirmed.text + proposal.text + world.exchange.log
    assert account(world, number).totp_confirmed_at is None
    opened = world.call("POST", "/sessions", json={"login": unchanged.login, "password": password})
    assert opened.status_code == 201
    again = confirm(world, proposal, security)
    assert (again.status_code, again.json()["rule"]) == (422, "RECOVERY_REFUSED")


def test_nobody_confirms_the_recovery_of_their_own_account(world):
    security = world.token(Role.SECURITY_ADMINISTRATOR)
    proposal = propose(world, world.call("GET", "/me", security).json()["id"])
    assert proposal.status_code == 202
    refused = confirm(world, proposal, security)
    assert (refused.status_code, refused.json()["rule"]) == (422, "RECOVERY_REFUSED")
    another = World(world.exchange).token(Role.SECURITY_ADMINISTRATOR)
    assert world.call("DELETE", f"/recoveries/{proposal.json()['id']}", another).json()["outcome"] == "refused"


def test_a_proposal_ends_by_refusal_a_later_one_time_or_a_change_of_the_account(world, holder):
    number, security = holder(Role.AUDITOR), world.token(Role.SECURITY_ADMINISTRATOR)
    first, second = propose(world, number), propose(world, number)
    assert confirm(world, first, security).json()["rule"] == "RECOVERY_REFUSED"
    assert world.call("DELETE", f"/recoveries/{second.json()['id']}", security).json()["outcome"] == "refused"
    assert confirm(world, second, security).json()["rule"] == "RECOVERY_REFUSED"
    third = propose(world, number)
    with session_scope(world.exchange.control_url) as session:
        session.execute(
            update(AccountRecovery)
            .where(AccountRecovery.id == third.json()["id"])
            .values(expires_at=utc_now() - timedelta(seconds=1))
        )
    assert confirm(world, third, security).json()["rule"] == "RECOVERY_REFUSED"
    fourth = propose(world, number)
    tag = world.call("GET", f"/people/{number}", security).headers["etag"]
    assert world.call("DELETE", f"/people/{number}/roles/auditor", security, headers={"If-Match": tag}).is_success
    changed = confirm(world, fourth, security)
    assert changed.status_code == 422 and "账号已发生变化" in changed.json()["detail"]
    assert account(world, number).password_hash is None


def test_the_database_refuses_a_confirmation_by_who_proposed_or_whose_account_it_is(world, holder):
    number = holder(Role.AUDITOR)
    proposal = propose(world, number).json()
    for somebody in (proposal["proposed_by"], f"person:{number}"):
        with (
            pytest.raises(IntegrityError, match="confirmed_by_another"),
            session_scope(world.exchange.control_url) as session,
        ):
            session.execute(
                text("UPDATE account_recovery SET outcome = 'confirmed', decided_by = :by, decided_at = now() "
                     "WHERE id = :id"),
                {"by": somebody, "id": proposal["id"]},
            )  # fmt: skip


def test_a_new_password_takes_the_place_of_one_that_was_not_handed_over(world):
    login = f"fresh{utc_now().timestamp():.0f}"
    body = {"login": login, "display_name": "示范人员", "department": OWN, "staff_number": login}
    made = world.call("POST", "/people", world.token(Role.SYSTEM_ADMINISTRATOR), json=body)
    path = world.exchange.home / made.json()["password_file"]
    first = path.read_text()
    assert propose(world, made.json()["id"]).status_code == 200, "who holds no role needs no second person"
    assert path.read_text() != first and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.glob(f"{login}*")] == [path.name]


def test_the_command_resets_only_while_nobody_could_confirm(make_exchange, run_command):
    fresh = make_exchange()
    made = []
    for login, role in (("auditor1", "auditor"), ("security1", "security_administrator")):
        options = ("--role", role, "--name", f"示范{login}", "--staff-number", login)
        made.append(run_command(fresh, "people", "first", login, *options))
    assert [one.exit_code for one in made] == [0, 0], made[-1].output
    again = ("--password-file", str(fresh.home / "again.password"))
    refused = run_command(fresh, "people", "reset", "auditor1", *again)
    assert refused.exit_code == 2 and "RECOVERY_REFUSED" in refused.output
    assert not (fresh.home / "again.password").exists()
    assert run_command(fresh, "people", "reset", "security1", *again).exit_code == 0
