"""An entry speaks for its own department's tables only, and never offers more than their contracts do."""

from itertools import count

import pytest
from sqlalchemy import update

from catalog.control.applications import submit_application
from catalog.control.entries import content_of, draft_entry, edit_draft, find_entry, move_entry
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.session import session_scope
from catalog.model.departments import get_department
from catalog.model.entry_rights import EntryNotOwnError, require_own
from catalog.model.registry import RESOURCES, Registry
from tests.exchange.contracts import in_force, write_shared
from tests.exchange.people import (
    ASKER,
    DRAFTER,
    HEAD,
    HOST,
    MONDAY,
    REVIEWS,
    STRANGER,
    an_entry,
    an_entry_over,
    an_item,
    publish,
)
from tests.exchange.test_applications import a_form

_serials = count(2)
POLICE, POLICE_CODE = "population.resident_basic", "101001/2"


def test_every_contract_leads_to_an_entry_that_is_its_departments_own():
    registry = Registry(RESOURCES)
    assert len(registry.all()) >= 16
    for contract in registry.all():
        require_own(an_entry_over(contract.id), registry)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"resource": POLICE}, "public_security's"),
        ({"code": POLICE_CODE}, "belongs to public_security"),
        ({"provider_uscc": get_department("public_security").uscc}, "credit code"),
        ({"resource": "water.not_built"}, "no resource"),
    ],
)
def test_a_department_drafts_nothing_over_anothers_table_code_or_name(shared_database, claims, words):
    own = an_entry("301920/1", "水利目录", provider="water").model_dump(mode="json")
    with session_scope(shared_database) as session:
        serial = next(_serials)
        made = draft_entry(
            session, an_entry(f"301920/{serial}", f"水利{serial}", provider="water"), STRANGER, at=MONDAY
        )
        claimed = type(content_of(made)).model_validate({**own, **claims})
        with pytest.raises(EntryNotOwnError, match=words):
            draft_entry(session, claimed, STRANGER, at=MONDAY)
        kept = {"code": made.code, "provider": "water"}
        if "code" not in claims:
            rewritten = claimed.model_copy(update=kept)
            with pytest.raises(EntryNotOwnError, match=words):
                edit_draft(session, made.number, rewritten, STRANGER, revision=made.revision)


@pytest.mark.parametrize(
    ("additions", "words"),
    [
        ({"share_type": "unconditional", "items": [an_item("name", "unconditional", element="person_name",
                                                           classification="personal")]}, "not unconditional"),
        ({"items": [an_item("contact_telephone", element="contact_telephone")]}, "no column contact_telephone"),
        ({"items": [an_item("citizen_id", classification="personal")]}, "is the data element citizen_id, not none"),
        ({"items": [an_item("name", element="sex_code", classification="personal")]}, "not sex_code"),
        ({"items": [an_item("name", element="person_name", classification="public")]}, "is personal, not public"),
        ({"modes": ["table", "file"]}, "not shared as file"),
    ],
)  # fmt: skip
def test_additions_never_offer_more_than_the_contract(shared_database, additions, words):
    with session_scope(shared_database) as session:
        with pytest.raises(EntryNotOwnError, match=words):
            draft_entry(session, an_entry_over(POLICE, **additions), DRAFTER, at=MONDAY)
        if "personal" not in words:
            workbook_like = an_entry_over(POLICE, **additions).model_copy(update={"resource": None})
            with pytest.raises(EntryNotOwnError, match=words):
                draft_entry(session, workbook_like, DRAFTER, at=MONDAY)


def test_additions_may_ask_for_more_and_offer_less(shared_database):
    refused = an_item("citizen_id", "refused", element="citizen_id", classification="personal")
    stricter = an_entry_over(
        POLICE, code="301921/9", needs_host=True, items=[refused], grade=4, use_conditions="不得留存"
    )
    with session_scope(shared_database) as session:
        assert publish(session, stricter).state == "published"


def test_the_hosts_consent_that_a_contract_asks_for_stays(shared_database, tmp_path):
    write_shared(tmp_path, "trial.guarded", ("name",), code="301922/1", needs_host=True)
    with in_force(tmp_path), session_scope(shared_database) as session:
        assert an_entry_over("trial.guarded").needs_host
        with pytest.raises(EntryNotOwnError, match="host authority's consent"):
            draft_entry(session, an_entry_over("trial.guarded", needs_host=False), DRAFTER, at=MONDAY)


def test_an_entry_is_held_against_the_contract_of_the_day_it_is_reviewed_published_and_granted_on(
    shared_database, tmp_path
):
    wide, narrow = tmp_path / "wide", tmp_path / "narrow"
    write_shared(wide, "trial.changing", ("name", "telephone"), code="301923/1")
    write_shared(narrow, "trial.changing", ("name",), code="301923/1")
    with session_scope(shared_database) as session:
        with in_force(wide):
            entry = an_entry_over("trial.changing")
            first = draft_entry(session, entry, DRAFTER, at=MONDAY).number
            move_entry(session, first, "submit", DRAFTER, at=MONDAY)
        with in_force(narrow), pytest.raises(EntryNotOwnError, match="no column telephone"):
            move_entry(session, first, "endorse", HEAD, REVIEWS, at=MONDAY)
        with in_force(wide):
            move_entry(session, first, "endorse", HEAD, REVIEWS, at=MONDAY)
        with in_force(narrow), pytest.raises(EntryNotOwnError, match="no column telephone"):
            move_entry(session, first, "publish", HOST, at=MONDAY)
        with in_force(wide):
            assert move_entry(session, first, "publish", HOST, at=MONDAY).state == "published"
        with in_force(narrow), pytest.raises(EntryNotOwnError, match="no column telephone"):
            submit_application(session, a_form("301923/1"), ASKER, at=MONDAY)


def test_an_entry_published_over_anothers_table_before_grants_nothing(shared_database):
    with session_scope(shared_database) as session:
        number = publish(
            session, an_entry("301924/1", "水利已发布", provider="water", share_type="unconditional")
        ).number
        stolen = find_entry(session, number).content | {"resource": POLICE}
        session.execute(
            update(CatalogueEntry).where(CatalogueEntry.number == number).values(content=stolen, resource=POLICE)
        )
        with pytest.raises(EntryNotOwnError, match="public_security's"):
            submit_application(session, a_form("301924/1"), ASKER, at=MONDAY)
