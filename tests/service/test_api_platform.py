"""What every endpoint below /api/v1 has: problems in both languages, ETags, idempotency keys, pages, limits."""

import threading

import httpx
import pytest
from sqlalchemy import func, select, update

from catalog.control.audit_tables import AuditEntry
from catalog.control.base import utc_now
from catalog.control.credentials import open_session
from catalog.control.identity_tables import PersonRole, System
from catalog.control.session import session_scope
from catalog.model.roles import Role
from catalog.service.api_problems import ProblemError, kinds
from tests.service.world import OTHER, OWN, World


@pytest.fixture(scope="module")
def world(exchange) -> World:
    return World(exchange)


def new_system(world, name, department=OWN):
    officer = world.officer(department)
    return {"name": name, "department": department, "purpose": "核验", "roles": [], "accountable_officer": officer}


def test_problems_speak_both_languages(world):
    token = world.token(Role.STEWARD)
    for accept, language, title in (
        ("", "zh", "没有相应角色"),
        ("en", "en", "Role missing"),
        ("fr", "zh", "没有相应角色"),
    ):
        answer = world.call("GET", "/audit", token, headers={"Accept-Language": accept})
        assert answer.headers["content-type"] == "application/problem+json"
        content = answer.json()
        assert (answer.status_code, content["status"], content["title"]) == (403, 403, title)
        assert answer.headers["content-language"] == language and content["code"] == "ROLE_MISSING"
        assert content["request_id"] == answer.headers["x-request-id"] and "auditor" in content["detail"]
    assert world.call("GET", "/nowhere", token).json()["code"] == "NOT_FOUND"
    assert world.call("PATCH", "/people", token).json()["code"] == "METHOD_NOT_ALLOWED"
    wrong = world.call("POST", "/sessions", json={"login": 7, "unknown": True}).json()
    assert wrong["code"] == "INVALID_REQUEST" and len(wrong["errors"]) == 3


def test_every_kind_of_problem_is_whole_and_takes_just_its_values():
    assert len(kinds()) > 25
    with pytest.raises(ValueError, match="needs"):
        ProblemError("ROLE_MISSING")
    with pytest.raises(ValueError, match="needs"):
        ProblemError("UNAUTHENTICATED", roles="x")


def test_bodies_are_limited_and_headers_keep_answers_to_their_readers(world):
    token = world.token()
    big = world.call("POST", "/sessions", content=b" " * 2_000_000)
    assert (big.status_code, big.json()["code"]) == (413, "REQUEST_TOO_LARGE")
    broken = world.call("POST", "/sessions", content=b"{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 422
    answer = world.call("GET", "/me", token)
    for name, value in {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    }.items():
        assert answer.headers[name] == value
    assert "server" not in answer.headers and "access-control-allow-origin" not in answer.headers


def test_a_change_needs_the_version_that_was_read(world):
    token = world.token(Role.SECURITY_ADMINISTRATOR)
    made = world.call("POST", "/systems", token, json=new_system(world, "etag-one"))
    path, tag = f"/systems/{made.json()['id']}", made.headers["etag"]
    assert world.call("DELETE", path, token).status_code == 428
    assert world.call("POST", f"{path}/secret", token, headers={"If-Match": tag}).status_code == 200
    stale = world.call("DELETE", path, token, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "PRECONDITION_FAILED")
    fresh = world.call("GET", path, token).headers["etag"]
    assert stale.headers["etag"] == fresh != tag
    assert world.call("DELETE", path, token, headers={"If-Match": f'"x", {fresh}'}).status_code == 200


def test_the_same_key_takes_effect_once(world):
    token = world.token(Role.SECURITY_ADMINISTRATOR)
    body, key = new_system(world, "once-only"), {"Idempotency-Key": "k-1"}
    first = world.call("POST", "/systems", token, json=body, headers=key)
    again = world.call("POST", "/systems", token, json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201) and again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true" and again.headers["etag"] == first.headers["etag"]
    other = world.call("POST", "/systems", token, json=new_system(world, "another"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    without = world.call("POST", "/systems", token, json=body)
    assert without.status_code == 422 and "已有接入系统" in without.json()["detail"]
    refused = {"Idempotency-Key": "k-2"}
    assert world.call("POST", "/systems", token, json=body, headers=refused).status_code == 422
    fresh = world.call("POST", "/systems", token, json=new_system(world, "after-refusal"), headers=refused)
    assert fresh.status_code == 201, "a refused request frees its key"


def test_a_kept_answer_is_given_again_on_record_and_only_to_who_may_still_act(world):
    exchange, key = world.exchange, {"Idempotency-Key": "kept-for-the-role"}
    fresh = World(exchange)
    first_token = fresh.token(Role.SECURITY_ADMINISTRATOR)
    number = fresh.call("GET", "/me", first_token).json()["id"]
    body = new_system(world, "kept-for-the-role")
    first = fresh.call("POST", "/systems", first_token, json=body, headers=key)
    again = fresh.call("POST", "/systems", first_token, json=body, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    with session_scope(exchange.control_url) as session:
        replayed = session.scalars(
            select(AuditEntry).where(AuditEntry.act == "request.replay", AuditEntry.actor == f"person:{number}")
        ).all()
        assert [one.object for one in replayed] == ["POST /api/v1/systems"]
        session.execute(update(PersonRole).where(PersonRole.person_id == number).values(ended_at=utc_now()))
    with session_scope(exchange.control_url) as session:
        later = open_session(session, number, strength="totp").token
    refused = fresh.call("POST", "/systems", later, json=body, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "ROLE_MISSING")
    assert "client_secret" not in refused.text


def test_a_kept_answer_is_not_given_in_other_roles(world):
    exchange, key = world.exchange, {"Idempotency-Key": "other-roles"}
    number = World(exchange).person(Role.PROVIDER_OFFICER, Role.STEWARD, department=OTHER)
    body = {"resource": "licence.road_transport"}

    def ask():
        with session_scope(exchange.control_url) as session:
            token = open_session(session, number, strength="totp").token
        return world.call("POST", "/entries", token, json=body, headers=key)

    first, again = ask(), ask()
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    with session_scope(exchange.control_url) as session:
        ended = update(PersonRole).where(PersonRole.person_id == number, PersonRole.role == Role.STEWARD.value)
        session.execute(ended.values(ended_at=utc_now()))
    assert ask().json()["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_equal_requests_at_one_time_take_effect_once(world):
    token = world.token(Role.SECURITY_ADMINISTRATOR)
    answers: list[httpx.Response] = []
    body = new_system(world, "race-once")

    def ask():
        answers.append(world.call("POST", "/systems", token, json=body, headers={"Idempotency-Key": "race"}))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {201, 409} and len(answers) == 6
    assert len({answer.json()["client_secret"] for answer in answers if answer.status_code == 201}) == 1
    with session_scope(world.exchange.control_url) as session:
        assert session.scalar(select(func.count()).where(System.name == "race-once")) == 1


def test_pages_neither_skip_nor_repeat(world):
    token = world.token(Role.SECURITY_ADMINISTRATOR)
    for number in range(7):
        world.call("POST", "/systems", token, json=new_system(world, f"page-{number}", OTHER))
    path, seen = f"/systems?department={OTHER}&limit=3", []
    answer = world.call("GET", path, token).json()
    seen += [item["id"] for item in answer["items"]]
    world.call("POST", "/systems", token, json=new_system(world, "page-late", OTHER))
    while answer["next"]:
        answer = world.call("GET", f"{path}&cursor={answer['next']}", token).json()
        seen += [item["id"] for item in answer["items"]]
    assert len(seen) >= 8 and seen == sorted(set(seen))
    cursor = world.call("GET", path, token).json()["next"]
    for wrong in (f"/systems?limit=3&cursor={cursor}", f"{path}&cursor=x", f"{path}&cursor={cursor[:-2]}"):
        assert world.call("GET", wrong, token).json()["code"] == "CURSOR_INVALID", wrong
    assert world.call("GET", "/systems?limit=501", token).status_code == 422


def test_the_catalogue_pages_and_says_when_nothing_changed(world):
    token = world.token()
    whole = world.call("GET", "/resources", token)
    ids = [item["id"] for item in whole.json()["items"]]
    assert len(ids) > 10 and "next" not in whole.json()
    first = world.call("GET", "/resources?limit=4", token).json()
    second = world.call("GET", f"/resources?limit=4&cursor={first['next']}", token).json()
    assert [item["id"] for item in first["items"] + second["items"]] == ids[:8]
    same = world.call("GET", "/resources", token, headers={"If-None-Match": whole.headers["etag"]})
    assert same.status_code == 304 and not same.content
    one = world.call("GET", f"/resources/{ids[0]}", token)
    assert one.json() == whole.json()["items"][0]
    assert world.call("GET", "/resources/no.such", token).status_code == 404


def test_the_description_says_what_each_endpoint_requires_and_shows_examples(world):
    document = world.call("GET", "/openapi.json", world.token()).json()
    assert document["openapi"].startswith("3.1")
    operation = document["paths"]["/api/v1/people"]["post"]
    assert operation["x-requires"]["roles"] == ["system_administrator"]
    assert "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}
    assert document["components"]["schemas"]["NewPerson"]["properties"]["login"]["examples"] == ["wang"]
    assert "application/problem+json" in operation["responses"]["default"]["content"]
