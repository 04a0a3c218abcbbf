"""People, systems and recipients of a running service, made without log-in: what tests act as."""

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from catalog.control.base import utc_now
from catalog.control.credentials import issue_system_token, open_session
from catalog.control.identity_tables import Person, PersonRole, System
from catalog.control.session import session_scope
from catalog.control.systems import add_system
from catalog.model.departments import load_departments
from catalog.model.roles import Role, kind_of, load_role_rules
from tests.service.conftest import Exchange

HOST = next(one.id for one in load_departments().values() if one.role == "host")
OWN, OTHER = "water", "transport"
"""The two departments of the authorisation matrix."""

_numbers = itertools.count(1)


@dataclass
class World:
    """Who there is."""

    exchange: Exchange
    people: dict[tuple[frozenset[Role], str, bool], int] = field(default_factory=dict)
    systems: dict[tuple[frozenset[Role], str], int] = field(default_factory=dict)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, trust_env=False))

    def department_of(self, role: Role, department: str) -> str:
        """Return a department in which the role can be held."""
        known = load_departments()[department].role
        return department if known in load_role_rules()[role].departments else HOST

    def person(self, *roles: Role, department: str = OWN, enrolled: bool = True) -> int:
        """Return the number of a person who holds the roles, making one at first."""
        key = frozenset(roles), department, enrolled
        if key not in self.people:
            kind = kind_of(roles[0]) if roles else "officer"
            number = next(_numbers)
            with session_scope(self.exchange.control_url) as session:
                made = Person(
                    login=f"p{number}-{secrets.token_hex(3)}",
                    display_name=f"示范人员{number}",
                    department=department,
                    staff_number=f"T-{secrets.token_hex(6)}",
                    kind=kind,
                    must_change_password=not enrolled,
                )
                session.add(made)
                session.flush()
                for role in roles:
                    session.add(PersonRole(person_id=made.id, role=role.value, kind=kind, granted_by="command:test"))
            self.people[key] = made.id
        return self.people[key]

    def token(self, *roles: Role, department: str = OWN, enrolled: bool = True) -> str:
        """Return a fresh token of a person who holds the roles, made where the roles can be held."""
        for role in roles:
            department = self.department_of(role, department)
        number = self.person(*roles, department=department, enrolled=enrolled)
        with session_scope(self.exchange.control_url) as session:
            return open_session(session, number, strength="totp" if enrolled else "password").token

    def system_token(self, *roles: Role, department: str = OWN) -> str:
        """Return a fresh token of a system."""
        key = frozenset(roles), department
        with session_scope(self.exchange.control_url) as session:
            if key not in self.systems:
                self.systems[key] = self.new_system(session, *roles, department=department).id
            return issue_system_token(session, self.systems[key], timedelta(hours=1)).token

    def new_system(self, session, *roles: Role, department: str = OWN) -> System:
        """Make a system."""
        name = f"s-{secrets.token_hex(6)}"
        until = utc_now() + timedelta(days=1)
        return add_system(session, name, department=department, purpose="test", roles=roles, expires_at=until,
                          made_by="command:test", accountable_officer=self.officer(department))[0]  # fmt: skip

    def officer(self, department: str = OWN) -> str:
        """Return the log-in name of an officer of a department who can answer for its systems."""
        number = self.person(Role.REQUESTER_OFFICER, department=department)
        with session_scope(self.exchange.control_url) as session:
            return session.get_one(Person, number).login

    def one_time_password(self, login: str) -> str:
        """Take over the one-time password that the operator of the machine would hand to its person."""
        path = self.exchange.home / "people" / f"{login}.password"
        password = path.read_text().strip()
        path.unlink()
        return password

    def recovered(self, proposal: httpx.Response) -> httpx.Response:
        """Let a security administrator confirm what was proposed."""
        assert proposal.status_code == 202, proposal.text
        security = self.token(Role.SECURITY_ADMINISTRATOR)
        answer = self.call("POST", f"/recoveries/{proposal.json()['id']}/confirmation", security)
        assert answer.status_code == 200, answer.text
        return answer

    def call(self, method: str, path: str, token: str | None = None, **more) -> httpx.Response:
        """Call the interface below /api/v1."""
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **more.pop("headers", {})}
        url = f"{self.exchange.url}/api/v1{path}"
        return self.client.request(method, url, headers=headers, **more)
