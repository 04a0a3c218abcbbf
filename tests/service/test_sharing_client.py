"""The official client reads what was published, row for row, and nothing else."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
import requests
from deltalake import DeltaTable, write_deltalake
from pandas.testing import assert_frame_equal

from catalog.control.recipients import revoke_recipient
from catalog.control.session import session_scope
from catalog.control.shares import published_version
from infra.recipient.boundary import RecipientError, ask, load_table

RESIDENTS = "population.base.resident_basic"


def expected(exchange, name, version):
    frame = DeltaTable(str(exchange.home / "lake" / "gold" / name), version=version).to_pyarrow_table().to_pandas()
    return frame.sort_values("person_id", ignore_index=True)


def read(exchange, table, recipient="reader", **more):
    frame = load_table(exchange.profile(recipient), table, **more).to_pandas()
    return frame.sort_values("person_id", ignore_index=True)


@pytest.mark.parametrize("delta_format", [False, True, None])
def test_rows_equal_the_published_version(exchange, delta_format):
    wanted = expected(exchange, "population__resident_basic", 2)
    assert len(wanted) == 130
    seen = read(exchange, RESIDENTS, use_delta_format=delta_format)
    assert_frame_equal(seen, wanted, check_dtype=delta_format is not True)


def test_an_earlier_version_stays_readable_by_number_and_by_moment(exchange):
    wanted = expected(exchange, "population__resident_basic", 0)
    assert len(wanted) == 40
    assert_frame_equal(read(exchange, RESIDENTS, version=1), wanted)
    published = exchange.query("/shares/population/schemas/base/tables/resident_basic", {"version": 1}).text
    moment = int(published.split('"timestamp":')[1].split(",")[0]) + 1
    stamp = datetime.fromtimestamp(moment / 1000, UTC).isoformat()
    assert_frame_equal(read(exchange, RESIDENTS, timestamp=stamp), wanted)


@pytest.mark.parametrize("limit", [0, 1, 45, 1000])
def test_a_limit_is_honoured(exchange, limit):
    seen = read(exchange, RESIDENTS, limit=limit)
    assert len(seen) == min(limit, 130)
    assert list(seen.columns) == list(expected(exchange, "population__resident_basic", 2).columns)


def test_partition_values_with_blanks_slashes_and_nulls(exchange):
    wanted = expected(exchange, "licence__valid_licence", 0)
    assert len(wanted) == 12
    seen = read(exchange, "licence.base.valid_licence", "licence-reader", use_delta_format=False)
    assert_frame_equal(seen[wanted.columns], wanted, check_dtype=False)


def test_moments_without_zone_are_read_in_delta_form(exchange):
    folder = exchange.home / "ntz"
    seen_at = pa.array([datetime(1986, 5, 4, 2, 30), None], pa.timestamp("us"))
    write_deltalake(folder, pa.table({"person_id": ["a", "b"], "seen_at": seen_at}))
    exchange.publish("population", "base", "ntz", folder, 0)
    seen = read(exchange, "population.base.ntz")
    assert seen["seen_at"][0] == datetime(1986, 5, 4, 2, 30)
    plain = exchange.query("/shares/population/schemas/base/tables/ntz")
    assert plain.status_code == 400 and "delta form only" in plain.json()["message"]
    with session_scope(exchange.control_url) as session:
        withdrawn = published_version(session, "population", "base", "ntz", 1)
        assert withdrawn is not None
        withdrawn.status = "withdrawn"
    with pytest.raises(RecipientError, match="HTTPError: 410"):
        read(exchange, "population.base.ntz")


def test_predicate_hints_change_nothing_that_they_must_not(exchange):
    hint = '{"op":"equal","children":[{"op":"column","name":"person_id","valueType":"string"}]}'
    seen = read(exchange, RESIDENTS, jsonPredicateHints=hint)
    assert len(seen) == 130


def test_a_client_lists_only_what_its_recipient_was_granted(exchange):
    assert ask("tables", exchange.profile()) == [RESIDENTS]
    with pytest.raises(RecipientError, match="HTTPError: 404"):
        read(exchange, "licence.base.valid_licence")
    assert ask("tables", exchange.profile("licence-reader")) == ["licence.base.valid_licence"]


def test_a_revoked_token_is_refused_at_once(exchange):
    exchange.recipient("soon-revoked", "population")
    assert len(read(exchange, RESIDENTS, "soon-revoked")) == 130
    answer = exchange.query("/shares/population/schemas/base/tables/resident_basic", name="soon-revoked")
    address = answer.text.split('"url":"')[1].split('"')[0]
    assert requests.get(address, timeout=10).status_code == 200
    with session_scope(exchange.control_url) as session:
        revoke_recipient(session, "soon-revoked")
    with pytest.raises(RecipientError, match="HTTPError: 401"):
        read(exchange, RESIDENTS, "soon-revoked")
    assert requests.get(address, timeout=10).status_code == 403


def test_changes_are_refused_with_the_protocols_error(exchange):
    with pytest.raises(RecipientError, match="UNSUPPORTED_OPERATION"):
        ask("changes", exchange.profile(), table=RESIDENTS, options={"starting_version": 1})


def test_the_client_sees_the_published_number_as_version(exchange):
    told = ask("versions", exchange.profile(), table=RESIDENTS)
    assert told == {"version": 2, "metadata_version": 2, "files": 3}
