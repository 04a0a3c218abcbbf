"""A few hundred random requests in every run; `make bench CASE=api-fuzz` sends 20,000."""

import os

from tests.service.fuzzing import fuzz
from tests.service.world import World

CALLS = int(os.environ.get("API_FUZZ_CALLS", "300"))


def test_no_request_makes_the_service_fail(exchange):
    result = fuzz(World(exchange), CALLS)
    assert result.calls >= CALLS and len(result.operations) > 40
    assert {200, 422} <= set(result.statuses), result.statuses
    assert result.failures == []
