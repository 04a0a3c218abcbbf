"""Data files under signed addresses (数据文件): the address, the recipient and the grant are proven on each request."""

import logging
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import FileResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Message, Receive, Scope, Send

from catalog.control.closings import closing_of
from catalog.control.deliveries import record_delivery
from catalog.control.grant_use import Receipt, reading_of, receipt_of
from catalog.control.recipients import granted_version_by_id
from catalog.control.session import in_transaction
from catalog.control.shares import served_version
from catalog.control.table_reads import record_table_read
from catalog.control.tables import Recipient, ShareVersion
from catalog.service.access import CurrentConfiguration, Database, known_recipient
from catalog.service.configuration import DATABASE_PATIENCE
from catalog.service.grant_limits import require_granted_columns
from catalog.service.problems import SharingError, not_found, refuse_closed
from catalog.service.signing import SIGNATURE, FileTicket, SignatureRefusedError
from catalog.service.snapshots import DataFile, published_snapshot

logger = logging.getLogger(__name__)
router = APIRouter()

LARGEST = 2**63 - 1


def signed_ticket(
    settings: CurrentConfiguration,
    version_id: Annotated[int, Path(ge=1, le=LARGEST)],
    file_id: Annotated[str, Path(pattern=r"\A[0-9a-f]{32}\z")],
    recipient: Annotated[int, Query(ge=1, le=LARGEST)],
    expires: Annotated[int, Query(ge=1, le=LARGEST)],
    signature: Annotated[str, Query(alias=SIGNATURE, max_length=128)],
) -> FileTicket:
    """Return what a signed address stands for, if it is ours and not over.

    Raises:
        SharingError: 403.
    """
    ticket = FileTicket(version_id, file_id, recipient, expires)
    try:
        settings.signer.verify(ticket, signature)
    except SignatureRefusedError as error:
        raise SharingError(403, "ADDRESS_REFUSED", str(error)) from error
    return ticket


SignedTicket = Annotated[FileTicket, Depends(signed_ticket)]


@router.head("/files/{version_id}/{file_id}.parquet", operation_id="probe_file")
@router.get("/files/{version_id}/{file_id}.parquet", operation_id="read_file")
def read_file(
    request: Request, session: Database, settings: CurrentConfiguration, ticket: SignedTicket
) -> FileResponse:
    """Hand out a file or a part of it (Range), and write a receipt of the bytes that went out."""
    recipient, file_id = ticket.recipient_id, ticket.file_id
    known_recipient(request, recipient, "", "")
    version = granted_version_by_id(session, recipient, ticket.version_id)
    if version is None:
        raise SharingError(403, "ADDRESS_REFUSED", "The grant behind this address has ended.")
    if closing := closing_of(session, version):
        served = served_version(session, version.share, version.schema_name, version.table_name)
        raise refuse_closed(closing, served if served and closing_of(session, served) is None else None)
    reading, snapshot = reading_of(session, recipient, version), published_snapshot(version)
    require_granted_columns(session, reading, version, snapshot)
    file = snapshot.file(file_id)
    if file is None:
        raise not_found()
    known = session.get_one(Recipient, recipient)
    who = known_recipient(request, recipient, known.name, known.department)
    request.state.recipient = f"#{recipient}"
    detail: dict[str, int | str] = {"file": file_id, "range": request.headers.get("range", "all")}
    record_table_read(session, who, version, reading, "share.file", detail)
    return ReceiptedFile(file, version, recipient, receipt_of(reading), settings.control_url)


class ReceiptedFile(FileResponse):
    """A file answer that counts what it really sent."""

    def __init__(
        self, file: DataFile, version: ShareVersion, recipient_id: int, receipt: Receipt, control_url: str
    ) -> None:
        super().__init__(file.path, media_type="application/octet-stream")
        self.version = version
        self.recipient_id = recipient_id
        self.receipt = receipt
        self.control_url = control_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send, count, and write the receipt, also when the reader hung up half-way."""
        sent = 0

        async def counting(message: Message) -> None:
            nonlocal sent
            await send(message)
            sent += len(message.get("body", b""))

        try:
            await super().__call__(scope, receive, counting)
        finally:
            if sent:
                await run_sync(self._write_receipt, sent)

    def _write_receipt(self, sent: int) -> None:
        try:
            in_transaction(
                lambda session: record_delivery(
                    session, self.recipient_id, self.version, "file", size=sent, **self.receipt
                ),
                self.control_url,
                patience=DATABASE_PATIENCE,
            )
        except SQLAlchemyError:
            logger.error(
                "no receipt could be written: recipient #%d, %s.%s.%s version %d, %d bytes",
                self.recipient_id,
                self.version.share,
                self.version.schema_name,
                self.version.table_name,
                self.version.version,
                sent,
            )
