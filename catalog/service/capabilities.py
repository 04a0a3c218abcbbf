"""The capabilities header of the protocol (能力协商): which form of answer a reader understands."""

from catalog.service.problems import SharingError, bad_request

HEADER = "delta-sharing-capabilities"
FILE_ID_HASH = "fileidhash"


def response_format(header: str | None, *, plain: bool) -> str:
    """Return `parquet` or `delta`: parquet wherever the table allows it, because every reader understands it.

    Args:
        header: The header as it came.
        plain: Whether the table needs no reader feature, so that parquet form tells the whole truth.

    >>> response_format(None, plain=True), response_format("responseFormat=delta,parquet;x=y", plain=True)
    ('parquet', 'parquet')
    >>> response_format("responseformat=DELTA", plain=True), response_format("responseformat=delta", plain=False)
    ('delta', 'delta')
    """
    asked = "parquet"
    for capability in (header or "").lower().split(";"):
        key, _, values = capability.partition("=")
        if key.strip() == "responseformat":
            asked = values
    known = {word.strip() for word in asked.split(",")}
    if plain and "parquet" in known:
        return "parquet"
    if "delta" in known:
        return "delta"
    if "parquet" in known:
        raise bad_request("This table can be read in delta form only: ask for responseformat=delta.")
    raise bad_request("The response format must be parquet or delta.")


def file_id_headers(header: str | None) -> dict[str, str]:
    """Return the echo of the file-id header; our ids are stable for either scheme.

    >>> file_id_headers("Delta"), file_id_headers(None)
    ({'fileidhash': 'delta'}, {})
    """
    if header is None:
        return {}
    scheme = header.strip().lower()
    if scheme not in ("parquet", "delta"):
        raise SharingError(400, "INVALID_PARAMETER_VALUE", "fileidhash must be parquet or delta.")
    return {FILE_ID_HASH: scheme}
