"""A department without systems gets its unread events by mail: its own, once a day, over a real mail server."""

import secrets
import threading
from email import message_from_bytes, policy

import pytest
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.events import emit
from catalog.control.inbox import acknowledge
from catalog.control.session import session_scope
from catalog.model.settings import get_settings
from tests.mail_server import Mailbox

PLANTED = "11010519491231002X"


@pytest.fixture
def mails(control_database, tmp_path, monkeypatch):
    """Settings in force, and what the mail server has taken."""
    server = Mailbox()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings = {
        "GUANTONG_HOME": str(tmp_path), "CONTROL_URL": control_database, "AUDIT_KEY": secrets.token_hex(32),
        "NOTICE_MAIL_SERVER": f"smtp://127.0.0.1:{server.server_address[1]}",
        "NOTICE_MAIL_FROM": "exchange@example.gov",
        "EVENT_MAIL_TO": "water=office@water.example.gov, transport=duty@transport.example.gov",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    yield server.mails
    server.shutdown()
    thread.join()
    server.server_close()
    get_settings.cache_clear()


def run(*arguments):
    return CliRunner().invoke(app, ["events", *arguments])


def test_each_department_gets_its_own_once_a_day(mails, control_database):
    with session_scope(control_database) as session:
        for number in (1, 2):
            emit(session, "grant.revoke", f"grant:{PLANTED}/{number}", departments=["water"])
        emit(session, "grant.suspend", "grant:3", departments=["housing"])
    for _ in range(2):
        done = run("mail")
        assert done.exit_code == 0, (done.output, done.exception)
    [(to, content)] = mails
    mail = message_from_bytes(content, policy=policy.default)
    text = mail.get_content()
    assert to == ["office@water.example.gov"] and "2 条未读事件" in mail["Subject"]
    assert "grant.revoke  授权撤销" in text and "grant:3" not in text and PLANTED not in text
    listed = run("list", "--department", "water", "--unread", "--json")
    assert listed.exit_code == 0 and listed.output.count('"kind": "grant.revoke"') == 2
    with session_scope(control_database) as session:
        acknowledge(session, "water", 1, "person:1")
    assert run("list", "--department", "water", "--unread", "--json").output.count('"kind": "grant.revoke"') == 1


def test_a_server_that_is_away_is_tried_again_and_without_settings_nothing_is_sent(
    mails, control_database, monkeypatch
):
    with session_scope(control_database) as session:
        emit(session, "grant.revoke", "grant:1", departments=["transport"])
    monkeypatch.setenv("NOTICE_MAIL_SERVER", "smtp://127.0.0.1:1")
    get_settings.cache_clear()
    failed = run("mail")
    assert failed.exit_code == 1 and "ConnectionRefusedError" in failed.output and mails == []
    for value in ("", "nowhere=a@b.example", "water=no address"):
        monkeypatch.setenv("EVENT_MAIL_TO", value)
        get_settings.cache_clear()
        assert run("mail").exit_code == 2, value
    assert mails == []
    assert run("list", "--department", "nowhere").exit_code == 2
    kinds = run("kinds")
    assert kinds.exit_code == 0 and "correction.close" in kinds.output
