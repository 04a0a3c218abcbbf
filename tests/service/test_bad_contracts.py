"""A contract that cannot be used stops its own table, and no other; a service takes a mended one without a restart."""

import time

import pytest
from deltalake import write_deltalake

from catalog.model.registry import LOOK_SECONDS
from catalog.model.roles import Role
from tests.exchange.contracts import write_shared
from tests.service.conftest import persons
from tests.service.world import World

SPOILT, SOUND = "trial.spoilt", "trial.sound"
BOTH = ("spoilt", "sound")
COLUMNS = persons(0, 1).column_names
PATIENCE_SECONDS = 30


class Shop:
    """Two served tables, the contract of one of which may be spoilt while the service runs."""

    def __init__(self, exchange, folder) -> None:
        self.exchange, self.folder, self.world = exchange, folder, World(exchange)
        for serial, name in enumerate(BOTH, start=1):
            self.write(name, serial)
            table = exchange.home / "lake" / "gold" / name
            write_deltalake(table, persons(0, 20))
            exchange.publish("limits", "trial", name, table, 0)
        self.steward = ""

    def write(self, name: str, serial: int, layer: str = "gold") -> None:
        """Write a contract, as an editor does: in place."""
        write_shared(self.folder, f"trial.{name}", COLUMNS, code=f"301777/{serial}")
        path = self.folder / "trial" / f"{name}.yml"
        path.write_text(path.read_text(encoding="utf-8").replace("layer: gold", f"layer: {layer}"), encoding="utf-8")

    def query(self, name: str) -> int:
        return self.exchange.query(f"/shares/limits/schemas/trial/tables/{name}").status_code

    def show(self, resource: str):
        return self.world.call("GET", f"/resources/{resource}", self.world.token(Role.PROVIDER_OFFICER))

    def until(self, name: str, status: int) -> None:
        """Wait until reading a table is answered so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := self.query(name)) != status:
            assert time.monotonic() < deadline, f"still {answer}"
            time.sleep(LOOK_SECONDS / 2)


@pytest.fixture(scope="module")
def shop(make_exchange, tmp_path_factory):
    folder = tmp_path_factory.mktemp("contracts")
    served = make_exchange()
    served.settings["RESOURCE_PATH"] = str(folder)
    served.recipient("reader", "limits")
    made = Shop(served, folder)
    served.start()
    return made


def test_a_table_whose_contract_is_spoilt_is_not_read_until_it_is_mended_and_others_are(shop):
    assert [shop.query(name) for name in BOTH] == [200, 200]
    address = shop.exchange.query("/shares/limits/schemas/trial/tables/spoilt").text.split('"url":"')[1].split('"')[0]
    shop.write("spoilt", 1, layer="gilt")
    shop.until("spoilt", 403)
    refused = shop.exchange.query("/shares/limits/schemas/trial/tables/spoilt")
    assert refused.json()["errorCode"] == "CONTRACT_INVALID" and "数据契约有误" in refused.json()["message"]
    assert str(shop.folder) not in refused.text, "no place inside the service"
    assert shop.world.client.get(address).status_code == 403, "nor by an address given out before"
    assert shop.query("sound") == 200
    shown = shop.show(SPOILT)
    assert shown.status_code in (409, 422), shown.text
    assert "数据契约有误" in shown.text and str(shop.folder) not in shown.text
    assert shop.show(SOUND).status_code == 200
    shop.write("spoilt", 1)
    shop.until("spoilt", 200)
    assert shop.world.client.get(address).status_code == 200


def test_a_new_contract_is_shown_without_a_restart(shop):
    assert shop.show("trial.fresh").status_code == 404
    shop.write("fresh", 3)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while shop.show("trial.fresh").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(LOOK_SECONDS / 2)
    path = shop.folder / "trial" / "fresh.yml"
    path.replace(path.with_suffix(".away"))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while shop.show("trial.fresh").status_code != 404:
        assert time.monotonic() < deadline
        time.sleep(LOOK_SECONDS / 2)


def test_a_spoilt_contract_keeps_its_code_from_others_and_no_other_code(shop):
    officer = shop.world.token(Role.PROVIDER_OFFICER, department="public_security")
    shop.write("spoilt", 1, layer="gilt")
    shop.until("spoilt", 403)
    refused = shop.world.call("POST", "/entries", officer, json={"resource": SPOILT})
    assert refused.status_code in (409, 422) and "数据契约有误" in refused.text, refused.text
    other = shop.world.call("POST", "/entries", officer, json={"resource": SOUND, "additions": {"name": "测试共享表"}})
    assert "数据契约有误" not in other.text, other.text
    shop.write("spoilt", 1)
    shop.until("spoilt", 200)
