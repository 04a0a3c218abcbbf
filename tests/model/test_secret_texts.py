"""What is masked in a text and what is not, for every setting that there is."""

import json
import subprocess
import sys
import time
from typing import Annotated
from urllib.parse import quote

import pytest
from pydantic import Field
from pydantic_settings import BaseSettings

from catalog.control.masking import mask_text
from catalog.model.errors import GuantongError
from catalog.model.secret_texts import Secrecy, hide_also, mask_secrets, secrecy_of
from catalog.model.settings import CHECKOUT, Settings, get_settings
from tests.model.broken_addresses import CANARY, FORMS, HALF, filled, secret_settings


@pytest.fixture
def settings(monkeypatch, tmp_path):
    """Return a function that puts settings into force."""

    def put(**values: str) -> None:
        monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        get_settings()

    yield put
    monkeypatch.undo()
    get_settings.cache_clear()


def test_every_secret_setting_is_hidden_whole_and_in_parts(settings):
    named = secret_settings()
    assert len(named) >= 15 and {"CONTROL_URL", "AUDIT_KEY", "OIDC_CLIENT_SECRET", "NOTICE_WEBHOOK_URL"} <= set(named)
    values = {name: filled(name) for name in named} | {"SOURCE_X": filled("CONTROL_URL"), "SOURCE_X_TOKEN": CANARY}
    settings(**values)
    for name, value in values.items():
        assert HALF in value and HALF not in mask_secrets(f"cannot use {value} here"), name
        assert HALF not in mask_secrets(f"cannot use {CANARY}-{name} here"), name


def test_a_new_setting_that_says_nothing_is_a_secret():
    class More(BaseSettings):
        fresh: str = Field(default="", alias="FRESH")
        plain: Annotated[str, Secrecy.NOTHING] = ""
        count: int = 1

    assert {name: secrecy_of(field) for name, field in More.model_fields.items()} == {
        "fresh": Secrecy.WHOLE, "plain": Secrecy.NOTHING, "count": Secrecy.NOTHING,
    }  # fmt: skip
    texts = [name for name, field in Settings.model_fields.items() if field.annotation is str]
    unsaid = [name for name in texts if not any(isinstance(m, Secrecy) for m in Settings.model_fields[name].metadata)]
    assert texts and unsaid == [], "say of a setting whether it is Plain, an Address or a Secret"


@pytest.mark.parametrize("form", FORMS)
def test_parts_of_an_address_are_hidden_wherever_they_come_up(settings, form):
    settings(SOURCE_X=FORMS[form])
    for said in (FORMS[form], f"Port could not be cast to integer value as '{CANARY}'", f"'{CANARY}' has no ="):
        assert HALF in said and HALF not in mask_secrets(said)


@pytest.mark.parametrize("password", ["密码很长的口令", "a b'c\"d\\e f", "p%40ss/w:rd@x", "tab\there-and"])
def test_a_secret_is_known_in_every_spelling(settings, password):
    settings(SOURCE_X_TOKEN=password)
    for spelt in (password, repr(password), ascii(password), json.dumps(password), quote(password, safe="")):
        assert mask_secrets(f"token <{spelt}>").count("***") == 1, spelt


def test_errors_are_masked_wherever_their_text_stands(settings):
    settings(SOURCE_X=FORMS["slash"])
    error = GuantongError(f"cannot open {FORMS['slash']}", place=FORMS["at"], remedy=f"not {FORMS['slash']}")
    assert HALF not in str(error) + error.args[0] and "reader:***@" in str(error)
    example = GuantongError("no address", remedy="set X, for example postgresql://user:password@host:5432/database")
    assert "user:password@host" in str(example)


COMMAND = """
import logging, os, sys, threading, warnings
from catalog.model.masked_output import secrets_hidden
from catalog.model.settings import get_settings
word = get_settings().sources["SOURCE_X_TOKEN"]
def work():
    print(f"printed {word}", file=sys.stderr)
    logging.getLogger("any").warning("logged %s", word)
    warnings.warn(f"warned {word}")
    thread = threading.Thread(target=lambda: int(f"threaded {word}"))
    thread.start()
    thread.join()
    raise KeyError(f"raised {word}") from ValueError(f"caused {word}")
if sys.argv[1] == "masked":
    with secrets_hidden():
        work()
work()
"""


@pytest.mark.parametrize("masked", [True, False])
def test_all_that_goes_to_the_error_stream_is_masked(tmp_path, masked):
    env = {"GUANTONG_HOME": str(tmp_path), "SOURCE_X_TOKEN": CANARY, "PYTHONPATH": str(CHECKOUT)}
    line = [sys.executable, "-c", COMMAND, "masked" if masked else "plain"]
    told = subprocess.run(line, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    for word in ("printed", "logged", "warned", "threaded", "raised", "caused"):
        assert (f"{word} ***" in told.stderr) is masked, told.stderr
    assert (HALF in told.stderr) is not masked, "without the mask it is there"
    assert "Traceback" in told.stderr


def test_further_secrets_of_a_process_are_hidden(settings):
    settings()
    word = "Zweitschluessel-1"
    assert mask_secrets(word) == word
    hide_also([word])
    assert mask_secrets(f"a {word} b") == "a *** b"


def test_what_is_no_secret_stays_readable(settings):
    settings(SOURCE_X="file:/data/inbox/water", SPARK_REMOTE="sc://127.0.0.1:15002", JURISDICTION="shanghai")
    for said in (
        "/data/inbox/water is not a folder", "sc://127.0.0.1:15002 does not answer", "row 3 of f.csv: 12:30 is no day",
        "population.resident|N2: name, 甲@乙", "python -m jobs extract --resource population.resident",
        "postgresql://127.0.0.1:5432/control", "the deadlines of shanghai and of national",
    ):  # fmt: skip
        assert mask_text(said) == said


@pytest.mark.parametrize(
    "address",
    ["host=10.1.2.3 port=5432 dbname=population user=resident", "postgresql://resident@10.1.2.3/population",
     "10.1.2.3:8080"],
)  # fmt: skip
def test_an_address_without_a_password_hides_no_word_of_others(settings, address):
    settings(SOURCE_X=address, NOTICE_WEBHOOK_URL="http://10.1.2.3:9000/notices/population")
    for said in ("population.resident: 10.1.2.3 does not answer", "2 notices about population.resident"):
        assert mask_text(said) == said


@pytest.mark.parametrize(
    ("address", "proof"),
    [("host=10.1.2.3 dbname=population user=resident password='an-other-one'", "an-other-one"),
     ("https://an-other-one@10.1.2.3/population", "an-other-one"), ("an-other-one:by:mistake", "an-other-one")],
)  # fmt: skip
def test_what_proves_who_asks_is_hidden_in_every_form_of_an_address(settings, address, proof):
    settings(SOURCE_X=address, NOTICE_WEBHOOK_URL="http://10.1.2.3:9000/hook/a8Fk2")
    assert (
        mask_text(f"said {proof}, POST /hook/a8Fk2, population.resident") == "said ***, POST /***, population.resident"
    )


def test_masking_takes_no_time_whatever_a_text_holds(settings):
    settings(SOURCE_X=FORMS["slash"])
    began = time.process_time()
    for sign in (":", "@", "a:", "=", "password=", "'", "x" * 9, "secret", "://", "password='"):
        mask_secrets(sign * (100_000 // len(sign)))
    assert time.process_time() - began < 10
