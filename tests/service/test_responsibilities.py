"""Responsibilities over HTTP and by command: their clock is seen by the department that must act, and by the host."""

from __future__ import annotations

import json
import secrets

import pytest

from catalog.model.roles import Role
from tests.service.world import HOST, OTHER, OWN, World


@pytest.fixture(scope="module")
def world(exchange) -> World:
    return World(exchange)


def test_an_assigned_duty_has_a_clock_in_lists_limits_and_on_the_machine(world, run_command):
    host, officer = world.token(Role.HOST_AUTHORITY, department=HOST), world.token(Role.PROVIDER_OFFICER)
    title = f"取水许可{secrets.token_hex(4)}"
    duty = {"title": title, "department": OWN, "due_on": "2099-10-03", "citation": "第一批责任清单"}
    made = world.call("POST", "/responsibilities", host, json={"duties": [duty]})
    assert made.status_code == 201
    listed = world.call("GET", "/responsibilities", officer, params={"batch": made.json()["batch"]}).json()
    [line] = listed
    clock = line["clock"]
    assert (line["title"], line["is_overdue"], clock["status"]) == (title, False, "running")
    assert clock["responsible"] == OWN and clock["citation"] == "第一批责任清单" and clock["due_on"] >= "2099-10-03"
    limits = world.call("GET", "/clocks", officer).json()["items"]
    assert (line["number"], "responsibility") in [(one["number"], one["kind"]) for one in limits]
    strangers = world.call("GET", "/clocks", world.token(Role.PROVIDER_OFFICER, department=OTHER)).json()["items"]
    assert line["number"] not in [one["number"] for one in strangers]
    refused = world.call(
        "POST", f"/clocks/responsibility/{line['number']}/extension", officer, json={"reason": "来不及"},
        headers={"Accept-Language": "zh-CN"},
    )  # fmt: skip
    assert refused.status_code == 409 and "不得延长" in refused.json()["detail"]
    told = run_command(world.exchange, "responsibilities", "--batch", str(line["batch"]), "--json")
    shown = json.loads(told.output)
    assert [(one["number"], one["status"], one["warned_on"]) for one in shown] == [(line["number"], "running", None)]
