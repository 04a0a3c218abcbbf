"""Every endpoint × every role × own and other department: nobody gets further than the endpoint declares.

The endpoints come from the service's own OpenAPI document, so a new one cannot be forgotten; a scoped one without a
sample (tests/service/samples) fails.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI

from catalog.model.roles import Role
from catalog.service.identity import UndeclaredRequirementError, require_declared
from tests.service.samples import Sample, all_samples
from tests.service.world import HOST, OTHER, OWN, World

REFUSALS = {"UNAUTHENTICATED", "ROLE_MISSING", "SHARING_ONLY", "ENROLMENT_REQUIRED", "OTHER_DEPARTMENT"}
REACHED = {200, 201, 202, 204, 304, 409, 412, 428}
"""What an endpoint answers when the caller may act on the object and only the state of things may object."""

ACCESS = {"roles", "signed_in", "enrolling", "recipient", "proven_elsewhere", "open"}
UNTRUSTED = {"proven_elsewhere", "open"}
OPEN = {
    "GET /health",
    "POST /api/v1/sessions",
    "POST /api/v1/token",
    "POST /api/v1/token/revocation",
    "POST /api/v1/oidc/attempts",
    "POST /api/v1/oidc/sessions",
    "GET /delta-sharing/files/{version_id}/{file_id}.parquet",
    "GET /delta-sharing/flag-files/{version_id}/{file_id}.parquet",
    "HEAD /delta-sharing/files/{version_id}/{file_id}.parquet",
    "HEAD /delta-sharing/flag-files/{version_id}/{file_id}.parquet",
}
"""Endpoints that need no token: a new one must be added here by hand."""


@dataclass(frozen=True)
class Endpoint:
    """One operation of the document."""

    method: str
    path: str
    access: str
    roles: frozenset[str]
    scoped: bool
    wide: frozenset[str]
    parameters: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def places(self) -> list[dict[str, Any]]:
        return [parameter for parameter in self.parameters if parameter["in"] == "path"]

    def sample(self) -> Sample:
        """Return a request with values of the right type, of an object that hardly exists."""
        return Sample({place["name"]: _value(place["schema"]) for place in self.places})


def _value(schema):
    if "enum" in schema or "$ref" in schema:
        return schema.get("enum", ["steward"])[0]
    return 987654321 if schema.get("type") == "integer" else "f" * 32


@pytest.fixture(scope="module")
def world(exchange) -> World:
    return World(exchange)


@pytest.fixture(scope="module")
def endpoints(world) -> list[Endpoint]:
    document = world.call("GET", "/openapi.json", world.token()).json()
    found = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            declared = operation["x-requires"]
            found.append(
                Endpoint(
                    method.upper(),
                    path,
                    declared["access"],
                    frozenset(declared["roles"]),
                    declared["scoped"],
                    frozenset(declared["wide"]),
                    tuple(operation.get("parameters", ())),
                )
            )
    assert len(found) > 40 and {endpoint.access for endpoint in found} <= ACCESS
    return found


def ask(world: World, endpoint: Endpoint, sample: Sample, token: str | None):
    path = endpoint.path.format(**sample.path)
    assert path.startswith("/")
    headers = {**sample.headers, **({"Authorization": f"Bearer {token}"} if token else {})}
    body = {"json": sample.body} if sample.body is not None else {}
    answer = world.client.request(endpoint.method, f"{world.exchange.url}{path}", headers=headers, **body)
    assert answer.status_code < 500, (endpoint.name, answer.status_code, answer.text)
    return answer


def code_of(answer) -> str:
    content = answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else {}
    return str(content.get("code") or content.get("errorCode") or "") if isinstance(content, dict) else ""


def test_an_endpoint_that_declares_nothing_keeps_the_service_from_starting():
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    router = APIRouter()
    router.get("/forgotten")(lambda: {})
    app.include_router(router)
    with pytest.raises(UndeclaredRequirementError, match="/forgotten"):
        require_declared(app)


def test_only_these_endpoints_need_no_token(endpoints):
    assert {endpoint.name for endpoint in endpoints if endpoint.access in UNTRUSTED} == OPEN


def test_strangers_get_nowhere(world, endpoints):
    asked = 0
    for endpoint in endpoints:
        if endpoint.access in UNTRUSTED:
            continue
        for token in (None, "gts_unknown", "gtc_unknown", "unknown"):
            answer = ask(world, endpoint, endpoint.sample(), token)
            assert answer.status_code == 401 and "www-authenticate" in answer.headers, (endpoint.name, answer.text)
            asked += 1
    assert asked > 120


def test_who_has_not_enrolled_gets_no_further_than_enrolling(world, endpoints):
    token = world.token(Role.STEWARD, enrolled=False)
    asked = [endpoint for endpoint in endpoints if endpoint.access in ("roles", "signed_in")]
    assert len(asked) > 15
    for endpoint in asked:
        assert code_of(ask(world, endpoint, endpoint.sample(), token)) == "ENROLMENT_REQUIRED", endpoint.name


def test_no_role_gets_further_than_the_endpoint_declares(world, endpoints):
    seen: Counter[str] = Counter()
    for endpoint in endpoints:
        if endpoint.access not in ("roles", "signed_in", "enrolling"):
            continue
        for role in Role:
            allowed = endpoint.access != "roles" or role in endpoint.roles
            for department in (OWN, OTHER):
                answer = ask(world, endpoint, endpoint.sample(), world.token(role, department=department))
                code = code_of(answer)
                if allowed:
                    assert code not in REFUSALS, (endpoint.name, role, code)
                else:
                    assert (answer.status_code, code) == (403, "ROLE_MISSING"), (endpoint.name, role, answer.text)
                seen["allowed" if allowed else "refused"] += 1
    assert seen["allowed"] > 100 and seen["refused"] > 100, seen


def test_recipients_of_tables_open_nothing_else(world, endpoints):
    token = world.exchange.recipient("matrix-reader", "population")
    asked = [endpoint for endpoint in endpoints if endpoint.access in ("roles", "signed_in", "enrolling")]
    assert {endpoint.access for endpoint in asked} == {"roles", "signed_in", "enrolling"}
    for endpoint in asked:
        answer = ask(world, endpoint, endpoint.sample(), token)
        assert (answer.status_code, code_of(answer)) == (403, "SHARING_ONLY"), endpoint.name


def test_persons_without_a_role_and_systems_hold_nothing(world, endpoints):
    tokens = [world.token(), world.system_token()]
    for endpoint in endpoints:
        if endpoint.access == "roles":
            for token in tokens:
                assert code_of(ask(world, endpoint, endpoint.sample(), token)) == "ROLE_MISSING", endpoint.name


def test_people_and_systems_are_no_recipients_of_tables(world, endpoints):
    asked = [endpoint for endpoint in endpoints if endpoint.access == "recipient"]
    assert len(asked) >= 9
    for endpoint in asked:
        for token in (world.token(Role.HOST_AUTHORITY, department=HOST), world.system_token(Role.REQUESTER_OFFICER)):
            assert ask(world, endpoint, endpoint.sample(), token).status_code == 401, endpoint.name


def test_another_departments_objects_are_out_of_reach(world, endpoints):
    samples = all_samples()
    seen: Counter[str] = Counter()
    for endpoint in endpoints:
        if not endpoint.scoped or not endpoint.places:
            continue
        assert endpoint.path in samples, f"{endpoint.name} is scoped and has no sample in tests/service/samples"
        for role in sorted(Role(name) for name in endpoint.roles or set(Role)):
            for department in (OWN, OTHER):
                holder = world.department_of(role, department)
                own = ask(world, endpoint, samples[endpoint.path](world, holder), world.token(role, department=holder))
                assert own.status_code in REACHED, (endpoint.name, role, own.text)
                foreign = OTHER if holder != OTHER else OWN
                other = ask(
                    world, endpoint, samples[endpoint.path](world, foreign), world.token(role, department=holder)
                )
                if role in endpoint.wide:
                    assert other.status_code in REACHED, (endpoint.name, role, other.text)
                else:
                    assert other.status_code in (403, 404), (endpoint.name, role, other.text)
                    seen[endpoint.name] += 1
    assert len(seen) >= 4 and seen.total() > 20


def test_lists_of_scoped_endpoints_hold_ones_own_only(world, endpoints):
    samples = all_samples()
    for make in samples.values():
        for department in (OWN, OTHER):
            make(world, department)
    items = 0
    for endpoint in endpoints:
        if not endpoint.scoped or endpoint.places or endpoint.method != "GET":
            continue
        for role in sorted((Role(name) for name in endpoint.roles), key=str) or [Role.STEWARD]:
            holder = world.department_of(role, OWN)
            answer = ask(world, endpoint, endpoint.sample(), world.token(role, department=OWN))
            assert answer.status_code == 200, (endpoint.name, role, answer.text)
            for item in answer.json()["items"]:
                items += 1
                if role not in endpoint.wide:
                    assert item.get("department", holder) == holder, (endpoint.name, role, item)
    assert items > 5
