"""Random requests to every endpoint of the description, sound and unsound (schemathesis): none may fail inside."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode

from catalog.model.roles import Role
from tests.service.world import HOST, World


@dataclass
class Fuzzed:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    """Requests that were answered with 500 and above."""

    @property
    def calls(self) -> int:
        return self.statuses.total()


def fuzz(world: World, calls: int, seed: int = 20261122) -> Fuzzed:
    """Send at least so many requests, spread evenly over the endpoints, as somebody whom each lets in."""
    document = world.call("GET", "/openapi.json", world.token()).json()
    operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
    assert len(operations) > 40
    result, turn = Fuzzed(), 0
    share = max(calls // (2 * len(operations)), 1)
    with requests.Session() as session:
        while result.calls < calls:
            for operation in operations:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    _fuzz_operation(world, session, operation, mode, share, seed + turn, result)
                    turn += 1
    return result


def _fuzz_operation(
    world: World, session: requests.Session, operation: Any, mode: GenerationMode, share: int, seed: int, result: Fuzzed
) -> None:
    name = f"{operation.method.upper()} {operation.path}"
    declared = operation.definition.raw["x-requires"]
    token = [_token(world, declared)]

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=share,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        headers = {"Authorization": f"Bearer {token[0]}"} if token[0] else {}
        answer = case.call(base_url=world.exchange.url, session=session, headers=headers)
        result.statuses[answer.status_code] += 1
        result.operations[name] += 1
        if answer.status_code >= 500:
            result.failures.append(f"{answer.status_code} {case.as_curl_command()}"[:600])
        if answer.status_code == 401:
            token[0] = _token(world, declared)

    try:
        run()
    except (hypothesis.errors.Unsatisfiable, schemathesis.errors.SchemathesisError):
        result.operations[name] += 0


def _token(world: World, declared: dict[str, Any]) -> str | None:
    if declared["access"] == "recipient":
        return world.exchange.tokens["reader"]
    if declared["access"] == "roles":
        role = Role(sorted(declared["roles"])[0])
        return world.token(role, department=world.department_of(role, "water"))
    if declared["access"] in ("signed_in", "enrolling"):
        return world.token(Role.HOST_AUTHORITY, department=HOST)
    return None
