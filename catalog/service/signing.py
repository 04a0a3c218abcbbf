"""Signed, expiring addresses (签名地址) of data files: whoever holds one was given it, and not for long."""

import hashlib
import hmac
import time
from dataclasses import dataclass
from urllib.parse import urlencode

SIGNATURE = "X-Amz-Signature"
"""Readers in delta format take an address for a local path unless its query holds a name they know."""


class SignatureRefusedError(ValueError):
    """A signed address was changed, or is over its time."""


@dataclass(frozen=True)
class FileTicket:
    """What one address allows: one file of one published version, for one recipient, until a moment."""

    version_id: int
    file_id: str
    recipient_id: int
    expires: int
    """Seconds since 1970."""

    def message(self) -> bytes:
        """Return the text that is signed."""
        return f"guantong-file\n{self.version_id}\n{self.file_id}\n{self.recipient_id}\n{self.expires}".encode()


class Signer:
    """Makes and proves signed addresses with one secret key."""

    def __init__(self, key: str) -> None:
        if len(key) < 32:
            raise ValueError(
                "SERVICE_SIGNING_KEY is shorter than 32 characters; use for example `openssl rand -hex 32`."
            )
        self._key = key.encode()

    def sign(self, ticket: FileTicket) -> str:
        """Return the signature of a ticket."""
        return hmac.new(self._key, ticket.message(), hashlib.sha256).hexdigest()

    def path(self, ticket: FileTicket, folder: str = "files") -> str:
        """Return path and query of the signed address, below the protocol's prefix and a folder of it."""
        query = {"recipient": ticket.recipient_id, "expires": ticket.expires, SIGNATURE: self.sign(ticket)}
        return f"/{folder}/{ticket.version_id}/{ticket.file_id}.parquet?{urlencode(query)}"

    def verify(self, ticket: FileTicket, signature: str) -> None:
        """Accept a ticket, or refuse it.

        Raises:
            SignatureRefusedError: When the signature is not ours or its time is over.
        """
        if not hmac.compare_digest(self.sign(ticket).encode(), signature.encode()):
            raise SignatureRefusedError("The signature of this address is not valid.")
        if ticket.expires < time.time():
            raise SignatureRefusedError("This address has expired; ask for the table again.")
