"""Who may hold what: the rules are whole, and no order of giving roles brings two administrators together."""

from itertools import permutations

import pytest
import yaml

from catalog.model.departments import DepartmentUnknownError, get_department, load_departments
from catalog.model.errors import ContractError
from catalog.model.roles import (
    ADMINISTRATORS,
    ROLES,
    Role,
    RoleRefusedError,
    load_role_rules,
    require_may_hold,
)

HOST = next(one for one in load_departments().values() if one.role == "host")
PROVIDER = get_department("water")


def given(order, department):
    """Return what a person holds after the roles were asked for in this order."""
    holding = set()
    for role in order:
        try:
            require_may_hold(role, department=department, holding=holding)
        except RoleRefusedError:
            continue
        holding.add(role)
    return holding


def test_every_role_has_a_rule_with_both_names():
    rules = load_role_rules()
    assert set(rules) == set(Role) and len(Role) == 8
    assert all(rule.name and rule.name_en and rule.departments for rule in rules.values())
    assert all(rules[role].second_factor for role in ADMINISTRATORS)


def test_no_order_of_giving_brings_an_administrator_beside_anything():
    seen = 0
    for department in (HOST, PROVIDER):
        for order in permutations(Role, 3):
            holding = given(order, department)
            seen += 1
            assert len(holding) == 1 or not holding & ADMINISTRATORS, (order, holding)
            assert holding or department is PROVIDER
    assert seen == 2 * 8 * 7 * 6


def test_the_host_s_roles_stay_in_the_host_department_and_systems_never_decide():
    for role in (*ADMINISTRATORS, Role.HOST_AUTHORITY):
        require_may_hold(role, department=HOST)
        with pytest.raises(RoleRefusedError, match="host department"):
            require_may_hold(role, department=PROVIDER)
        with pytest.raises(RoleRefusedError, match="never held by a system"):
            require_may_hold(role, department=HOST, system=True)
    require_may_hold(Role.REQUESTER_OFFICER, department=PROVIDER, system=True)


@pytest.mark.parametrize("damage", ["missing", "one-sided", "combining administrator"])
def test_a_file_that_contradicts_itself_is_refused(tmp_path, damage):
    rules = yaml.safe_load(ROLES.read_text(encoding="utf-8"))
    if damage == "missing":
        del rules["steward"]
        for rule in rules.values():
            rule["combines"] = [other for other in rule["combines"] if other != "steward"]
    elif damage == "one-sided":
        rules["host_authority"]["combines"].append("requester_officer")
    else:
        rules["auditor"]["combines"] = ["steward"]
        rules["steward"]["combines"].append("auditor")
    path = tmp_path / "roles.yml"
    path.write_text(yaml.safe_dump(rules), encoding="utf-8")
    with pytest.raises(ContractError):
        load_role_rules(path)


def test_an_unknown_department_is_told_with_those_there_are():
    with pytest.raises(DepartmentUnknownError) as refused:
        get_department("nowhere")
    assert "water" in refused.value.remedy
