"""The demonstration recipient: made once, kept while its token is in force, renewed when it is lost."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.control.migrations import migrate
from catalog.control.recipients import authenticate, list_grants, revoke_recipient
from catalog.control.session import session_scope
from catalog.model.registry import get_registry
from catalog.model.settings import Settings
from infra.run.recipient import NAME, ensure_recipient


@pytest.fixture
def settings(control_database: str, audit_home: Path, tmp_path: Path) -> Iterator[Settings]:
    """Return settings of a fresh control plane and home."""
    migrate("head", control_database)
    yield Settings(home=tmp_path, control_url=control_database, service_url="http://127.0.0.1:9")


def token_in(profile: Path) -> str:
    return str(json.loads(profile.read_text(encoding="utf-8"))["bearerToken"])


def test_the_profile_is_private_and_its_token_reads_every_share(settings: Settings) -> None:
    profile = ensure_recipient(settings)
    assert stat.S_IMODE(profile.stat().st_mode) == 0o600
    content = json.loads(profile.read_text(encoding="utf-8"))
    assert content["shareCredentialsVersion"] == 1
    assert content["endpoint"] == "http://127.0.0.1:9/delta-sharing"
    with session_scope(settings.control_url) as session:
        recipient = authenticate(session, token_in(profile))
        assert recipient is not None
        granted = {grant.share for grant in list_grants(session, recipient.id)}
    shares = {c.government.share.share for c in get_registry().all("gold") if c.government.share}
    assert shares
    assert granted == shares


def test_a_token_in_force_is_kept_and_a_new_address_is_written(settings: Settings) -> None:
    before = token_in(ensure_recipient(settings))
    moved = settings.model_copy(update={"service_url": "http://127.0.0.1:10"})
    profile = ensure_recipient(moved)
    assert token_in(profile) == before
    assert "127.0.0.1:10/" in profile.read_text(encoding="utf-8")
    with session_scope(settings.control_url) as session:
        recipient = authenticate(session, before)
        assert recipient is not None
        assert len(list_grants(session, recipient.id)) == len({g.share for g in list_grants(session, recipient.id)})


@pytest.mark.parametrize("loss", ["profile", "revoked"])
def test_a_lost_or_revoked_token_is_renewed(settings: Settings, loss: str) -> None:
    profile = ensure_recipient(settings)
    before = token_in(profile)
    if loss == "profile":
        profile.unlink()
    else:
        with session_scope(settings.control_url) as session:
            revoke_recipient(session, NAME)
    after = token_in(ensure_recipient(settings))
    assert after != before
    with session_scope(settings.control_url) as session:
        assert authenticate(session, before) is None
        recipient = authenticate(session, after)
        assert recipient is not None
        assert list_grants(session, recipient.id)
