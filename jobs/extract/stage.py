"""The extract stage (归集): source → landing → bronze, one strategy per kind of source."""

from __future__ import annotations

from catalog.model.contract import Contract
from catalog.model.errors import ContractError, GuantongError
from catalog.model.registry import get_registry
from catalog.model.source import FeedSource, FileSource, RestSource
from jobs.extract import landing
from jobs.extract.admission import SHORT_DELIVERY
from jobs.extract.database import Consent, extract_database
from jobs.extract.files import Intake, extract_files
from jobs.extract.laying import lay_admitted
from jobs.extract.register import STAGE, Register
from jobs.extract.rest import extract_pages
from jobs.runtime.stage import stage_run


class BatchNotReplayableError(GuantongError):
    """A batch was asked for by name and cannot be admitted again."""

    code = "BATCH_NOT_REPLAYABLE"


class NoFeedError(GuantongError):
    """A feed was said to have begun again, and the resource is none."""

    code = "NO_FEED"


def extract(
    resource: str, batch: str | None = None, *, allow_mass_delete: bool = False, feed_restarted: bool = False
) -> None:
    """Bring what is new at the source of a resource into bronze.

    Grain:      one row per row delivered.
    Key:        ``_batch_id`` and ``_row_number`` or ``_record_key``; a batch is replaced as a whole.
    Reads:      the department's table, files or interface; with ``batch``, the bytes of that batch in landing.
    Writes:     landing, ``bronze.<department>__<dataset>``, the register of batches, findings, ledger, position.
    Sets aside: nothing; a delivery is admitted, held with its reason, or noted as a repetition.

    Args:
        resource: id of a silver contract.
        batch: read this one again from landing, such as one that was held for a column the contract now knows.
        allow_mass_delete: let more than a fifth of the records vanish from a table at once.
        feed_restarted: the department loaded the feed anew; read it whole, as newer than all that was read of it.

    Raises:
        NoFeedError: when a feed is said to have begun again, and the resource is none.
        ReplayHeldError: when ``batch`` was accepted before and would now be held.
    """
    contract = get_registry().get(resource)
    if contract.government.source is None:
        raise ContractError(f"{resource} has no source", remedy="only silver resources are extracted")
    if feed_restarted and not isinstance(contract.source, FeedSource):
        raise NoFeedError(
            f"{resource} is read as kind: {contract.source.kind}", remedy="run extract without --feed-restarted"
        )
    with stage_run(STAGE, resource) as run:
        register = Register(contract, run)
        register.close_rejected()
        if batch is not None:
            _replay(contract, register, batch)
            return
        source = contract.source
        if isinstance(source, FileSource):
            _take_released(contract, source, register)
            extract_files(contract, source, register)
        elif isinstance(source, RestSource):
            extract_pages(contract, source, register)
        else:
            consent = Consent(allow_mass_delete, feed_restarted)
            extract_database(contract, source, register, consent)


def _take_released(contract: Contract, source: FileSource, register: Register) -> None:
    """Admit the held deliveries that people released, as they are, before what is new in the folder."""
    taken = []
    for batch, consent in register.released():
        file = landing.original(contract, batch.batch_id)
        if file is None:
            register.run.say(f"{batch.batch_id} is released, and landing has no bytes of it: it stays held")
            continue
        admitted = Intake(contract, source, register).take_again(batch, file, consent)
        taken += [admitted] if admitted else []
    lay_admitted(contract, register, taken)


def _replay(contract: Contract, register: Register, batch_id: str) -> None:
    """Admit a batch again from the bytes in landing, under the contract as it is now."""
    known = register.batch(batch_id)
    if known is None:
        raise BatchNotReplayableError(
            f"{contract.id} has no batch {batch_id}", remedy="see `python -m catalog batches` for those it has"
        )
    if known.status == "rejected":
        raise BatchNotReplayableError(
            f"{batch_id} was taken back by its department", place=contract.id, remedy="the department sends it anew"
        )
    if not isinstance(contract.source, FileSource) or known.kind != "file":
        if known.status == "accepted":
            register.run.say(f"{batch_id} lies in bronze as it was read; the later stages replay it from there")
            return
        raise BatchNotReplayableError(
            f"{batch_id} was read from a {contract.source.kind} source, which keeps no bytes to read again",
            place=contract.id,
            remedy="run extract without --batch: it goes on where the last accepted batch ended",
        )
    file = landing.original(contract, batch_id)
    if file is None:
        raise BatchNotReplayableError(
            f"landing has no bytes of {batch_id} ({known.status})",
            place=str(landing.dataset_folder(contract) / batch_id),
            remedy="replay the batch it repeats, or ask the department for the file",
        )
    if known.status == "held" and known.reason_code == SHORT_DELIVERY and known.manifest.get("is_member"):
        raise BatchNotReplayableError(
            f"{batch_id} is held because the archive that it came in has another number of records than its receipt",
            place=contract.id,
            remedy="`python -m catalog held list` says who may release it, or the department sends the archive anew",
        )
    taken = Intake(contract, contract.source, register).take_again(known, file)
    if taken is not None:
        lay_admitted(contract, register, [taken])
