"""What the service must not do: answer strangers, follow paths, leak statistics, serve what reads wrongly."""

import json
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from deltalake import write_deltalake

from catalog.control.deliveries import list_deliveries
from catalog.control.session import session_scope
from catalog.control.shares import publish_share_version, published_version
from catalog.service.signing import SIGNATURE, FileTicket, Signer
from tests.service.conftest import persons
from tests.service.world import World

TABLE = "/shares/population/schemas/base/tables/resident_basic"


def actions(answer):
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def first_address(exchange):
    return actions(exchange.query(TABLE))[2]["file"]["url"]


@pytest.mark.parametrize("token", [None, "", "wrong", "Bearer", "x" * 5000])
def test_strangers_are_refused(exchange, token):
    headers = {} if token is None else {"Authorization": f"Bearer {token}".strip()}
    for path in ("/shares", TABLE + "/metadata"):
        answer = httpx.get(exchange.endpoint + path, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["errorCode"] == "UNAUTHENTICATED"
    assert httpx.get(f"{exchange.url}/api/v1/resources", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/shares/a%00b",
        "/shares/population/schemas/a%00b/tables",
        TABLE.replace("resident_basic", "a%00b") + "/version",
        TABLE.replace("population", "a%00b") + "/metadata",
        TABLE + "/version?startingTimestamp=%00",
        "/shares?pageToken=%00",
        "/files/1/%00.parquet?recipient=1",
    ],
)
def test_a_character_that_no_text_has_is_refused_in_path_and_query(exchange, path):
    answer = exchange.get(path)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER_VALUE"), answer.text


@pytest.mark.parametrize("value", ["\\u0000", "\\ud800"])
def test_a_character_that_no_text_has_is_no_fault_in_a_body(exchange, value):
    token = {"Authorization": f"Bearer {exchange.tokens['reader']}", "Content-Type": "application/json"}
    for name in ("timestamp", "predicateHints", "jsonPredicateHints", "unknown"):
        content = f'["{value}"]' if name == "predicateHints" else f'"{value}"'
        body = f'{{"{name}": {content}}}'.encode()
        answer = httpx.post(f"{exchange.endpoint}{TABLE}/query", content=body, headers=token)
        assert answer.status_code < 500, (name, answer.text)
    for path, body in (
        ("/sessions", f'{{"login": "{value}", "password": "x"}}'),
        ("/oidc/sessions", f'{{"code": "{value}", "state": "{value}"}}'),
    ):
        answer = httpx.post(f"{exchange.url}/api/v1{path}", content=body.encode(), headers=token)
        assert 400 <= answer.status_code < 500, (path, answer.text)
    for form in ({"client_id": "a\0b", "client_secret": "x"}, {"client_id": "x", "client_secret": "a\0b"}):
        asked = {"grant_type": "client_credentials", **form}
        assert 400 <= httpx.post(f"{exchange.url}/api/v1/token", data=asked).status_code < 500
    assert httpx.get(f"{exchange.url}/api/v1/resources/a%00b", headers=token).status_code == 400


def test_missing_and_not_granted_look_the_same(exchange):
    answers = [
        exchange.get(path)
        for path in (
            "/shares/licence",
            "/shares/nowhere",
            "/shares/licence/schemas",
            "/shares/licence/schemas/base/tables/valid_licence/metadata",
            "/shares/population/schemas/base/tables/nothing/metadata",
            TABLE + "/metadata?version=7",
        )
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert exchange.get("/shares/POPULATION/schemas/Base/tables/Resident_Basic/metadata").status_code == 200


def test_statistics_paths_and_settings_stay_inside(exchange):
    for form in ("parquet", "delta"):
        answer = exchange.query(TABLE, **{"delta-sharing-capabilities": f"responseformat={form}"})
        assert answer.headers["delta-sharing-capabilities"] == f"responseformat={form}"
        assert answer.headers["delta-table-version"] == "2"
        lines = actions(answer)
        assert len(lines) == 5
        files = [line["file"].get("deltaSingleAction", {}).get("add", line["file"]) for line in lines[2:]]
        assert sorted(json.loads(file["stats"])["numRecords"] for file in files) == [30, 40, 60]
        for word in (
            "minValues",
            "maxValues",
            "nullCount",
            "part-",
            "population__",
            "张",
            "commitInfo",
            str(exchange.home),
        ):
            assert word not in answer.text


def test_pages_go_on_where_the_last_one_ended(exchange):
    folder = exchange.home / "t"
    write_deltalake(folder, persons(0, 2))
    for number in range(5):
        exchange.publish("many", "base", f"t{number}", folder, 0)
    exchange.recipient("page-reader", "many")
    seen, token = [], None
    for _ in range(10):
        parameters = {"maxResults": 2, **({"pageToken": token} if token else {})}
        page = exchange.get("/shares/many/all-tables", "page-reader", params=parameters).json()
        assert len(page["items"]) <= 2
        seen += [item["name"] for item in page["items"]]
        token = page.get("nextPageToken")
        if token is None:
            break
    assert seen == [f"t{number}" for number in range(5)]
    nothing = exchange.get("/shares", params={"maxResults": 0}).json()
    assert nothing["items"] == [] and nothing["nextPageToken"]
    for parameters in ({"maxResults": -1}, {"maxResults": "many"}, {"pageToken": "no token"}):
        answer = exchange.get("/shares", params=parameters)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER_VALUE")


def test_files_answer_ranges_and_heads_and_leave_receipts_of_their_bytes(exchange):
    address = first_address(exchange)
    whole = httpx.get(address)
    assert whole.status_code == 200 and whole.content[:4] == b"PAR1" == whole.content[-4:]
    assert whole.headers["content-type"] == "application/octet-stream"
    head = httpx.head(address)
    assert head.status_code == 200 and int(head.headers["content-length"]) == len(whole.content)
    part = httpx.get(address, headers={"Range": "bytes=-8"})
    assert part.status_code == 206 and part.content == whole.content[-8:]
    assert part.headers["content-range"].endswith(f"/{len(whole.content)}")
    assert httpx.get(address, headers={"Range": "bytes=99999999-"}).status_code == 416
    deadline = time.monotonic() + 5
    sizes: set[int] = set()
    while time.monotonic() < deadline and not {8, len(whole.content)} <= sizes:
        with session_scope(exchange.control_url) as session:
            sizes = {receipt.bytes for receipt in list_deliveries(session) if receipt.kind == "file"}
    assert {8, len(whole.content)} <= sizes
    with session_scope(exchange.control_url) as session:
        assert 130 in {receipt.rows for receipt in list_deliveries(session, limit=1000) if receipt.kind == "query"}


def test_changed_and_expired_addresses_are_refused(exchange):
    parts = urlsplit(first_address(exchange))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert set(query) == {"recipient", "expires", SIGNATURE}
    base = f"{exchange.url}{parts.path}"
    assert httpx.get(base, params=query).status_code == 200
    last = query[SIGNATURE][-1]
    for change in (
        {"recipient": "2"},
        {"expires": str(int(query["expires"]) + 1)},
        {SIGNATURE: query[SIGNATURE][:-1] + ("0" if last != "0" else "1")},
        {SIGNATURE: "é"},
    ):
        assert httpx.get(base, params={**query, **change}).status_code == 403, change
    assert httpx.get(base).status_code == 400
    other = parts.path.replace(parts.path.split("/")[-2], "3", 1)
    assert httpx.get(f"{exchange.url}{other}", params=query).status_code in (403, 404)

    version_id, name = parts.path.split("/")[-2:]
    ticket = FileTicket(int(version_id), name.removesuffix(".parquet"), int(query["recipient"]), int(time.time()) - 1)
    expired = httpx.get(exchange.endpoint + Signer(exchange.signing_key).path(ticket))
    assert expired.status_code == 403 and "expired" in expired.json()["message"]
    forged = httpx.get(exchange.endpoint + Signer("0" * 64).path(ticket))
    assert forged.status_code == 403 and "not valid" in forged.json()["message"]


def test_a_recipients_own_signature_does_not_open_another_share(exchange):
    with session_scope(exchange.control_url) as session:
        foreign = published_version(session, "licence", "base", "valid_licence", 1)
        assert foreign is not None
    recipient = int(parse_qs(urlsplit(first_address(exchange)).query)["recipient"][0])
    ticket = FileTicket(foreign.id, "0" * 32, recipient, int(time.time()) + 60)
    answer = httpx.get(exchange.endpoint + Signer(exchange.signing_key).path(ticket))
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "ADDRESS_REFUSED")


@pytest.mark.parametrize(
    "path",
    [
        "../../../../etc/passwd",
        "..%2f..%2f..%2f..%2fetc%2fpasswd",
        "1/..%2f..%2f_delta_log%2f00000000000000000000.json",
        "1/_delta_log/00000000000000000000.json",
        "1/%00.parquet",
        "1//etc/passwd.parquet",
    ],
)
def test_paths_lead_nowhere(exchange, path):
    query = urlencode({"recipient": 1, "expires": 9999999999, SIGNATURE: "0" * 64})
    answer = httpx.get(f"{exchange.endpoint}/files/{path}?{query}")
    assert answer.status_code in (400, 403, 404)
    assert "root:" not in answer.text and "protocol" not in answer.text


def write_log(folder, version, *entries):
    log = folder / "_delta_log" / f"{version:020d}.json"
    assert log.parent.is_dir() and not log.exists()
    log.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def refusal(exchange, folder, name):
    """Publish version 1 of a folder as it is, and return why the service does not serve it."""
    with session_scope(exchange.control_url) as session:
        publish_share_version(
            session,
            share="population",
            schema_name="features",
            table_name=name,
            resource=f"features.{name}",
            delta_version=1,
            table_uri=folder.as_uri(),
            rows=3,
            schema_json={},
        )
    path = f"/shares/population/schemas/features/tables/{name}"
    assert exchange.get(f"{path}/version").status_code == 200
    answers = [exchange.get(f"{path}/metadata"), exchange.query(path)]
    for answer in answers:
        assert (answer.status_code, answer.json()["errorCode"]) == (409, "TABLE_NOT_SERVABLE")
    return answers[0].json()["message"]


def test_deletion_vectors_and_column_mapping_are_refused(exchange):
    for feature in ("deletionVectors", "columnMapping"):
        folder = exchange.home / feature
        write_deltalake(folder, persons(0, 3))
        features = {"readerFeatures": [feature], "writerFeatures": [feature]}
        write_log(folder, 1, {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}})
        assert feature in refusal(exchange, folder, feature.lower())


def test_a_log_that_names_files_elsewhere_is_refused(exchange):
    secret = exchange.home / "secret.parquet"
    secret.write_bytes(b"secret")
    folder = exchange.home / "escaping"
    write_deltalake(folder, persons(0, 3))
    add = {"partitionValues": {}, "size": 6, "modificationTime": 0, "dataChange": True}
    write_log(folder, 1, {"add": {"path": "../secret.parquet", **add}})
    assert "outside the table" in refusal(exchange, folder, "escaping")


def test_a_missing_data_file_is_told_and_not_skipped(exchange):
    folder = exchange.home / "damaged"
    write_deltalake(folder, persons(0, 3))
    write_deltalake(folder, persons(3, 6), mode="append")
    next(folder.glob("*.parquet")).unlink()
    assert "missing" in refusal(exchange, folder, "damaged")


def test_nothing_is_written_and_odd_requests_get_the_protocols_error(exchange):
    headers = {"Authorization": f"Bearer {exchange.tokens['reader']}"}
    for method in ("PUT", "DELETE", "PATCH", "POST"):
        answer = httpx.request(method, f"{exchange.endpoint}/shares", headers=headers)
        assert (answer.status_code, answer.json()["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    big = httpx.post(f"{exchange.endpoint}{TABLE}/query", content=b" " * 2_000_000, headers=headers)
    assert big.status_code == 413
    for body in ({"limitHint": -1}, {"version": "first"}, {"version": 1, "timestamp": "2026-01-01T00:00:00Z"}):
        assert exchange.query(TABLE, body).status_code == 400
    assert exchange.query(TABLE, {"startingVersion": 1}).json()["errorCode"] == "UNSUPPORTED_OPERATION"
    assert exchange.query(TABLE, fileidhash="Delta").headers["fileidhash"] == "delta"
    assert exchange.query(TABLE, fileidhash="md5").status_code == 400
    assert httpx.get(f"{exchange.url}/docs").status_code == 404
    answer = httpx.get(f"{exchange.url}/health")
    assert answer.json() == {"status": "ok", "database": "reachable"}
    assert answer.headers["x-content-type-options"] == "nosniff" and "server" not in answer.headers


def test_each_access_is_logged_without_token_or_signature(exchange):
    token = exchange.tokens["reader"]
    address = first_address(exchange)
    httpx.get(address)
    httpx.get(f"{exchange.endpoint}/shares/%E2%80%A8%C2%85%0A{{}}")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and urlsplit(address).path not in exchange.log:
        time.sleep(0.05)
    lines = [
        json.loads(line.split("guantong.audit ")[1]) for line in exchange.log.splitlines() if "guantong.audit" in line
    ]
    assert any(line["recipient"] == "reader" and line["path"].endswith("/query") for line in lines)
    assert any(line["recipient"].startswith("#") and line["bytes"] > 8 for line in lines if line["recipient"])
    assert token not in exchange.log and SIGNATURE not in exchange.log and exchange.signing_key not in exchange.log


def test_catalogue_entries_say_data_type_and_length_of_their_items(exchange):
    world = World(exchange)
    entries = {e["id"]: e for e in world.call("GET", "/resources", world.token()).json()["items"]}
    items = {item["name"]: item for item in entries["population.resident_basic"]["properties"]}
    told = {name: (items[name]["dataType"], items[name]["length"]) for name in ("citizen_id", "birth_date", "name")}
    assert told == {"citizen_id": ("C", 18), "birth_date": ("D", 8), "name": ("C", 50)}
    assert items["name"]["element"] == "person_name"
