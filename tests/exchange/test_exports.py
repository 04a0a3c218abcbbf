"""An export is made once for each published state, also when many ask for it at a time."""

import threading

from catalog.control.entries import move_entry
from catalog.control.session import session_scope
from catalog.service.api.catalogue import _dcat_of
from catalog.service.exports import Export
from tests.exchange.people import HOST, an_entry, publish

BASE = "https://data.example"


def counted(made: list[int]) -> Export[str]:
    """Return the export as DCAT-AP that notes how many entries it was made of, each time."""

    def make(entries, base):
        made.append(len(entries))
        return _dcat_of(entries, base)

    return Export(make)


def test_an_export_is_made_anew_only_when_what_is_published_changes(control_database):
    made: list[int] = []
    export = counted(made)
    with session_scope(control_database) as session:
        publish(session, an_entry("301955/1", "第一"))
        first = export.of(session, BASE)
        assert "301955/1" in first and export.of(session, BASE) == first and made == [1]
        second = publish(session, an_entry("301955/2", "第二"))
        assert "301955/2" in export.of(session, BASE) and made == [1, 2]
        publish(session, an_entry("301955/1", "第一，新版"))
        assert "新版" in export.of(session, BASE) and made == [1, 2, 2]
        move_entry(session, second.number, "withdraw", HOST, {"reason": "职责调整"})
        assert "301955/2" not in export.of(session, BASE) and made == [1, 2, 2, 1]
        assert "other.example" in export.of(session, "https://other.example")


def test_many_who_ask_at_a_time_wait_for_one(control_database):
    with session_scope(control_database) as session:
        for serial in range(20):
            publish(session, an_entry(f"301956/{serial}", f"资源{serial}"))
    made: list[int] = []
    export, answers = counted(made), []

    def ask():
        with session_scope(control_database) as session:
            answers.append(export.of(session, BASE))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8 and len(set(answers)) == 1 and made == [20]
