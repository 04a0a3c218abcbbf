"""What is sealed opens for its use and owner only, and not after a change."""

import base64

import pytest

from catalog.control.passwords import PasswordRefusedError, hash_password, require_strong, verify_password
from catalog.control.sealing import SealBrokenError, seal, unseal


def test_a_seal_is_bound_to_use_owner_and_content(audit_home):
    sealed = seal("totp", "person:1", b"seed")
    assert b"seed" not in base64.b64decode(sealed) and sealed != seal("totp", "person:1", b"seed")
    assert unseal("totp", "person:1", sealed) == b"seed"
    data = base64.b64decode(sealed)
    bent = base64.b64encode(data[:-1] + bytes([data[-1] ^ 1])).decode()
    for use, owner, content in (
        ("totp", "person:2", sealed),
        ("webhook", "person:1", sealed),
        ("totp", "person:1", bent),
    ):
        with pytest.raises(SealBrokenError):
            unseal(use, owner, content)


def test_passwords_are_argon2id_and_an_account_without_one_never_fits():
    kept = hash_password("correct horse battery")
    assert kept.startswith("$argon2id$") and "correct" not in kept
    assert verify_password(kept, "correct horse battery") and not verify_password(kept, "correct horse batterY")
    assert not verify_password(None, "") and not verify_password("broken", "x")


@pytest.mark.parametrize(
    "weak", ["short", "a" * 20, "wang-is-my-name", "x" * 300, "示范人员的密码口令一二三", "tab\tin the middle"]
)
def test_weak_passwords_are_refused(weak):
    with pytest.raises(PasswordRefusedError):
        require_strong(weak, login="wang", display_name="示范人员")
